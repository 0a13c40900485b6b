"""Macro-F1 of every cell in every domain, under the same resampled motors.

A slice is one cell's predictions in one domain: the key (number of the cell, domain). All regimes are
compared slice by slice, so that Joint is judged on just the series that a domain's own model is judged on.

Shapes: R = 1 + resamples (row 0 is the measured sample), M motors, C classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from motor.evaluation import resampling
from motor.evaluation.cells import CellResult
from motor.evaluation.metrics import chance_levels, class_codes, motor_strata

if TYPE_CHECKING:
    from collections.abc import Hashable

    import pandas as pd

SliceKey = tuple[int, str]


@dataclass(frozen=True, eq=False)
class Scores:
    """What every comparison is made from.

    Attributes
    ----------
    macro_f1_R : dict
        Slice -> macro-F1 under each resample, shape (R,).
    accuracy_M : dict
        Slice -> accuracy on each motor, shape (M,); NaN for motors that are not in it.
    influence_M : dict
        Slice -> what each motor adds to macro-F1, shape (M,): its derivative by the motor's weight.
    chance : dict
        Domain -> chance levels.
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
    """

    macro_f1_R: dict[SliceKey, NDArray[np.float64]]
    accuracy_M: dict[SliceKey, NDArray[np.float64]]
    influence_M: dict[SliceKey, NDArray[np.float64]]
    chance: dict[str, dict[str, float]]
    motors: dict[str, dict[str, int]]
    motor_labels: dict[str, tuple[str, ...]]
    strata: tuple[Hashable, ...]
    n_series: int
    n_left_out: int

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


def score_cells(cells: list[CellResult], classes: tuple[str, ...]) -> Scores:
    """Score every slice on the series that all cells of its domain share."""
    import pandas as pd

    columns = ["item", "motor", "domain", "label", "predicted"]
    tables = [cell.predictions[columns].astype({"motor": str, "domain": str}) for cell in cells]
    everything = pd.concat([table[columns[:4]] for table in tables]).drop_duplicates(["item", "domain"])
    shared = _shared_items(tables)
    known = everything[
        [item in shared[domain] for item, domain in zip(everything["item"], everything["domain"], strict=True)]
    ]
    if known.empty:
        raise ValueError("the cells share no test series; every cell of a domain must be tested on the same motors")
    strata = motor_strata(known)
    weights_RM = resampling.motor_weights(list(strata))
    scored = {
        (index, str(domain)): _score(
            part[part["item"].isin(shared[str(domain)])], classes, tuple(strata.index), weights_RM
        )
        for index, table in enumerate(tables)
        for domain, part in table.groupby("domain", sort=True)
        if shared[str(domain)]
    }
    by_domain = dict(iter(known.groupby("domain", sort=True)))
    return Scores(
        macro_f1_R={key: score for key, (score, _, _) in scored.items()},
        accuracy_M={key: accuracy for key, (_, accuracy, _) in scored.items()},
        influence_M={key: influence for key, (_, _, influence) in scored.items()},
        chance={str(name): chance_levels(_class_counts(part, classes)) for name, part in by_domain.items()},
        motors={str(name): _motor_counts(part, classes) for name, part in by_domain.items()},
        motor_labels={str(motor): labels for motor, (labels, _) in strata.items()},
        strata=tuple(strata),
        n_series=len(known),
        n_left_out=len(everything) - len(known),
    )


def _shared_items(tables: list[pd.DataFrame]) -> dict[str, set[str]]:
    """Return the series of each domain that no cell of this domain lacks."""
    shared: dict[str, set[str]] = {}
    for table in tables:
        for domain, part in table.groupby("domain", sort=True):
            items = set(part["item"])
            shared[str(domain)] = shared.get(str(domain), items) & items
    return shared


def _score(
    part: pd.DataFrame, classes: tuple[str, ...], motors: tuple[str, ...], weights_RM: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return macro-F1 under each resample, each motor's accuracy, and each motor's influence."""
    codes = [class_codes(part[column], classes) for column in ("label", "predicted")]
    motor_n = class_codes(part["motor"], motors)
    confusions_MCC = resampling.motor_confusions(codes[0], codes[1], motor_n, len(motors), len(classes))
    n_series_M = confusions_MCC.sum(axis=(1, 2))
    hits_M = np.trace(confusions_MCC, axis1=1, axis2=2)
    accuracy_M = np.divide(hits_M, n_series_M, out=np.full(len(motors), np.nan), where=n_series_M > 0)
    macro_f1_R = resampling.macro_f1(resampling.weighted_confusions(weights_RM, confusions_MCC))
    return macro_f1_R, accuracy_M, resampling.macro_f1_influence(confusions_MCC)


def _class_counts(part: pd.DataFrame, classes: tuple[str, ...]) -> NDArray[np.float64]:
    return np.array([(part["label"] == name).sum() for name in classes], dtype=float)


def _motor_counts(part: pd.DataFrame, classes: tuple[str, ...]) -> dict[str, int]:
    return {name: int(part.loc[part["label"] == name, "motor"].nunique()) for name in classes}
