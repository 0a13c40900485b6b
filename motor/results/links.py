"""Links of the results folder: relative, so that the storage can be moved as a whole, and named once for all."""

import os
import uuid
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from grid.stage import Stage
from motor.stages.finetune import Finetune

SUFFIX = 6  # hex digits of the key


def curve_names(stages: Iterable[Stage]) -> dict[str, str]:
    """Return the name of each fine-tune's curves, by key: its label, and part of its key where two have one label."""
    tuned = {stage.key: stage.label() for stage in stages if isinstance(stage, Finetune)}
    taken = Counter(tuned.values())
    return {key: label if taken[label] == 1 else f"{label}-{key[:SUFFIX]}" for key, label in tuned.items()}


def link_to(target: Path, link: Path) -> None:
    """Make a relative link, or turn one that is there; whoever looks meanwhile sees the old one or the new one."""
    wanted = os.path.relpath(target, link.parent)
    if link.is_symlink() and link.readlink() == Path(wanted):
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    neighbour = link.with_name(f".{link.name}.{uuid.uuid4().hex[:8]}")
    neighbour.symlink_to(wanted)
    neighbour.replace(link)
