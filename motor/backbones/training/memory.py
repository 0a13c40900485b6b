"""What is done when a step does not fit the memory: fewer windows at once, from the last checkpoint on."""

import json
import os
from pathlib import Path

from motor.backbones.training.settings import OutOfMemory, TrainingError

FILE_NAME = "memory.json"

# what torch's CPU allocator, the C++ library, and Python say
_SAYINGS = ("DefaultCPUAllocator", "bad_alloc", "Cannot allocate memory", "CUDA out of memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that memory could not be had, on a GPU or on a CPU.

    A process that the kernel kills for its memory (or Ray, by its memory monitor) gets no error and cannot be told.
    """
    import torch

    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(saying in str(error) for saying in _SAYINGS)


def remembered(folder: Path | None) -> int | None:
    """Return how many windows fitted at once, as an earlier start of the same training left it; None where none did."""
    if folder is None or not (folder / FILE_NAME).is_file():
        return None
    return int(json.loads((folder / FILE_NAME).read_text())["micro_batch"])


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
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f"{FILE_NAME}.{os.getpid()}.draft"  # several workers may run out at once
    draft.write_text(json.dumps({"micro_batch": half}))
    draft.replace(folder / FILE_NAME)
    return OutOfMemory(
        f"step {step}: out of memory with {tried} windows at once; goes on from the last checkpoint with {half} at "
        "once, whose gradients are accumulated: the steps have as many windows as before"
    )
