"""What was said of test series, as arrays: what every metric is computed from.

Shapes: n series, C classes, M motors, R = 1 + resamples (row 0 is the measured sample).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motor.evaluation import resampling
from motor.lazy import pandas as pd

DECISIONS, PROBABILITIES, SCORE, ALARM, FORECAST = "decisions", "probabilities", "score", "alarm", "forecast"
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sheet:
    """The predictions of one cell, or of one domain of it.

    Attributes
    ----------
    classes : tuple of str
    normal : str
        The class of healthy series; all others are faults. "" where there is none.
    true_n, motor_n : ndarray of shape (n,)
        Each series' place among the classes, and its motor's among the motors.
    strata : tuple of M hashables
        Each motor's stratum for resampling.
    weights_RM : ndarray of shape (R, M)
        The motors' weights in each resample.
    named_nC : ndarray of shape (n, C), optional
        1 for the class that was named, else 0; over several seeds the share of them that name each class.
    probability_nC : ndarray of shape (n, C), optional
    score_n : ndarray of shape (n,), optional
        How strange each series is: a detector's score, or a classifier's 1 - p(normal).
    alarm_n : ndarray of shape (n,), optional
        Which series raise an alarm.
    forecast : tuple of mappings
        Forecast errors: rows of `domain`, `label`, `segment`, `n_windows`, `error`, `mean_forecast_error`.
    """

    classes: tuple[str, ...]
    normal: str
    true_n: NDArray[np.intp]
    motor_n: NDArray[np.intp]
    strata: tuple[Any, ...]
    weights_RM: Floats
    named_nC: Floats | None = None
    probability_nC: Floats | None = None
    score_n: Floats | None = None
    alarm_n: NDArray[np.bool_] | None = None
    forecast: tuple[Mapping[str, Any], ...] = ()

    @property
    def has(self) -> frozenset[str]:
        """What a metric may need and this has; an alarm follows from a score, once a threshold is applied."""
        given = {
            DECISIONS: self.named_nC is not None,
            PROBABILITIES: self.probability_nC is not None,
            SCORE: self.score_n is not None,
            ALARM: self.score_n is not None,
            FORECAST: bool(self.forecast and self.normal),
        }
        return frozenset(name for name, is_given in given.items() if is_given)

    @property
    def faulty_n(self) -> NDArray[np.bool_]:
        return self.true_n != self.normal_place

    @property
    def normal_place(self) -> int:
        return self.classes.index(self.normal)

    @property
    def n_motors(self) -> int:
        return self.weights_RM.shape[1]

    @cached_property
    def weights_Rn(self) -> Floats:
        """The weight of each series in each resample: its motor's."""
        return self.weights_RM[:, self.motor_n]

    @cached_property
    def confusions_MCC(self) -> Floats:
        """Each motor's series by true (rows) and named (columns) class."""
        assert self.named_nC is not None
        counts = np.zeros((self.n_motors, len(self.classes), len(self.classes)))
        np.add.at(counts, (self.motor_n, self.true_n), self.named_nC)
        return counts

    @cached_property
    def confusions_RCC(self) -> Floats:
        """Series by true and named class in each resample."""
        return resampling.weighted_confusions(self.weights_RM, self.confusions_MCC)

    @cached_property
    def areas_RC(self) -> Floats:
        """The area under the ROC curve of each class against the rest in each resample."""
        assert self.probability_nC is not None
        columns = enumerate(self.probability_nC.T)
        areas = [resampling.roc_auc(column_n, self.true_n == at, self.weights_Rn) for at, column_n in columns]
        return np.stack(areas, axis=1)

    @cached_property
    def roc_RK(self) -> tuple[Floats, Floats]:
        """The ROC curve of normal against faulty in each resample: rates of false alarms, and of faults found."""
        assert self.score_n is not None
        return resampling.roc_curves(self.score_n, self.faulty_n, self.weights_Rn)

    def weighted(self, weights_RM: Floats) -> Sheet:
        """Return the sheet under other weights of its motors."""
        return replace(self, weights_RM=weights_RM)

    def motors_of(self, chosen_n: NDArray[np.bool_]) -> int:
        return len(np.unique(self.motor_n[chosen_n]))

    def mean_by_motor(self, value_n: Floats) -> Floats:
        """Average a figure of each series over each motor's: shape (M,); NaN for a motor without series."""
        n_series_M = np.bincount(self.motor_n, minlength=self.n_motors)
        total_M = np.bincount(self.motor_n, value_n, self.n_motors)
        return np.divide(total_M, n_series_M, out=np.full(self.n_motors, np.nan), where=n_series_M > 0)


def sheet_of(
    predictions: pd.DataFrame,
    classes: tuple[str, ...],
    normal: str = "",
    strata: pd.Series | None = None,
    weights_RM: Floats | None = None,
    forecast: Iterable[Mapping[str, Any]] = (),
) -> Sheet:
    """Return a table of predictions as arrays.

    Parameters
    ----------
    predictions : DataFrame
        One row a series: `motor`, `domain`, `label`, and what the judge gives: `predicted`, `probability_<class>`,
        `score`, `alarm`.
    classes : tuple of str
    normal : str
        Where it is "", classifiers have no score.
    strata : Series, optional
        From `motor_strata`, by motor; those of these predictions by default.
    weights_RM : ndarray of shape (R, M), optional
        Of the motors of `strata`; by default 1000 resamples of them.
    forecast : iterable of mappings
        See `Sheet`.
    """
    strata = motor_strata(predictions) if strata is None else strata
    probability_nC = _probabilities(predictions, classes)
    return Sheet(
        classes=classes,
        normal=normal,
        true_n=class_codes(predictions["label"], classes),
        motor_n=class_codes(predictions["motor"].astype(str), tuple(strata.index)),
        strata=tuple(strata),
        weights_RM=resampling.motor_weights(list(strata)) if weights_RM is None else weights_RM,
        named_nC=_named(predictions, classes),
        probability_nC=probability_nC,
        score_n=fault_scores(predictions, normal),
        alarm_n=predictions["alarm"].to_numpy(dtype=bool) if "alarm" in predictions.columns else None,
        forecast=tuple(forecast),
    )


def fault_scores(predictions: pd.DataFrame, normal: str) -> Floats | None:
    """Return how strange each series is: `score`, or 1 - `probability_<normal>`; None where there is neither."""
    if "score" in predictions.columns:
        return predictions["score"].to_numpy(dtype=float)
    column = f"probability_{normal}"
    return 1.0 - predictions[column].to_numpy(dtype=float) if column in predictions.columns else None


def has(predictions: pd.DataFrame) -> frozenset[str]:
    """Return what a table of predictions has that a metric may need."""
    columns = set(map(str, predictions.columns.tolist()))
    found = {DECISIONS} if "predicted" in columns else set()
    found |= {PROBABILITIES, SCORE} if any(name.startswith("probability_") for name in columns) else set()
    return frozenset(found | ({SCORE} if "score" in columns else set()))


def motor_strata(predictions: pd.DataFrame) -> pd.Series:
    """Return each motor's stratum for resampling: its classes and its domains, indexed by motor (sorted)."""
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
    texts = names.tolist() if hasattr(names, "tolist") else names  # pandas is slow to give texts one by one
    return np.array([position[name] for name in texts], dtype=np.intp)


def _named(predictions: pd.DataFrame, classes: tuple[str, ...]) -> Floats | None:
    if "predicted" not in predictions.columns:
        return None
    return np.asarray(np.eye(len(classes))[class_codes(predictions["predicted"], classes)])


def _probabilities(predictions: pd.DataFrame, classes: tuple[str, ...]) -> Floats | None:
    columns = [f"probability_{name}" for name in classes]
    if not set(columns) <= set(predictions.columns):
        return None
    return columns_of(predictions, columns)


def columns_of(table: pd.DataFrame, names: list[str]) -> Floats:
    """Return some columns as numbers, shape (n, names): what pandas does, in a fifth of the time for few columns."""
    return np.stack([table[name].to_numpy(dtype=float) for name in names]).T
