"""Every metric of one cell's test predictions, as plain numbers that JSON can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from motor.evaluation import resampling
from motor.evaluation.metrics.base import PACKAGE, ClassMetric, Measure, Metric
from motor.evaluation.sheet import Sheet, sheet_of
from motor.registry import plugins

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

Metrics = dict[str, Any]


def every_metric() -> tuple[Measure, ...]:
    """Return the metrics that there are, as they come; those that need settings are left out."""
    found: list[Any] = [plugin.model_validate({}) for plugin in plugins(PACKAGE).values()]
    return tuple(metric for metric in found if metric.is_ready)


def classification_metrics(
    predictions: pd.DataFrame,
    classes: tuple[str, ...],
    normal: str,
    metrics: Iterable[Measure] | None = None,
    forecast: Iterable[Mapping[str, Any]] = (),
) -> Metrics:
    """Compute all metrics of a cell's test predictions, over all series and by domain.

    Parameters
    ----------
    predictions : DataFrame
        One row a test series: `item`, `motor`, `domain`, `label`; from a classifier `predicted` and one
        `probability_<class>` a class, from a detector `score` (greater is stranger); and `alarm` (bool) if a
        threshold was applied.
    classes : tuple of str
        All classes, in the order of every table.
    normal : str
        The normal class; all others are faults. "" where there is none: what compares with normal is then left out.
    metrics : iterable of Measure, optional
        What to compute, of that what the predictions allow; by default all plug-ins.
    forecast : iterable of mappings
        Forecast errors by domain, for metrics of them (see `Sheet`).

    Returns
    -------
    dict
        Counts: `n_series`, `n_motors`, `series_by_class`, `motors_by_class`.
        Under its name each metric that the predictions have what it needs for, by class where it is of classes.
        `<metric>_interval`: [low, high], 95 %, from 1000 resamples of motors, stratified by their classes
        and domains, widened for few motors; by class where the metric is.
        `confusion` (true class, then predicted class), where classes are named.
        `chance`: macro-F1 of always naming the most frequent class, and of guessing.
        `undefined`: for each value that is None, why. `by_domain`: all of this for each domain.
        `by_motor`: errors of each motor, worst first; where no class is named, wrong alarms.

    Raises
    ------
    ValueError
        If columns are missing, the table is empty, a label is not among the classes, or a probability or a score
        is not a number.
    """
    check_predictions(predictions, classes, normal)
    chosen = every_metric() if metrics is None else tuple(metrics)
    rows = list(forecast)

    def described(part: pd.DataFrame, rows: list[Mapping[str, Any]]) -> Metrics:
        return _describe(sheet_of(part, classes, normal, forecast=rows), chosen)

    found = described(predictions, rows)
    found["by_domain"] = {
        str(domain): described(part, [row for row in rows if row.get("domain") == domain])
        for domain, part in predictions.groupby("domain", sort=True)
    }
    found["by_motor"] = _errors_by_motor(predictions, normal)
    return found


def check_predictions(predictions: pd.DataFrame, classes: tuple[str, ...], normal: str) -> None:
    """Raise ValueError, saying what came and what is allowed, if the table cannot be evaluated."""
    if normal and normal not in classes:
        raise ValueError(f"the normal class {normal!r} is not among the classes {list(classes)}")
    is_scored = "score" in predictions.columns
    numbers = ["score"] if is_scored else [f"probability_{name}" for name in classes]
    named = ["label"] if is_scored else ["label", "predicted"]
    needed = ["item", "motor", "domain", *named, *numbers]
    if missing := [column for column in needed if column not in predictions.columns]:
        raise ValueError(f"the predictions lack the columns {missing}; they have: {sorted(predictions.columns)}")
    if predictions.empty:
        raise ValueError("there are no predictions: no test series came")
    for column in named:
        if unknown := sorted(set(predictions[column]) - set(classes), key=str):
            raise ValueError(f"column {column!r} holds {unknown}; the classes are {list(classes)}")
    wrong = ~np.isfinite(predictions[numbers].to_numpy(dtype=float)).all(axis=1)
    if wrong.any():
        what = "scores" if is_scored else "probabilities"
        raise ValueError(f"{what} of item {predictions['item'].to_numpy()[wrong][0]!r} are not all numbers")


def _describe(sheet: Sheet, chosen: tuple[Measure, ...]) -> Metrics:
    """Compute the metrics of one table, without its division by domain and motor."""
    found = _counts(sheet)
    undefined: dict[str, str] = {}
    for metric in chosen:
        if metric.needs <= sheet.has:
            values, reasons = _one(metric, sheet) if isinstance(metric, Metric) else _by_class(metric, sheet)
            found |= values
            undefined |= reasons
    return _plain(found | {"undefined": undefined})


def _counts(sheet: Sheet) -> Metrics:
    counts = np.bincount(sheet.true_n, minlength=len(sheet.classes)).astype(float)
    found = {
        "classes": list(sheet.classes),
        "normal": sheet.normal,
        "n_series": len(sheet.true_n),
        "n_motors": sheet.n_motors,
        "series_by_class": {name: int(n) for name, n in zip(sheet.classes, counts, strict=True)},
        "motors_by_class": {name: sheet.motors_of(sheet.true_n == index) for index, name in enumerate(sheet.classes)},
        "chance": resampling.chance_levels(counts),
    }
    return found if sheet.named_nC is None else found | {"confusion": _confusion(sheet)}


def _confusion(sheet: Sheet) -> dict[str, dict[str, int]]:
    counts = sheet.confusions_MCC.sum(axis=0).astype(int)
    return {
        name: dict(zip(sheet.classes, row.tolist(), strict=True))
        for name, row in zip(sheet.classes, counts, strict=True)
    }


def _one(metric: Metric, sheet: Sheet) -> tuple[Metrics, dict[str, str]]:
    """Return a metric and its interval, and the reason for each that cannot be given."""
    key = f"{metric.kind}_interval"
    values_R = metric.resampled(sheet)
    found: Metrics = {metric.kind: float(values_R[0])}
    reasons = {}
    if np.isnan(values_R[0]):
        reasons[metric.kind] = metric.undefined(sheet) or "these series leave it undefined"
    reason = _no_interval(sheet, values_R, metric.classes_needed(sheet))
    found[key] = None if reason else _interval(sheet, values_R)
    return found, (reasons | {key: reason} if reason else reasons)


def _by_class(metric: Measure, sheet: Sheet) -> tuple[Metrics, dict[str, str]]:
    """Return a metric of each class and its intervals, and the reason for each that cannot be given."""
    assert isinstance(metric, ClassMetric)
    key, left_out, columns_CR = f"{metric.kind}_interval", metric.leaves_out(sheet), metric.resampled(sheet).T
    found: Metrics = {metric.kind: {}, key: {}}
    reasons = {}
    for place, (label, values_R) in enumerate(zip(sheet.classes, columns_CR, strict=True)):
        if label in left_out:
            continue
        found[metric.kind][label] = float(values_R[0])
        if np.isnan(values_R[0]):
            reasons[f"{metric.kind}.{label}"] = metric.undefined(sheet, place) or "these series leave it undefined"
        reason = _no_interval(sheet, values_R, (place,))
        found[key][label] = None if reason else _interval(sheet, values_R)
        if reason:
            reasons[f"{key}.{label}"] = reason
    return found, reasons


def _interval(sheet: Sheet, values: NDArray[np.float64]) -> list[float]:
    return list(resampling.percentile_interval(values, resampling.strata_degrees_of_freedom(sheet.strata)))


def _no_interval(sheet: Sheet, values: NDArray[np.float64], class_indices: tuple[int, ...]) -> str | None:
    """Say why no interval can be given, or None."""
    if np.isnan(values[0]):
        return "the metric itself is undefined"
    for index in class_indices:
        if sheet.motors_of(sheet.true_n == index) == 1:
            return f"class {sheet.classes[index]} rests on one motor"
    if np.isnan(values).any():
        return "some resamples of the motors leave one side empty"
    if np.ptp(values) < 1e-12:
        return f"all resamples of the {sheet.n_motors} motors agree; that is no proof of certainty"
    return None


def _errors_by_motor(predictions: pd.DataFrame, normal: str) -> list[Metrics]:
    """Return one row a motor and domain, most errors first."""
    by_motor = predictions.astype({"motor": str}).groupby(["motor", "domain"], sort=True)
    rows = [{"motor": motor, "domain": str(domain), **_errors(part, normal)} for (motor, domain), part in by_motor]
    return sorted(rows, key=lambda row: (-row["n_errors"], row["motor"], row["domain"]))


def _errors(part: pd.DataFrame, normal: str) -> Metrics:
    """Count a motor's errors: a class named wrong, or a wrong alarm where no class is named."""
    faulty_n = (part["label"] != normal).to_numpy()
    alarm_n = part["alarm"].to_numpy(dtype=bool) if "alarm" in part.columns else None
    is_named = "predicted" in part.columns
    alarmed_n = np.zeros(len(part), dtype=bool) if alarm_n is None else alarm_n
    wrong = part[part["predicted"] != part["label"]] if is_named else part[alarmed_n != faulty_n]
    taken_for = wrong["predicted"].value_counts().sort_index() if is_named else {}
    found = {
        "labels": sorted(set(part["label"])),
        "n_series": len(part),
        "n_errors": len(wrong),
        "taken_for": {str(name): int(n) for name, n in taken_for.items()},
    }
    if alarm_n is None:
        return found
    wrong_alarms = {"false_alarms": alarm_n & ~faulty_n, "missed_faults": ~alarm_n & faulty_n}
    return found | {name: int(which_n.sum()) for name, which_n in wrong_alarms.items()}


def _plain(value: Any) -> Any:
    """Turn arrays' numbers into Python's own, and what is not a number into None."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
