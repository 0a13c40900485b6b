"""Checkpoints of a training: sealed files, of which the newest that is undamaged is taken up.

A checkpoint is a file as `torch.save` writes it (`torch.load` opens it), and behind that its seal: the SHA-256 of all
before it. Without one, a file that was cut short would raise an obscure error, and one with a flipped bit would quietly
give other numbers. The one before stands beside it, so that damage costs the steps of one interval.
"""

import errno
import hashlib
import io
import os
import re
import shutil
from pathlib import Path
from typing import Any, BinaryIO

from motor.backbones.training.ranks import check_alike
from motor.backbones.training.settings import ALONE, Place, TrainingError
from motor.lazy import torch

CHECKPOINT, PREVIOUS = "checkpoint.pt", "checkpoint.previous.pt"
BLOCK_BYTES = 1 << 20
SHOWN_DIGITS = 12
_SEAL = re.compile(rb"\nsha256 ([0-9a-f]{64})\n")
_SEAL_BYTES = 73


class DamagedCheckpoint(TrainingError):
    """A checkpoint is not what was written."""


def write_checkpoint(file: Path, state: dict[str, Any], identity: dict[str, Any]) -> None:
    """Write a checkpoint beside the last one, then put it in its place; the last one stays as the previous one.

    Parameters
    ----------
    file : Path
    state : dict
        Tensors, numbers, and lists and dicts of them.
    identity : dict
        What another start must agree in to take it up.

    Raises
    ------
    OSError
        If it cannot be written, say on a full disk; the checkpoints that stand are left as they are.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    try:
        _write_sealed(draft, state | {"of": identity})
        _keep_as_previous(file)
        draft.replace(file)
        _sync_folder(file.parent)
    except OSError as error:
        raise _of_disk(error, file, draft) from error
    finally:
        draft.unlink(missing_ok=True)


def take_up(file: Path, identity: dict[str, Any], place: Place = ALONE) -> dict[str, Any] | None:
    """Return the state that a training goes on from: of the newest undamaged checkpoint, None where there is none.

    Each worker reads for itself, and all must find the same. A damaged file is named in the log and set aside as
    ``*.damaged.pt``, by the first worker and only when all have read.

    Parameters
    ----------
    file : Path
        The newest checkpoint; the one before lies beside it.
    identity : dict
        As it was written with.
    place : Place

    Raises
    ------
    TrainingError
        If a checkpoint is of a training with other settings, or of other weights, or if the workers do not find the
        same one.
    """
    state, damaged = None, dict[Path, DamagedCheckpoint]()
    for candidate in (file, file.with_name(PREVIOUS)):
        try:
            state = read_checkpoint(candidate, identity)
            break
        except FileNotFoundError:
            continue
        except DamagedCheckpoint as error:
            damaged[candidate] = error
    step = state["step"] if state else 0
    check_alike("the step that they go on from", step, place)  # and nobody reads any more
    if place.rank == 0:
        for path, fault in damaged.items():
            aside = path.replace(path.with_suffix(".damaged.pt"))
            print(f"{fault}; it is set aside as {aside.name}, and training goes on from step {step}", flush=True)
    return state


def read_checkpoint(file: Path, identity: dict[str, Any]) -> dict[str, Any]:
    """Return the state of a checkpoint, on the CPU; its seal is checked before anything is made of it.

    Raises
    ------
    DamagedCheckpoint
        If the file is not what was written.
    TrainingError
        If it is of a training with other settings, or of other weights.
    """
    with file.open("rb") as stream:  # opened once: what was checked is what is read, block by block
        if fault := _fault(stream):
            raise DamagedCheckpoint(f"{file} is damaged ({fault})")
        stream.seek(0)
        state: dict[str, Any] = torch.load(stream, map_location="cpu", weights_only=True)
    of = state.pop("of")
    if of != identity:
        unequal = {key: (of.get(key), value) for key, value in identity.items() if of.get(key) != value}
        raise TrainingError(f"{file} is of another training: (its, this one's) {unequal}; delete it to start anew")
    return state


class _Sealing(io.BufferedWriter):
    """A file that digests what is written to it, and remembers the disk's error, which torch tells in other words."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path, "w"))
        self.digest = hashlib.sha256()
        self.error: OSError | None = None

    def write(self, block: Any) -> int:
        self.digest.update(block)
        try:
            return super().write(block)
        except OSError as error:
            self.error = error
            raise

    def seal(self) -> None:
        """Write the seal, and let the disk have all of it."""
        super().write(f"\nsha256 {self.digest.hexdigest()}\n".encode())
        self.flush()
        os.fsync(self.fileno())


def _write_sealed(draft: Path, state: dict[str, Any]) -> None:
    with _Sealing(draft) as stream:
        try:
            torch.save(state, stream)
        except RuntimeError:
            if stream.error is None:
                raise
            raise stream.error from None
        stream.seal()


def _fault(stream: BinaryIO) -> str | None:
    """Return what is wrong with an opened checkpoint, None where its seal holds."""
    size = os.fstat(stream.fileno()).st_size
    left, digest = size - _SEAL_BYTES, hashlib.sha256()
    try:
        while left > 0 and (block := stream.read(min(BLOCK_BYTES, left))):
            digest.update(block)
            left -= len(block)
        seal = _SEAL.fullmatch(stream.read())
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        return f"the disk cannot read it: {error.strerror}"
    if seal is None:
        return f"its {size} bytes do not end with a seal: it was cut short, or changed"
    expected, found = seal[1].decode(), digest.hexdigest()
    if expected == found:
        return None
    return f"sha256 {expected[:SHOWN_DIGITS]}... expected, {found[:SHOWN_DIGITS]}... found"


def _keep_as_previous(file: Path) -> None:
    """Give the last checkpoint a second name, so that there is a whole one at each moment."""
    if not file.exists():
        return
    previous = file.with_name(PREVIOUS)
    previous.unlink(missing_ok=True)
    try:
        os.link(file, previous)
    except OSError:  # a file system without links
        file.replace(previous)


def _of_disk(error: OSError, file: Path, draft: Path) -> OSError:
    """The same error, with what the disk holds and what to do."""
    written = draft.stat().st_size if draft.exists() else 0
    free = shutil.disk_usage(file.parent).free
    return OSError(
        error.errno,
        f"{error.strerror or error}: checkpoint {file} could not be written: {written} bytes of it were, and {free} "
        "bytes are free on that disk; the checkpoint before stands. Make room (or give --storage a folder on another "
        "disk), and launch again: training goes on from there",
    )


def _sync_folder(folder: Path) -> None:
    """Let the disk have the names, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
