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
    weights_RM: NDArray[np.float64]

    @property
    def faulty_n(self) -> NDArray[np.bool_]:
        return self.true_n != self.classes.index(self.normal)

    @property
    def fault_score_n(self) -> NDArray[np.float64]:
        return 1.0 - self.probability_nC[:, self.classes.index(self.normal)]

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
        and domains. `chance`: macro-F1 of always naming the most frequent class, and of guessing.
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

    strata = {
        str(motor): (tuple(sorted(set(part["label"]))), tuple(sorted(set(part["domain"]))))
        for motor, part in predictions.astype({"motor": str}).groupby("motor", sort=True)
    }
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
    resampled = _resampled(sheet)
    metrics: Metrics = {
        **_counts(sheet),
        **{name: float(values[0]) for name, values in resampled.items()},
        **_by_class(sheet),
        "pr_auc_faulty": _average_precision(sheet.fault_score_n, sheet.faulty_n),
        "brier": float(((sheet.probability_nC - np.eye(len(classes))[sheet.true_n]) ** 2).sum(axis=1).mean()),
        "detection_by_class": _detection_by_class(sheet),
    }
    intervals, reasons = _intervals(sheet, resampled)
    undefined = _reasons(sheet) | reasons
    return _plain(metrics | intervals | {"undefined": undefined})


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


def _by_class(sheet: _Sheet) -> Metrics:
    """Compute what each class has: F1, precision, recall, ROC-AUC and its row of the confusion matrix."""
    n_classes = len(sheet.classes)
    confusion = np.zeros((n_classes, n_classes))
    np.add.at(confusion, (sheet.true_n, sheet.predicted_n), 1)
    hits, support, named = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    nothing = np.full(n_classes, np.nan)
    precision = np.divide(hits, named, out=nothing.copy(), where=(named > 0) & (support > 0))
    recall = np.divide(hits, support, out=nothing.copy(), where=support > 0)
    ones = np.ones((1, len(sheet.true_n)))
    areas = [
        resampling.roc_auc(sheet.probability_nC[:, index], sheet.true_n == index, ones)[0] for index in range(n_classes)
    ]
    by_class = {"f1": resampling.f1_by_class(confusion), "precision": precision, "recall": recall, "roc_auc": areas}
    return {
        **{name: dict(zip(sheet.classes, values, strict=True)) for name, values in by_class.items()},
        "roc_auc_macro": float(np.mean(areas)),
        "confusion": {
            name: dict(zip(sheet.classes, row.astype(int), strict=True))
            for name, row in zip(sheet.classes, confusion, strict=True)
        },
    }


def _average_precision(score_n: NDArray[np.float64], positive_n: NDArray[np.bool_]) -> float:
    """Sum over falling thresholds of (recall gained) x (precision there); NaN if one side is empty."""
    if positive_n.all() or not positive_n.any():
        return float("nan")
    order = np.argsort(-score_n, kind="stable")
    ends = np.flatnonzero(np.diff(score_n[order], append=np.nan) != 0)  # last series of each tied score
    hits = np.cumsum(positive_n[order])[ends]
    return float(np.sum(np.diff(hits, prepend=0) * hits / (ends + 1)) / positive_n.sum())


def _detection_by_class(sheet: _Sheet) -> dict[str, float]:
    """Share of each fault's series that raise an alarm."""
    ones = np.ones((1, len(sheet.true_n)))
    return {
        name: float(_alarm_rate(sheet, sheet.true_n == index, ones)[0])
        for index, name in enumerate(sheet.classes)
        if name != sheet.normal
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
        intervals[key] = None if reason else list(resampling.percentile_interval(values))
        if reason:
            reasons[key] = reason
    return intervals, reasons


def _no_interval(sheet: _Sheet, values: NDArray[np.float64], class_indices: tuple[int, ...]) -> str | None:
    """Say why no interval can be given, or None."""
    if np.isnan(values[0]):
        return "the metric itself is undefined"
    for index in class_indices:
        if sheet.motors_of(sheet.true_n == index) == 1:
            return f"class {sheet.classes[index]} rests on one motor"
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
