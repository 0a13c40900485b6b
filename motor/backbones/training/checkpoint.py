"""Checkpoints of a training: one file, which is either the last one whole or the one before it."""

import os
from pathlib import Path
from typing import Any

from motor.backbones.training.settings import TrainingError

CHECKPOINT = "checkpoint.pt"


def write_checkpoint(file: Path, state: dict[str, Any], identity: dict[str, Any]) -> None:
    """Write a checkpoint beside the last one, then put it in its place.

    Parameters
    ----------
    file : Path
    state : dict
        Tensors, numbers, and lists and dicts of them.
    identity : dict
        What another start must agree in to take it up.
    """
    import torch

    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    with draft.open("wb") as stream:
        torch.save(state | {"of": identity}, stream)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)


def read_checkpoint(file: Path, identity: dict[str, Any]) -> dict[str, Any]:
    """Return the state of a checkpoint, on the CPU.

    Raises
    ------
    TrainingError
        If it is of a training with other settings, or of other weights.
    """
    import torch

    state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    of = state.pop("of")
    if of != identity:
        unequal = {key: (of.get(key), value) for key, value in identity.items() if of.get(key) != value}
        raise TrainingError(f"{file} is of another training: (its, this one's) {unequal}; delete it to start anew")
    return state
