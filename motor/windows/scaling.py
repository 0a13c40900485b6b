"""Scaling of signals: by domain, fitted on training series alone, or by item."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic import model_validator

from motor.registry import Record

# The deviation of a constant signal is rounding, about 1e-16 of its level; one step of float32 is 6e-8.
CONSTANT = 1e-13


@dataclass(frozen=True)
class Scaler:
    """Takes `loc` from a signal and divides it by `scale`, both in the signal's unit."""

    loc: float
    scale: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.loc) and 0 < self.scale < math.inf):
            raise ValueError(f"a scaler needs a finite loc and a finite scale > 0, not {self.loc} and {self.scale}")

    def apply(self, signal: np.ndarray) -> np.ndarray:
        """Return ``(signal - loc) / scale`` as a new float32 array of the same shape."""
        scaled = np.subtract(signal, np.float32(self.loc), dtype=np.float32)
        scaled /= np.float32(self.scale)
        return scaled

    def to_dict(self) -> dict[str, float]:
        """Return what `from_dict` takes, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, float]) -> "Scaler":
        """Rebuild the scaler that `to_dict` described."""
        return cls(**values)


class _Moments(NamedTuple):
    """Number, mean and sum of squared deviations of one signal's samples."""

    n_samples: int
    mean: float
    squares: float


class Scaling(Record):
    """How signals are scaled to zero mean and unit deviation.

    Parameters
    ----------
    by : {"domain", "item"}
        Whether level and strength are those of the domain's training series, which keeps the
        differences between items, or the item's own, which removes them.
    centre_by : {"domain", "item"}
        With ``by: domain``: whose mean is subtracted. An item's own mean removes the offset of its
        recording chain, which tells sessions apart and not faults, and keeps its strength. With
        ``by: item`` the mean is always the item's own.
    """

    by: Literal["domain", "item"] = "domain"
    centre_by: Literal["domain", "item"] = "domain"

    @model_validator(mode="before")
    @classmethod
    def _centre_by_item_too(cls, values: Any) -> Any:
        """By item, the mean is the item's own in any case: say so, that equal scalings have equal records."""
        return {**values, "centre_by": "item"} if isinstance(values, dict) and values.get("by") == "item" else values

    def fit(self, signals: Iterable[tuple[str, np.ndarray]]) -> dict[str, Scaler]:
        """Fit one scaler for each domain; the order of the signals does not matter, to the last bit.

        Parameters
        ----------
        signals : iterable of (domain, ndarray of shape (n_samples,))
            Training series alone, read one at a time. Nothing is read with ``by: item``.

        Returns
        -------
        dict of str to Scaler
            By domain; empty with ``by: item``.

        Raises
        ------
        ValueError
            If a signal is empty or not finite, or a domain's signals do not vary.

        Notes
        -----
        Population deviation. Each signal is reduced in two passes in float64, and the results are
        joined as in Chan, Golub and LeVeque (The American Statistician 37(3), 1983), with exact sums
        (`math.fsum`).
        """
        if self.by == "item":
            return {}
        moments: dict[str, list[_Moments]] = {}
        for domain, signal in signals:
            moments.setdefault(domain, []).append(_moments(signal, f"a signal of domain {domain!r}"))
        return {domain: self._join(domain, moments[domain]) for domain in sorted(moments)}

    def scaler(self, fitted: Mapping[str, Scaler], item: str, domain: str, signal: np.ndarray) -> Scaler:
        """Return the scaler of one item.

        Parameters
        ----------
        fitted : mapping of str to Scaler
            What `fit` returned.
        item, domain : str
        signal : ndarray of shape (n_samples,)
            The item's own signal, read only where its own level or strength is asked for.

        Raises
        ------
        ValueError
            If the domain was not fitted, or if the item's own signal is asked for and does not vary.
        """
        if self.by == "item":
            return _scaler(_moments(signal, item), item)
        if domain not in fitted:
            raise ValueError(
                f"{item}: domain {domain!r} has no scaler; fitted were: {', '.join(sorted(fitted)) or 'none'}. "
                "Each domain needs a training series, or set scaling by: item"
            )
        if self.centre_by == "item":
            return Scaler(_moments(signal, item).mean, fitted[domain].scale)
        return fitted[domain]

    def _join(self, domain: str, parts: list[_Moments]) -> Scaler:
        """Join the moments of a domain's signals."""
        n_samples = sum(part.n_samples for part in parts)
        mean = math.fsum(part.n_samples * part.mean for part in parts) / n_samples
        squares = [part.squares for part in parts]
        if self.centre_by == "domain":
            squares += [part.n_samples * (part.mean - mean) ** 2 for part in parts]
        return _scaler(_Moments(n_samples, mean, math.fsum(squares)), f"domain {domain!r}")


def _moments(signal: np.ndarray, name: str) -> _Moments:
    """Reduce one signal in two passes; the second corrects the rounding of the first."""
    if signal.size == 0:
        raise ValueError(f"{name} has no samples; drop the series")
    mean = float(signal.mean(dtype=np.float64))
    if not math.isfinite(mean):
        raise ValueError(f"{name} holds NaN or infinite samples, which cannot be scaled; drop the series")
    deviations = signal - np.float64(mean)
    rest = float(deviations.sum())
    squares = float(np.dot(deviations, deviations)) - rest**2 / signal.size
    return _Moments(signal.size, mean + rest / signal.size, max(squares, 0.0))


def _scaler(moments: _Moments, name: str) -> Scaler:
    """Return the scaler of these moments, or say whose signal is constant."""
    scale = math.sqrt(moments.squares / moments.n_samples)
    if scale <= CONSTANT * abs(moments.mean):
        raise ValueError(
            f"{name}: all {moments.n_samples} samples are {moments.mean:g}, so the scale is 0 and nothing can be "
            "divided by it; drop the series (on_bad_series: skip) or check the sensor"
        )
    return Scaler(moments.mean, scale)
