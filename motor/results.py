"""The results as a person opens them: the seeds' folders over the stage folders, `cells.csv`, `result.md`."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grid.plan import Cell, Plan
from grid.run import Failure, versions
from grid.store import Store, write_json, write_text
from motor.evaluation.figures.overview import overview_figure
from motor.evaluation.report import CellResult, FailedCell, ReportContext, summary_table, write_report
from motor.methods.chain import recipe
from motor.settings import JOINT, Experiment
from motor.stages.classify import Classify
from motor.stages.features import Features
from motor.stages.prepare import Prepare
from motor.stages.recordings import ImportRecordings

if TYPE_CHECKING:
    import pandas as pd

OVERVIEW = "overview.png"
MARK = "made-from.json"  # written last: what the results folder was made from


def results_folder(experiment: Experiment, store: Store) -> Path:
    """Return where the results of a grid lie."""
    return store.root / "results" / experiment.name


def is_current(experiment: Experiment, cells: list[Cell], store: Store) -> bool:
    """Tell whether the results were made from just the cells that stand."""
    try:
        made = json.loads((results_folder(experiment, store) / MARK).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    return made == _mark(_standing(cells, store))


def write_results(
    experiment: Experiment, cells: list[Cell], plan: Plan, store: Store, failures: Mapping[str, Failure], command: str
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
    """
    root = results_folder(experiment, store)
    standing = _standing(cells, store)
    mark = _mark(standing)
    failed = [failed_cell(cell, failures) for cell in plan.cells if cell.name() not in mark]
    write_json(root / "failed.json", [{"axes": f.axes, "cause": f.cause, "log": f.log} for f in failed])
    if not standing and (root / MARK).exists():
        return  # a faulty override must not take the place of a report that stands
    (root / MARK).unlink(missing_ok=True)
    for folder in {recipe(cell.axes["method"]).folder for cell in cells} | {"tensorboard"}:
        shutil.rmtree(root / folder, ignore_errors=True)
    results = [_lay_out(cell, root, store) for cell in standing]
    write_text(root / "cells.csv", summary_table(results).to_csv(index=False))
    if results:
        several = len({cell.axes["context_length"] for cell in standing}) > 1
        rows = ["method", "context_length"] if several else ["method"]
        drawn = [(result.axes, result.metrics) for result in results]
        overview_figure(root / OVERVIEW, drawn, rows, "domain", "classifier")
    write_report(root / "result.md", results, _context(experiment, cells, store, failed, command, bool(results)))
    if not failed:
        write_json(root / MARK, mark)


def failed_cell(cell: Cell, failures: Mapping[str, Failure]) -> FailedCell:
    """Return why a cell has no result: the first of its stages that failed."""
    failure = next((failures[stage.key] for stage in cell.stage.walk() if stage.key in failures), None)
    if failure is None:
        return FailedCell(cell.axes, "not reached: the launch was interrupted", None)
    return FailedCell(cell.axes, f"{failure.stage.KIND} {failure.stage.label()}: {failure.cause}", failure.log)


def _standing(cells: list[Cell], store: Store) -> list[Cell]:
    return [cell for cell in cells if store.holds(cell.stage)]


def _mark(standing: list[Cell]) -> dict[str, str]:
    return {cell.name(): cell.stage.key for cell in standing}


def cell_folder(cell: Cell) -> Path:
    """Return a cell's folder in the results, relative to them."""
    axes = cell.axes
    return Path(recipe(axes["method"]).folder, axes["domain"], f"ctx{axes['context_length']}", axes["classifier"])


def _lay_out(cell: Cell, root: Path, store: Store) -> CellResult:
    import pandas as pd

    stage = cell.stage
    assert isinstance(stage, Classify)
    folder, built = root / cell_folder(cell), store.folder(stage)
    for name in ("metrics.json", "predictions.csv"):
        _link(built / name, folder / name)
    for figure in sorted((built / "figures").iterdir()):
        _link(figure, folder / "figures" / figure.name)
    for features in stage.features:
        fold = features.finetune.fold
        _lay_out_fold(features, folder if len(stage.features) == 1 else folder / f"fold-{fold}", built, store)
        finetune = features.finetune
        _link(store.folder(finetune) / "tensorboard", root / "tensorboard" / "finetune" / finetune.label())
    _link(built / "tensorboard", root / "tensorboard" / cell.name().replace("/", "-"))
    metrics = json.loads((built / "metrics.json").read_text(encoding="utf-8"))
    texts = dict.fromkeys(("item", "motor", "domain", "label", "predicted", "fold"), str)
    predictions = pd.read_csv(built / "predictions.csv", dtype=texts, keep_default_na=False)
    return _cell_result(cell, cell_folder(cell), metrics, predictions, folder)


def _lay_out_fold(features: Features, folder: Path, classified: Path, store: Store) -> None:
    built, finetuned = store.folder(features), store.folder(features.finetune)
    _link(classified / f"fold-{features.finetune.fold}" / "clf_model.pkl", folder / "clf_model.pkl")
    for file in sorted(built.glob("*_*.[cn][sp][vy]")) if built.exists() else []:
        _link(file, folder / file.name)
    for figure in sorted((built / "figures").glob("*.png")):
        _link(figure, folder / "figures" / figure.name)
    _link(finetuned / "predictor", folder / "predictor")


def _link(target: Path, link: Path) -> None:
    """Link to a file or folder of a stage, relatively, so that the storage can be moved as a whole."""
    if not target.exists():
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(os.path.relpath(target, link.parent))


def _cell_result(
    cell: Cell, relative: Path, metrics: dict[str, Any], predictions: "pd.DataFrame", folder: Path
) -> CellResult:
    training = [fold["training"] for fold in metrics["folds"]]
    best = [fold["best"] or {} for fold in training]
    return CellResult(
        axes=cell.axes,
        metrics=metrics,
        folder=relative.as_posix(),
        predictions=predictions,
        skill=_skill_by_class(metrics["forecast_skill"]),
        training={
            "steps": [fold["n_steps"] for fold in training],
            "best_step": [fold.get("step") for fold in best],
            "validation_loss": [fold.get("validation_wql") for fold in best],
            "tokens": training[0]["n_tokens"],
            "horizon": training[0]["horizon_method"],
        },
        n_fits=len(training),
        figures=tuple(sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.png"))),
        thresholds=tuple(of_domain for of_fold in metrics["thresholds"].values() for of_domain in of_fold.values()),
    )


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
    prepared = first.features[0].finetune.prepared
    return ReportContext(
        name=experiment.name,
        command=command,
        classes=tuple(base.dataset.classes),
        normal=base.normal,
        joint=JOINT,
        two_stage_pairs={"C": "C_two_stage"},
        descriptions={cell.axes["method"]: recipe(cell.axes["method"]).describe() for cell in cells},
        settings=_settings_rows(experiment),
        dataset=_dataset(store, prepared.recordings),
        split=_split(store, prepared),
        versions=versions(),
        digests={"data": prepared.recordings.content_digest or "simulated", "cells": _cells_digest(cells)},
        failed=tuple(failed),
        overview=OVERVIEW if is_drawn else None,
    )


def _cells_digest(cells: list[Cell]) -> str:
    """Return one digest of all that decides the grid's numbers: equal settings and data give equal ones anywhere."""
    return hashlib.sha256("\n".join(cell.stage.key for cell in cells).encode()).hexdigest()


def _settings_rows(experiment: Experiment) -> tuple[tuple[str, str], ...]:
    base = experiment.base
    backbone = {name: value for name, value in base.backbone.model_dump().items() if name != "horizon"}
    named = {
        "backbone": base.backbone.weights or backbone,
        "horizon": f"{base.windows.prediction_length} samples ({base.backbone.horizon} where the head is shorter)",
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
