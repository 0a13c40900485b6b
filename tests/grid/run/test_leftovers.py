"""Folders, processes and memory of launchers that were killed go; those of others stay."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grid.run.leftovers import FOLDER, LAUNCHER, MARK, SHARED_MEMORY, SOCKET_BYTES, Scratch, sweep_leftovers
from grid.store.store import StoreError

# A launcher: it claims a folder, starts a process that maps shared memory if told to, says so, and stands still.
PROGRAM = """
import mmap, subprocess, sys, time
from grid.run.leftovers import Scratch
CHILD = '''
import mmap, sys, time
if sys.argv[1]:
    file = open(sys.argv[1], "w+b")
    file.truncate(4096)
    memory = mmap.mmap(file.fileno(), 4096)
print("ready", flush=True)
time.sleep(600)
'''
scratch = Scratch()
scratch.make()
with scratch.marking():
    child = subprocess.Popen([sys.executable, "-c", CHILD, sys.argv[1]], stdout=subprocess.PIPE)
child.stdout.readline()
print(scratch.folder, child.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files with a short name, for the sake of sockets."""
    folder = Path("/tmp") / f"m{uuid.uuid4().hex[:5]}"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert not list(folder.iterdir())
    folder.rmdir()


class Launcher:
    """A launcher as a process, its folder, and the process that it has started."""

    def __init__(self, memory: str = "") -> None:
        self.process: Any = subprocess.Popen([sys.executable, "-c", PROGRAM, memory], stdout=subprocess.PIPE, text=True)
        folder, child = self.process.stdout.readline().split()
        self.folder, self.child = Path(folder), int(child)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def start(temporary: Path) -> Iterator[Callable[..., Launcher]]:
    """Start launchers; all are killed and swept at the end."""
    started: list[Launcher] = []

    def begin(memory: str = "") -> Launcher:
        started.append(Launcher(memory))
        return started[-1]

    yield begin
    for launcher in started:
        launcher.kill()
    sweep_leftovers()


def lives(pid: int) -> bool:
    """Tell whether a process runs; one that has ended may wait for its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_sweep_launcher_killed_its_folder_and_processes_go(start: Callable, temporary: Path) -> None:
    launcher = start()
    launcher.kill()
    assert launcher.folder.is_relative_to(temporary)
    assert lives(launcher.child)
    sweep_leftovers()
    assert not lives(launcher.child)
    assert not list(temporary.iterdir())


def test_sweep_launcher_alive_is_left_alone(start: Callable) -> None:
    alive, dead = start(), start()
    dead.kill()
    sweep_leftovers()
    assert (alive.folder / LAUNCHER).is_file()
    assert lives(alive.child)
    assert not dead.folder.exists()


def test_sweep_memory_that_dead_launchers_processes_held_goes(start: Callable) -> None:
    shared, kept = (SHARED_MEMORY / f"test-{uuid.uuid4().hex}" for _ in range(2))
    kept.write_bytes(b"of nobody that is known")
    start(str(shared)).kill()
    try:
        sweep_leftovers()
        assert not shared.exists()
        assert kept.exists()
    finally:
        kept.unlink()


def test_sweep_process_that_wrote_its_name_over_its_mark_goes(start: Callable) -> None:
    launcher = start()
    with (launcher.folder / "agent.log").open("w") as log:
        words = ["ray::DashboardAgent", "-c", "import time; time.sleep(600)"]
        with subprocess.Popen(words, executable=sys.executable, stdout=log, env={}) as agent:
            launcher.kill()
            sweep_leftovers()
            assert agent.wait(5) == -signal.SIGKILL
    assert not launcher.folder.exists()


def test_sweep_reader_of_a_dead_launchers_log_is_left_alone(start: Callable) -> None:
    launcher = start()
    with (launcher.folder / "agent.log").open("w") as log:
        reader = subprocess.Popen(["sleep", "600"], stdout=log)
    launcher.kill()
    sweep_leftovers()
    assert lives(reader.pid)
    reader.kill()
    reader.wait()


def pretend(temporary: Path, **told: object) -> Path:
    """Make a folder of a launcher that cannot be seen from here."""
    folder = temporary / FOLDER / "4194304-1"  # no process has a number so large
    folder.mkdir(parents=True)
    scratch = Scratch()
    scratch.make()
    (folder / LAUNCHER).write_text(json.dumps(json.loads((scratch.folder / LAUNCHER).read_text()) | told))
    scratch.release()
    return folder


def test_sweep_launcher_in_another_container_is_left_alone(temporary: Path) -> None:
    folder = pretend(temporary, pid=4194304, started=1, pid_namespace="pid:[1]")
    sweep_leftovers()
    assert folder.exists()
    (folder / LAUNCHER).unlink()  # now it is as one that died before it could say whose it is
    sweep_leftovers()
    assert not folder.exists()


def test_sweep_launcher_before_the_last_boot_is_dead(temporary: Path) -> None:
    folder = pretend(temporary, pid=os.getpid(), boot_id="another", pid_namespace="pid:[1]")
    sweep_leftovers()
    assert not folder.exists()


def test_sweep_what_is_not_a_launchers_is_left_alone(temporary: Path) -> None:
    folder = temporary / FOLDER / "my-notes"
    folder.mkdir(parents=True)
    sweep_leftovers()
    folder.rmdir()
    folder.parent.rmdir()


def test_scratch_marks_what_is_started_and_gives_the_environment_back(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dict(os.environ)
    scratch = Scratch()
    scratch.make()
    with scratch.marking():
        assert os.environ[MARK] == scratch.name
        assert Path(os.environ["TMPDIR"]).is_relative_to(scratch.folder)
    assert dict(os.environ) == before
    scratch.release()


def test_scratch_release_ends_what_was_started_and_removes_the_folder(temporary: Path) -> None:
    scratch = Scratch()
    scratch.make()
    with scratch.marking():
        process = subprocess.Popen(["sleep", "600"])
    began = time.monotonic()
    scratch.release(patience_s=0.2)
    assert process.wait(5) == -signal.SIGKILL
    assert time.monotonic() - began < 4
    assert not scratch.folder.exists()


def test_scratch_made_again_is_empty(temporary: Path) -> None:
    scratch = Scratch()
    scratch.make()
    (scratch.folder / "old").touch()
    scratch.make()
    assert [path.name for path in scratch.folder.iterdir()] == [LAUNCHER]
    scratch.release()


def test_scratch_where_names_are_long_lies_where_sockets_can_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", f"/tmp/{'long' * 20}")
    folder = Scratch().folder
    socket = f"{folder}/session_2026-11-21_20-34-31_745162_{os.getpid()}/sockets/plasma_store"
    assert folder.parent == Path("/tmp") / FOLDER
    assert len(socket) <= SOCKET_BYTES


def test_scratch_lies_in_a_folder_named_after_the_user_that_nobody_else_reads(temporary: Path) -> None:
    scratch = Scratch()
    scratch.make()
    assert scratch.folder.parent == temporary / f"motor-grid-{os.getuid()}"
    assert scratch.folder.parent.stat().st_mode & 0o777 == 0o700
    scratch.release(0)


def test_scratch_where_no_folder_is_says_what_is_in_the_way(temporary: Path) -> None:
    (temporary / FOLDER).symlink_to("/")
    with pytest.raises(StoreError, match=f"{temporary / FOLDER} is no folder, .*: remove it, or set TMPDIR"):
        Scratch().make()
    sweep_leftovers()
    (temporary / FOLDER).unlink()


@pytest.mark.skipif(os.getuid() != 0, reason="who is not root cannot give a folder away")
def test_scratch_where_anothers_folder_is_names_it(temporary: Path) -> None:
    (temporary / FOLDER).mkdir()
    (temporary / FOLDER / "1-1").mkdir()
    os.chown(temporary / FOLDER, 4711, -1)
    with pytest.raises(StoreError, match=f"{temporary / FOLDER} is of another user .number 4711.*: remove it"):
        Scratch().make()
    sweep_leftovers()
    assert (temporary / FOLDER / "1-1").exists()
    shutil.rmtree(temporary / FOLDER)
