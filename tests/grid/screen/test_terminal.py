"""The terminal is for progress alone; signals are questions."""

import os
import signal
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
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


def test_interrupt_deafened_is_not_stopped() -> None:
    with Interrupt() as interrupt:
        interrupt.deafen()
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        assert not interrupt.came
