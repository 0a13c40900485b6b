"""One folder that predicts on a machine without Ray and without this project: written whole, or not at all."""

import json
import shutil
import uuid
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from grid.store.store import write_json
from motor.predicting import novelty
from motor.predicting.exported import CELLS, FORMAT, MODEL
from motor.predicting.parts import CellParts, FoldParts, sha256_of

PROGRAM, README, REQUIREMENTS, SOURCE = "predict.py", "README.md", "requirements.txt", "source"
TEXTS = Path(__file__).parent / "texts"
PACKAGES = ("motor", "grid")  # all of this project's source goes along: what a cell needs of it is its record's affair
REQUIRED = ("numpy", "pandas", "pyarrow", "pydantic", "scipy", "scikit-learn", "joblib", "soundfile", "threadpoolctl")


class ExportError(ValueError):
    """A cell cannot be exported to where it was asked for."""


def export(cells: Sequence[CellParts], target: Path) -> str:
    """Write one folder with all that some cells need, and return the SHA-256 of its ``model.json``.

    Parameters
    ----------
    cells : sequence of CellParts
        Of a storage; of domains that do not overlap.
    target : Path
        The folder, which must not be there yet.

    Raises
    ------
    ExportError
        If something stands there, or the cells are of an exported folder.
    motor.predicting.parts.PartError
        If a part of a cell is missing or not the one that was written.
    """
    if any(cell.is_exported for cell in cells):
        raise ExportError(f"{cells[0].name} was exported already; copy its folder")
    if target.exists():
        raise ExportError(f"{target} is already there; give --to another folder, or remove it first")
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        _fill(draft, cells)
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return sha256_of(target / MODEL)


def _fill(draft: Path, cells: Sequence[CellParts]) -> None:
    """Write everything, and last what says what it is."""
    draft.mkdir(parents=True)
    records = [_write_cell(draft, cell) for cell in cells]
    _copy_source(draft / SOURCE)
    requirements = _requirements(cells)
    (draft / REQUIREMENTS).write_text("".join(f"{one}\n" for one in requirements), encoding="utf-8")
    shutil.copyfile(TEXTS / "predict.py.txt", draft / PROGRAM)
    (draft / README).write_text(_readme(cells, requirements), encoding="utf-8")
    files = sorted(path for path in draft.rglob("*") if path.is_file())
    digests = {path.relative_to(draft).as_posix(): sha256_of(path) for path in files}
    write_json(draft / MODEL, {"format": FORMAT, "cells": records, "files": digests})


def _write_cell(draft: Path, cell: CellParts) -> dict[str, Any]:
    """Copy a cell's parts and return what ``model.json`` says of it."""
    folder = f"{CELLS}/{cell.key}"
    return {
        "name": cell.name,
        "key": cell.key,
        "folder": folder,
        "classes": list(cell.classes),
        "normal": cell.normal,
        "domains": list(cell.domains),
        "trained_on": dict(cell.trained_on),
        "metrics": dict(cell.metrics),
        "data_digest": cell.data_digest or "simulated",
        "versions": dict(cell.versions),
        "folds": [_write_fold(draft / folder, cell, fold) for fold in cell.folds],
        "record": cell.stage.record,
        "machines": {motor: machine.model_dump(mode="json") for motor, machine in cell.machines.items()},
        "units": dict(cell.units),
    }


def _write_fold(folder: Path, cell: CellParts, fold: FoldParts) -> dict[str, Any]:
    name = f"fold-{fold.name}"
    here = folder / name
    here.mkdir(parents=True)
    left_behind = {stage.key for stage, _ in fold.described.left_behind}
    parts = [(stage, part) for stage, part in fold.described.parts if stage.key not in left_behind]
    stages = {stage.key: f"{stage.KIND}-{stage.key}" for stage, _ in parts}
    for stage, part in parts:
        _copy_part(cell, fold.folders[stage.key] / part, here / stages[stage.key] / part)
    _copy(cell, fold.classifier, here / fold.classifier.name)
    assert fold.features is not None
    columns, domains = cell.unpickled(fold.classifier)["columns"], cell.domains
    novelty.write(here / "novelty.npz", novelty.fit_by_domain(fold.features, columns, domains), domains)
    return {
        "name": fold.name,
        "folder": name,
        "thresholds": dict(fold.thresholds),
        "scalers": dict(fold.scalers),
        "stages": stages,
        "classifier": fold.classifier.name,
        "novelty": "novelty.npz",
    }


def _copy_part(cell: CellParts, source: Path, target: Path) -> None:
    """Copy a file, or a folder."""
    target.parent.mkdir(exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, copy_function=lambda one, copy: _copy(cell, Path(one), Path(copy)))
    else:
        _copy(cell, source, target)


def _copy(cell: CellParts, source: Path, target: Path) -> None:
    """Copy a file; what was copied has to be what the storage's own run wrote."""
    shutil.copyfile(source, target)
    cell.digests.check(source, sha256_of(target))


def _copy_source(target: Path) -> None:
    """Copy this project's source."""
    root, hidden = Path(__file__).parents[2], shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
    for name in PACKAGES:
        shutil.copytree(root / name, target / name, ignore=hidden)


def _requirements(cells: Sequence[CellParts]) -> list[str]:
    """Return what has to be installed, each in the version that is at work here; Ray is not among it."""
    needed = set(REQUIRED)
    for cell in cells:
        plugins = (cell.stage.classifier, cell.prepared.representation, cell.prepared.recordings.reader)
        needed |= {name for plugin in plugins for name in plugin.PACKAGES}
        needed |= {name for described in cell.stage.features for name in described.packages}
    versions = {name: metadata.version(name).partition("+")[0] for name in needed}  # +cpu is no release of its own
    return [f"{name}=={version}" for name, version in sorted(versions.items())]


def _readme(cells: Sequence[CellParts], requirements: Sequence[str]) -> str:
    """Return what a person reads first."""
    text = (TEXTS / "README.md.txt").read_text(encoding="utf-8")
    named = {
        "cells": "\n".join(_described(cell) for cell in cells),
        "classes": ", ".join(cells[0].classes),
        "domains": ", ".join(domain for cell in cells for domain in cell.domains),
        "domain": cells[0].domains[0],
        "requirements": ", ".join(requirements),
    }
    for name, value in named.items():
        text = text.replace(f"@{name}@", value)
    return text


def _described(cell: CellParts) -> str:
    """Return a line on what a cell is, and how good it was."""
    figure, title = ("macro_f1", "macro-F1") if "macro_f1" in cell.metrics else ("roc_auc_faulty", "AUC of faults")
    low, high = cell.metrics.get(f"{figure}_interval") or (None, None)
    interval = f", 95 % interval {low:.2f} to {high:.2f}" if low is not None and high is not None else ""
    judged = f"{title} {cell.metrics[figure]:.2f}{interval}, on {_counted(cell.metrics)}"
    heard = "; ".join(_heard(domain, of_domain) for domain, of_domain in cell.trained_on.items())
    said = f"{judged}. Trained on {heard or 'recordings that are gone'}."
    final = cell.metrics.get("final")
    return f"- **{cell.name}** (key `{cell.key}`): {_final_text(final) if final else ''}{said}{_memory_text(cell)}"


def _memory_text(cell: CellParts) -> str:
    """Return what a folder without its memory does, or that it holds training series."""
    described = [fold.described for fold in cell.folds]
    if any(one.left_behind for one in described):
        return (
            " **It forecasts without modules here**: the memory of training series that they look windows up in was "
            "left out, and what is above was measured with them. For a folder that has it, set "
            "`modules.gram.in_export: true`."
        )
    if any(stage.KIND == "memory" for one in described for stage, _ in one.parts):
        return " The folder holds whole training series: the memory that its modules look windows up in."
    return ""


def _final_text(final: Mapping[str, Any]) -> str:
    """Return on what a final model was trained, before the figure to expect of it."""
    steps = ", ".join(f"{name} for {n_steps} steps" for name, n_steps in final["n_steps"].items())
    tuned = f"; its fine-tunes: {steps}" if steps else ""
    folds = "1 fold" if final["n_folds"] == 1 else f"{final['n_folds']} folds"
    return (
        f"a final model, trained on all {final['n_series']} series of all {final['n_motors']} motors, so that none is "
        f"left to measure it on{tuned}. To expect, as measured over the {folds} of cell `{final['judged_cell']}`: "
    )


def _counted(metrics: Mapping[str, Any]) -> str:
    return f"{metrics.get('n_series', '?')} series of {metrics.get('n_motors', '?')} motors that it was not trained on"


def _heard(domain: str, heard: Mapping[str, Any]) -> str:
    rates = ", ".join(f"{rate:g}" for rate in heard["sampling_rates_hz"][:5])
    fewest, most = heard["n_samples"]
    return f"{domain}: {rates} Hz, {fewest if fewest == most else f'{fewest} to {most}'} samples"


def model_facts(folder: Path) -> dict[str, Any]:
    """Return ``model.json`` of an exported folder."""
    return json.loads((folder / MODEL).read_text(encoding="utf-8"))
