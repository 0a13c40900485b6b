"""Files within archives, read where they lie: members of a ``.zip``, and what a ``.gz`` holds.

Such a file has a path through its archive (``runs.zip/M1/a.csv``). It is unpacked alone, into a temporary file under a
name of this project's, so nothing in an archive says where something is written.
"""

import gzip
import lzma
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import IO

from motor.recordings.formats.shapes import unreadable
from motor.recordings.recording import NEXT_STEP, DataError, SeriesError

ZIP, GZ = ".zip", ".gz"
BLOCK = 2**20
MOST_BYTES = 2**33  # of one file
SMALL_BYTES, MOST_TIMES = 2**27, 200  # signals do not shrink to less than that share; what unpacks to more is a bomb
ENCRYPTED = 1


def members(file: Path, suffixes: Sequence[str]) -> list[Path]:
    """Return the paths of what an archive holds of some suffixes, sorted; of any other file its own.

    Raises
    ------
    DataError
        If it is no archive, or two of its files have one name.
    """
    if file.suffix.lower() != ZIP:
        return [file]
    try:
        with zipfile.ZipFile(file) as archive:
            names = [one.filename for one in archive.infolist() if not one.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DataError(f"{file}: cannot be read as .zip, damaged or cut off ({error}); pack it anew") from error
    read = sorted(name for name in names if is_read(Path(name), suffixes) and not _is_hidden(name))
    if twice := next((name for name, after in pairwise(read) if name == after), None):
        raise DataError(f"{file}: {twice!r} is in it twice; pack it anew")
    return [file / name for name in read]


def is_read(path: Path, suffixes: Sequence[str]) -> bool:
    """Tell whether a file of an archive has one of some suffixes."""
    return "*" in suffixes or path.suffix.lower() in suffixes


def _is_hidden(name: str) -> bool:
    """Tell whether a file is one that other programs leave, or lies outside of its archive."""
    parts = name.replace("\\", "/").split("/")
    is_elsewhere = parts[0] == "" or re.fullmatch("[A-Za-z]:", parts[0]) is not None
    return is_elsewhere or any(part.startswith(".") or part == "__MACOSX" for part in parts)


def suffix_of(path: Path) -> str:
    """Return the suffix of a file, of what is packed by gzip that of its content."""
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() if suffix == GZ else suffix


def archive_of(path: Path) -> Path | None:
    """Return the archive that a path leads through, None for a file that lies by itself."""
    return next((above for above in path.parents if above.suffix.lower() == ZIP and above.is_file()), None)


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Give a file as one that can be opened; what goes wrong with it is reported with the path through its archive.

    Raises
    ------
    SeriesError
        If it is encrypted, damaged, or unpacks to far more than signals do.
    """
    archive = archive_of(path) if not path.is_file() else None
    if archive is None and path.suffix.lower() != GZ:
        yield path
        return
    if not (archive or path).is_file():
        raise DataError(f"{path}: there is no such file; put it there, or take it out of the dataset")
    with tempfile.TemporaryDirectory(prefix="motor-unpacked-") as folder:
        draft = Path(folder) / f"file{suffix_of(path)}"
        with draft.open("wb") as out:
            _unpack(path, archive, out)
        try:
            yield draft
        except DataError as error:
            raise type(error)(str(error).replace(str(draft), str(path))) from error


def _unpack(path: Path, archive: Path | None, out: IO[bytes]) -> None:
    """Write what is packed; what is packed twice (``a.csv.gz`` in a ``.zip``) is not read."""
    try:
        if archive is None:
            with gzip.open(path) as stream:
                _copy(stream, out, path, path.stat().st_size)
            return
        if path.suffix.lower() == GZ:
            raise SeriesError(f"{path}: it is packed twice; unpack the outer archive")
        with zipfile.ZipFile(archive) as opened:
            member = opened.getinfo(path.relative_to(archive).as_posix())
            if member.flag_bits & ENCRYPTED:
                raise SeriesError(f"{path}: it is encrypted; pack it without a password")
            with opened.open(member) as stream:
                _copy(stream, out, path, member.compress_size)
    except KeyError as error:
        raise DataError(f"{path}: the archive has no such file; correct the name") from error
    except (zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error, lzma.LZMAError, NotImplementedError) as error:
        raise unreadable(path, error) from error
    out.flush()


def _copy(stream: IO[bytes] | gzip.GzipFile, out: IO[bytes], path: Path, packed_bytes: int) -> None:
    """Copy a stream, and stop where it grows beyond what signals do."""
    most = min(MOST_BYTES, max(SMALL_BYTES, MOST_TIMES * packed_bytes))
    written = 0
    while content := stream.read(BLOCK):
        written += len(content)
        if written > most:
            raise SeriesError(f"{path}: it unpacks to more than {most} bytes out of {packed_bytes}; {NEXT_STEP}")
        if shutil.disk_usage(tempfile.gettempdir()).free < len(content):
            raise DataError(f"{path}: no room to unpack it in {tempfile.gettempdir()}; make room, or set TMPDIR")
        out.write(content)
