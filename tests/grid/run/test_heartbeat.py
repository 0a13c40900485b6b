"""A launch whose cluster is gone says so and ends; one whose cluster lives goes on."""

import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import grid.run.heartbeat
from grid.run.heartbeat import INTERVAL_S, LOST, ClusterPulse, EmbeddedPulse, Heartbeat

SOON_S = 10 * INTERVAL_S


class Switch:
    """A pulse that can be switched off."""

    def __init__(self) -> None:
        self.gone: str | None = None
        self.asked = threading.Event()

    def fault(self, wait_s: float) -> str | None:
        self.asked.set()
        time.sleep(wait_s / 10)
        return self.gone


class End:
    """Keeps what was said and how it ended."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.status: list[int] = []
        self.came = threading.Event()

    def __call__(self, status: int) -> None:
        self.status.append(status)
        self.came.set()


def test_heartbeat_pulse_gone_says_so_once_and_ends() -> None:
    pulse, end = Switch(), End()
    heartbeat = Heartbeat(pulse, end.said.append, end)
    assert pulse.asked.wait(SOON_S)
    assert not end.came.is_set()
    pulse.gone = "its raylet died"
    assert end.came.wait(SOON_S)
    heartbeat.stop()
    assert (end.said, end.status) == (["its raylet died"], [LOST])


def test_heartbeat_stopped_does_not_end_the_process() -> None:
    pulse, end = Switch(), End()
    Heartbeat(pulse, end.said.append, end).stop()
    pulse.gone = "shut down, as it should be"
    assert not end.came.wait(INTERVAL_S / 2)
    assert end.said == []


def test_heartbeat_is_stopped_at_once_whatever_it_waits_for() -> None:
    pulse, end = Switch(), End()
    heartbeat = Heartbeat(pulse, end.said.append, end)
    assert pulse.asked.wait(SOON_S)
    pulse.fault = lambda wait_s: time.sleep(SOON_S)  # type: ignore[method-assign, assignment, return-value]
    time.sleep(INTERVAL_S)
    began = time.monotonic()
    heartbeat.stop()
    assert time.monotonic() - began < SOON_S / 4


def test_heartbeat_last_words_that_never_end_do_not_hold_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid.run.heartbeat, "LAST_WORDS_S", 0.1)
    pulse, end, never = Switch(), End(), threading.Event()
    pulse.gone = "its gcs_server died"
    Heartbeat(pulse, lambda fault: never.wait(), end)
    assert end.came.wait(SOON_S)
    never.set()


@pytest.mark.parametrize("name", ["raylet", "gcs_server"])
def test_embedded_pulse_server_killed_is_told_by_name_at_once(name: str, tmp_path: Path) -> None:
    program = shutil.copy(shutil.which("sleep") or "", tmp_path / name)
    pulse = EmbeddedPulse()
    assert pulse.fault(0) is None  # nothing has started yet
    with subprocess.Popen([program, "600"]) as server:
        assert pulse.fault(0.01) is None
        threading.Timer(0.1, server.kill).start()
        began = time.monotonic()
        assert pulse.fault(60) == f"the embedded Ray is gone: its {name} died"
        assert time.monotonic() - began < SOON_S


def test_embedded_pulse_server_that_died_before_it_was_seen_is_told(tmp_path: Path) -> None:
    program = shutil.copy(shutil.which("false") or "", tmp_path / "raylet")
    with subprocess.Popen([program]) as server:
        while Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            time.sleep(0.01)
        assert EmbeddedPulse().fault(60) == "the embedded Ray is gone: its raylet died"


LISTENER = """
import socket, sys, time
door = socket.socket(socket.AF_UNIX)
door.bind(sys.argv[1])
door.listen()
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture
def raylet(tmp_path: Path) -> Iterator[Any]:
    """A process that listens at a socket, `path`, as a raylet does."""
    path = str(tmp_path / "raylet")
    with subprocess.Popen([sys.executable, "-c", LISTENER, path], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        process.path = path
        yield process
        process.kill()


@pytest.fixture
def head() -> Iterator[socket.socket]:
    """What listens as a cluster's head does."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        yield door


def address(head: socket.socket) -> str:
    return f"127.0.0.1:{head.getsockname()[1]}"


def test_cluster_pulse_all_there_is_no_fault(head: socket.socket, raylet: Any) -> None:
    assert ClusterPulse(address(head), raylet.path, patience_s=0).fault(0) is None


def test_cluster_pulse_head_gone_is_told_with_its_address(head: socket.socket, raylet: Any) -> None:
    where = address(head)
    pulse = ClusterPulse(where, raylet.path, patience_s=0)
    head.close()
    fault = pulse.fault(0) or ""
    assert fault.startswith(f"the Ray cluster's head at {where} is gone (")
    assert fault.endswith("start it again")


def test_cluster_pulse_head_silent_for_less_than_the_patience_is_no_fault(head: socket.socket, raylet: Any) -> None:
    pulse = ClusterPulse(address(head), raylet.path, patience_s=60)
    head.close()
    assert pulse.fault(0) is None


def test_cluster_pulse_head_that_dies_a_moment_after_the_raylet_is_what_is_told(
    head: socket.socket, raylet: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grid.run.heartbeat.TOGETHER_S", 10.0)
    where = address(head)
    pulse = ClusterPulse(where, raylet.path)
    raylet.kill()
    threading.Timer(0.1, head.close).start()
    assert (pulse.fault(60) or "").startswith(f"the Ray cluster's head at {where} is gone (")


def test_cluster_pulse_raylet_killed_is_told_at_once(head: socket.socket, raylet: Any) -> None:
    pulse = ClusterPulse(address(head), raylet.path)
    threading.Timer(0.1, raylet.kill).start()
    began = time.monotonic()
    assert (pulse.fault(60) or "").startswith("the Ray node of this machine is gone")
    assert time.monotonic() - began < SOON_S
