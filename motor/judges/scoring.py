"""Put a fitted detector's scores on a scale that can be compared: between folds, and with other fits of its kind.

Shapes: n series, D columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEWEST_ROWS = 2  # that a detector is fitted on
NORMAL_MAD = 1.4826  # of a normal distribution: its standard deviation over its median absolute deviation
FAR = 3.0  # spreads beyond the median; the threshold where no normal series says a better one


def likeliest(probability_nC: NDArray[np.float64], classes: Sequence[str]) -> NDArray[np.object_]:
    """Return the class of the greatest probability; of several as great, the first by name.

    It is the one rule for ties: what a grid calls a series, every prediction calls it.

    Parameters
    ----------
    probability_nC : ndarray of shape (n, C)
    classes : sequence of str
        Names of the columns, in whatever order.
    """
    by_name = sorted(range(len(classes)), key=lambda place: classes[place])
    return np.array(classes, dtype=object)[by_name][probability_nC[:, by_name].argmax(axis=1)]


class DetectorError(ValueError):
    """A detector cannot be fitted on these series."""


@dataclass(frozen=True)
class AnomalyScorer:
    """A detector, and the scores of normal series that it was not fitted on.

    Attributes
    ----------
    estimator : object
        With ``score_samples``, greater for the normal.
    location, scale : float
        Of the estimator's scores of normal training series: their median, and their spread.
    """

    estimator: Any
    location: float
    scale: float

    def score(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return how strange each series is, (n,): how many spreads less normal than the median normal series."""
        return self.turned(normality(self.estimator, X))

    def turned(self, normality_n: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return anomaly scores from scores that are greater for the normal."""
        return (self.location - normality_n) / self.scale


def calibrated(estimator: Any, reference_n: NDArray[np.float64]) -> AnomalyScorer:
    """Return a scorer, from the scores of normal series by detectors of its kind that were not fitted on them."""
    location = float(np.median(reference_n))
    spreads = (NORMAL_MAD * float(np.median(np.abs(reference_n - location))), float(np.std(reference_n)), 1.0)
    return AnomalyScorer(estimator, location, next(spread for spread in spreads if spread > 0))


def fitted(estimator: Any, X: NDArray[Any], name: str) -> Any:
    """Fit a detector.

    Raises
    ------
    DetectorError
        If there are fewer than `FEWEST_ROWS` series.
    """
    if len(X) < FEWEST_ROWS:
        raise DetectorError(
            f"{name} is to be fitted on {len(X)} training series, but needs {FEWEST_ROWS} or more; keep more normal "
            f"motors on the training side, or set classifiers.{name}.fit_on: any"
        )
    return estimator.fit(X)


def normality(estimator: Any, X: NDArray[Any]) -> NDArray[np.float64]:
    """Return a detector's scores, greater for the normal: float64 (n,)."""
    return np.asarray(estimator.score_samples(X), dtype=np.float64).reshape(-1)


def can_attribute(estimator: Any) -> bool:
    """Tell whether it can be said which columns a fitted detector's score comes from: of a deep one, by captum."""
    steps: list[Any] = getattr(estimator, "steps", [])
    return bool(steps) and hasattr(steps[-1][1], "strangeness") and find_spec("captum") is not None
