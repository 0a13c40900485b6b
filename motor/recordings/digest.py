"""A digest of files' names and content, which does not read unchanged files twice."""

import errno
import hashlib
import json
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterable
from functools import cache
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
        JSON with the digest of each file by path, size, inode and times (ns) of change of its content and of itself;
        made and kept up to date here. A program can set back the first time, not the second.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    known = _read_cache(cache_file)
    now: dict[str, str] = {}
    entries = []
    folders = cache(lambda folder: _folder_names(Path(folder), root))
    for file in files:
        place, key = _place_and_key(os.fspath(file), folders)
        now[key] = known.get(key) or _file_digest(file)
        entries.append((place, now[key]))
    if cache_file is not None and not now.keys() <= known.keys():
        _write_atomically(cache_file, json.dumps({**known, **now}, indent=0))
    return hashlib.sha256(json.dumps(sorted(entries)).encode()).hexdigest()


def _place_and_key(path: str, folders: Callable[[str], tuple[str, str | None]]) -> tuple[str, str]:
    """Return a file's name below the root, and what its digest is remembered by.

    Text and one look at the file: with a `Path` for each step, 200,000 files take half a minute.
    """
    folder, name = os.path.split(path)
    status, full, (real, below) = os.lstat(path), None, folders(folder)
    if stat.S_ISLNK(status.st_mode):
        status, full = os.stat(path), os.path.realpath(path)  # noqa: PTH116
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        raise OSError(errno.EINVAL, "a pipe or a device is in the place of a file", path)  # it may have no end
    key = f"{full or f'{real}/{name}'}|{status.st_size}|{status.st_ino}|{status.st_mtime_ns}|{status.st_ctime_ns}"
    return "" if below is None else f"{below}{name}", key


def _folder_names(folder: Path, root: Path) -> tuple[str, str | None]:
    """Return a folder without links, and what stands before the names of its files; None outside of the root."""
    real = str(folder.resolve()).rstrip("/")
    if not folder.is_relative_to(root):
        return real, None
    below = folder.relative_to(root).as_posix()
    return real, "" if below == "." else f"{below}/"


def _file_digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read_cache(cache_file: Path | None) -> dict[str, str]:
    """Return the cache's content; a missing or damaged cache only costs time, and so does what is no digest in it."""
    if cache_file is None:
        return {}
    try:
        content = json.loads(cache_file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    known = content.items() if isinstance(content, dict) else ()
    return {key: value for key, value in known if isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value)}


def _write_atomically(file: Path, text: str) -> None:
    """Write beside the file and rename, so that no reader sees half of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=f".{file.name}.", delete=False) as draft:
        draft.write(text)
    os.replace(draft.name, file)  # noqa: PTH105
