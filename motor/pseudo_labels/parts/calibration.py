"""Calibrate probabilities for motors that were not seen, by one number (Guo et al. 2017, ICML, eq. 9).

Shapes: N labelled series, M others, C classes.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from motor.judges.weights import fitted_with_weights
from motor.lazy import scipy
from motor.pseudo_labels.base import LabelledSeries, Workshop

LEAST = 1e-6  # a probability under it is taken for it
LOG_BOUNDS = (-4.0, 1.0)  # of the sharpness: classifiers are rather too sure of new motors than too unsure


def probabilities(estimator: Any, X_MD: NDArray[Any], classes: tuple[str, ...]) -> NDArray[np.float64]:
    """Return a classifier's probabilities, (M, C), with a column for each class: 0 for those that it does not know."""
    found = np.zeros((len(X_MD), len(classes)))
    if len(X_MD):
        found[:, [classes.index(str(name)) for name in estimator.classes_]] = estimator.predict_proba(X_MD)
    return found


def sharpness_of(known: LabelledSeries, at: Workshop) -> float:
    """Return the factor on log-probabilities that suits unseen motors best; 1 where no motor can be hidden."""
    logs, positions = [], []
    for seen, unseen in known.parts():
        part, rest = known.of(unseen), known.of(seen)
        estimator = at.classifier().fit(rest.X_ND, rest.label_N.astype(str))
        logs.append(_logs(probabilities(estimator, part.X_ND, at.classes)))
        positions.append([at.classes.index(name) for name in part.label_N])
    if not logs:
        return 1.0
    log_NC, position_N = np.concatenate(logs), np.concatenate(positions).astype(int)
    weight_N = (1.0 / np.bincount(position_N, minlength=len(at.classes)).clip(1))[position_N]

    def loss(log_sharpness: float) -> float:
        scaled_NC = scipy.special.log_softmax(np.exp(log_sharpness) * log_NC, axis=1)
        return -float(weight_N @ scaled_NC[np.arange(len(position_N)), position_N])

    return float(np.exp(scipy.optimize.minimize_scalar(loss, bounds=LOG_BOUNDS, method="bounded").x))


def calibrated(
    known: LabelledSeries,
    more: tuple[NDArray[Any], NDArray[Any], float],
    X_MD: NDArray[Any],
    at: Workshop,
    sharp: float,
) -> NDArray[np.float64]:
    """Return calibrated probabilities by a classifier of labelled series and `more`: columns, labels, weight."""
    X_ED, label_E, weight = more
    weight_N = np.concatenate([np.ones(len(known.label_N)), np.full(len(label_E), weight)])
    label_N = np.concatenate([known.label_N, label_E])
    estimator = fitted_with_weights(at.classifier(), np.concatenate([known.X_ND, X_ED]), label_N, weight_N)
    return np.asarray(scipy.special.softmax(sharp * _logs(probabilities(estimator, X_MD, at.classes)), axis=1))


def _logs(probability_MC: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log(np.clip(probability_MC, LEAST, None))
