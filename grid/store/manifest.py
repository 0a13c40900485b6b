"""What a stage's folder holds, by content: its manifest names each file with its SHA-256 and size.

It tells a file that was damaged on disk from the one that was written. It is no signature: who may write the storage
may write its manifests.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")
MANIFEST, RECORD = "manifest.json", "record.json"
THREADS = 4  # hashing lets go of the interpreter
WORTH_THREADS = 4 << 20  # bytes; four threads take as long to start as this to hash
SHOWN_DIGITS = 12


class DamagedError(RuntimeError):
    """Files of a stage are not what its manifest says.

    Attributes
    ----------
    folder : Path
        Of the stage.
    damages : tuple of str
        One line for each file.
    """

    def __init__(self, folder: Path, damages: Iterable[str], advice: str = "") -> None:
        self.folder, self.damages, self.advice = folder, tuple(damages), advice
        super().__init__(f"{folder} is damaged: {'; '.join(self.damages)}{advice and f'; {advice}'}")

    def __reduce__(self) -> tuple:
        return type(self), (self.folder, self.damages, self.advice)


@dataclass(frozen=True)
class FileDigest:
    """Size and digest of a file when it was written."""

    sha256: str
    size: int  # bytes

    @classmethod
    def of(cls, path: Path) -> "FileDigest":
        """Read a file, a piece at a time."""
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            return cls(digest, stream.tell())

    @classmethod
    def of_bytes(cls, content: bytes) -> "FileDigest":
        return cls(hashlib.sha256(content).hexdigest(), len(content))


def files_of(folder: Path) -> Iterator[str]:
    """Yield the files of a stage's folder that its manifest names, relative to it, in order."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in (MANIFEST, RECORD):
            yield name


def manifest_of(folder: Path) -> dict[str, dict[str, dict[str, str | int]]]:
    """Return the manifest of a folder as it is now."""
    names = list(files_of(folder))
    n_bytes = sum((folder / name).stat().st_size for name in names)
    digests = _each(lambda name: FileDigest.of(folder / name), names, n_bytes)
    return {"files": {name: asdict(digest) for name, digest in zip(names, digests, strict=True)}}


def _each(task: Callable[[str], Result], names: Iterable[str], n_bytes: int) -> list[Result]:
    """Do a task to each of some files that have so many bytes in all."""
    if n_bytes < WORTH_THREADS:
        return list(map(task, names))
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(task, names))


def read_manifest(folder: Path) -> dict[str, FileDigest] | None:
    """Return what a stage's folder should hold, by relative path; None where it has no manifest.

    Raises
    ------
    DamagedError
        If the manifest itself cannot be read.
    """
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    return parse_manifest(text, folder)


def parse_manifest(text: str | None, folder: Path) -> dict[str, FileDigest] | None:
    """Return what the text of a manifest says; of none, None. `folder` is named in the error, as `read_manifest`'s."""
    if text is None:
        return None
    try:
        files = json.loads(text)["files"]
        return {name: FileDigest(str(file["sha256"]), int(file["size"])) for name, file in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedError(folder, [f"{MANIFEST} is not a manifest ({type(error).__name__}: {error})"]) from error


def damages(folder: Path, names: Iterable[str] | None = None) -> list[str]:
    """Return one line for each file that is not what the manifest says; a folder without a manifest has none.

    Parameters
    ----------
    folder : Path
        Of a built stage.
    names : iterable of str, optional
        Look at these files alone; by default at all.
    """
    try:
        manifest = read_manifest(folder)
    except DamagedError as error:
        return list(error.damages)
    if manifest is None:
        return []
    wanted = manifest.keys() | set(files_of(folder)) if names is None else set(names)
    n_bytes = sum(file.size for name, file in manifest.items() if name in wanted)
    found = _each(lambda name: _damage(folder / name, name, manifest.get(name)), sorted(wanted), n_bytes)
    return [line for line in found if line is not None]


def _damage(path: Path, name: str, expected: FileDigest | None) -> str | None:
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        size = None
    return damage(name, expected, size, lambda: FileDigest.of(path))


def damage(name: str, expected: FileDigest | None, size: int | None, read: Callable[[], FileDigest]) -> str | None:
    """Return what is wrong with a file in one line, None where nothing is; it is read where its size is right.

    Parameters
    ----------
    name : str
        What the manifest calls it.
    expected : FileDigest, optional
        What the manifest says of it, if anything.
    size : int, optional
        Its size in bytes, if it is there.
    read : callable
        Reads it.
    """
    if expected is None or size is None:
        return f"{name} is missing" if size is None else f"{name} is not in the manifest"
    if size != expected.size:
        return f"{name} is {'truncated' if size < expected.size else 'too long'}: {size} bytes of {expected.size}"
    try:
        found = read()
    except OSError as error:
        if error.errno is None:  # a bucket that does not answer says nothing about the file, as a bad sector does
            raise
        return f"{name} cannot be read ({error.strerror})"
    was, now = expected.sha256[:SHOWN_DIGITS], found.sha256[:SHOWN_DIGITS]
    if expected == found:
        return None
    return f"{name} has another content: sha256 {now}... where {was}... was written ({found.size} bytes)"
