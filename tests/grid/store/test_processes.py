"""Which process is meant, and whether it lives."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from grid.store.processes import identity, lives, process_started

TELL = "import json, sys; from grid.store.processes import identity; print(json.dumps(identity()), flush=True); input()"


@pytest.fixture
def other() -> Iterator[subprocess.Popen[str]]:
    """Another process, which tells its identity and waits."""
    with subprocess.Popen([sys.executable, "-c", TELL], stdin=-1, stdout=-1, text=True) as process:
        yield process
        process.kill()


def printed_by(process: subprocess.Popen[str]) -> dict[str, object]:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def test_lives_of_this_process_is_true() -> None:
    assert lives(json.loads(json.dumps(identity()))) is True


def test_lives_of_another_process_ends_with_it(other: subprocess.Popen[str]) -> None:
    record = printed_by(other)
    assert lives(record) is True
    other.kill()
    other.wait()
    assert lives(record) is False


def test_lives_of_a_zombie_is_false(other: subprocess.Popen[str]) -> None:
    record = printed_by(other)
    other.kill()
    deadline = time.monotonic() + 10
    while lives(record) and time.monotonic() < deadline:  # its number stands until `wait`
        time.sleep(0.01)
    assert lives(record) is False
    os.kill(other.pid, 0)


def test_lives_of_a_number_that_another_process_has_now_is_false() -> None:
    assert lives({**identity(), "pid": 1}) is False  # which began with the machine


@pytest.mark.parametrize("name", ["host", "boot_id", "pid_namespace"])
def test_lives_of_another_machine_boot_or_container_cannot_be_told(name: str) -> None:
    assert lives({**identity(), name: "another"}) is None


@pytest.mark.parametrize("change", [{"pid": "7"}, {"pid": None}, {"started": None}])
def test_lives_of_what_says_too_little_cannot_be_told(change: dict[str, object]) -> None:
    assert lives({**identity(), **change}) is None
    assert lives({}) is None


def test_process_started_of_no_process_is_none() -> None:
    assert process_started(2**31 - 1) is None
    assert isinstance(process_started(os.getpid()), int)
