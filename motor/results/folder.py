"""The results as a person opens them: the seeds' folders over the stage folders, `cells.csv`, `result.md`."""

import contextlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from grid.plan.plan import Cell, Plan
from grid.run.failures import Failure
from grid.store.store import Store, write_json, write_text
from motor.evaluation.against import FILE_NAME as KEPT
from motor.evaluation.against import kept
from motor.evaluation.axes.base import axis
from motor.evaluation.cells import cell_key
from motor.evaluation.label_errors import suspected_labels
from motor.experiment.cells import LEAKY
from motor.experiment.reading import Experiment
from motor.lazy import pandas as pd
from motor.registry import kind_of, using
from motor.registry.sources import source_of
from motor.report import (
    CellResult,
    Document,
    FailedCell,
    advised_cells,
    compose,
    draw,
    drawn_aside,
    find,
    is_begun,
    summary,
    summary_table,
    write_html,
    write_markdown,
)
from motor.results.details import cell_details
from motor.results.failures import FAILED, write_failures
from motor.results.forecasts import forecasts_of, forecasts_table
from motor.results.links import curve_names, link_to, remove_others
from motor.results.report_context import report_context
from motor.results.trends import trends_of
from motor.stages.classify import Classify
from motor.stages.curves import CURVES
from motor.stages.described import Described

PAGE = "report.html"
RANKING = "ranking.json"  # by which metric the recipes are ranked: `predict --cell best` goes by it, too
MACHINES = "machines.json"  # what the config tells of machines and units: `predict` names lines and zones by it
SUSPECTED, FORECASTS = "suspected_labels.csv", "forecasts.csv"
RACING = "racing.json"  # of a race: what was stopped, after which fold, and why
FORM = "2"  # of what a report leaves for others to read: an older one is written anew by the next launch
MARK = "made-from.json"  # written last: what the results folder was made from
MANY = 60  # cells; below it the page is written before a second process could draw all figures
HERE = 2  # of so many figures one is drawn here then, once the page is written


def results_folder(experiment: Experiment, store: Store) -> Path:
    """Return where the results of a grid lie."""
    return store.root / "results" / experiment.name


def is_current(experiment: Experiment, cells: list[Cell], store: Store, leaky: Sequence[Cell] = ()) -> bool:
    """Tell whether the results were made from just the cells that stand, and their leaky twins if any."""
    mark = results_folder(experiment, store) / MARK
    if not store.stands(mark):
        return False
    store.receive(mark)
    try:
        made = json.loads(mark.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    return made == _mark(experiment, _standing(cells, store), _standing(leaky, store))


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
    with using(experiment.plugins):
        _write(experiment, cells, plan, store, failures, command, leaky)


def _write(
    experiment: Experiment,
    cells: list[Cell],
    plan: Plan,
    store: Store,
    failures: Mapping[str, Failure],
    command: str,
    leaky: Sequence[Cell],
) -> None:
    root = results_folder(experiment, store)
    standing = _standing(cells, store)
    twins = _standing(leaky, store)
    mark = _mark(experiment, standing, twins)
    failed = [failed_cell(cell, failures) for cell in plan.cells if not store.holds(cell.stage)]
    write_failures(root, [*cells, *leaky], store, failures, command)
    if not standing and store.stands(root / MARK):
        store.share(root / FAILED)
        return  # a faulty override must not take the place of a report that stands
    (root / MARK).unlink(missing_ok=True)
    _lay_out(experiment, cells, standing, root, store)
    results = [_cell_result(experiment, cell, store, root / cell_folder(experiment, cell)) for cell in standing]
    write_text(root / "cells.csv", summary_table(results).to_csv(index=False))
    context = report_context(experiment, cells, store, failed, command)
    context = replace(context, leaky=_leaky(twins, store, context.rank_by.kind) or None)
    context = replace(context, stopped=_stopped(root, experiment, cells))
    write_json(root / RANKING, {"rank_by": context.rank_by.kind})
    write_json(root / MACHINES, _machines(experiment))
    findings = find(results, context)
    advised = [findings.cells[place] for place in advised_cells(findings)]
    suspected = suspected_labels(findings.cells, context.classes)
    (root / SUSPECTED).unlink(missing_ok=True)
    if suspected is not None:
        write_text(root / SUSPECTED, suspected.to_csv(index=False))
    forecasts = forecasts_of(standing, results, store)
    (root / FORECASTS).unlink(missing_ok=True)
    if forecasts:
        write_text(root / FORECASTS, forecasts_table(forecasts).to_csv(index=False))
    beside = {"suspected_labels": suspected, "forecasts": forecasts}
    beside |= {"trends": trends_of(standing, results, store, advised)}
    details = cell_details(experiment, standing, results, store, advised) | beside
    findings = replace(findings, context=replace(context, spent=details["spent"]), details=details)
    _write_pages(root, compose(findings), is_long=len(results) >= MANY)
    (root / KEPT).unlink(missing_ok=True)
    if findings.ranking is not None:
        np.savez(root / KEPT, allow_pickle=False, **kept(findings.ranking, findings.scores))
    write_json(root / "summary.json", summary(findings))
    if not failed:
        write_json(root / MARK, mark)
    store.publish(root)


def _write_pages(root: Path, document: Document, is_long: bool) -> None:
    """Write the report in both forms, its figures in a second process meanwhile, if one has begun or it pays."""
    figures: list[tuple[Path, Any]] = []
    write_markdown(root / "result.md", document, lambda *figure: figures.append(figure))
    every = len(figures) + 1 if is_long else HERE if is_begun() else 1
    here, aside = figures[every - 1 :: every], [one for place, one in enumerate(figures, 1) if place % every]
    with drawn_aside(aside) if aside else contextlib.nullcontext():
        write_html(root / PAGE, document)
        for figure in here:
            draw(*figure)


def failed_cell(cell: Cell, failures: Mapping[str, Failure]) -> FailedCell:
    """Return why a cell has no result: the first of its stages that failed."""
    failure = next((failures[stage.key] for stage in cell.walk() if stage.key in failures), None)
    if failure is None:
        return FailedCell(cell.axes, "not reached: the launch was interrupted", None)
    return FailedCell(cell.axes, f"{failure.stage.KIND} {failure.stage.label()}: {failure.cause}", failure.log)


def _standing(cells: Iterable[Cell], store: Store) -> list[Cell]:
    cells = list(cells)
    held = store.held({cell.stage.key: cell.stage for cell in cells}.values())
    return [cell for cell in cells if cell.stage.key in held]


def _mark(experiment: Experiment, standing: list[Cell], leaky: list[Cell]) -> dict[str, str]:
    """Return what results are made from: cells, leaky twins, the checks that they passed, and what tells of them."""
    checks = {check.label(): check.key for cell in standing for check in cell.checks}
    twins = {cell.name(): cell.stage.key for cell in leaky}
    report_fields = {"language": experiment.base.report.language, "units": json.dumps(experiment.base.dataset.units)}
    if experiment.base.dataset.machines:
        report_fields |= {MACHINES: json.dumps(_machines(experiment))}
    report_fields |= {"rank_by": experiment.base.evaluation.rank_by, "report": FORM}
    report_fields |= {"search": "racing"} if experiment.base.search.kind == "racing" else {}
    report_fields |= {f"{cls.ROOM} {kind_of(cls)}": json.dumps(source_of(cls)) for cls in experiment.plugins}
    return {cell.name(): cell.stage.key for cell in standing} | twins | checks | report_fields


def _stopped(root: Path, experiment: Experiment, cells: Sequence[Cell]) -> tuple[Mapping[str, Any], ...]:
    """Return the cells that a race has stopped, as its notes say."""
    if experiment.base.search.kind != "racing" or not (root / RACING).is_file():
        return ()
    stopped = json.loads((root / RACING).read_text(encoding="utf-8"))["stopped"]
    return tuple(stopped[cell.stage.key] for cell in cells if cell.stage.key in stopped)


def _machines(experiment: Experiment) -> dict[str, Any]:
    known = experiment.base.dataset
    machines = {motor: machine.model_dump(mode="json") for motor, machine in known.machines.items()}
    return {"machines": machines, "units": known.units}


def _leaky(twins: list[Cell], store: Store, metric: str) -> dict[Any, float]:
    """Return the figure of each leaky twin that has it, by the axes of the cell that it stands beside."""
    texts = [(store.folder(cell.stage) / "metrics.json").read_text(encoding="utf-8") for cell in twins]
    figures = [json.loads(text).get(metric) for text in texts]
    pairs = zip(twins, figures, strict=True)
    return {cell_key(cell.axes, LEAKY): float(figure) for cell, figure in pairs if figure is not None}


def cell_folder(experiment: Experiment, cell: Cell) -> Path:
    """Return a cell's folder in the results, relative to them."""
    known = {name: value for name, value in cell.axes.items() if name not in ("method", LEAKY) and value is not None}
    parts = [axis(name).in_folder(value) for name, value in known.items()]
    return Path(experiment.method(cell.axes["method"]).folder, *parts)


def _lay_out(experiment: Experiment, cells: list[Cell], standing: list[Cell], root: Path, store: Store) -> None:
    """Link to what the cells that stand have; what is linked already stays, what else lies there goes."""
    curves = curve_names(stage for cell in standing for stage in cell.walk())
    wanted: dict[Path, Path] = {}
    for cell in standing:
        wanted |= _of_cell(cell, root / cell_folder(experiment, cell), store)
        stage = cell.stage
        made = {curves[one.key]: one for one in stage.walk() if one.HAS_CURVES}
        made |= {cell.name().replace("/", "-"): stage}
        wanted |= {root / CURVES / name: store.folder(one) / CURVES for name, one in made.items()}
    links = {link: target for link, target in wanted.items() if target.exists()}
    for folder in {experiment.method(cell.axes["method"]).folder for cell in cells} | {CURVES}:
        remove_others(root / folder, links)
    for link, target in links.items():
        link_to(target, link)


def _of_cell(cell: Cell, folder: Path, store: Store) -> dict[Path, Path]:
    """Return what a cell's folder links to, by link."""
    stage: Classify = cell.stage  # type: ignore[assignment]
    built = store.folder(stage)
    wanted = {folder / name: built / name for name in ("metrics.json", "predictions.csv", "held_out.csv")}
    wanted |= {folder / "figures" / figure.name: figure for figure in sorted((built / "figures").iterdir())}
    for features in stage.features:
        fold = features.of_fold[1]
        of_fold = folder if len(stage.features) == 1 else folder / f"fold-{fold}"
        wanted |= _of_features(features, of_fold, built, store)
    return wanted


def _of_features(features: Described, folder: Path, classified: Path, store: Store) -> dict[Path, Path]:
    built = store.folder(features)
    wanted = {folder / "clf_model.pkl": classified / f"fold-{features.of_fold[1]}" / "clf_model.pkl"}
    files = sorted(built.glob("*_*.[cn][sp][vy]")) if built.exists() else []
    wanted |= {folder / file.name: file for file in files}
    wanted |= {folder / "figures" / figure.name: figure for figure in sorted((built / "figures").glob("*.png"))}
    return wanted | {folder / name: store.folder(stage) / part for name, (stage, part) in features.models.items()}


def _cell_result(experiment: Experiment, cell: Cell, store: Store, folder: Path) -> CellResult:
    built = store.folder(cell.stage)
    metrics = json.loads((built / "metrics.json").read_text(encoding="utf-8"))
    training = [fold["training"] for fold in metrics["folds"] if fold["training"]]
    return CellResult(
        axes=cell.axes,
        metrics=metrics,
        folder=cell_folder(experiment, cell).as_posix(),
        predictions=_predictions(built / "predictions.csv"),
        held_out=_predictions(built / "held_out.csv"),
        seconds=sum(_seconds(stage, store) for stage in cell.stage.walk() if not stage.IS_COMMON),
        skill=_skill_by_class(metrics["forecast_skill"]) if training else None,
        training=_training(training) if training else None,
        n_fits=len(training),
        figures=tuple(sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.png"))),
        thresholds=tuple(of_domain for of_fold in metrics["thresholds"].values() for of_domain in of_fold.values()),
    )


def _predictions(path: Path) -> "pd.DataFrame":
    texts = dict.fromkeys(("item", "motor", "domain", "label", "predicted", "fold"), str)
    return pd.read_csv(path, dtype=texts, keep_default_na=False)


def _seconds(stage: Any, store: Store) -> float:
    """Return how long a stage took to build, 0 where it is no longer there."""
    try:
        provenance = json.loads((store.folder(stage) / "provenance.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return 0.0
    return float(provenance["seconds"])


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
