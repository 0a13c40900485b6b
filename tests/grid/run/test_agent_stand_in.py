"""What stands for one of Ray's agents says its ports, becomes the agent when it is asked for, ends with the raylet."""

import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grid.run import agent_stand_in

NODE = "ab12"
END_S = 60.0
# In the agent's place: a program that says with what it was started, and waits for the end of its parent.
AGENT = """
import os, sys, time
parent = os.getppid()
print(*sys.argv[1:], flush=True)
while os.getppid() == parent:
    time.sleep(0.02)
"""
# In the raylet's place: it starts the stand-in, says its number, and waits.
RAYLET = """
import subprocess, sys
print(subprocess.Popen(sys.argv[1:]).pid, flush=True)
sys.stdin.read()
"""
Start = Callable[[str, str], "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Give a function that starts a stand-in, by names and option, under a program that stands for the raylet."""
    started: list[subprocess.Popen[str]] = []

    def run(names: str, option: str) -> "subprocess.Popen[str]":
        stand_in = [sys.executable, "-I", "-S", agent_stand_in.__file__, str(tmp_path), NODE, "127.0.0.1"]
        stand_in += [names, option, "--", sys.executable, "-c", AGENT, "--of=launch", "--port=None"]
        command = [sys.executable, "-c", RAYLET, *stand_in]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield run
    for one in started:
        one.kill()
        one.communicate()


def port(file: Path) -> int:
    end = time.monotonic() + END_S
    while not file.exists() and time.monotonic() < end:
        time.sleep(0.01)
    return int(file.read_text())


def test_stand_in_of_an_agent_that_is_never_needed_says_that_its_ports_are_not_in_use(
    start: Start, tmp_path: Path
) -> None:
    start("metrics,export", "")
    assert [port(tmp_path / f"{name}_{NODE}") for name in ("metrics", "export")] == [-1, -1]


def test_stand_in_becomes_the_agent_at_the_same_port_once_somebody_connects(start: Start, tmp_path: Path) -> None:
    raylet = start("environments", "--port")
    assert raylet.stdout is not None
    process = int(raylet.stdout.readline())
    number = port(tmp_path / f"environments_{NODE}")
    socket.create_connection(("127.0.0.1", number)).close()
    assert raylet.stdout.readline().split() == ["--of=launch", f"--port={number}"]
    assert AGENT.encode() in Path(f"/proc/{process}/cmdline").read_bytes()  # the raylet watches this process


@pytest.mark.parametrize("option", ["", "--port"])
def test_stand_in_ends_with_the_raylet(start: Start, tmp_path: Path, option: str) -> None:
    raylet = start("environments", option)
    assert raylet.stdout is not None
    with os.fdopen(os.pidfd_open(int(raylet.stdout.readline()))) as process:
        port(tmp_path / f"environments_{NODE}")
        raylet.kill()
        assert select.select([process], [], [], END_S)[0]
