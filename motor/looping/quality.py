"""Estimate how good a model is on the whole pool, from recordings drawn at random, weighted by their chance.

What a strategy asked for is a biased sample: no figure may be estimated from it (Farquhar, Gal and Rainforth 2021,
"On Statistical Bias in Active Learning").
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motor.evaluation.resampling import motor_weights, percentile_interval

Interval = tuple[float, float]
FEWEST_MOTORS = 3


@dataclass(frozen=True)
class Drawn:
    """A recording that was drawn at random: what a model said before, what people said then.

    Attributes
    ----------
    chance : float
        With which it was drawn, above 0.
    """

    motor: str
    label: str
    predicted: str
    chance: float


@dataclass(frozen=True)
class Quality:
    """Figures of a model, each with its 95 % interval; None where too few motors were drawn.

    Attributes
    ----------
    n_drawn, n_motors : int
    macro_f1 : float
    macro_f1_interval : (low, high) or None
    by_class : dict
        Class -> precision, recall and f1, each (value, interval).
    """

    n_drawn: int
    n_motors: int
    macro_f1: float
    macro_f1_interval: Interval | None
    by_class: dict[str, dict[str, tuple[float, Interval | None]]]


def estimated(drawn: Sequence[Drawn], classes: Sequence[str]) -> Quality | None:
    """Return the figures of a model on the whole pool, estimated from a random sample; None of an empty one.

    Parameters
    ----------
    drawn : sequence of Drawn
    classes : sequence of str

    Notes
    -----
    Each recording counts with the inverse of its chance (Horvitz and Thompson 1952). Intervals resample motors,
    stratified by class, and are widened as a t-interval is.
    """
    if not drawn:
        return None
    motors = sorted({one.motor for one in drawn})
    places = {motor: place for place, motor in enumerate(motors)}
    confusions_MCC = np.zeros((len(motors), len(classes), len(classes)))
    strata: dict[str, list[str]] = {motor: [] for motor in motors}
    for one in drawn:
        confusions_MCC[places[one.motor], classes.index(one.label), classes.index(one.predicted)] += 1 / one.chance
        strata[one.motor].append(one.label)
    of_motor = [tuple(sorted(set(strata[motor]))) for motor in motors]
    weights_RM = motor_weights(of_motor)
    confusions_RCC = np.tensordot(weights_RM, confusions_MCC, axes=1)
    values = _rates(confusions_RCC)
    freedom = max(1, len(motors) - len(set(of_motor)))

    def interval(values_R: np.ndarray) -> Interval | None:
        return percentile_interval(values_R, freedom) if len(motors) >= FEWEST_MOTORS else None

    present = confusions_RCC[0].sum(axis=1) > 0
    macro_R = values["f1"][:, present].mean(axis=1)
    by_class = {
        name: {rate: (float(found[0, place]), interval(found[:, place])) for rate, found in values.items()}
        for place, name in enumerate(classes)
        if present[place]
    }
    return Quality(len(drawn), len(motors), float(macro_R[0]), interval(macro_R), by_class)


def _rates(confusions_RCC: np.ndarray) -> dict[str, np.ndarray]:
    """Return precision, recall and F1 of each class, 0 where undefined; shape (n_resamples, n_classes)."""
    right = np.einsum("rcc->rc", confusions_RCC)
    true, named = confusions_RCC.sum(axis=2), confusions_RCC.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = {"precision": right / named, "recall": right / true, "f1": 2 * right / (true + named)}
    return {rate: np.nan_to_num(values) for rate, values in found.items()}
