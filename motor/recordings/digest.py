"""A digest of files' names and content, which does not read unchanged files twice."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path


def content_digest(files: Iterable[Path], root: Path, cache_file: Path | None) -> str:
    """Return one SHA-256 over the relative names and the contents of files.

    Parameters
    ----------
    files : iterable of Path
        In any order.
    root : Path
        What names are relative to, so that a moved folder keeps its digest; a file outside of it, or the root
        itself, counts under no name.
    cache_file : Path, optional
        JSON with the digest of each file by path, size and time of change (ns); made and kept up to date here.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    known = _read_cache(cache_file)
    now: dict[str, str] = {}
    entries = []
    for file in files:
        status = file.stat()
        key = f"{file.resolve()}|{status.st_size}|{status.st_mtime_ns}"
        now[key] = known.get(key) or _file_digest(file)
        name = file.relative_to(root).as_posix() if file.is_relative_to(root) and file != root else ""
        entries.append((name, now[key]))
    if cache_file is not None and not now.keys() <= known.keys():
        _write_atomically(cache_file, json.dumps({**known, **now}, indent=0))
    return hashlib.sha256(json.dumps(sorted(entries)).encode()).hexdigest()


def _file_digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read_cache(cache_file: Path | None) -> dict[str, str]:
    """Return the cache's content; a missing or damaged cache only costs time."""
    if cache_file is None:
        return {}
    try:
        return dict(json.loads(cache_file.read_text()))
    except (OSError, ValueError):
        return {}


def _write_atomically(file: Path, text: str) -> None:
    """Write beside the file and rename, so that no reader sees half of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=f".{file.name}.", delete=False) as draft:
        draft.write(text)
    os.replace(draft.name, file)  # noqa: PTH105
