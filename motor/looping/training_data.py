"""From a sealed label set to the config of an iteration's grid: an ordinary config, which every command takes."""

from pathlib import Path
from typing import Any

import yaml

from grid.store.store import write_text
from motor.looping.loop import Loop

EMPTY = "no-labels.csv"


def beginning(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a config whose data is imported as those of its iterations are, and write the file that it needs.

    Recordings are imported under another key where their labels come from beside them; so they do from the start.
    """
    write_text(folder / EMPTY, "item,label\n")
    return {**config, "dataset": {**config["dataset"], "labels_file": str((folder / EMPTY).absolute())}}


def write_config(loop: Loop, number: int, digest: str) -> Path:
    """Write the config of an iteration, and return its path."""
    config: dict[str, Any] = yaml.safe_load(loop.config.read_text(encoding="utf-8"))
    config["dataset"] = {**config["dataset"], "labels_file": str(loop.label_set(digest).absolute())}
    split = config["split"] if config["split"]["kind"] == "growing" else {"kind": "growing"}
    config["split"] = {**split, "frozen": dict(loop.facts.sides)}
    config["name"] = f"{loop.name}-{number:04d}"
    write_text(loop.config_of(number), yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
    return loop.config_of(number)


def configs(storage: Path) -> list[Path]:
    """Return the configs of all iterations of all loops of a storage: what they need stays when it is pruned."""
    return sorted(storage.glob("loops/*/iterations/*.yaml"))
