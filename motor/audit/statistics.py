"""Statistics fitted on test data: are the scalers those of the training motors' normal series alone?"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from motor.audit.outcome import SHOWN, Finding, Outcome

WHAT = "Are the scalers what the training motors' normal series give, and nothing else?"
# Sums in another order differ by some 1e-12; a single foreign series among thousands by 1e-5 and more.
RELATIVE_TOLERANCE = 1e-7


class Moments(NamedTuple):
    """Number, mean and sum of squared deviations of one signal's samples."""

    n_samples: int
    mean: float
    squares: float


def moments(signal: np.ndarray) -> Moments:
    """Return the moments of a signal of shape (n_samples,), in float64."""
    values = signal.astype(np.float64)
    mean = float(values.mean())
    values -= mean
    return Moments(len(signal), mean, float(np.dot(values, values)))


@dataclass(frozen=True)
class Fitted:
    """A scaler as it stands in the prepared data, and the signals that it may have seen.

    Attributes
    ----------
    fold, domain : str
    loc, scale : float
        In the signal's unit.
    centred : bool
        Whether each item is centred by itself, so that only deviations from its own mean count.
    allowed : tuple of Moments
        Of the normal series of this fold's training motors in this domain.
    """

    fold: str
    domain: str
    loc: float
    scale: float
    centred: bool
    allowed: tuple[Moments, ...]


def fitted_on_training_alone(scalers: Iterable[Fitted]) -> Outcome:
    """Recompute every scaler from the signals that it may have seen, and compare.

    Parameters
    ----------
    scalers : iterable of Fitted

    Returns
    -------
    Outcome
        The finding is called ``fitted_statistics``.

    Notes
    -----
    Moments are pooled as in Chan, Golub and LeVeque (The American Statistician 37(3), 1983).
    """
    wrong = [row for scaler in scalers if (row := _difference(scaler))]
    if not wrong:
        return Outcome.of("fitted_statistics", WHAT, ())
    finding = Finding(
        name="fitted_statistics",
        what=f"{len(wrong)} scalers are not what the training motors' normal series give: others were in the fit.",
        evidence={"n_scalers": len(wrong), "scalers": wrong[:SHOWN]},
        next_step="Fit scalers on the normal series of each fold's training motors alone, and prepare the data again.",
    )
    return Outcome.of("fitted_statistics", WHAT, (finding,))


def _difference(scaler: Fitted) -> Mapping[str, Any] | None:
    """Return what differs, None where nothing does."""
    expected = pooled(scaler.allowed, scaler.centred)
    if expected is None:
        return None
    loc, scale = expected
    tolerance = RELATIVE_TOLERANCE * max(scale, abs(loc) * 1e-3)
    if abs(scaler.loc - loc) <= tolerance and abs(scaler.scale - scale) <= tolerance:
        return None
    found = {"loc": scaler.loc, "scale": scaler.scale, "expected_loc": loc, "expected_scale": scale}
    return {"fold": scaler.fold, "domain": scaler.domain, **found}


def pooled(parts: tuple[Moments, ...], centred: bool) -> tuple[float, float] | None:
    """Return mean and population deviation of several signals together, None without any."""
    if not parts:
        return None
    n_samples = sum(part.n_samples for part in parts)
    mean = math.fsum(part.n_samples * part.mean for part in parts) / n_samples
    squares = [part.squares for part in parts]
    if not centred:
        squares += [part.n_samples * (part.mean - mean) ** 2 for part in parts]
    return mean, math.sqrt(math.fsum(squares) / n_samples)
