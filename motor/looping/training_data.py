"""From a sealed label set to the config of an iteration's grid: an ordinary config, which every command takes."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from grid.store.store import write_text
from motor.looping.iterations import iterations
from motor.looping.loop import Loop

INCREMENTS = "C_increment"  # the method that goes on from the label sets of before
EMPTY, LABELS, NORMALS = "no-labels.csv", "labels.csv", "normals.csv"


def beginning(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a config whose data is imported as those of its iterations are, and write the file that it needs.

    Recordings are imported under another key where their labels come from beside them; so they do from the start.
    """
    write_text(folder / EMPTY, "item,label\n")
    return {**config, "dataset": {**config["dataset"], "labels_file": str((folder / EMPTY).absolute())}}


def write_config(loop: Loop, number: int, digest: str) -> Path:
    """Write the config of an iteration, and return its path.

    Its stages see labels alone: who decided them, and when, is in no key, so that deciding alike again trains nothing.
    """
    config: dict[str, Any] = yaml.safe_load(loop.config.read_text(encoding="utf-8"))
    config["dataset"] = {**config["dataset"], "labels_file": str(_bare(loop.label_set(digest)).absolute())}
    config["dataset"]["normals_file"] = str(_normals(loop, digest).absolute())
    split = config["split"] if config["split"]["kind"] == "growing" else {"kind": "growing"}
    config["split"] = {**split, "frozen": dict(loop.facts.sides)}
    if INCREMENTS in config["axes"]["method"]:
        earlier = [one for one in iterations(loop.database) if one.number < number and one.label_set]
        since = [str(_bare(loop.label_set(str(one.label_set))).absolute()) for one in earlier]
        own = (config.get("methods") or {}).get(INCREMENTS) or {}
        config["methods"] = {**(config.get("methods") or {}), INCREMENTS: {**own, "since": since}}
    config["name"] = f"{loop.name}-{number:04d}"
    write_text(loop.config_of(number), yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
    return loop.config_of(number)


def _bare(label_set: Path) -> Path:
    """Write the labels of a set alone, below its digest but under a name that all sets share, and return the file."""
    return _written(label_set.with_suffix("") / LABELS, _labels(label_set))


def _normals(loop: Loop, digest: str) -> Path:
    """Write the labels that fine-tunes on normal series know: those, and test motors', which they are measured on."""
    sides, normal, label_set = loop.sides(), loop.facts.normal, loop.label_set(digest)
    known = ((item, label if label == normal or sides[item] == "test" else "") for item, label in _labels(label_set))
    return _written(label_set.with_suffix("") / NORMALS, known)


def _labels(label_set: Path) -> list[tuple[str, str]]:
    with label_set.open(encoding="utf-8", newline="") as table:
        return [(row["item"], row["label"]) for row in csv.DictReader(table)]


def _written(file: Path, rows: Iterable[tuple[str, str]]) -> Path:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([("item", "label"), *rows])
    write_text(file, out.getvalue())
    return file
