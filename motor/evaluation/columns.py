"""What a choice between recipes may look at: held-out and test predictions of all recipes, series by series.

A column is one regime judged in one domain (each domain alone; Joint in each domain). All its recipes are
held against the same series, and all columns resample the same motors.

Shapes: n series (rows), C classes, M motors, R = 1 + resamples.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from motor.evaluation import resampling
from motor.evaluation.cells import Axes, CellResult, ReportContext, axes_text, cell_key, varying_axes
from motor.evaluation.sheet import Sheet, class_codes, columns_of, fault_scores, motor_strata
from motor.lazy import pandas as pd
from motor.lazy import scipy

TEXTS = ("fold", "item", "motor", "domain", "label")  # columns of predictions that say what a series is


@dataclass(frozen=True, eq=False)
class Series:
    """Series in an order that all recipes of a column share: fold, motor, true class."""

    fold_n: NDArray[np.str_]
    motor_n: NDArray[np.intp]
    true_n: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Said:
    """What a recipe says of n series, its seeds averaged; None for what its judge does not give.

    Attributes
    ----------
    named_nC : ndarray of shape (n, C), optional
        The share of seeds that name each class.
    probability_nC : ndarray of shape (n, C), optional
        Mean probability.
    score_n : ndarray of shape (n,), optional
        Mean score: how strange each series is.
    """

    named_nC: NDArray[np.float64] | None
    probability_nC: NDArray[np.float64] | None
    score_n: NDArray[np.float64] | None

    @classmethod
    def by(cls, table: pd.DataFrame, classes: tuple[str, ...], normal: str) -> Said:
        """Return what a table of predictions says."""
        named = np.eye(len(classes))[class_codes(table["predicted"], classes)] if "predicted" in table else None
        names = [f"probability_{name}" for name in classes]
        probability = columns_of(table, names) if names[0] in table else None
        return cls(named, probability, fault_scores(table, normal))

    @classmethod
    def mean(cls, seeds: Sequence[Said]) -> Said:
        """Average what several seeds say of the same series, in one order; what one says stays that."""
        if len(seeds) == 1:
            return seeds[0]
        parts = ([getattr(one, name) for one in seeds] for name in ("named_nC", "probability_nC", "score_n"))
        known = ([part for part in of_seeds if part is not None] for of_seeds in parts)
        return cls(*(np.mean(of_seeds, axis=0) if of_seeds else None for of_seeds in known))

    def rows(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Said:
        """Return what is said of some of the series."""
        parts = (self.named_nC, self.probability_nC, self.score_n)
        return Said(*(None if part is None else part[chosen] for part in parts))

    def taking(self, chosen: NDArray[np.bool_], other: Said) -> Said:
        """Return this with what another says of some of the series in place of its own; of the rest it stays."""

        def mixed(own: NDArray[np.float64] | None, theirs: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
            if own is None or theirs is None:
                return None
            taken = own.copy()
            taken[chosen] = theirs[chosen]
            return taken

        return Said(
            mixed(self.named_nC, other.named_nC),
            mixed(self.probability_nC, other.probability_nC),
            mixed(self.score_n, other.score_n),
        )


@dataclass(frozen=True, eq=False)
class Reading:
    """A table of predictions, series by series: fold, item, motor, domain and label as texts, and what is said."""

    texts_n: NDArray[np.object_]
    said: Said
    _distinct: dict[tuple[str, ...], set[tuple[str, ...]]] = field(default_factory=dict)

    @classmethod
    def of(cls, table: pd.DataFrame, classes: tuple[str, ...], normal: str) -> Reading:
        texts_n = np.empty((len(table), len(TEXTS)), dtype=object)
        for place, name in enumerate(TEXTS):
            column = table[name]
            texts_n[:, place] = column.to_numpy(object) if column.dtype == "str" else list(map(str, column.tolist()))
        return cls(texts_n, Said.by(table, classes, normal))

    def rows(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Reading:
        """Return some of the series."""
        return Reading(self.texts_n[chosen], self.said.rows(chosen))

    def distinct(self, *names: str) -> set[tuple[str, ...]]:
        """Return which texts of these columns stand together."""
        if names not in self._distinct:
            self._distinct[names] = set(self.texts_of(*names))
        return self._distinct[names]

    def texts_of(self, *names: str) -> list[tuple[str, ...]]:
        """Return the texts of these columns, series by series."""
        return list(zip(*(self.texts_n[:, TEXTS.index(name)].tolist() for name in names), strict=True))

    @cached_property
    def keys(self) -> list[tuple[str, ...]]:
        """Fold and item of each series."""
        return self.texts_of("fold", "item")

    @cached_property
    def by_domain(self) -> dict[str, Reading]:
        """The series of each domain."""
        domain_n = self.texts_n[:, TEXTS.index("domain")]
        return {name: self.rows(domain_n == name) for name in sorted(set(domain_n.tolist()))}


class Readings:
    """What cells hold out and test, each table read once, however many choices between cells are judged.

    Attributes
    ----------
    judged : dict
        What was said of held-out and of test series, and the motors -> the figures of it.
    """

    def __init__(self, classes: tuple[str, ...], normal: str) -> None:
        self._kinds = classes, normal
        self.judged: dict[tuple[Said, Said, tuple[str, ...]], Judged] = {}
        self._known: dict[int, tuple[pd.DataFrame, Reading]] = {}  # with the table, so that its id stays its own

    def of(self, table: pd.DataFrame) -> Reading:
        """Return a table as it was read, the first time or now."""
        if id(table) not in self._known:
            self._known[id(table)] = table, Reading.of(table, *self._kinds)
        return self._known[id(table)][1]


@dataclass(frozen=True)
class Judged:
    """A recipe's figures in one column: by fold, on held-out series, and under each resample of the test motors."""

    held_out: Mapping[str, float]
    brier: Mapping[str, float]
    test_R: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Candidate:
    """A recipe in one column, its seeds averaged.

    Attributes
    ----------
    key : hashable
        Its coordinates without domain and seed: the same in every domain.
    axes : mapping
        Those that tell recipes apart.
    held_out, test : Said
        What it says of held-out and of test series.
    """

    key: Hashable
    axes: Axes
    name: str
    method: str
    seconds: float
    held_out: Said
    test: Said


@dataclass(frozen=True, eq=False)
class ChoiceColumn:
    """All recipes of one regime, judged in one domain."""

    regime: str
    domain: str
    held_out: Series
    test: Series
    candidates: tuple[Candidate, ...]
    classes: tuple[str, ...]
    normal: str

    def sheet(self, series: Series, said: Said, motors: Motors) -> Sheet:
        """Return what is said of the column's series, ready for a metric, under the weights of all motors."""
        known = (self.classes, self.normal, series.true_n, series.motor_n, motors.strata, motors.weights_RM)
        return Sheet(*known, named_nC=said.named_nC, probability_nC=said.probability_nC, score_n=said.score_n)

    def held_out_sheet(self, one: Candidate, fold: str, motors: Motors) -> Sheet:
        """Return what a recipe says of the series that are held out in a fold, under the weights of their motors."""
        rows, present, series = self._held_out_of[fold]
        strata = tuple(motors.strata[index] for index in present)
        alone = replace(motors, strata=strata, weights_RM=resampling.motor_weights(strata))
        return self.sheet(series, one.held_out.rows(rows), alone)

    @cached_property
    def _held_out_of(self) -> dict[str, tuple[NDArray[np.intp], NDArray[np.intp], Series]]:
        """Each fold's held-out series: their places, their motors, and they themselves, with motors counted anew."""
        found, all_of_them = {}, self.held_out
        for fold in self.folds:
            rows = np.flatnonzero(all_of_them.fold_n == fold)
            present, motor_n = np.unique(all_of_them.motor_n[rows], return_inverse=True)
            found[fold] = rows, present, Series(all_of_them.fold_n[rows], motor_n, all_of_them.true_n[rows])
        return found

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


def can_choose(cell: CellResult, readings: Readings) -> bool:
    """Whether something was held out in every fold and domain that the cell tests."""
    if cell.held_out.empty or not all("fold" in part.columns for part in (cell.predictions, cell.held_out)):
        return False
    tested, held = (readings.of(part).distinct("fold", "domain") for part in (cell.predictions, cell.held_out))
    return tested <= held


def all_motors(cells: list[CellResult], readings: Readings) -> Motors:
    """Return the motors that any of the cells held out or tested."""
    columns = ["motor", "domain", "label"]
    tables = (part for cell in cells for part in (cell.predictions, cell.held_out))
    seen = {row for table in tables for row in readings.of(table).distinct(*columns)}
    strata = motor_strata(pd.DataFrame(sorted(seen), columns=columns))
    return Motors(tuple(strata.index), tuple(strata), resampling.motor_weights(list(strata)))


def choice_columns(
    cells: list[CellResult], motors: Motors, context: ReportContext, readings: Readings
) -> list[ChoiceColumn]:
    """Return a column for each regime and domain, the joint regime last; series that a recipe lacks are left out."""
    shown = [name for name in varying_axes(cells) if name not in ("domain", "seed")]
    by_regime: dict[str, list[CellResult]] = {}
    for cell in cells:
        by_regime.setdefault(str(cell.axes["domain"]), []).append(cell)
    columns = []
    for regime in sorted(by_regime, key=lambda name: (name == context.joint, name)):
        tested = {name for cell in by_regime[regime] for name in readings.of(cell.predictions).by_domain}
        for domain in sorted(tested):
            column = _column(by_regime[regime], (regime, domain), motors, context, shown, readings)
            columns += [column] if column is not None else []
    return columns


def _column(
    cells: list[CellResult],
    place: tuple[str, str],
    motors: Motors,
    context: ReportContext,
    shown: list[str],
    readings: Readings,
) -> ChoiceColumn | None:
    held_out = _aligned([readings.of(cell.held_out) for cell in cells], place[1])
    test = _aligned([readings.of(cell.predictions) for cell in cells], place[1])
    if not held_out or not test:
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
            held_out=Said.mean([held_out[index].said for index in indices]),
            test=Said.mean([test[index].said for index in indices]),
        )
        for key, indices in recipes.items()
    )
    held, tested = (_series(rows[0], motors, context.classes) for rows in (held_out, test))
    return ChoiceColumn(*place, held, tested, candidates, context.classes, context.normal)


def _aligned(tables: list[Reading], domain: str) -> list[Reading]:
    """Return each table's series of one domain, those that all tables have, in one order; [] where there are none."""
    if not all(domain in table.by_domain for table in tables):
        return []
    parts = [table.by_domain[domain] for table in tables]
    keys = [part.keys for part in parts]
    if all(one == keys[0] for one in keys[1:]):
        return parts
    for one in keys:
        if len(set(one)) < len(one):
            fold, item = next(pair for pair in one if one.count(pair) > 1)
            raise ValueError(
                f"item {item!r} stands twice in fold {fold!r} of domain {domain!r}; predict it once a fold"
            )
    shared = sorted(set(keys[0]).intersection(*keys[1:]))
    if not shared:
        return []
    places = [{pair: place for place, pair in enumerate(one)} for one in keys]
    return [part.rows(np.array([at[pair] for pair in shared])) for part, at in zip(parts, places, strict=True)]


def _series(rows: Reading, motors: Motors, classes: tuple[str, ...]) -> Series:
    folds, names, labels = zip(*rows.texts_of("fold", "motor", "label"), strict=True)
    return Series(np.array(folds), class_codes(names, motors.names), class_codes(labels, classes))


def put_together(by_fold: Mapping[str, Said], series: Series) -> Said:
    """Take of each fold's series what is said for it.

    Where a detector speaks for one fold and a classifier for another, their scores have no common scale: each is
    replaced by its rank among the fold's series.
    """
    kinds = {said.probability_nC is None for said in by_fold.values()}
    (_, said), *rest = by_fold.items() if len(kinds) == 1 else _ranked(by_fold, series)
    for fold, of_fold in rest:
        said = said.taking(series.fold_n == fold, of_fold)
    return said


def vote(votes: Sequence[Said]) -> Said:
    """Return what several recipes say together: the mean probability and its greatest class.

    Where some have no probabilities it is the mean rank of their scores, which have no common scale.
    """
    given = [said.probability_nC for said in votes if said.probability_nC is not None]
    scores = [said.score_n for said in votes if said.score_n is not None]
    if len(given) < len(votes):
        return Said(None, None, np.mean([_ranks(score_n) for score_n in scores], axis=0))
    mean_nC = np.mean(given, axis=0)
    named_nC = np.asarray(np.eye(mean_nC.shape[1])[mean_nC.argmax(axis=1)])
    return Said(named_nC, mean_nC, np.mean(scores, axis=0) if scores else None)


def _ranked(by_fold: Mapping[str, Said], series: Series) -> list[tuple[str, Said]]:
    ranked = []
    for fold, said in by_fold.items():
        rows, score_n = series.fold_n == fold, np.zeros(len(series.fold_n))
        assert said.score_n is not None
        score_n[rows] = _ranks(said.score_n[rows])
        ranked.append((fold, Said(None, None, score_n)))
    return ranked


def _ranks(score_n: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the place of each score among all, from 0 to 1, ties sharing theirs."""
    return np.asarray(scipy.stats.rankdata(score_n) / max(len(score_n), 1))
