"""A disk that fills at random moments: a clear message and exit status 1; with room again, the same numbers."""

import contextlib
import random
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.chaos
SHORT, LONG = 2, 20
DISK = "size=96m"
CHUNK = 1 << 20
BALLAST = "ballast"


@pytest.fixture
def make_disk(make_storage: Callable[[str], Path]) -> Iterator[Callable[[str], Path]]:
    """Give a function that makes a storage that is a small disk of its own, where one may be mounted."""
    mounted: list[Path] = []
    mount = shutil.which("mount")

    def make(name: str) -> Path:
        storage = make_storage(name)
        storage.mkdir()
        words = [str(mount), "-t", "tmpfs", "-o", DISK, "tmpfs", str(storage)]
        if not mount or subprocess.run(words, check=False, capture_output=True).returncode:
            pytest.skip("no disk may be mounted here")
        mounted.append(storage)
        return storage

    yield make
    for storage in mounted:
        subprocess.run(["umount", "--lazy", str(storage)], check=True)


@contextlib.contextmanager
def full(disk: Path) -> Iterator[None]:
    """Keep a disk full: what others free is taken at once."""
    end = threading.Event()

    def keep_full() -> None:
        with (disk / BALLAST).open("ab", buffering=0) as ballast:
            while not end.is_set():
                with contextlib.suppress(OSError):
                    ballast.write(bytes(CHUNK))
                    continue
                with contextlib.suppress(OSError):
                    ballast.write(bytes(4096))
                    continue
                end.wait(0.02)

    thread = threading.Thread(target=keep_full, daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()
        (disk / BALLAST).unlink()


@dataclass
class FullDisks:
    """Moments that are left at which a disk fills, as shares of a launch's life."""

    chaos: ModuleType
    config: Path
    report: Callable[[str], None]
    life_s: float
    left: list[float]
    faults: list[str] = field(default_factory=list)

    def go_through(self, storage: Path, expected: dict[str, str]) -> None:
        """Fill the disk of one grid again and again until it is complete; keep what is then wrong with it."""
        count = len(self.left)
        while self.left and not self._is_complete(storage, is_new=len(self.left) == count):
            pass
        self.chaos.finish(self.config, storage)
        self.faults += self.chaos.differences(expected, self.chaos.fingerprint(storage))
        self.faults += [f"left behind: {item}" for item in self.chaos.left_behind(storage)]

    def _is_complete(self, storage: Path, is_new: bool) -> bool:
        """Launch, fill the disk at the next moment until the launch has ended; tell whether all had been done."""
        launched = self.chaos.launch(self.config, storage)
        moment = self.left[-1] * self.life_s * self.chaos.life_left(storage)
        while launched.poll() is None and time.monotonic() - launched.began < moment:
            time.sleep(0.05)
        if launched.poll() is not None:
            self.life_s = time.monotonic() - launched.began if is_new else self.life_s
            return True
        self.left.pop()
        with full(storage):
            began = time.monotonic()
            status = launched.end()
            took = time.monotonic() - began
        stages = len(self.chaos.stage_folders(storage))
        what = f"full after {moment:.1f} s; exit status {status} {took:.1f} s later, {stages} stages stand"
        self.report(f"{storage.name}: {what}; it said: {launched.said().strip().splitlines()[-1]}")
        self.faults += faults_of(launched) if status else []
        return status == 0


def faults_of(launched: Any) -> list[str]:
    """Return what is wrong with how a launch ended whose disk was full."""
    said = launched.said()
    wrong = [f"exit status {launched.returncode}, not 1"] if launched.returncode != 1 else []
    wrong += [] if re.search("no space left", said, re.IGNORECASE) else ["no word of the disk"]
    wrong += ["a traceback in place of a message"] if "Traceback" in said else []
    return [f"full disk: {'; '.join(wrong)}; it said:\n{said}"] if wrong else []


def test_grid_on_a_disk_that_fills_says_so_and_ends_with_the_same_numbers_once_there_is_room(
    chaos: ModuleType,
    config: Path,
    undisturbed: Any,
    make_disk: Callable[[str], Path],
    report: Callable[[str], None],
    seed: int,
    is_long: bool,
) -> None:
    count, random_numbers = LONG if is_long else SHORT, random.Random(seed)
    left = [(part + random_numbers.random()) / count for part in range(count)]
    random_numbers.shuffle(left)
    disks = FullDisks(chaos, config, report, undisturbed.seconds, left)
    number = 0
    while disks.left:
        number += 1
        disks.go_through(make_disk(f"disk-{number}"), undisturbed.fingerprint)
    assert not disks.faults, "\n".join(disks.faults)
