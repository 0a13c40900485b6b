"""Who may write to the terminal, and what Ctrl-C does."""

import contextlib
import errno
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import IO, Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # `ray job stop` sends the second, a closed terminal the last


@contextlib.contextmanager
def quiet(log: Path, stream: IO[str] | None) -> Iterator[IO[str]]:
    """Send what this process and libraries in it write into `log`; give a stream that reaches the terminal.

    Parameters
    ----------
    log : Path
        Where the noise goes.
    stream : file, optional
        Given back instead of the terminal.
    """
    sys.stdout.flush()
    terminal = _Terminal(os.dup(1), "w")
    try:
        lines = terminal.isatty()
        with io.TextIOWrapper(io.BufferedWriter(terminal), "utf-8", line_buffering=lines) as text, into(log):
            yield stream or text
    finally:
        _replace_closed_terminals()


class _Terminal(io.FileIO):
    """Takes what it can: that a terminal was closed meanwhile (its SIGHUP is on the way) stops nothing."""

    def write(self, content: Any) -> int:
        try:
            return super().write(content) or 0
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return len(content)


def _replace_closed_terminals() -> None:
    """Send to nowhere what would be written to a terminal that is gone."""
    for number in (1, 2):
        try:
            os.write(number, b"")
        except OSError as error:
            if error.errno == errno.EIO:
                os.dup2(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), number)


def open_standard_streams() -> None:
    """Give a process that was started without streams (``>&-``) some that lead nowhere, before files take them."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one
            os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False))


@contextlib.contextmanager
def into(log: Path) -> Iterator[None]:
    """Send into `log` what is written to stdout and stderr, by Python or below it, by this process or its children."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(log.open("w", encoding="utf-8", buffering=1))
        stack.enter_context(_descriptors(sink.fileno()))
        stack.enter_context(contextlib.redirect_stdout(sink))
        stack.enter_context(contextlib.redirect_stderr(sink))
        yield


@contextlib.contextmanager
def _descriptors(sink: int) -> Iterator[None]:
    sys.stdout.flush()
    sys.stderr.flush()
    kept = {number: os.dup(number) for number in (1, 2)}
    try:
        for number in kept:
            os.dup2(sink, number)
        yield
    finally:
        for number, descriptor in kept.items():
            os.dup2(descriptor, number)
            os.close(descriptor)


class Interrupt:
    """Turns Ctrl-C, SIGTERM and SIGHUP into a question that is asked where it is safe to stop.

    Raised from a signal's handler, KeyboardInterrupt may come inside any library's cleaning up, which then
    swallows it. The second Ctrl-C is raised at once all the same.
    """

    def __init__(self) -> None:
        self.came = False
        self._former: dict[signal.Signals, Callable[[int, FrameType | None], Any] | int | None] = {}

    def __enter__(self) -> "Interrupt":
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def listen(self) -> None:
        """Catch the signals, also again, after a library has put its own handlers in place."""
        self._handle(self._note)

    def ignore(self) -> None:
        """Let nothing stop what comes next: the cleaning up."""
        self._handle(signal.SIG_IGN)

    def check(self) -> None:
        """Raise KeyboardInterrupt if a signal came."""
        if self.came:
            raise KeyboardInterrupt

    def _handle(self, handler: Callable[[int, FrameType | None], Any] | signal.Handlers) -> None:
        if threading.current_thread() is threading.main_thread():  # nobody else receives signals
            for number in SIGNALS:
                former = self._former.setdefault(number, signal.getsignal(number))
                if number != signal.SIGHUP or former is not signal.SIG_IGN:  # as under `nohup`
                    signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.check()
        self.came = True
