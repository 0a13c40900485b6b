"""Clean up after launches that were killed: their folder and their embedded Ray's processes, by the next launch.

The folder is ``<temporary folder>/motor-grid-<user>/<pid>-<start>``, after the launcher's process; every process that
the embedded Ray starts inherits that name in its environment. Who reads both knows whose they are, and whether that one
lives: no list is kept, so none can be wrong.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from grid.store.processes import identity, lives, process_started
from grid.store.store import StoreError, write_json

MARK = "MOTOR_GRID_LAUNCH"  # in the environment of an embedded Ray's processes: their launcher
FOLDER = f"motor-grid-{os.getuid()}"
RAY_TITLE = b"ray::"  # how workers and agents call themselves
NAME = re.compile(r"[0-9]+-[0-9]+")
LAUNCHER = "launcher.json"  # a file in the folder: the process, as `grid.store.processes` tells it
SHARED_MEMORY = Path("/dev/shm")
SOCKET_BYTES = 107  # a Unix socket's path has room for
LONGEST_SOCKET = "/session_2026-01-01_00-00-00_000000_{pid}/sockets/plasma_store"  # below Ray's folder
END_S = 0.5  # for Ray's processes to end by themselves, once it is shut down: their work stands by then
KILL_S = 5.0
TRIES = 5


class Scratch:
    """This launch's folder for what nobody needs later: an embedded Ray's, Tune's record, temporary files."""

    def __init__(self) -> None:
        self.name = f"{os.getpid()}-{process_started(os.getpid())}"
        self.folder = _base(self.name) / self.name

    def make(self) -> None:
        """Make the folder, empty, with a word about whose it is.

        Raises
        ------
        StoreError
            If another user has put something where this user's folders lie.
        """
        shutil.rmtree(self.folder, ignore_errors=True)  # of a Ray that this process had before
        while not self.folder.exists():
            self.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _refuse_anothers(self.folder.parent)
            with contextlib.suppress(FileNotFoundError):  # who ends just now removes it, empty as it is
                self.folder.mkdir(mode=0o700)
        write_json(self.folder / LAUNCHER, identity())

    @contextlib.contextmanager
    def marking(self, beside: Mapping[str, str] | None = None) -> Iterator[None]:
        """Let processes started in this block, and theirs, be known, and put their temporary files into the folder.

        `beside` is what their environment has beside that, unless it says something else of the same name.
        """
        temporary = self.folder / "tmp"
        temporary.mkdir()
        # What torch.compile has compiled serves later launches, too.
        compiled = os.environ.get("TORCHINDUCTOR_CACHE_DIR", f"{tempfile.gettempdir()}/torchinductor_{os.getuid()}")
        given = {name: os.environ.get(name, value) for name, value in (beside or {}).items()}
        with _environment({**given, MARK: self.name, "TMPDIR": str(temporary), "TORCHINDUCTOR_CACHE_DIR": compiled}):
            yield

    def release(self, patience_s: float = END_S) -> None:
        """End what still runs of the embedded Ray, and remove its folder.

        Parameters
        ----------
        patience_s : float
            For its processes to end by themselves.
        """
        end = time.monotonic() + patience_s
        while any(_marked({self.name})) and time.monotonic() < end:
            time.sleep(0.05)
        _remove({self.name: self.folder})


def _refuse_anothers(base: Path) -> None:
    """Raise StoreError unless a folder is this user's: what another put there could be read, or taken away."""
    found = base.lstat()
    if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode):
        what = "no folder" if found.st_uid == os.getuid() else f"of another user (number {found.st_uid})"
        raise StoreError(f"{base} is {what}, and a launch keeps its temporary files there: remove it, or set TMPDIR")


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    former = {variable: os.environ.get(variable) for variable in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for variable, value in former.items():
            os.environ.pop(variable, None)
            if value is not None:
                os.environ[variable] = value


def sweep_leftovers() -> None:
    """Remove the processes, folders and shared memory of launchers that died; those of others are left alone."""
    _remove({folder.name: folder for folder in _folders() if not _lives(folder)})


def _base(name: str) -> Path:
    """Return where the folders of launchers lie: among temporary files, unless sockets get too long a name there."""
    base = Path(tempfile.gettempdir()) / FOLDER
    longest = f"{base}/{name}{LONGEST_SOCKET.format(pid=os.getpid())}"
    return base if len(longest.encode()) <= SOCKET_BYTES else Path("/tmp") / FOLDER


def _folders() -> Iterator[Path]:
    """Yield this user's folders."""
    for base in {Path(tempfile.gettempdir()) / FOLDER, Path("/tmp") / FOLDER}:
        with contextlib.suppress(FileNotFoundError, StoreError):
            _refuse_anothers(base)
            yield from (folder for folder in base.glob("*-*") if NAME.fullmatch(folder.name))


def _lives(folder: Path) -> bool:
    """Tell whether a folder's launcher lives, or may: in another container that shares the folder, say."""
    here = identity()
    try:
        launcher = json.loads((folder / LAUNCHER).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # it has just begun, or died just then
        pid, _, started = folder.name.partition("-")
        launcher = here | {"pid": int(pid), "started": int(started)}
    return lives(launcher) is not False and launcher.get("boot_id") == here["boot_id"]


def _remove(folders: dict[str, Path]) -> None:
    if not folders:
        return
    shared = _kill(set(folders))
    for folder in folders.values():
        for _ in range(TRIES):  # this process may still write there
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                break
        with contextlib.suppress(OSError):  # another launch's lies there, too
            folder.parent.rmdir()
    if shared:  # to look at what all processes have mapped takes a tenth of a second
        for file in shared - _held_memory():
            file.unlink(missing_ok=True)


def _kill(names: set[str]) -> set[Path]:
    """Kill marked processes until none is left, whatever they start meanwhile; return the memory that they held."""
    shared: set[Path] = set()
    end = time.monotonic() + KILL_S
    while (processes := set(_marked(names))) and time.monotonic() < end:
        shared |= _held_memory(processes)
        for pid in processes:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    return shared


def _marked(names: set[str]) -> Iterator[int]:
    """Yield the processes of some launchers, without this one."""
    for pid in _processes():
        with contextlib.suppress(OSError):  # it is gone, or another user's
            if _is_of(Path(f"/proc/{pid}"), names):
                yield pid


def _is_of(process: Path, names: set[str]) -> bool:
    """Tell whether a process carries a launcher's mark, or is one of Ray's and has a file of its folder open.

    Ray's processes name themselves, at times over the first part of their environment; psutil reads none of it then.
    """
    marks = {f"{MARK}={name}".encode() for name in names}
    if marks & set((process / "environ").read_bytes().split(b"\0")):
        return True
    if not (process / "cmdline").read_bytes().startswith(RAY_TITLE):
        return False
    parts = [f"/{FOLDER}/{name}/" for name in names]
    return any(part in file for file in _open_files(process) for part in parts)


def _open_files(process: Path) -> Iterator[str]:
    for descriptor in (process / "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it was just closed
            yield str(descriptor.readlink())


def _held_memory(processes: set[int] | None = None) -> set[Path]:
    """Return the files in shared memory that some processes (by default all) have mapped."""
    found = set()
    for pid in _processes() if processes is None else processes:
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="replace").splitlines()
            found |= {line[line.index("/") :] for line in lines if f" {SHARED_MEMORY}/" in line}
    return {Path(file) for file in found if not file.endswith(" (deleted)")}


def _processes() -> list[int]:
    return [number for number in psutil.pids() if number != os.getpid()]
