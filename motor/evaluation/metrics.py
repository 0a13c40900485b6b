"""Every metric of one cell's test predictions, as plain numbers that JSON can hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from motor.evaluation import resampling

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

Metrics = dict[str, Any]


@dataclass(frozen=True)
class _Sheet:
    """The predictions of one cell, or of one domain of it, as arrays over n series."""

    classes: tuple[str, ...]
    normal: str
    true_n: NDArray[np.intp]
    predicted_n: NDArray[np.intp]
    probability_nC: NDArray[np.float64]
    alarm_n: NDArray[np.bool_] | None
    motor_n: NDArray[np.intp]
    strata: tuple[Any, ...]
    weights_RM: NDArray[np.float64]

    @property
    def faulty_n(self) -> NDArray[np.bool_]:
        return self.true_n != self.classes.index(self.normal)

    @property
    def fault_score_n(self) -> NDArray[np.float64]:
        return 1.0 - self.probability_nC[:, self.classes.index(self.normal)]

    @property
    def squared_errors_n(self) -> NDArray[np.float64]:
        wanted_nC = np.eye(len(self.classes))[self.true_n]
        return np.asarray(((self.probability_nC - wanted_nC) ** 2).sum(axis=1))

    def motors_of(self, chosen_n: NDArray[np.bool_]) -> int:
        return len(np.unique(self.motor_n[chosen_n]))


def classification_metrics(predictions: pd.DataFrame, classes: tuple[str, ...], normal: str) -> Metrics:
    """Compute all metrics of a cell's test predictions, over all series and by domain.

    Parameters
    ----------
    predictions : DataFrame
        One row a test series: `item`, `motor`, `domain`, `label`, `predicted`, one
        `probability_<class>` a class, and `alarm` (bool) if a threshold was applied.
    classes : tuple of str
        All classes, in the order of every table.
    normal : str
        The normal class; all others are faults.

    Returns
    -------
    dict
        Counts: `n_series`, `n_motors`, `series_by_class`, `motors_by_class`.
        Over classes: `accuracy`, `macro_f1` (over the classes that have test series), `f1`, `precision`,
        `recall`, `roc_auc` (one against the rest), each by class; `roc_auc_macro`; `brier` (0 to 2; Brier,
        Monthly Weather Review 78, 1950); `confusion` (true class, then predicted class).
        Normal against faulty: `roc_auc_faulty`, `pr_auc_faulty` (average precision, faulty is positive),
        and at the threshold `false_alarm_rate`, `detection_rate`, `detection_by_class`.
        `<metric>_interval`: [low, high], 95 %, from 1000 resamples of motors, stratified by their classes
        and domains, widened for few motors; by class where the metric is.
        `chance`: macro-F1 of always naming the most frequent class, and of guessing.
        `undefined`: for each value that is None, why. `by_domain`: all of this for each domain.
        `by_motor`: errors of each motor, worst first.

    Raises
    ------
    ValueError
        If columns are missing, the table is empty, a label is not among the classes, or a probability
        is not a number.
    """
    check_predictions(predictions, classes, normal)
    metrics = _describe(predictions, classes, normal)
    metrics["by_domain"] = {
        str(domain): _describe(part, classes, normal) for domain, part in predictions.groupby("domain", sort=True)
    }
    metrics["by_motor"] = _errors_by_motor(predictions, normal)
    return metrics


def check_predictions(predictions: pd.DataFrame, classes: tuple[str, ...], normal: str) -> None:
    """Raise ValueError, saying what came and what is allowed, if the table cannot be evaluated."""
    if normal not in classes:
        raise ValueError(f"the normal class {normal!r} is not among the classes {list(classes)}")
    probabilities = [f"probability_{name}" for name in classes]
    needed = ["item", "motor", "domain", "label", "predicted", *probabilities]
    if missing := [column for column in needed if column not in predictions.columns]:
        raise ValueError(f"the predictions lack the columns {missing}; they have: {sorted(predictions.columns)}")
    if predictions.empty:
        raise ValueError("there are no predictions: no test series came")
    for column in ("label", "predicted"):
        if unknown := sorted(set(predictions[column]) - set(classes), key=str):
            raise ValueError(f"column {column!r} holds {unknown}; the classes are {list(classes)}")
    wrong = ~np.isfinite(predictions[probabilities].to_numpy(dtype=float)).all(axis=1)
    if wrong.any():
        raise ValueError(f"probabilities of item {predictions['item'].to_numpy()[wrong][0]!r} are not all numbers")


def motor_strata(predictions: pd.DataFrame) -> pd.Series:
    """Return each motor's stratum for resampling: its classes and its domains, indexed by motor (sorted)."""
    import pandas as pd

    seen: dict[str, tuple[set[str], set[str]]] = {}
    columns = predictions[["motor", "label", "domain"]].drop_duplicates()
    for motor, label, domain in columns.itertuples(index=False):
        labels, domains = seen.setdefault(str(motor), (set(), set()))
        labels.add(label)
        domains.add(domain)
    strata = {motor: (tuple(sorted(seen[motor][0])), tuple(sorted(seen[motor][1]))) for motor in sorted(seen)}
    return pd.Series(list(strata.values()), index=list(strata), dtype=object)


def class_codes(names: Iterable[str], classes: tuple[str, ...]) -> NDArray[np.intp]:
    """Return each name's place among the classes, shape (n,)."""
    position = {name: index for index, name in enumerate(classes)}
    return np.array([position[name] for name in names], dtype=np.intp)


def chance_levels(counts: NDArray[np.float64]) -> dict[str, float]:
    """Return the macro-F1 of answers that look at no signal.

    Parameters
    ----------
    counts : ndarray of shape (C,)
        Test series of each class; classes without any are left out of the mean.

    Returns
    -------
    dict
        `majority`: always the most frequent class. `uniform`: each class named equally often, from the
        expected counts.
    """
    counts = counts[counts > 0]
    largest = float(counts.max())
    uniform = 2 * counts / (len(counts) * counts + counts.sum())
    majority = 2 * largest / (counts.sum() + largest) / len(counts)
    return {"majority": float(majority), "uniform": float(uniform.mean())}


def _describe(predictions: pd.DataFrame, classes: tuple[str, ...], normal: str) -> Metrics:
    """Compute the metrics of one table, without its division by domain and motor."""
    sheet = _sheet(predictions, classes, normal)
    resampled, by_class = _resampled(sheet), _resampled_by_class(sheet)
    resampled["roc_auc_macro"] = np.mean(list(by_class["roc_auc"].values()), axis=0)
    metrics: Metrics = {
        **_counts(sheet),
        **{name: float(values[0]) for name, values in resampled.items()},
        **{name: {label: float(of[0]) for label, of in values.items()} for name, values in by_class.items()},
        "confusion": _confusion(sheet),
    }
    intervals, reasons = _intervals(sheet, resampled)
    intervals_by_class, more = _intervals_by_class(sheet, by_class)
    undefined = _reasons(sheet) | reasons | more
    return _plain(metrics | intervals | intervals_by_class | {"undefined": undefined})


def _sheet(predictions: pd.DataFrame, classes: tuple[str, ...], normal: str) -> _Sheet:
    strata = motor_strata(predictions)
    return _Sheet(
        classes=classes,
        normal=normal,
        true_n=class_codes(predictions["label"], classes),
        predicted_n=class_codes(predictions["predicted"], classes),
        probability_nC=predictions[[f"probability_{name}" for name in classes]].to_numpy(dtype=float),
        alarm_n=predictions["alarm"].to_numpy(dtype=bool) if "alarm" in predictions.columns else None,
        motor_n=class_codes(predictions["motor"].astype(str), tuple(strata.index)),
        strata=tuple(strata),
        weights_RM=resampling.motor_weights(list(strata)),
    )


def _counts(sheet: _Sheet) -> Metrics:
    counts = np.bincount(sheet.true_n, minlength=len(sheet.classes)).astype(float)
    return {
        "classes": list(sheet.classes),
        "normal": sheet.normal,
        "n_series": len(sheet.true_n),
        "n_motors": sheet.weights_RM.shape[1],
        "series_by_class": {name: int(n) for name, n in zip(sheet.classes, counts, strict=True)},
        "motors_by_class": {name: sheet.motors_of(sheet.true_n == index) for index, name in enumerate(sheet.classes)},
        "chance": chance_levels(counts),
    }


def _resampled(sheet: _Sheet) -> dict[str, NDArray[np.float64]]:
    """Compute what gets an interval: arrays of shape (R,), of which row 0 is the measured value."""
    n_motors, n_classes = sheet.weights_RM.shape[1], len(sheet.classes)
    motors_MCC = resampling.motor_confusions(sheet.true_n, sheet.predicted_n, sheet.motor_n, n_motors, n_classes)
    confusions_RCC = resampling.weighted_confusions(sheet.weights_RM, motors_MCC)
    weights_Rn = sheet.weights_RM[:, sheet.motor_n]
    hits = np.trace(confusions_RCC, axis1=1, axis2=2)
    return {
        "accuracy": hits / confusions_RCC.sum(axis=(1, 2)),
        "macro_f1": resampling.macro_f1(confusions_RCC),
        "roc_auc_faulty": resampling.roc_auc(sheet.fault_score_n, sheet.faulty_n, weights_Rn),
        "pr_auc_faulty": resampling.average_precision(sheet.fault_score_n, sheet.faulty_n, weights_Rn),
        "brier": weights_Rn @ sheet.squared_errors_n / weights_Rn.sum(axis=1),
        "false_alarm_rate": _alarm_rate(sheet, ~sheet.faulty_n, weights_Rn),
        "detection_rate": _alarm_rate(sheet, sheet.faulty_n, weights_Rn),
    }


def _alarm_rate(sheet: _Sheet, among_n: NDArray[np.bool_], weights_Rn: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the chosen series that raise an alarm, under each row of weights."""
    missing = np.full(len(weights_Rn), np.nan)
    if sheet.alarm_n is None:
        return missing
    weights = weights_Rn[:, among_n]
    total = weights.sum(axis=1)
    return np.divide(weights @ sheet.alarm_n[among_n].astype(float), total, out=missing, where=total > 0)


def _resampled_by_class(sheet: _Sheet) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Compute what each class has, by metric and class: arrays of shape (R,), of which row 0 is the measured value."""
    n_motors, n_classes = sheet.weights_RM.shape[1], len(sheet.classes)
    motors_MCC = resampling.motor_confusions(sheet.true_n, sheet.predicted_n, sheet.motor_n, n_motors, n_classes)
    confusions_RCC = resampling.weighted_confusions(sheet.weights_RM, motors_MCC)
    weights_Rn = sheet.weights_RM[:, sheet.motor_n]
    hits = np.diagonal(confusions_RCC, axis1=1, axis2=2)
    support, named = confusions_RCC.sum(axis=2), confusions_RCC.sum(axis=1)
    nothing = np.full(hits.shape, np.nan)
    areas = [resampling.roc_auc(sheet.probability_nC[:, at], sheet.true_n == at, weights_Rn) for at in range(n_classes)]
    columns = {
        "f1": resampling.f1_by_class(confusions_RCC),
        "precision": np.divide(hits, named, out=nothing.copy(), where=(named > 0) & (support > 0)),
        "recall": np.divide(hits, support, out=nothing.copy(), where=support > 0),
        "roc_auc": np.stack(areas, axis=1),
        "detection_by_class": np.stack(
            [_alarm_rate(sheet, sheet.true_n == at, weights_Rn) for at in range(n_classes)], axis=1
        ),
    }
    by_class = {name: dict(zip(sheet.classes, values_RC.T, strict=True)) for name, values_RC in columns.items()}
    del by_class["detection_by_class"][sheet.normal]  # an alarm on a normal series detects nothing
    return by_class


def _confusion(sheet: _Sheet) -> dict[str, dict[str, int]]:
    n_classes = len(sheet.classes)
    counts = np.zeros((n_classes, n_classes), dtype=int)
    np.add.at(counts, (sheet.true_n, sheet.predicted_n), 1)
    return {
        name: dict(zip(sheet.classes, row.tolist(), strict=True))
        for name, row in zip(sheet.classes, counts, strict=True)
    }


def _intervals(sheet: _Sheet, resampled: dict[str, NDArray[np.float64]]) -> tuple[Metrics, dict[str, str]]:
    """Return the intervals, and the reason for each that cannot be given."""
    every = tuple(range(len(sheet.classes)))
    normal = sheet.classes.index(sheet.normal)
    faults = tuple(index for index in every if index != normal)
    needed = {"false_alarm_rate": (normal,), "detection_rate": faults}
    intervals: Metrics = {}
    reasons: dict[str, str] = {}
    for name, values in resampled.items():
        key = f"{name}_interval"
        reason = _no_interval(sheet, values, needed.get(name, every))
        intervals[key] = None if reason else _interval(sheet, values)
        if reason:
            reasons[key] = reason
    return intervals, reasons


def _intervals_by_class(
    sheet: _Sheet, by_class: dict[str, dict[str, NDArray[np.float64]]]
) -> tuple[Metrics, dict[str, str]]:
    """Return the intervals of what each class has, and the reason for each that cannot be given."""
    intervals: Metrics = {}
    reasons: dict[str, str] = {}
    for name, values_by_class in by_class.items():
        key = f"{name}_interval"
        intervals[key] = {}
        for label, values in values_by_class.items():
            reason = _no_interval(sheet, values, (sheet.classes.index(label),))
            intervals[key][label] = None if reason else _interval(sheet, values)
            if reason:
                reasons[f"{key}.{label}"] = reason
    return intervals, reasons


def _interval(sheet: _Sheet, values: NDArray[np.float64]) -> list[float]:
    return list(resampling.percentile_interval(values, resampling.strata_degrees_of_freedom(sheet.strata)))


def _no_interval(sheet: _Sheet, values: NDArray[np.float64], class_indices: tuple[int, ...]) -> str | None:
    """Say why no interval can be given, or None."""
    if np.isnan(values[0]):
        return "the metric itself is undefined"
    for index in class_indices:
        if sheet.motors_of(sheet.true_n == index) == 1:
            return f"class {sheet.classes[index]} rests on one motor"
    if np.isnan(values).any():
        return "some resamples of the motors leave one side empty"
    if np.ptp(values) < 1e-12:
        return f"all resamples of the {sheet.weights_RM.shape[1]} motors agree; that is no proof of certainty"
    return None


def _reasons(sheet: _Sheet) -> dict[str, str]:
    """Say why single metrics are undefined."""
    reasons: dict[str, str] = {}
    for index, name in enumerate(sheet.classes):
        if not (sheet.true_n == index).any():
            reasons |= {f"{metric}.{name}": "no test series" for metric in ("f1", "precision", "recall", "roc_auc")}
            reasons |= {"roc_auc_macro": f"no test series of class {name}"}
        elif (sheet.true_n == index).all():
            reasons |= {f"roc_auc.{name}": "all test series are of this class"}
        elif not (sheet.predicted_n == index).any():
            reasons |= {f"precision.{name}": "never predicted"}
    if sheet.faulty_n.all() or not sheet.faulty_n.any():
        missing = "normal" if sheet.faulty_n.all() else "faulty"
        reasons |= dict.fromkeys(("roc_auc_faulty", "pr_auc_faulty"), f"no {missing} test series")
        reasons |= {"false_alarm_rate" if missing == "normal" else "detection_rate": f"no {missing} test series"}
    if sheet.alarm_n is None:
        reasons |= dict.fromkeys(("false_alarm_rate", "detection_rate"), "no threshold was applied")
    return reasons


def _errors_by_motor(predictions: pd.DataFrame, normal: str) -> list[Metrics]:
    """Return one row a motor and domain, most errors first."""
    rows = []
    for (motor, domain), part in predictions.astype({"motor": str}).groupby(["motor", "domain"], sort=True):
        wrong = part[part["predicted"] != part["label"]]
        row = {
            "motor": motor,
            "domain": str(domain),
            "labels": sorted(set(part["label"])),
            "n_series": len(part),
            "n_errors": len(wrong),
            "taken_for": {str(name): int(n) for name, n in wrong["predicted"].value_counts().sort_index().items()},
        }
        if "alarm" in part.columns:
            faulty, alarm = (part["label"] != normal).to_numpy(), part["alarm"].to_numpy(dtype=bool)
            row |= {"false_alarms": int((alarm & ~faulty).sum()), "missed_faults": int((~alarm & faulty).sum())}
        rows.append(row)
    return sorted(rows, key=lambda row: (-row["n_errors"], row["motor"], row["domain"]))


def _plain(value: Any) -> Any:
    """Turn arrays' numbers into Python's own, and what is not a number into None."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
