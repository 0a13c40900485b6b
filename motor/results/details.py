"""What the report shows of single cells: settings, maps of features, residuals, worst cases; and what they cost."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from grid.plan.plan import Cell
from grid.store.store import Store
from motor.evaluation.cells import CellResult
from motor.evaluation.fundamentals import COLUMN as LINE
from motor.evaluation.fundamentals import explained, fundamentals
from motor.evaluation.repeats import best_by_method_and_domain, repeats
from motor.evaluation.signals import drawn
from motor.experiment.reading import Experiment
from motor.lazy import pandas as pd
from motor.lazy import pyarrow
from motor.recordings.machines import OF_SUPPLY, Machine, components_of
from motor.recordings.readers.base import AS_RECORDED
from motor.recordings.recording import Recording
from motor.recordings.table import FILE_NAME, Recordings, open_recordings
from motor.registry.sources import without_text
from motor.stages.classify import Classify
from motor.stages.describe import evidence_of, severity_of
from motor.stages.described import RESIDUALS, TSNE
from motor.stages.forecasts import joined
from motor.stages.speeds import with_speed

MOST_WORST = 6  # of one cell
MOST_UNSURE = 2  # of one cell that is right everywhere
MOST_SIGNALS = 24  # of all cells together
MOST_POINTS = 500  # of one t-SNE map
MOST_RESIDUALS = 200  # of one class and domain
MOST_STEPS = 60  # of one learning curve
HOUR_S = 3600.0
LEFT_OUT = {"kind", "version", "axes", "fold", "classes", "normal", "content_digest"}  # the page tells these elsewhere
ASKED = re.compile(r"(?:(?P<workers>\d+) x )?\(?(?P<cpus>[\d.]+) CPU(?:, (?P<gpus>[\d.]+) GPU)?")


def cell_details(
    experiment: Experiment,
    cells: list[Cell],
    results: list[CellResult],
    store: Store,
    advised: Sequence[CellResult] = (),
) -> dict[str, Any]:
    """Gather what stands beside the metrics; what was deleted from the storage is left out.

    Parameters
    ----------
    experiment : Experiment
        The config; its `dataset.units` name the units.
    cells, results : list of Cell, list of CellResult
        The cells that stand, and the result of each, in one order.
    store : Store
        Where the stages lie.
    advised : sequence of CellResult
        Those of `results` that the report advises: their worst cases are drawn first.

    Returns
    -------
    dict
        `cells`: name -> `folder`, `config` (setting -> value), `tsne` (one fold, at most 500 series), `residuals`
        (domain -> class -> quantiles over the test series of all folds; None without a forecaster), `learning` (fold ->
        `step` and `loss` on validation motors; {} where nothing was fine-tuned), `forecasts`, `seconds`,
        `rests_on` (see `_rests_on`), `worst` (names of `signals`). `signals`: name -> `item`, `motor`, `domain`,
        `label`, `predicted`,
        `probability` (of what was predicted), `is_wrong` (else it is one of the least sure right ones),
        `sampling_rate_hz`, `unit`, `waveform`, `spectrum`, `envelope_spectrum`, and `evidence` where a method of lines
        judged it (see `motor.features.evidence.Line`). `spent`: `by_kind`, `shared`, `hosts`.
        Cells with the same features share one `tsne` list.
    """
    tsne, residuals, learning, forecasts = cache(_tsne), cache(_residuals), cache(_learning), cache(_forecasts)
    rests_on = cache(lambda folder, normal: _rests_on(folder, normal, experiment.base.dataset.machines))
    by_cell: dict[str, Any] = {}
    for cell, result in zip(cells, results, strict=True):
        stage: Classify = cell.stage  # type: ignore[assignment]
        folders = tuple(store.folder(features) for features in stage.features)
        by_cell[cell.name()] = {
            "folder": result.folder,
            "config": _config(stage),
            "tsne": tsne(folders[0]),
            "residuals": residuals(folders),
            "learning": learning(_tunings(stage, store)),
            "forecasts": forecasts(_tunings(stage, store), getattr(stage.features[0], "context_length", 0)),
            "seconds": result.seconds,
            "rests_on": rests_on(folders[0], experiment.base.normal),
            "worst": [],
        }
    signals = _worst_cases(experiment, cells, results, store, by_cell, advised)
    return {"cells": by_cell, "signals": signals, "spent": spent(cells, store)}


def _config(stage: Classify) -> dict[str, str]:
    """Return every setting that decides a cell's result, by the kind of stage that it belongs to."""
    chain = [*_inputs(stage.features[0]), stage]
    kinds = Counter(one.KIND for one in chain)
    numbers: Counter[str] = Counter()
    settings = {}
    for one in chain:
        numbers[one.KIND] += 1
        name = one.KIND if kinds[one.KIND] == 1 else f"{one.KIND} {numbers[one.KIND]}"
        for field, value in without_text(one.record).items():
            if field not in LEFT_OUT and not _is_stage(value) and (text := _text(value)):
                settings[f"{name}: {field.replace('_', ' ')}"] = text
    return settings


def _inputs(stage: Any) -> list[Any]:
    """Return a stage behind all that it is made from, each once; checks that it waits for decide nothing."""
    found = [one for source in stage.inputs for one in _inputs(source)]
    return list({one.key: one for one in [*found, stage]}.values())


def _is_stage(value: Any) -> bool:
    """Tell whether a record's value is an input's record, or several."""
    if isinstance(value, list):
        return bool(value) and all(map(_is_stage, value))
    return isinstance(value, dict) and {"kind", "version"} <= value.keys()


def _text(value: Any, is_whole: bool = True) -> str:
    """Return a value of a record on one line; "" for what says nothing."""
    if isinstance(value, dict):
        parts = {name: _text(part, is_whole=False) for name, part in value.items()}
        texts = [f"{name.replace('_', ' ')} {part}" for name, part in parts.items() if part]
        return "; ".join(texts) if is_whole or not texts else f"({'; '.join(texts)})"
    if isinstance(value, list):
        return ", ".join(filter(None, (_text(part, is_whole) for part in value)))
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _tsne(folder: Path) -> list[dict[str, Any]] | None:
    """Return the map that a features stage drew, thinned evenly; None where it drew none."""
    try:
        table = pd.read_csv(folder / "figures" / TSNE, dtype=dict.fromkeys(_NAMES, str), keep_default_na=False)
    except FileNotFoundError:
        return None
    places = np.linspace(0, len(table) - 1, min(len(table), MOST_POINTS)).round().astype(int)
    return table.iloc[places].round({"x": 2, "y": 2}).to_dict("records")


def _rests_on(folder: Path, normal: str | None, machines: Mapping[str, Machine]) -> list[dict[str, Any]]:
    """Return which order each class rests on, by domain, with `component` where machines are known.

    None is no known part. Estimated from the lines of all recordings of a fold; [] of cells that do not look at lines
    in orders.
    """
    file = folder / "features.parquet"
    if normal is None or not file.exists():
        return []
    lines = [name for name in pyarrow.parquet.read_schema(file).names if LINE.fullmatch(name)]
    if not lines:
        return []
    table, found = pd.read_parquet(file, columns=["motor", "domain", "label", *lines]), []
    for domain, rows in table.groupby("domain", sort=False):
        for one in fundamentals(rows.drop(columns="domain"), normal):
            parts = {
                part
                for motor in rows.loc[rows["label"] == one["label"], "motor"].unique()
                for part in components_of(machines, str(motor), 1.0).items()
                if part[0] not in OF_SUPPLY
            }
            named = {"component": explained(one["order"], sorted(parts))} if machines else {}
            found.append({"domain": str(domain), **one, **named})
    return found


def _tunings(stage: Classify, store: Store) -> tuple[tuple[str, Path], ...]:
    """Return the fine-tunes that a cell rests on, each with its fold."""
    return tuple(
        (
            tuned.fold if len(getattr(features, "finetunes", ())) == 1 else f"{tuned.fold}: {tuned.labels}",
            store.folder(tuned),
        )
        for features in stage.features
        for tuned in getattr(features, "finetunes", ())
    )


def _learning(tunings: tuple[tuple[str, Path], ...]) -> dict[str, dict[str, list[float]]]:
    """Return the error on validation motors by step, fold by fold, as the fine-tunes tell it."""
    curves = {}
    for name, folder in tunings:
        try:
            record = json.loads((folder / "training.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        rows = [row for row in record.get("history", []) if row.get("validation_wql") is not None]
        if rows:
            places = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MOST_STEPS)).round().astype(int))
            kept = [rows[place] for place in places]
            curves[name] = {
                "step": [row["step"] for row in kept],
                "loss": [float(f"{row['validation_wql']:.4g}") for row in kept],
            }
    return curves


def _forecasts(tunings: tuple[tuple[str, Path], ...], context_length: int) -> dict[str, Any] | None:
    """Return what the forecasts are worth on test series (see `motor.stages.forecasts.joined`)."""
    try:
        return joined([folder for _, folder in tunings], context_length)
    except FileNotFoundError:
        return None


_NAMES = ("item", "motor", "domain", "label", "side")
_ERROR = ["domain", "label", "side", "mae"]


def _residuals(folders: tuple[Path, ...]) -> dict[str, dict[str, list[float]]] | None:
    """Return quantiles of the test series' mean absolute errors, by domain and class."""
    if not all((folder / "figures" / RESIDUALS).exists() for folder in folders):
        return None
    table = pd.concat([pd.read_parquet(folder / "features.parquet", columns=_ERROR) for folder in folders])
    found: dict[str, dict[str, list[float]]] = {}
    for (domain, label), errors in table[table["side"] == "test"].groupby(["domain", "label"])["mae"]:
        levels = np.linspace(0, 1, min(len(errors), MOST_RESIDUALS))
        found.setdefault(str(domain), {})[str(label)] = [float(f"{e:.4g}") for e in np.quantile(errors, levels)]
    return found


def _worst_cases(
    experiment: Experiment,
    cells: list[Cell],
    results: list[CellResult],
    store: Store,
    by_cell: dict[str, Any],
    advised: Sequence[CellResult],
) -> dict[str, Any]:
    """Draw the worst cases of what is advised, then of the best cell of each method and domain; name them `by_cell`."""
    recordings = _recordings(cells, store)
    if recordings is None:
        return {}
    places = {str(item): place for place, item in enumerate(recordings.meta["item"])}
    names = {id(result): cell.name() for cell, result in zip(cells, results, strict=True)}
    units = experiment.base.dataset.units
    views = cache(lambda place: _views(recordings, place))
    lines = cache(lambda place: _evidence(experiment, recordings, place))
    machines = experiment.base.dataset.machines
    severity = cache(lambda place: _severity(recordings.recording(place), units, machines))
    of_lines = {cell.name() for cell in cells if cell.stage.features[0].looks_at_lines}  # type: ignore[attr-defined]
    signals: dict[str, Any] = {}
    best = [row.first for row in best_by_method_and_domain(repeats(results))]
    for result, case in _dealt(advised, best):
        if len(signals) == MOST_SIGNALS:
            break
        if (place := places.get(case["item"])) is not None:
            name = f"{names[id(result)]}/{case['item']}"
            rate_hz = float(recordings.meta["sampling_rate_hz"].iloc[place])
            about = {"sampling_rate_hz": rate_hz, "unit": units.get(case["domain"], AS_RECORDED)}
            about |= severity(place)
            shown = lines(place) if names[id(result)] in of_lines else {}
            signals[name] = {**case, **about, **views(place), **shown}
            by_cell[names[id(result)]]["worst"].append(name)
    return signals


def _recordings(cells: list[Cell], store: Store) -> Recordings | None:
    """Open the recordings as they were recorded; None where they are no longer there."""
    if not cells:
        return None
    first: Classify = cells[0].stage  # type: ignore[assignment]
    folder = store.folder(first.features[0].of_fold[0].recordings)
    return open_recordings(folder) if (folder / FILE_NAME).exists() else None


def _views(recordings: Recordings, place: int) -> dict[str, Any]:
    return drawn(recordings.signal(place), float(recordings.meta["sampling_rate_hz"].iloc[place]))


def _severity(recording: Recording, units: Mapping[str, str], machines: Mapping[str, Machine]) -> dict[str, Any]:
    return severity_of(recording, units.get(recording.domain), machines)


def _evidence(experiment: Experiment, recordings: Recordings, place: int) -> dict[str, Any]:
    """Return the strongest lines of a recording, with what is known of its machine."""
    speed, machines = experiment.base.speed, experiment.base.dataset.machines
    recording = with_speed(recordings.recording(place), speed)
    return {"evidence": [asdict(line) for line in evidence_of(recording, machines, speed)]}


def _dealt(advised: Sequence[CellResult], best: list[CellResult]) -> Iterator[tuple[CellResult, dict[str, Any]]]:
    """Yield worst cases: all of what is advised, then the worst of each other cell, then their second worst, ..."""
    first = {id(result) for result in advised}
    others = sorted(
        (one for one in best if id(one) not in first), key=lambda one: -(one.metrics.get("macro_f1") or 0.0)
    )
    for result in advised:
        yield from ((result, case) for case in worst_series(result.predictions))
    cases = [(result, worst_series(result.predictions)) for result in others]
    for round_number in range(MOST_WORST):
        yield from ((result, of_cell[round_number]) for result, of_cell in cases if round_number < len(of_cell))


def worst_series(predictions: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return the series that are wrong with the greatest probability; where none is, the least sure right ones.

    Parameters
    ----------
    predictions : DataFrame
        One row a series, with `label`, `predicted` and a `probability_<class>` for each class. Those of a detector,
        which names no class, have no worst series.
    """
    if "predicted" not in predictions:
        return []
    columns = [column for column in predictions if column.startswith("probability_")]
    table = predictions.assign(probability=predictions[columns].max(axis=1)).drop_duplicates("item")
    wrong = table[table["label"] != table["predicted"]]
    is_wrong = not wrong.empty
    chosen = wrong.nlargest(MOST_WORST, "probability") if is_wrong else table.nsmallest(MOST_UNSURE, "probability")
    rows = chosen[["item", "motor", "domain", "label", "predicted", "probability"]].to_dict("records")
    return [{**row, "probability": round(float(row["probability"]), 4), "is_wrong": is_wrong} for row in rows]


def spent(cells: Iterable[Cell], store: Store) -> dict[str, Any]:
    """Add up what the stages cost, as their provenance tells, and what they would have cost had no cell shared any.

    Returns
    -------
    dict
        `by_kind`: rows of `kind`, `n_stages`, `cpu_hours`, `gpu_hours` (of what was asked for, not of what was
        busy), `energy_wh` (None where no machine measured it). `shared`: `n_cells`, `n_stages`,
        `n_stages_without_sharing`, `cpu_hours`, `cpu_hours_without_sharing`, `gpu_hours`,
        `gpu_hours_without_sharing`. `hosts`: the machines.
    """
    uses: Counter[str] = Counter()
    stages: dict[str, Any] = {}
    n_cells = 0
    for cell in cells:
        n_cells += 1
        of_cell = {stage.key: stage for stage in cell.walk()}
        uses.update(of_cell.keys())
        stages |= of_cell
    read = {key: _cost(store.folder(stage)) for key, stage in stages.items()}
    costs = {key: cost for key, cost in read.items() if cost is not None}
    kinds = dict.fromkeys(stage.KIND for stage in stages.values())
    of_kinds = {kind: [cost for key, cost in costs.items() if kind == stages[key].KIND] for kind in kinds}
    by_kind = [_of_kind(kind, of_kind) for kind, of_kind in of_kinds.items() if of_kind]
    shared: dict[str, Any] = {
        "n_cells": n_cells,
        "n_stages": len(costs),
        "n_stages_without_sharing": sum(uses[key] for key in costs),
    }
    for name in ("cpu_hours", "gpu_hours"):
        shared[name] = _hours(cost[name] for cost in costs.values())
        shared[f"{name}_without_sharing"] = _hours(uses[key] * cost[name] for key, cost in costs.items())
    return {"by_kind": by_kind, "shared": shared, "hosts": sorted({cost["host"] for cost in costs.values()})}


def _cost(folder: Path) -> dict[str, Any] | None:
    """Return what a stage's provenance tells of its cost; None where the stage is no longer there."""
    try:
        provenance = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    asked = ASKED.match(provenance.get("asked_for", ""))
    hours = float(provenance["seconds"]) / HOUR_S * int((asked and asked["workers"]) or 1)
    energies = [wh for wh in (provenance.get("energy_wh") or {}).values() if wh is not None]
    return {
        "cpu_hours": hours * float((asked and asked["cpus"]) or 0),
        "gpu_hours": hours * float((asked and asked["gpus"]) or 0),
        "energy_wh": sum(energies) if energies else None,
        "host": str(provenance.get("host", "")),
    }


def _of_kind(kind: str, costs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    energies = [cost["energy_wh"] for cost in costs if cost["energy_wh"] is not None]
    return {
        "kind": kind,
        "n_stages": len(costs),
        "cpu_hours": _hours(cost["cpu_hours"] for cost in costs),
        "gpu_hours": _hours(cost["gpu_hours"] for cost in costs),
        "energy_wh": round(sum(energies), 3) if energies else None,
    }


def _hours(values: Iterable[float]) -> float:
    return round(sum(values), 4)
