"""``failed.json`` of a grid: each stage that failed, why, with its log and its settings; and what to try again."""

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from grid.plan.plan import Cell, Plan, make_plan
from grid.plan.titles import titles
from grid.run.failures import Failure, gather_failures, last_failure
from grid.stage import KEY_LENGTH, Stage, digest
from grid.store.store import Store, write_json
from motor.registry.sources import without_text

FAILED = "failed.json"


def write_failures(
    root: Path, cells: Iterable[Cell], store: Store, failures: Mapping[str, Failure], command: str
) -> None:
    """Write which stages of a grid failed; where none did, there is no such file.

    Failures of earlier launches stand in it, too, as long as nobody has tried these stages again.

    Parameters
    ----------
    root : Path
        Of the grid's results.
    cells : iterable of Cell
        The whole grid.
    store : Store
    failures : mapping of str to Failure
        Those of this launch, by key.
    command : str
        The command that was typed.
    """
    plan = make_plan(cells, store)
    gather_failures(store)
    named = titles(plan)
    found = {key: failures.get(key) or last_failure(store, stage) for key, stage in plan.missing.items()}
    hanging = {cell.name(): {stage.key for stage in cell.walk()} for cell in plan.cells}
    records = [
        _record(failure, store, named[key], [name for name, keys in hanging.items() if key in keys], command)
        for key, failure in found.items()
        if failure is not None
    ]
    if records:
        write_json(root / FAILED, records)
    else:
        (root / FAILED).unlink(missing_ok=True)


def failed_keys(root: Path, plan: Plan, store: Store) -> set[str]:
    """Return the keys of a plan's missing stages whose last build failed."""
    gather_failures(store)
    store.receive(root / FAILED)
    listed = _listed(root / FAILED)
    return {key for key, stage in plan.missing.items() if key in listed or last_failure(store, stage) is not None}


def hang_on(cells: Iterable[Cell], keys: Collection[str]) -> list[Cell]:
    """Return the cells that need one of some stages."""
    return [cell for cell in cells if any(stage.key in keys for stage in cell.walk())]


def _record(failure: Failure, store: Store, title: str, cells: list[str], command: str) -> dict[str, Any]:
    stage = failure.stage
    return {
        "kind": stage.KIND,
        "key": stage.key,
        "label": stage.label(),
        "title": title,
        "failure": failure.kind,
        "cause": failure.cause,
        "tries": failure.tries,
        "log": failure.log,
        "told": str(store.failure(stage)),
        "cells": cells,
        "settings": _settings(stage),
        "command": command,
    }


def _settings(stage: Stage) -> dict[str, Any]:
    """Return a stage's own fields; for what it is made from stand kinds and keys."""
    return {name: value for name, value in without_text(_shown_parts(stage.record)).items() if name != "kind"}


def _shown_parts(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _shown(value) for name, value in record.items()}


def _shown(value: Any) -> Any:
    if isinstance(value, list):
        return [_shown(part) for part in value]
    if not isinstance(value, dict):
        return value
    if {"kind", "version"} <= value.keys():
        return f"{value['kind']} {digest(value)[:KEY_LENGTH]}"
    return _shown_parts(value)


def _listed(path: Path) -> set[str]:
    """Return the keys in a `failed.json`; one that cannot be read lists none."""
    try:
        return {each["key"] for each in json.loads(path.read_text(encoding="utf-8"))}
    except (OSError, ValueError, KeyError, TypeError):
        return set()
