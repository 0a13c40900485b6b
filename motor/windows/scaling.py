"""Scaling of signals: by domain, fitted on training series alone, by item, or by a motor's healthy reference."""

import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
from pydantic import Field, model_validator

from motor.registry import Record

# The deviation of a constant signal is rounding, about 1e-16 of its level; one step of float32 is 6e-8.
CONSTANT = 1e-13
GROUPS_SHOWN = 10
NEEDS_TRAINING = "Each domain needs a training series"

Group = TypeVar("Group", bound=Hashable)


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
    """Settings by which signals are scaled to zero mean and unit deviation.

    Parameters
    ----------
    by : {"domain", "item", "reference"}
        Whose level and strength become 0 and 1: those of the domain's training series, which keeps the
        differences between items; the item's own, which removes them; or those of the motor's own healthy
        reference in that domain (`motor.windows.references`), which keeps how a motor changed and removes
        how machines differ.
    centre_by : {"domain", "item"}
        Whose mean is subtracted: ``domain`` is that of the signals that `by` names. An item's own mean
        removes the offset of its recording chain, which tells sessions apart and not faults, and keeps
        its strength. With ``by: item`` the mean is always the item's own.
    earliest : int
        How many of a motor's first recordings are its reference where the data marks none; 0: marks
        alone count. It matters wherever some cell of the grid has ``by: reference``, since references
        are scored in no cell.
    """

    by: Literal["domain", "item", "reference"] = "domain"
    centre_by: Literal["domain", "item"] = "domain"
    earliest: int = Field(default=0, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _centre_by_item_too(cls, values: Any) -> Any:
        """By item, the mean is the item's own in any case: say so, that equal scalings have equal records."""
        return {**values, "centre_by": "item"} if isinstance(values, dict) and values.get("by") == "item" else values

    def fit(self, signals: Iterable[tuple[Group, np.ndarray]]) -> dict[Group, Scaler]:
        """Fit one scaler for each group; the order of the signals does not matter, to the last bit.

        Parameters
        ----------
        signals : iterable of (group, ndarray of shape (n_samples,))
            Read one at a time. With ``by: domain`` the group is the domain, and the signals are training
            series alone; with ``by: reference`` it is (motor, domain), and they are that motor's references,
            on whatever side the motor is. Nothing is read with ``by: item``.

        Returns
        -------
        dict of group to Scaler
            Empty with ``by: item``.

        Raises
        ------
        ValueError
            If a signal is empty or not finite, or a group's signals do not vary.

        Notes
        -----
        Population deviation. Each signal is reduced in two passes in float64, and the results are
        joined as in Chan, Golub and LeVeque (The American Statistician 37(3), 1983), with exact sums
        (`math.fsum`).
        """
        if self.by == "item":
            return {}
        moments: dict[Group, list[_Moments]] = {}
        for group, signal in signals:
            moments.setdefault(group, []).append(_moments(signal, f"a signal of {_name(group)}"))
        return {group: self._join(_name(group), moments[group]) for group in sorted(moments, key=repr)}

    def scaler(
        self, fitted: Mapping[Any, Scaler], item: str, domain: str, signal: np.ndarray, motor: str | None = None
    ) -> Scaler:
        """Return the scaler of one item.

        Parameters
        ----------
        fitted : mapping of group to Scaler
            What `fit` returned.
        item, domain : str
        signal : ndarray of shape (n_samples,)
            The item's own signal, read only where its own level or strength is asked for.
        motor : str, optional
            Needed with ``by: reference``.

        Raises
        ------
        ValueError
            If the item's group was not fitted, or if its own signal is asked for and does not vary.
        """
        if self.by == "item":
            return _scaler(_moments(signal, item), item)
        group = (motor, domain) if self.by == "reference" else domain
        if group not in fitted:
            known = ", ".join([str(group) for group in sorted(fitted, key=repr)][:GROUPS_SHOWN]) or "none"
            needed = "Each motor needs a healthy reference" if self.by == "reference" else NEEDS_TRAINING
            raise ValueError(
                f"{item}: {_name(group)} has no scaler; fitted were: {known}. {needed}, or set scaling by: item"
            )
        if self.centre_by == "item":
            return Scaler(_moments(signal, item).mean, fitted[group].scale)
        return fitted[group]

    def _join(self, name: str, parts: list[_Moments]) -> Scaler:
        """Join the moments of a group's signals."""
        n_samples = sum(part.n_samples for part in parts)
        mean = math.fsum(part.n_samples * part.mean for part in parts) / n_samples
        squares = [part.squares for part in parts]
        if self.centre_by == "domain":
            squares += [part.n_samples * (part.mean - mean) ** 2 for part in parts]
        return _scaler(_Moments(n_samples, mean, math.fsum(squares)), name)


def _name(group: Hashable) -> str:
    """Return the words for a group in an error: a domain, or a motor in a domain."""
    if isinstance(group, tuple):
        return f"motor {group[0]!r} in domain {group[1]!r}"
    return f"domain {group!r}"


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
