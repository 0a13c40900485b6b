"""What a choice between recipes may look at: held-out and test predictions of all recipes, series by series.

A column is one regime judged in one domain (each domain alone; Joint in each domain). All its recipes are
held against the same series, and all columns resample the same motors.

Shapes: n series (rows), C classes, M motors, R = 1 + resamples.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from motor.evaluation import resampling
from motor.evaluation.cells import Axes, CellResult, ReportContext, axes_text, cell_key, varying_axes
from motor.evaluation.metrics import class_codes, motor_strata

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Series:
    """Series in an order that all recipes of a column share: fold, motor, true class."""

    fold_n: NDArray[np.str_]
    motor_n: NDArray[np.intp]
    true_n: NDArray[np.intp]

    def confusions(self, named_nC: NDArray[np.float64], n_motors: int, fold: str | None = None) -> NDArray[np.float64]:
        """Count each motor's series, of one fold or of all, by true and named class: shape (M, C, C)."""
        counts = np.zeros((n_motors, named_nC.shape[1], named_nC.shape[1]))
        rows = slice(None) if fold is None else self.fold_n == fold
        np.add.at(counts, (self.motor_n[rows], self.true_n[rows]), named_nC[rows])
        return counts


@dataclass(frozen=True, eq=False)
class Candidate:
    """A recipe in one column, its seeds averaged.

    Attributes
    ----------
    key : hashable
        Its coordinates without domain and seed: the same in every domain.
    axes : mapping
        Those that tell recipes apart.
    held_out_nC, test_nC : ndarray of shape (n, C)
        The share of seeds that name each class, for held-out and for test series.
    probability_nC : ndarray of shape (n, C)
        Mean probability over the seeds, for test series.
    held_out_brier_n : ndarray of shape (n,)
        Squared error of the mean probability, for held-out series (Brier 1950): a proper score, which tells recipes
        apart that name the same classes.
    """

    key: Hashable
    axes: Axes
    name: str
    method: str
    seconds: float
    held_out_nC: NDArray[np.float64]
    test_nC: NDArray[np.float64]
    probability_nC: NDArray[np.float64]
    held_out_brier_n: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ChoiceColumn:
    """All recipes of one regime, judged in one domain."""

    regime: str
    domain: str
    held_out: Series
    test: Series
    candidates: tuple[Candidate, ...]

    @property
    def folds(self) -> list[str]:
        """The folds that test, sorted."""
        return sorted(set(self.test.fold_n.tolist()))


@dataclass(frozen=True, eq=False)
class Motors:
    """The motors of all columns, and how they are resampled."""

    names: tuple[str, ...]
    strata: tuple[Hashable, ...]
    weights_RM: NDArray[np.float64]

    def degrees_of_freedom(self, motor_n: NDArray[np.intp]) -> int:
        """Of a figure that rests on some of the motors."""
        return resampling.strata_degrees_of_freedom([self.strata[index] for index in np.unique(motor_n)])


def can_choose(cell: CellResult) -> bool:
    """Whether something was held out in every fold and domain that the cell tests."""
    if cell.held_out.empty or not all("fold" in part.columns for part in (cell.predictions, cell.held_out)):
        return False
    tested, held = (set(_pairs(part, "fold", "domain")) for part in (cell.predictions, cell.held_out))
    return tested <= held


def all_motors(cells: list[CellResult]) -> Motors:
    """Return the motors that any of the cells held out or tested."""
    import pandas as pd

    columns = ["motor", "domain", "label"]
    seen = {
        row
        for cell in cells
        for part in (cell.predictions, cell.held_out)
        for row in zip(*(map(str, part[name].tolist()) for name in columns), strict=True)
    }
    strata = motor_strata(pd.DataFrame(sorted(seen), columns=columns))
    return Motors(tuple(strata.index), tuple(strata), resampling.motor_weights(list(strata)))


def choice_columns(cells: list[CellResult], motors: Motors, context: ReportContext) -> list[ChoiceColumn]:
    """Return a column for each regime and domain, the joint regime last; series that a recipe lacks are left out."""
    shown = [name for name in varying_axes(cells) if name not in ("domain", "seed")]
    by_regime: dict[str, list[CellResult]] = {}
    for cell in cells:
        by_regime.setdefault(str(cell.axes["domain"]), []).append(cell)
    columns = []
    for regime in sorted(by_regime, key=lambda name: (name == context.joint, name)):
        tested = {str(name) for cell in by_regime[regime] for name in cell.predictions["domain"].unique()}
        for domain in sorted(tested):
            column = _column(by_regime[regime], (regime, domain), motors, context.classes, shown)
            columns += [column] if column is not None else []
    return columns


def _column(
    cells: list[CellResult], place: tuple[str, str], motors: Motors, classes: tuple[str, ...], shown: list[str]
) -> ChoiceColumn | None:
    held_out = _aligned([cell.held_out for cell in cells], place[1])
    test = _aligned([cell.predictions for cell in cells], place[1])
    if held_out[0].empty or test[0].empty:
        return None
    recipes: dict[Hashable, list[int]] = {}
    for index, cell in enumerate(cells):
        recipes.setdefault(cell_key(cell.axes, "domain", "seed"), []).append(index)
    candidates = tuple(
        Candidate(
            key=key,
            axes={name: cells[indices[0]].axes.get(name) for name in shown},
            name=axes_text(cells[indices[0]].axes, shown),
            method=str(cells[indices[0]].axes["method"]),
            seconds=float(np.mean([cells[index].seconds for index in indices])),
            held_out_nC=_named([held_out[index] for index in indices], classes),
            test_nC=_named([test[index] for index in indices], classes),
            probability_nC=_probability([test[index] for index in indices], classes),
            held_out_brier_n=_brier([held_out[index] for index in indices], classes),
        )
        for key, indices in recipes.items()
    )
    return ChoiceColumn(
        *place, _series(held_out[0], motors, classes), _series(test[0], motors, classes), candidates=candidates
    )


def _aligned(tables: list[pd.DataFrame], domain: str) -> list[pd.DataFrame]:
    """Return each table's rows of one domain, those that all tables have, in one order."""
    parts = [rows[[str(name) == domain for name in rows["domain"].tolist()]] for rows in tables]
    keys = [_pairs(part, "fold", "item") for part in parts]
    if all(one == keys[0] for one in keys[1:]):
        return parts
    for one in keys:
        if len(set(one)) < len(one):
            fold, item = next(pair for pair in one if one.count(pair) > 1)
            raise ValueError(
                f"item {item!r} stands twice in fold {fold!r} of domain {domain!r}; predict it once a fold"
            )
    shared = sorted(set(keys[0]).intersection(*keys[1:]))
    places = [{pair: place for place, pair in enumerate(one)} for one in keys]
    return [part.iloc[[at[pair] for pair in shared]] for part, at in zip(parts, places, strict=True)]


def _pairs(rows: pd.DataFrame, first: str, second: str) -> list[tuple[str, str]]:
    return list(zip(map(str, rows[first].tolist()), map(str, rows[second].tolist()), strict=True))


def _series(rows: pd.DataFrame, motors: Motors, classes: tuple[str, ...]) -> Series:
    motors_n = class_codes(map(str, rows["motor"].tolist()), motors.names)
    return Series(np.array(list(map(str, rows["fold"].tolist()))), motors_n, class_codes(rows["label"], classes))


def _named(tables: Sequence[pd.DataFrame], classes: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the share of tables (seeds) that name each class: shape (n, C)."""
    return np.mean([np.eye(len(classes))[class_codes(rows["predicted"], classes)] for rows in tables], axis=0)


def _probability(tables: Sequence[pd.DataFrame], classes: tuple[str, ...]) -> NDArray[np.float64]:
    names = [f"probability_{name}" for name in classes]
    return np.mean([rows[names].to_numpy(dtype=float) for rows in tables], axis=0)


def _brier(tables: Sequence[pd.DataFrame], classes: tuple[str, ...]) -> NDArray[np.float64]:
    true_nC = np.eye(len(classes))[class_codes(tables[0]["label"], classes)]
    return np.asarray(np.sum((_probability(tables, classes) - true_nC) ** 2, axis=1))
