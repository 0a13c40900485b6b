"""Limits on the time and the memory of a stage: the process that builds it looks after itself, says what is over, ends.

A thread looks every half second, so it sees nothing while one call holds Python's lock (the GIL). Time passes the limit
in such a call, too: then `faulthandler`'s watchdog, which needs no lock, ends the process `GRACE_S` later and leaves
in the log where it was (`timed_out` knows its line). Memory that one such call takes is seen once the call has ended.

/proc is read here and not by psutil, which tells what is swapped out only with all of a process's mappings, and looks
for children among all processes of the machine.
"""

import faulthandler
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from grid.stage import Resources

Over = Literal["time", "memory"]
Say = Callable[[str, Over], None]

LIMIT_EXIT = 75  # "temporary failure" in sysexits.h
LOOK_EVERY_S = 0.5
GRACE_S = 10.0
LOG = 2  # the descriptor of what a stage's log catches; `sys.stderr` may be a stream without one
CGROUPS = Path("/sys/fs/cgroup")


class WorkerEndedError(RuntimeError):
    """A worker of a stage that has several is gone, by no error of the stage's: lost, or over a limit."""

    def __init__(self, cause: str, kind: Literal["lost", "memory", "memory_limit", "time_limit"]) -> None:
        super().__init__(cause, kind)
        self.cause, self.kind = cause, kind

    def __str__(self) -> str:
        return self.cause


@contextmanager
def limits(resources: Resources, kind: str, say: Say) -> Iterator[None]:
    """End this process, and those that it has started, where the block takes longer or holds more than it may.

    Parameters
    ----------
    resources : Resources
        With the limits; where both are 0, nothing is watched.
    kind : str
        Of the stage, by which a config calls its resources.
    say : callable
        ``say(cause, "time" or "memory")`` is called before the process ends with the status `LIMIT_EXIT`.
    """
    if not (resources.time_limit_s or resources.memory_limit_gb):
        yield
        return
    watch = _Watch(resources, kind, say)
    watch.start()
    try:
        yield
    finally:
        watch.end()


def timed_out(log: str) -> bool:
    """Tell from the log of a process that died without a word whether its time was over (see this file's head)."""
    return any(line.startswith("Timeout (") and line.endswith(")!") for line in log.splitlines())


def over_time(kind: str, limit_s: float) -> str:
    """Return the cause, in words, of a stage's end."""
    return f"took longer than resources.{kind}.time_limit_s: {limit_s:g} s"


class _Watch:
    """Looks at the clock and at the memory until the block ends."""

    def __init__(self, resources: Resources, kind: str, say: Say) -> None:
        self.resources, self.kind, self.say = resources, kind, say
        self.began = time.monotonic()
        self.has_ended = threading.Event()
        self.thread = threading.Thread(target=self._look, name="limits", daemon=True)

    def start(self) -> None:
        if self.resources.time_limit_s:
            faulthandler.dump_traceback_later(self.resources.time_limit_s + GRACE_S, exit=True, file=LOG)
        self.thread.start()

    def end(self) -> None:
        """Stop looking; one who is saying that a limit is passed is let finish."""
        self.has_ended.set()
        self.thread.join()
        if self.resources.time_limit_s:
            faulthandler.cancel_dump_traceback_later()

    def _look(self) -> None:
        while not self.has_ended.wait(self._until_next()):
            if over := self._over():
                self._stop(*over)

    def _until_next(self) -> float:
        if not self.resources.time_limit_s:
            return LOOK_EVERY_S
        return max(0.0, min(LOOK_EVERY_S, self.began + self.resources.time_limit_s - time.monotonic()))

    def _over(self) -> tuple[str, Over] | None:
        asked = self.resources
        if asked.time_limit_s and time.monotonic() - self.began >= asked.time_limit_s:
            return over_time(self.kind, asked.time_limit_s), "time"
        if asked.memory_limit_gb and (held_gb := held_bytes() / 1e9) > asked.memory_limit_gb:
            named = f"resources.{self.kind}.memory_limit_gb: {asked.memory_limit_gb:g}"
            return f"holds {held_gb:.3g} GB, more than {named}", "memory"
        return None

    def _stop(self, cause: str, over: Over) -> None:
        try:
            self.say(cause, over)
            print(f"{cause}; it was here:", file=sys.stderr, flush=True)
            faulthandler.dump_traceback(file=LOG)
            for process in _family()[1:]:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
        except BaseException:  # a full disk must not let it live on
            traceback.print_exc()
        finally:
            os._exit(LIMIT_EXIT)


def held_bytes() -> int:
    """Return the bytes that this process and its children hold for themselves: anonymous pages, also swapped out.

    Mapped files (recordings, libraries) and shared memory (Ray's object store, which every worker maps) do not count:
    the kernel drops the first when it needs their room, and the second is nobody's own. A page that a forked child
    shares with its parent counts twice.
    """
    return sum(map(_anonymous_bytes, _family()))


def _anonymous_bytes(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return 0
    fields = {name: words.split() for name, _, words in (line.partition(":") for line in lines)}
    resident = fields.get("RssAnon") or fields.get("VmRSS", ["0"])  # some sandboxes tell the second alone
    return 1024 * (int(resident[0]) + int(fields.get("VmSwap", ["0"])[0]))


def _family() -> list[int]:
    """Return the numbers of this process and of all that descend from it."""
    found = [os.getpid()]
    for process in found:  # which grows
        found += _children(process)
    return found


def _children(process: int) -> list[int]:
    """Return those that a process has started; looking through all processes takes many times as long."""
    numbers = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for thread in Path(f"/proc/{process}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):
                numbers += (thread / "children").read_text(encoding="ascii").split()
    return [int(number) for number in numbers]


def oom_kills() -> int:
    """Return how many processes of this machine the kernel has killed for want of memory, or 0 where it does not tell.

    A process that is killed so has no chance to say it; that the count has risen meanwhile is what tells it from other
    kills. A container's own limit counts in both files that are read, so only an increase means something.
    """
    counters = [Path("/proc/vmstat"), CGROUPS / _own_cgroup() / "memory.events"]
    counted = (line.split() for file in counters for line in _lines(file))
    return sum(int(words[1]) for words in counted if words[0] == "oom_kill")


def _own_cgroup() -> str:
    """Return the path of this process's control group (of version 2) below `CGROUPS`."""
    return next((line[3:].strip("/") for line in _lines(Path("/proc/self/cgroup")) if line.startswith("0::")), "")


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
