"""Links of the results folder: relative, so that the storage can be moved as a whole, and named once for all."""

import os
import uuid
from collections import Counter
from collections.abc import Container, Iterable
from pathlib import Path

from grid.stage import Stage

SUFFIX = 6  # hex digits of the key


def curve_names(stages: Iterable[Stage]) -> dict[str, str]:
    """Return where the curves of each stage that has some are shown, by key: under its kind, by its label.

    Where two have one label, part of the key stands behind it.
    """
    named = {stage.key: f"{stage.KIND}/{stage.label()}" for stage in stages if stage.HAS_CURVES}
    taken = Counter(named.values())
    return {key: name if taken[name] == 1 else f"{name}-{key[:SUFFIX]}" for key, name in named.items()}


def link_to(target: Path, link: Path) -> None:
    """Make a relative link, or turn one that is there; whoever looks meanwhile sees the old one or the new one."""
    wanted = os.path.relpath(target, link.parent)
    if link.is_symlink() and link.readlink() == Path(wanted):
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    neighbour = link.with_name(f".{link.name}.{uuid.uuid4().hex[:8]}")
    neighbour.symlink_to(wanted)
    neighbour.replace(link)


def remove_others(folder: Path, links: Container[Path]) -> None:
    """Remove what lies in a folder of links and is none of them, and the folders that are empty then."""
    for path, folders, files in os.walk(folder, topdown=False):
        for there in (Path(path, name) for name in (*folders, *files)):
            if there.is_dir() and not there.is_symlink():
                if not any(there.iterdir()):
                    there.rmdir()
            elif there not in links:
                there.unlink()
