"""The terminal is for progress alone; signals are questions."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from grid.screen.terminal import Interrupt, into, quiet


def test_quiet_noise_goes_to_the_log_and_progress_to_the_terminal(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    log = tmp_path / "deep" / "ray.log"
    with quiet(log, None) as terminal:
        print("by Python")
        print("to stderr", file=sys.stderr)
        os.system("echo by a child; echo by its stderr >&2")
        print("progress", file=terminal, flush=True)
    print("after")
    assert sorted(log.read_text().split("\n")) == ["", "by Python", "by a child", "by its stderr", "to stderr"]
    assert capfd.readouterr() == ("progress\nafter\n", "")


def test_quiet_given_stream_is_used(tmp_path: Path) -> None:
    with (tmp_path / "screen").open("w") as stream, quiet(tmp_path / "log", stream) as screen:
        assert screen is stream


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_into_exception_gives_the_terminal_back(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    open_before = open_files()
    for _ in range(3):
        with pytest.raises(ValueError, match="inside"), into(tmp_path / "log"):
            raise ValueError("inside")
    os.system("echo back")
    assert capfd.readouterr().out == "back\n"
    assert open_files() == open_before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupt_first_signal_is_asked_for_and_second_is_raised(number: signal.Signals) -> None:
    former = signal.getsignal(number)
    with Interrupt() as interrupt:
        interrupt.check()
        os.kill(os.getpid(), number)
        with pytest.raises(KeyboardInterrupt):
            interrupt.check()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) == former


def test_interrupt_listens_again_after_a_library_took_the_signal() -> None:
    former = signal.getsignal(signal.SIGTERM)
    with Interrupt() as interrupt:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        interrupt.listen()
        os.kill(os.getpid(), signal.SIGTERM)
        assert interrupt.came
    assert signal.getsignal(signal.SIGTERM) == former


def test_interrupt_leaves_a_hangup_that_is_not_to_be_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as `nohup` does
    try:
        with Interrupt() as interrupt:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not interrupt.came
    finally:
        signal.signal(signal.SIGHUP, former)


# Says things on its terminal, which is closed meanwhile, and then ends as told to.
CLOSED = """
import os, sys, time
from pathlib import Path
from grid.screen.terminal import Interrupt, quiet
with quiet(Path(sys.argv[1]), None) as terminal, Interrupt() as interrupt:
    print("ready", file=terminal, flush=True)
    while not interrupt.came:
        time.sleep(0.01)
    print("stopping", file=terminal, flush=True)
print("said after", flush=True)
Path(sys.argv[2]).write_text("well")
"""


def test_terminal_that_is_closed_ends_a_launch_as_a_signal_does(tmp_path: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", CLOSED, str(tmp_path / "log"), str(tmp_path / "ended")])
    assert b"ready" in os.read(terminal, 100)
    os.close(terminal)
    assert os.waitpid(pid, 0)[1] == 0
    assert (tmp_path / "ended").read_text() == "well"


WITHOUT = """
import sys
from pathlib import Path
from grid.screen.terminal import open_standard_streams, quiet
open_standard_streams()
with quiet(Path(sys.argv[1]), None) as terminal:
    print("to nobody", file=terminal)
    print("noise")
print("to nobody", flush=True)
with open(sys.argv[2], "w") as file:
    print(file.fileno() > 2, file=file)
"""


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_from_the_start_stop_nothing(tmp_path: Path, closed: str) -> None:
    command = f'exec "$0" -c "$1" "$2" "$3" {closed}'
    words = [sys.executable, WITHOUT, str(tmp_path / "log"), str(tmp_path / "file")]
    assert subprocess.run(["sh", "-c", command, *words]).returncode == 0
    assert ((tmp_path / "log").read_text(), (tmp_path / "file").read_text()) == ("noise\n", "True\n")


def test_interrupt_deafened_is_not_stopped() -> None:
    with Interrupt() as interrupt:
        interrupt.ignore()
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        assert not interrupt.came
