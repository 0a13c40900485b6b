"""Every cell in every domain by the metric that ranks recipes, under the same resampled motors.

A slice is one cell's predictions in one domain: the key (number of the cell, domain). All regimes are
compared slice by slice, so that Joint is judged on just the series that a domain's own model is judged on.

Shapes: R = 1 + resamples (row 0 is the measured sample), M motors.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from motor.evaluation import resampling
from motor.evaluation.cells import CellResult
from motor.evaluation.metrics.base import Metric
from motor.evaluation.metrics.macro_f1 import MacroF1
from motor.evaluation.sheet import motor_strata, sheet_of
from motor.lazy import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

SliceKey = tuple[int, str]


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of all cells, which every comparison is made from.

    Attributes
    ----------
    values_R : dict
        Slice -> the figure under each resample, shape (R,), in its own unit.
    by_motor_M : dict
        Slice -> how well each motor is judged (see `Metric.by_motor`), shape (M,); NaN for motors that are not in it.
    influence_M : dict
        Slice -> what each motor adds to the figure, shape (M,): its derivative by the motor's weight.
    chance : dict
        Domain -> the figure of answers that look at no signal.
    motors : dict
        Domain -> class -> number of test motors.
    motor_labels : dict
        Motor -> its classes, in the order of every M.
    strata : tuple
        Each motor's stratum for resampling.
    n_series : int
        Test series that all cells of their domain share, over all domains.
    n_left_out : int
        Test series that some cell of the domain lacks; no comparison uses them.
    rank_by : Metric
        What the figure is.
    """

    values_R: dict[SliceKey, NDArray[np.float64]]
    by_motor_M: dict[SliceKey, NDArray[np.float64]]
    influence_M: dict[SliceKey, NDArray[np.float64]]
    chance: dict[str, dict[str, float]]
    motors: dict[str, dict[str, int]]
    motor_labels: dict[str, tuple[str, ...]]
    strata: tuple[Hashable, ...]
    n_series: int
    n_left_out: int
    rank_by: Metric = field(default_factory=MacroF1)

    @property
    def domains(self) -> tuple[str, ...]:
        return tuple(self.motors)

    @property
    def degrees_of_freedom(self) -> int:
        """Of every interval over all domains: motors beyond the first of each stratum."""
        return resampling.strata_degrees_of_freedom(self.strata)

    def lone(self, domains: set[str]) -> tuple[str, str] | None:
        """Return a class and one of the domains in which it rests on one motor, or None."""
        for domain in sorted(domains):
            for name, n_motors in self.motors[domain].items():
                if n_motors == 1:
                    return name, domain
        return None


def score_cells(
    cells: list[CellResult], classes: tuple[str, ...], rank_by: Metric | None = None, normal: str = ""
) -> Scores:
    """Score every slice on the series that all cells of its domain share.

    Parameters
    ----------
    cells : list of CellResult
        All of them have what the metric needs (see `rankable`).
    classes : tuple of str
    rank_by : Metric, optional
        Macro-F1 by default.
    normal : str
        The normal class, for metrics of normal against faulty.
    """
    metric = rank_by or MacroF1()
    tables = [_with_texts(cell.predictions) for cell in cells]
    parts = {(index, str(domain)): part for index, table in enumerate(tables) for domain, part in _by_domain(table)}
    items = {key: set(part["item"].tolist()) for key, part in parts.items()}
    shared = _shared_items(items)
    known, n_left_out = _shared_series(tables, shared)
    strata = motor_strata(known)
    weights_RM = resampling.motor_weights(list(strata))
    scored = {
        key: _score(
            part if items[key] == shared[key[1]] else part[part["item"].isin(shared[key[1]])],
            classes,
            normal,
            strata,
            weights_RM,
            metric,
        )
        for key, part in parts.items()
        if shared[key[1]]
    }
    by_domain = dict(iter(known.groupby("domain", sort=True)))
    return Scores(
        values_R={key: values for key, (values, _, _) in scored.items()},
        by_motor_M={key: by_motor for key, (_, by_motor, _) in scored.items()},
        influence_M={key: influence for key, (_, _, influence) in scored.items()},
        chance={
            str(name): metric.chance(sheet_of(part, classes, normal, strata, np.ones((1, len(strata)))))
            for name, part in by_domain.items()
        },
        motors={str(name): _motor_counts(part, classes) for name, part in by_domain.items()},
        motor_labels={str(motor): labels for motor, (labels, _) in strata.items()},
        strata=tuple(strata),
        n_series=len(known),
        n_left_out=n_left_out,
        rank_by=metric,
    )


def _with_texts(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the table with motors and domains as texts; itself where they are."""
    wrong = [name for name in ("motor", "domain") if predictions[name].dtype != "str"]
    return predictions.astype(dict.fromkeys(wrong, str)) if wrong else predictions


def _by_domain(table: pd.DataFrame) -> Iterable[tuple[Any, pd.DataFrame]]:
    """Return the rows of each domain; a table of one is that domain's as it is."""
    names = table["domain"].unique()
    return [(names[0], table)] if len(names) == 1 else table.groupby("domain", sort=True)


def _shared_items(items: Mapping[SliceKey, set[str]]) -> dict[str, set[str]]:
    """Return the series of each domain that no cell of this domain lacks."""
    shared: dict[str, set[str]] = {}
    for (_, domain), of_cell in items.items():
        shared[domain] = shared.get(domain, of_cell) & of_cell
    return shared


def _shared_series(tables: list[pd.DataFrame], shared: Mapping[str, set[str]]) -> tuple[pd.DataFrame, int]:
    """Return each series that all cells of its domain have, once, and how many series some cell lacks."""
    rows = pd.concat([table[["item", "motor", "domain", "label"]] for table in tables])
    everything = rows.drop_duplicates(["item", "domain"])
    keeps = [item in shared[domain] for item, domain in zip(everything["item"], everything["domain"], strict=True)]
    known = everything[keeps]
    if known.empty:
        raise ValueError("the cells share no test series; every cell of a domain must be tested on the same motors")
    return known, len(everything) - len(known)


def _score(
    part: pd.DataFrame,
    classes: tuple[str, ...],
    normal: str,
    strata: pd.Series,
    weights_RM: NDArray[np.float64],
    rank_by: Metric,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the figure under each resample, how well each motor is judged, and each motor's influence."""
    sheet = sheet_of(part, classes, normal, strata, weights_RM)
    return rank_by.resampled(sheet), rank_by.by_motor(sheet), rank_by.influence(sheet)


def _motor_counts(part: pd.DataFrame, classes: tuple[str, ...]) -> dict[str, int]:
    return {name: int(part.loc[part["label"] == name, "motor"].nunique()) for name in classes}
