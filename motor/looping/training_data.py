"""Write the config of an iteration's grid from a sealed label set: an ordinary config, which every command takes."""

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
EMPTY, LEARNED, NORMALS, TESTED = "no-labels.csv", "learned.csv", "learned-normals.csv", "tested.csv"


def beginning(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a config whose data is imported as those of its iterations are, and write the file that it needs.

    Recordings are imported under another key where their labels come from beside them; so they do from the start.
    """
    write_text(folder / EMPTY, "item,label\n")
    return {**config, "dataset": {**config["dataset"], "labels_file": str((folder / EMPTY).absolute())}}


def write_config(loop: Loop, number: int, digest: str) -> Path:
    """Write the config of an iteration, and return its path.

    Its stages see labels alone: who decided them, and when, is in no key, so that deciding alike again trains nothing.
    What is trained sees none of test motors.
    """
    config: dict[str, Any] = yaml.safe_load(loop.config.read_text(encoding="utf-8"))
    files = {"labels_file": _learned, "normals_file": _normals, "test_labels_file": _tested}
    config["dataset"] = {**config["dataset"], **{name: str(of(loop, digest).absolute()) for name, of in files.items()}}
    split = config["split"] if config["split"]["kind"] == "growing" else {"kind": "growing"}
    config["split"] = {**split, "frozen": dict(loop.facts.sides)}
    if INCREMENTS in config["axes"]["method"]:
        earlier = [one for one in iterations(loop.database) if one.number < number and one.label_set]
        since = [str(_learned(loop, str(one.label_set)).absolute()) for one in earlier]
        own = (config.get("methods") or {}).get(INCREMENTS) or {}
        known = {"since": since, "deliveries": [_n_deliveries(loop, one.number) for one in earlier]}
        config["methods"] = {**(config.get("methods") or {}), INCREMENTS: {**own, **known}}
    config["finetune"] = {**(config.get("finetune") or {}), "adapters": str(loop.adapters.absolute())}
    config["name"] = f"{loop.name}-{number:04d}"
    write_text(loop.config_of(number), yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
    return loop.config_of(number)


def _n_deliveries(loop: Loop, number: int) -> int:
    """Return how many deliveries of recordings an iteration knew."""
    config: dict[str, Any] = yaml.safe_load(loop.config_of(number).read_text(encoding="utf-8"))
    return 1 + len(config["dataset"].get("deliveries") or ())


def _learned(loop: Loop, digest: str) -> Path:
    """Write the labels of those who learn, under a name that all sets share, and return the file.

    Test motors have none there: whatever is trained sees no label of them.
    """
    sides = loop.sides()
    known = ((item, "" if sides[item] == "test" else label) for item, label in _labels(loop.label_set(digest)))
    return _written(loop, digest, LEARNED, known)


def _normals(loop: Loop, digest: str) -> Path:
    """Write the labels that fine-tunes on normal series know."""
    sides, normal = loop.sides(), loop.facts.normal
    pairs = _labels(loop.label_set(digest))
    known = ((item, label if label == normal and sides[item] != "test" else "") for item, label in pairs)
    return _written(loop, digest, NORMALS, known)


def _tested(loop: Loop, digest: str) -> Path:
    """Write the labels of test motors, which come in at the scoring."""
    sides = loop.sides()
    pairs = _labels(loop.label_set(digest))
    return _written(loop, digest, TESTED, (pair for pair in pairs if sides[pair[0]] == "test"))


def _labels(label_set: Path) -> list[tuple[str, str]]:
    with label_set.open(encoding="utf-8", newline="") as table:
        return [(row["item"], row["label"]) for row in csv.DictReader(table)]


def _written(loop: Loop, digest: str, name: str, rows: Iterable[tuple[str, str]]) -> Path:
    file, out = loop.label_set(digest).with_suffix("") / name, io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([("item", "label"), *rows])
    write_text(file, out.getvalue())
    return file
