"""The base of all metrics: a figure of a cell's test predictions, with what it needs and which direction is better.

Shapes: n series, C classes, M motors, R = 1 + resamples (row 0 is the measured sample).
"""

from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from motor.evaluation.sheet import DECISIONS, PROBABILITIES, SCORE, Sheet
from motor.registry import Plugin

PACKAGE = "motor.evaluation.metrics"
RANKABLE = frozenset({DECISIONS, PROBABILITIES, SCORE})
"""What held-out series have, too: a metric that needs more cannot rank recipes."""
STEP = 1e-4  # of a motor's weight, for the derivative by it


class Measure(Plugin):
    """What metrics with one number, and those with one a class, have in common; `kind` is the key in `metrics.json`.

    A report calls a metric by the words that its catalogue has for its `kind`; `title` is what it falls back to.

    Attributes
    ----------
    needs : frozenset of str
        Of "decisions" (the class named), "probabilities" (of each class), "score" (how strange a series is; every
        classifier has one, too: 1 - p(normal)), "alarm" and "forecast". A cell that lacks some has no such figure.
    better : {"higher", "lower"}
    bounds : (float, float)
        The least and the greatest value that it can have.
    title : str
        In plain English, in the middle of a sentence.
    """

    ROOM: ClassVar[str] = PACKAGE

    needs: ClassVar[frozenset[str]] = frozenset({DECISIONS})
    better: ClassVar[Literal["higher", "lower"]] = "higher"
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    title: ClassVar[str] = ""

    @property
    def is_ready(self) -> bool:
        """Whether it has all the settings that it needs; one that has not is not computed."""
        return True

    @property
    def sign(self) -> int:
        """1 where higher is better, else -1: a value times it is the better the greater it is."""
        return 1 if self.better == "higher" else -1

    @property
    def worst(self) -> float:
        return self.bounds[0] if self.better == "higher" else self.bounds[1]

    @property
    def can_rank(self) -> bool:
        """Whether recipes can be ranked by it."""
        return self.needs <= RANKABLE

    def classes_needed(self, sheet: Sheet) -> tuple[int, ...]:
        """Return the classes without whose several motors there is no honest interval: all of them by default."""
        return tuple(range(len(sheet.classes)))


class Metric(Measure):
    """A figure that is one number. A plug-in gives `value`, or `resampled` where that is faster at once.

    Recipes can be ranked by any metric that needs nothing but decisions, probabilities or scores
    (``evaluation.rank_by``).
    """

    def value(self, sheet: Sheet, weight_n: NDArray[np.float64]) -> float:
        """Return the figure, each series weighing `weight_n`; NaN where it is undefined."""
        raise NotImplementedError(f"metric {self.kind!r} gives neither `value` nor `resampled`; define one of them")

    def resampled(self, sheet: Sheet) -> NDArray[np.float64]:
        """Return the figure under each row of `sheet.weights_RM`: shape (R,).

        Unless a metric does it for all rows at once, `value` is asked for each.
        """
        return np.array([self.value(sheet, weight_n) for weight_n in sheet.weights_Rn], dtype=float)

    def undefined(self, sheet: Sheet) -> str | None:
        """Say why the measured value is NaN, as far as it is known; None where nothing is known."""
        if DECISIONS in self.needs or PROBABILITIES in self.needs:
            return None
        return missing_side(sheet)

    def measured(self, sheet: Sheet) -> float:
        """Return the figure with every motor weighing the same, without a resample."""
        return float(self.resampled(sheet.weighted(np.ones((1, sheet.n_motors))))[0])

    def influence(self, sheet: Sheet) -> NDArray[np.float64]:
        """Return what each motor adds: the figure's derivative by the motor's weight, shape (M,).

        The infinitesimal jackknife (Jaeckel, Bell Labs MM 72-1215-11, 1972), by central differences.
        """
        steps_MM = STEP * np.eye(sheet.n_motors)
        above, below = (self.resampled(sheet.weighted(1.0 + sign * steps_MM)) for sign in (1, -1))
        return np.nan_to_num((above - below) / (2 * STEP))

    def by_motor(self, sheet: Sheet) -> NDArray[np.float64]:
        """Return how well each motor is judged, shape (M,): greater is better, NaN where it was not tested.

        What ranks of recipes over motors rest on. By default the share of its series whose class is named right; for
        a metric of probabilities minus their mean squared error; for one of scores how often a series and one of the
        other side are in the right order (its structural component; DeLong et al., Biometrics 44, 1988).
        """
        if DECISIONS in self.needs:
            assert sheet.named_nC is not None
            return sheet.mean_by_motor(sheet.named_nC[np.arange(len(sheet.true_n)), sheet.true_n])
        if PROBABILITIES in self.needs:
            return -sheet.mean_by_motor(squared_errors(sheet))
        return sheet.mean_by_motor(placements(sheet))

    def chance(self, sheet: Sheet) -> dict[str, float]:
        """Return the figure of answers that look at no signal.

        Returns
        -------
        dict
            `majority`: always the most frequent class. `uniform`: each class named equally often.
        """
        share_C = np.bincount(sheet.true_n, minlength=len(sheet.classes)) / max(len(sheet.true_n), 1)
        largest_C, even_C = np.eye(len(share_C))[share_C.argmax()], np.full(len(share_C), 1 / len(share_C))
        answers = {"majority": (largest_C, share_C), "uniform": (even_C, even_C)}
        return {name: self.measured(_always(sheet, *answer)) for name, answer in answers.items()}


class ClassMetric(Measure):
    """A figure of each class."""

    def resampled(self, sheet: Sheet) -> NDArray[np.float64]:
        """Return the figure of each class under each row of `sheet.weights_RM`: shape (R, C)."""
        raise NotImplementedError(f"metric {self.kind!r} does not give `resampled`; define it")

    def leaves_out(self, sheet: Sheet) -> frozenset[str]:
        """Return the classes that it means nothing for."""
        return frozenset()

    def undefined(self, sheet: Sheet, place: int) -> str | None:
        """Say why the measured value of a class is NaN, as far as it is known; None where nothing is known."""
        return None if (sheet.true_n == place).any() else "no test series"


def missing_side(sheet: Sheet) -> str | None:
    """Say which side has no test series; None where both have some."""
    if sheet.faulty_n.all():
        return "no normal test series"
    return None if sheet.faulty_n.any() else "no faulty test series"


def squared_errors(sheet: Sheet) -> NDArray[np.float64]:
    """Return the squared error of each series' probabilities, summed over the classes: shape (n,)."""
    assert sheet.probability_nC is not None
    wanted_nC = np.eye(len(sheet.classes))[sheet.true_n]
    return np.asarray(((sheet.probability_nC - wanted_nC) ** 2).sum(axis=1))


def placements(sheet: Sheet) -> NDArray[np.float64]:
    """Return for each series the share of the other side that it is on the right side of, ties half: shape (n,)."""
    score_n, faulty_n = sheet.score_n, sheet.faulty_n
    assert score_n is not None
    share_n = np.full(len(score_n), np.nan)
    for is_faulty in (True, False):
        own, other = faulty_n == is_faulty, np.sort(score_n[faulty_n != is_faulty])
        if len(other):
            below, upto = (np.searchsorted(other, score_n[own], side) for side in ("left", "right"))
            lower = (below + upto) / 2 / len(other)
            share_n[own] = lower if is_faulty else 1 - lower
    return share_n


def _always(sheet: Sheet, named_C: NDArray[np.float64], probability_C: NDArray[np.float64]) -> Sheet:
    """Return the sheet of answers that are the same for every series."""
    n_series = len(sheet.true_n)
    values: dict[str, Any] = {
        "named_nC": np.tile(named_C, (n_series, 1)),
        "probability_nC": np.tile(probability_C, (n_series, 1)),
        "score_n": np.zeros(n_series),
    }
    return replace(sheet, **values)
