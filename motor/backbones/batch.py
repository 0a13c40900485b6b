"""Windows of one pass: what a forecaster may want to know of them, of which most read a little.

Shapes: B windows, T context, H horizon, N samples of a window.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from motor.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

Values = Any  # a tensor or an array


class Batch(NamedTuple):
    """Windows as arrays or tensors, one a row.

    Attributes
    ----------
    context_BT : (n_windows, context_length)
        What is seen, in scaled units; NaN is a missing sample.
    future_BH : (n_windows, prediction_length) or None
        What follows; a forecast is made without it, whether or not it is there.
    domain_B : (n_windows,), int
        Place of each window's domain in the forecaster's `domains`.
    windows : (n_windows,) or None
        Numbers by which messages call the windows.
    group_B : (n_windows,), int, or None
        Windows of one number, which stand side by side, were measured at one moment and may see one another.
    item_B, motor_B : (n_windows,), str, or None
        Names of the recording and of the motor that each window is cut from.
    start_B : (n_windows,), int, or None
        Where in its recording each context begins, in samples.
    covariates : mapping of str to (n_windows, ...), or None
        What is known beside the signal: one value a window (``speed_rpm``; NaN where it is not known), or one a sample
        of context and horizon, (n_windows, context_length + prediction_length).
    """

    context_BT: Values
    future_BH: Values
    domain_B: Values
    windows: "np.ndarray | list | None" = None
    group_B: Values | None = None
    item_B: np.ndarray | None = None
    motor_B: np.ndarray | None = None
    start_B: Values | None = None
    covariates: Mapping[str, Values] | None = None

    @property
    def n_windows(self) -> int:
        """The rows of the batch."""
        return len(self.context_BT)

    def rows(self, rows: "slice | range") -> "Batch":
        """Return some rows as a batch of their own."""
        given = {name: part for name, part in self._asdict().items() if part is not None and name != "covariates"}
        parts: dict[str, Any] = {name: part[rows] for name, part in given.items()}
        if self.covariates is not None:
            parts["covariates"] = {name: values[rows] for name, values in self.covariates.items()}
        return self._replace(**parts)

    def tensors(self, device: "torch.device | str" = "cpu") -> "Batch":
        """Return the batch with numbers as tensors on a device: signals and covariates float32, the rest int64."""
        numbers = {"domain_B": self.domain_B, "group_B": self.group_B, "start_B": self.start_B}
        signals = {"context_BT": self.context_BT, "future_BH": self.future_BH}
        parts: dict[str, Any] = {
            name: _tensor(part).to(device).long() for name, part in numbers.items() if part is not None
        }
        parts |= {name: _tensor(part).to(device).float() for name, part in signals.items() if part is not None}
        if self.covariates is None:
            return self._replace(**parts)
        known = {name: _tensor(values).to(device).float() for name, values in self.covariates.items()}
        return self._replace(**parts, covariates=known)


def as_batch(source: Any, cut: Mapping[str, np.ndarray], longest: int, context_length: int | None = None) -> Batch:
    """Part windows at where the future begins, and say what is known of each.

    Parameters
    ----------
    source : motor.windows.source.Source
        What the windows were cut from.
    cut : mapping
        A batch of it: ``window`` (B, N), ``domain``, ``item``, ``start`` and, as far as there are any, ``group`` and
        ``number``.
    longest : int
        Samples of a window before its future.
    context_length : int or None
        Samples that are seen: the last ones before the future. None: all of them.
    """
    context_BT, future_BH = np.split(cut["window"], [longest], axis=1)
    seen, rows_B = longest if context_length is None else context_length, cut["item"]
    return Batch(
        context_BT=context_BT[:, longest - seen :],
        future_BH=future_BH if future_BH.shape[1] else None,
        domain_B=cut["domain"],
        windows=cut.get("number"),
        group_B=cut.get("group"),
        item_B=source.known.item_S[rows_B],
        motor_B=source.known.motor_S[rows_B],
        start_B=cut["start"] + (longest - seen),
        covariates={"speed_rpm": source.known.speed_rpm_S[rows_B]},
    )


def largest_group(batch: Batch) -> int:
    """Return the rows of the largest group, which is the least that can be computed at once."""
    if batch.group_B is None or not batch.n_windows:
        return 1
    return int(np.diff(_group_starts(batch), append=batch.n_windows).max())


def parts(batch: Batch, most: int | None) -> Iterator[Batch]:
    """Cut a batch into parts of at most `most` rows, never through a group; None leaves it whole."""
    count = batch.n_windows
    if most is None or count <= most:
        yield batch
        return
    starts = np.arange(count) if batch.group_B is None else _group_starts(batch)
    ends = [*starts[1:].tolist(), count]
    first = 0
    for end, following in zip(ends, [*ends[1:], None], strict=True):
        if following is None or following - first > most:
            yield batch.rows(slice(first, end))
            first = end


def check_domains(domain_B: "Tensor", n_domains: int, n_windows: int) -> None:
    """Raise unless there is one domain for each window, each from 0 to `n_domains` - 1."""
    if domain_B.shape != (n_windows,):
        raise ValueError(
            f"domain_B has shape {tuple(domain_B.shape)} for {n_windows} windows; it must be ({n_windows},)"
        )
    if n_windows and not 0 <= int(domain_B.min()) <= int(domain_B.max()) < n_domains:
        raise ValueError(f"domain_B holds {sorted(set(domain_B.tolist()))}; the domains are 0 to {n_domains - 1}")


def _tensor(values: Values) -> "Tensor":
    """Return values as a tensor; a read-only array is copied, of which torch would warn."""
    is_read_only = isinstance(values, np.ndarray) and not values.flags.writeable
    return torch.as_tensor(np.array(values) if is_read_only else values)


def _group_starts(batch: Batch) -> np.ndarray:
    """First row of each group."""
    group_B = np.asarray(batch.group_B)
    return np.flatnonzero(np.diff(group_B, prepend=group_B[0] - 1))
