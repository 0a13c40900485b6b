"""An exported folder, read: what it is, where its parts lie, and whether they are the ones that were exported."""

import json
from pathlib import Path
from typing import Any

from motor.predicting.parts import CellParts, Digests, FoldParts, PartError, sha256_of, stage_of
from motor.recordings.machines import machines_from
from motor.stages.described import Described

MODEL, CELLS = "model.json", "cells"
FORMAT = 2


def read_exported(folder: Path, digest: str | None = None) -> list[CellParts]:
    """Return the cells of an exported folder; the content of every file is checked before any is opened.

    Parameters
    ----------
    folder : Path
    digest : str, optional
        SHA-256 of ``model.json``, as `export` gave it.

    Raises
    ------
    PartError
        If the folder is of another format, or a file is missing, damaged or another one.
    """
    file = folder / MODEL
    if digest is not None and (found := sha256_of(file)) != digest.lower():
        raise PartError(f"{file}: SHA-256 is {found}, not {digest}: this is not the folder that was exported")
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise PartError(f"{file} is no JSON ({error}); export the cell again") from error
    if record.get("format") != FORMAT:
        raise PartError(
            f"{file} has format {record.get('format')!r}; this version reads {FORMAT}; export the cell again"
        )
    digests = {folder / name: known for name, known in record["files"].items()}
    _check(digests)
    for path in (folder / CELLS).rglob("*"):
        if path.is_file() and path not in digests:  # beside the weights, it could be taken for a part of them
            raise PartError(f"{path}: {MODEL} does not list it; it is not opened. Copy the whole folder anew")
    known = Digests(digests, MODEL, "Export the cell again")
    return [_cell(folder, cell, known) for cell in record["cells"]]


def _check(digests: dict[Path, str]) -> None:
    for path, known in digests.items():
        if not path.is_file():
            raise PartError(f"{path} is missing; copy the whole folder, or export the cell again")
        if (found := sha256_of(path)) != known:
            raise PartError(f"{path}: SHA-256 is {found}, but model.json says {known}; export the cell again")


def _cell(folder: Path, fields: dict[str, Any], digests: Digests) -> CellParts:
    stage, here = stage_of(fields["record"]), folder / fields["folder"]
    return CellParts(
        key=fields["key"],
        name=fields["name"],
        stage=stage,
        metrics=fields["metrics"],
        trained_on=fields["trained_on"],
        versions=fields["versions"],
        folds=tuple(_fold(here, *pair) for pair in zip(stage.features, fields["folds"], strict=True)),
        digests=digests,
        is_exported=True,
        machines=machines_from(fields.get("machines", {})),
        units=fields.get("units", {}),
    )


def _fold(folder: Path, described: Described, fields: dict[str, Any]) -> FoldParts:
    here = folder / fields["folder"]
    return FoldParts(
        described=described,
        thresholds=fields["thresholds"],
        scalers=fields["scalers"],
        folders={key: here / name for key, name in fields["stages"].items()},
        classifier=here / fields["classifier"],
        novelty=here / fields["novelty"],
    )
