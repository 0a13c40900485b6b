"""The results as a person opens them: the seeds' folders over the stage folders, `cells.csv`, `result.md`."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grid.plan import Cell, Plan
from grid.run import Failure, versions
from grid.store import Store, write_json, write_text
from motor.evaluation.figures.overview import overview_figure
from motor.evaluation.report import CellResult, FailedCell, ReportContext, summary_table, write_report
from motor.evaluation.report.cells import cell_key, varying_axes
from motor.experiment import Experiment
from motor.methods.cells import LEAKY
from motor.methods.chain import recipe
from motor.settings import JOINT
from motor.stages.audit import Audit
from motor.stages.classify import Classify
from motor.stages.features import Features
from motor.stages.prepare import Prepare
from motor.stages.recordings import ImportRecordings
from motor.stages.series_features import SeriesFeatures

if TYPE_CHECKING:
    import pandas as pd

OVERVIEW = "overview.png"
MARK = "made-from.json"  # written last: what the results folder was made from
SHARED_KINDS = ("recordings", "prepare", "audit", "cleared")  # what every recipe needs alike, and none is charged with


def results_folder(experiment: Experiment, store: Store) -> Path:
    """Return where the results of a grid lie."""
    return store.root / "results" / experiment.name


def is_current(experiment: Experiment, cells: list[Cell], store: Store, leaky: Sequence[Cell] = ()) -> bool:
    """Tell whether the results were made from just the cells that stand, and their leaky twins if any."""
    try:
        made = json.loads((results_folder(experiment, store) / MARK).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    return made == _mark(_standing(cells, store), _standing(leaky, store))


def write_results(
    experiment: Experiment,
    cells: list[Cell],
    plan: Plan,
    store: Store,
    failures: Mapping[str, Failure],
    command: str,
    leaky: Sequence[Cell] = (),
) -> None:
    """Lay out the results of all cells that stand, and report on them; where none does, keep the last report.

    Parameters
    ----------
    experiment, cells
        The config, and the whole grid that it asks for: also what an earlier launch built is reported.
    plan, store
        What this launch was to build, and where it lies.
    failures : mapping of str to Failure
        The stages that failed, by key.
    command : str
        The command that makes this result.
    leaky : sequence of Cell
        The same cells under a split by series, to be shown beside them.
    """
    root = results_folder(experiment, store)
    standing = _standing(cells, store)
    twins = _standing(leaky, store)
    mark = _mark(standing, twins)
    failed = [failed_cell(cell, failures) for cell in plan.cells if not store.holds(cell.stage)]
    write_json(root / "failed.json", [{"axes": f.axes, "cause": f.cause, "log": f.log} for f in failed])
    if not standing and (root / MARK).exists():
        return  # a faulty override must not take the place of a report that stands
    (root / MARK).unlink(missing_ok=True)
    for folder in {recipe(cell.axes["method"]).folder for cell in cells} | {"tensorboard"}:
        shutil.rmtree(root / folder, ignore_errors=True)
    results = [_lay_out(cell, root, store) for cell in standing]
    write_text(root / "cells.csv", summary_table(results).to_csv(index=False))
    if results:
        shown = varying_axes(results)
        rows = [axis for axis in shown if axis not in ("domain", "classifier", "seed")]
        drawn = [(result.axes, result.metrics) for result in results]
        overview_figure(root / OVERVIEW, drawn, rows, "domain", "classifier")
    context = _context(experiment, cells, store, failed, command, bool(results))
    context = replace(context, leaky={cell_key(cell.axes, LEAKY): _macro_f1(cell, store) for cell in twins} or None)
    write_report(root / "result.md", results, context)
    if not failed:
        write_json(root / MARK, mark)


def failed_cell(cell: Cell, failures: Mapping[str, Failure]) -> FailedCell:
    """Return why a cell has no result: the first of its stages that failed."""
    failure = next((failures[stage.key] for stage in cell.walk() if stage.key in failures), None)
    if failure is None:
        return FailedCell(cell.axes, "not reached: the launch was interrupted", None)
    return FailedCell(cell.axes, f"{failure.stage.KIND} {failure.stage.label()}: {failure.cause}", failure.log)


def _standing(cells: Iterable[Cell], store: Store) -> list[Cell]:
    return [cell for cell in cells if store.holds(cell.stage)]


def _mark(standing: list[Cell], leaky: list[Cell]) -> dict[str, str]:
    """Return what results are made from: the cells, their leaky twins, and the checks that they passed."""
    checks = {check.label(): check.key for cell in standing for check in cell.checks}
    twins = {cell.name(): cell.stage.key for cell in leaky}
    return {cell.name(): cell.stage.key for cell in standing} | twins | checks


def _macro_f1(cell: Cell, store: Store) -> float:
    metrics = json.loads((store.folder(cell.stage) / "metrics.json").read_text(encoding="utf-8"))
    return float(metrics["macro_f1"])


# How the folder of a cell tells each axis; one that is not in the grid, or means nothing for the cell, has none.
FOLDERS = {
    "domain": "{}",
    "representation": "{}",
    "scaling": "scaled-by-{}",
    "prediction_length": "h{}",
    "patch_length": "patch{}",
    "context_length": "ctx{}",
    "seed": "seed{}",
    "classifier": "{}",
}


def cell_folder(cell: Cell) -> Path:
    """Return a cell's folder in the results, relative to them."""
    parts = [form.format(cell.axes[axis]) for axis, form in FOLDERS.items() if cell.axes.get(axis) is not None]
    return Path(recipe(cell.axes["method"]).folder, *parts)


def _lay_out(cell: Cell, root: Path, store: Store) -> CellResult:
    stage = cell.stage
    assert isinstance(stage, Classify)
    folder, built = root / cell_folder(cell), store.folder(stage)
    for name in ("metrics.json", "predictions.csv", "held_out.csv"):
        _link(built / name, folder / name)
    for figure in sorted((built / "figures").iterdir()):
        _link(figure, folder / "figures" / figure.name)
    for features in stage.features:
        fold = features.of_fold[1]
        _lay_out_fold(features, folder if len(stage.features) == 1 else folder / f"fold-{fold}", built, root, store)
    _link(built / "tensorboard", root / "tensorboard" / cell.name().replace("/", "-"))
    return _cell_result(cell, store, folder)


def _lay_out_fold(features: SeriesFeatures, folder: Path, classified: Path, root: Path, store: Store) -> None:
    built = store.folder(features)
    _link(classified / f"fold-{features.of_fold[1]}" / "clf_model.pkl", folder / "clf_model.pkl")
    for file in sorted(built.glob("*_*.[cn][sp][vy]")) if built.exists() else []:
        _link(file, folder / file.name)
    for figure in sorted((built / "figures").glob("*.png")):
        _link(figure, folder / "figures" / figure.name)
    tuned = features.finetunes if isinstance(features, Features) else ()
    for finetune in tuned:
        name = "predictor" if len(tuned) == 1 else f"predictor-{finetune.labels.replace(' ', '-')}"
        _link(store.folder(finetune) / "predictor", folder / name)
        _link(store.folder(finetune) / "tensorboard", root / "tensorboard" / "finetune" / finetune.label())


def _link(target: Path, link: Path) -> None:
    """Link to a file or folder of a stage, relatively, so that the storage can be moved as a whole."""
    if not target.exists():
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(os.path.relpath(target, link.parent))


def _cell_result(cell: Cell, store: Store, folder: Path) -> CellResult:
    built = store.folder(cell.stage)
    metrics = json.loads((built / "metrics.json").read_text(encoding="utf-8"))
    training = [fold["training"] for fold in metrics["folds"] if fold["training"]]
    return CellResult(
        axes=cell.axes,
        metrics=metrics,
        folder=cell_folder(cell).as_posix(),
        predictions=_predictions(built / "predictions.csv"),
        held_out=_predictions(built / "held_out.csv"),
        seconds=sum(_seconds(stage, store) for stage in cell.stage.walk() if stage.KIND not in SHARED_KINDS),
        skill=_skill_by_class(metrics["forecast_skill"]) if training else None,
        training=_training(training) if training else None,
        n_fits=len(training),
        figures=tuple(sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.png"))),
        thresholds=tuple(of_domain for of_fold in metrics["thresholds"].values() for of_domain in of_fold.values()),
    )


def _predictions(path: Path) -> "pd.DataFrame":
    import pandas as pd

    texts = dict.fromkeys(("item", "motor", "domain", "label", "predicted", "fold"), str)
    return pd.read_csv(path, dtype=texts, keep_default_na=False)


def _seconds(stage: Any, store: Store) -> float:
    """Return how long a stage took to build, 0 where it is no longer there."""
    try:
        told = json.loads((store.folder(stage) / "provenance.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return 0.0
    return float(told["seconds"])


def _training(folds: list[dict[str, Any]]) -> dict[str, Any]:
    best = [fold["best"] or {} for fold in folds]
    return {
        "steps": [fold["n_steps"] for fold in folds],
        "best_step": [fold.get("step") for fold in best],
        "validation_loss": [fold.get("validation_wql") for fold in best],
        "tokens": folds[0]["n_tokens"],
        "context_seen": folds[0].get("context_seen"),
        "horizon": folds[0]["horizon_method"],
    }


def _skill_by_class(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Return the error over the mean forecast's by class, over domains, near the forecast's origin if it is known."""
    segments = sorted({row["segment"] for row in rows}, key=lambda name: name == "whole")
    sums: dict[str, list[float]] = {}
    for row in rows:
        if row["segment"] == segments[0]:
            total = sums.setdefault(row["label"], [0.0, 0.0])
            total[0] += row["error"] * row["n_windows"]
            total[1] += row["mean_forecast_error"] * row["n_windows"]
    return {label: error / reference for label, (error, reference) in sums.items() if reference}


def _context(
    experiment: Experiment, cells: list[Cell], store: Store, failed: list[FailedCell], command: str, is_drawn: bool
) -> ReportContext:
    base = experiment.base
    first: Classify = cells[0].stage  # type: ignore[assignment]
    prepared = first.features[0].of_fold[0]
    methods = list(dict.fromkeys(cell.axes["method"] for cell in cells))
    return ReportContext(
        name=experiment.name,
        command=command,
        classes=tuple(base.dataset.classes),
        normal=base.normal,
        joint=JOINT,
        two_stage_pairs={"C": "C_two_stage"},
        descriptions={method: recipe(method).describe() for method in methods},
        families={method: recipe(method).family for method in methods},
        controls={method: control for method in methods if (control := recipe(method).control)},
        audit=_audit(cells, store),
        accepted=tuple(base.audit.accept),
        goal=base.evaluation.goal,
        settings=_settings_rows(experiment),
        dataset=_dataset(store, prepared.recordings),
        split=_split(store, prepared),
        versions=versions(),
        digests={"data": prepared.recordings.content_digest or "simulated", "cells": _cells_digest(cells)},
        failed=tuple(failed),
        overview=OVERVIEW if is_drawn else None,
    )


def _audit(cells: list[Cell], store: Store) -> dict[str, Any] | None:
    """Return what the leak audit found, None where it was not done."""
    for stage in (stage for check in cells[0].checks for stage in check.walk() if stage.KIND == Audit.KIND):
        path = store.folder(stage) / "audit.json"
        if path.exists():
            return json.loads(path.read_text(encoding="utf-8"))
    return None


def _cells_digest(cells: list[Cell]) -> str:
    """Return one digest of all that decides the grid's numbers: equal settings and data give equal ones anywhere."""
    return hashlib.sha256("\n".join(cell.stage.key for cell in cells).encode()).hexdigest()


def _reach(backbone: Any) -> str:
    return f"{backbone.horizon} where the head is shorter" if hasattr(backbone, "horizon") else "in one pass"


def _settings_rows(experiment: Experiment) -> tuple[tuple[str, str], ...]:
    base = experiment.base
    backbone = {name: value for name, value in base.backbone.model_dump().items() if name != "horizon"}
    named = {
        "backbone": base.backbone.source or backbone,
        "horizon": f"{base.windows.prediction_length} samples ({_reach(base.backbone)})",
        "windows": base.windows.model_dump(exclude={"prediction_length"}),
        "representation": base.representation.model_dump(),
        "scaling": base.scaling.model_dump(),
        "fine-tune": base.finetune.model_dump(),
        "augmentation": base.augmentation.model_dump(exclude_none=True) or "none",
        "by method": base.by_method or "as above",
        "by domain": base.by_domain or "as above",
        "seed": base.seed,
    }
    return tuple(
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in named.items()
    )


def _dataset(store: Store, stage: ImportRecordings) -> dict[str, Any]:
    path = store.folder(stage) / "summary.json"
    if not path.exists():
        return {}
    summary = json.loads(path.read_text(encoding="utf-8"))
    motors = summary.pop("motors_by_domain_label")
    counts = summary.pop("recordings_by_domain_label")
    rows = [
        {"domain": domain, "label": label, "series": number, "motors": motors[domain][label]}
        for domain, labels in counts.items()
        for label, number in labels.items()
    ]
    skipped = summary.pop("skipped")
    plain = {name: value for name, value in summary.items() if not isinstance(value, dict)}
    return {
        **plain,
        "sampling rates (Hz: series)": summary["recordings_by_sampling_rate_hz"],
        "skipped series": len(skipped),
        "counts": rows,
    }


def _split(store: Store, stage: Prepare) -> dict[str, Any]:
    import pandas as pd

    path = store.folder(stage) / "split.csv"
    if not path.exists():
        return {}
    sides = pd.read_csv(path, dtype=str)
    counts = sides.groupby(["fold", "side"], sort=False).size().reset_index(name="motors")
    return {"kind": stage.split.kind, "counts": counts.to_dict("records")}
