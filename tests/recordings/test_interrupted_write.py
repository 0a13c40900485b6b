"""A process that dies, or a disk that fills, in the middle of the table: half of one is never taken for a whole."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from motor.recordings.table import FILE_NAME, open_recordings

# Writes recordings without end, in batches of 80 kB, under a limit that an environment variable sets.
ENDLESS = """
import itertools, json, os, resource, sys
from collections.abc import Iterator
from pathlib import Path
import numpy as np
from motor.recordings import table
from motor.recordings.recording import Recording

limit = int(os.environ.get("MOST_BYTES", 0)) or resource.RLIM_INFINITY
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
table.BATCH_BYTES = 80_000
signal = np.random.default_rng(0).normal(size=10_000).astype(np.float32)
endless = (Recording(str(k), "M1", "east", "normal", 1000.0, signal) for k in itertools.count())
try:
    table.write_recordings(endless, Path(sys.argv[1]))
except OSError as error:
    print(json.dumps([error.errno, error.strerror]))
"""


def start(folder: Path, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", ENDLESS, str(folder)], stdout=subprocess.PIPE, text=True, env=os.environ | environment
    )


def test_table_of_a_killed_process_is_none(tmp_path: Path) -> None:
    draft = tmp_path / f"{FILE_NAME}.draft"
    with start(tmp_path) as process:
        while not (draft.exists() and draft.stat().st_size > 500_000):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert [file.name for file in tmp_path.iterdir()] == [draft.name]
    with pytest.raises(FileNotFoundError):
        open_recordings(tmp_path)


def said(folder: Path, **environment: str) -> str:
    """Return what a process said whose disk was full."""
    with start(folder, **environment) as process:
        words, _ = process.communicate(timeout=60)
    return str(json.loads(words)[1])


def test_table_beyond_the_limit_of_a_file_leaves_nothing_and_says_what_to_do(tmp_path: Path) -> None:
    message = said(tmp_path, MOST_BYTES="1000000")
    assert "had 1 MB of recordings" in message
    assert "nothing of this import is kept: make room, or give --storage" in message
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a disk of 1 MB, where one may be mounted."""
    mount = shutil.which("mount")
    tried = mount and subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)], check=False)
    if not tried or tried.returncode:
        pytest.skip("no disk may be mounted here")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_table_on_a_full_disk_leaves_nothing_and_says_what_to_do(small_disk: Path) -> None:
    message = said(small_disk)
    assert message.startswith(f"No space left on device: {small_disk / FILE_NAME}")
    assert "0 MB are free on that disk" in message
    assert list(small_disk.iterdir()) == []
