"""What is done when a step does not fit the memory: fewer windows at once, from the last checkpoint on.

An error that says so is caught, and `halved` answers it. A process that the kernel kills for its memory (or Ray, by its
memory monitor) gets no error: it has noted before how many windows it takes at once (`note_tried`), and who looks after
it halves them for the next start (`shrink_batch`).
"""

import json
import os
from pathlib import Path

from motor.backbones.training.settings import OutOfMemory, TrainingError
from motor.lazy import torch

FILE_NAME = "memory.json"
TRIED = "tried.json"

# what torch's CPU allocator, the C++ library, and Python say
_SAYINGS = ("DefaultCPUAllocator", "bad_alloc", "Cannot allocate memory", "CUDA out of memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that memory could not be had, on a GPU or on a CPU."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(saying in str(error) for saying in _SAYINGS)


def remembered(folder: Path | None) -> int | None:
    """Return how many windows fitted at once, as an earlier start of the same training left it; None where none did."""
    return None if folder is None else _read(folder / FILE_NAME)


def note_tried(folder: Path, count: int) -> None:
    """Write down how many windows are computed at once, for `shrink_batch`, before they are."""
    _write(folder / TRIED, count)


def forget_tried(folder: Path) -> None:
    """Drop the note of an earlier start: this one has not tried anything yet."""
    (folder / TRIED).unlink(missing_ok=True)


def shrink_batch(folder: Path, least: int) -> int | None:
    """Halve the windows at once for the next start, after a process died for want of memory.

    Parameters
    ----------
    folder : Path
        Where the process has kept its notes.
    least : int
        Windows that cannot be parted.

    Returns
    -------
    int or None
        Windows that the next start takes at once, at most; None where it died before it took any, or of the least.
    """
    noted = _read(folder / TRIED)
    if noted is None:
        return None
    tried = min(noted, remembered(folder) or noted)
    if tried <= least:
        return None
    half = max(least, tried // 2)
    _write(folder / FILE_NAME, half)
    return half


def halved(folder: Path | None, tried: int, least: int, step: int) -> TrainingError:
    """Write down half of the windows that did not fit, and return the error that says what comes next.

    Parameters
    ----------
    folder : Path or None
        Where checkpoints are kept.
    tried : int
        Windows that were computed at once, on one worker.
    least : int
        Windows that cannot be parted, because they see one another; 1 where each is alone.
    step : int
        The step (from 0) in which it happened.

    Returns
    -------
    TrainingError
        `OutOfMemory` where another start can do better.
    """
    if tried <= least or folder is None:
        more = "" if tried <= least else "; with a checkpoint folder it would go on with half of them"
        return TrainingError(
            f"step {step}: out of memory with {tried} windows at once{more}; set finetune.gradient_checkpointing: "
            "true, take a shorter context_length or a smaller backbone, or train with more memory"
        )
    half = max(least, tried // 2)
    _write(folder / FILE_NAME, half)
    return OutOfMemory(f"step {step}: out of memory with {tried} windows at once; {going_on(half)}")


def going_on(half: int) -> str:
    """Return in words what another start of a training does."""
    counted = f"{half} window{'s' if half > 1 else ''} at once"
    return (
        f"goes on from the last checkpoint with {counted}, whose gradients are accumulated: the steps have as many as "
        "before"
    )


def beginning_again(half: int) -> str:
    """Return in words what another start of a stage does that only forecasts."""
    return f"begins again, with at most {half} window{'s' if half > 1 else ''} a pass"


def _read(file: Path) -> int | None:
    """Return what a note says, None where there is none; one that a power cut has spoilt is none."""
    try:
        return int(json.loads(file.read_text(encoding="utf-8"))["micro_batch"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _write(file: Path, count: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{os.getpid()}.draft")  # several workers may run out at once
    draft.write_text(json.dumps({"micro_batch": count}), encoding="utf-8")
    draft.replace(file)
