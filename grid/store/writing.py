"""Files that are written whole or not at all, and as far as the disk."""

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MARK = "~"  # between the name of a file and what makes its neighbour's name unique


def write_json(path: Path, value: Any) -> None:
    """Write JSON whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all: to a neighbour, flushed to disk, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with neighbour(path, text) as beside:
        beside.replace(path)


@contextmanager
def neighbour(path: Path, text: str) -> Iterator[Path]:
    """Write a text, as far as the disk, to ``.<name>~<hex>``, which is gone at the end unless it got another name."""
    beside = path.with_name(f".{path.name}{MARK}{uuid.uuid4().hex[:8]}")
    try:
        with beside.open("x", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        yield beside
    finally:
        beside.unlink(missing_ok=True)


def sync_tree(folder: Path) -> None:
    """Flush a folder to disk, so that a power cut after its rename finds it whole."""
    for parent, _, names in os.walk(folder):
        for path in (Path(parent), *(Path(parent, name) for name in names)):
            if not path.is_symlink():
                sync(path)


def sync(path: Path) -> None:
    """Flush a file, or the names in a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
