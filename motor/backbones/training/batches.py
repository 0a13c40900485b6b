"""Batches cut into the parts that are computed at once, and as tensors.

Shapes: B windows, T context, H horizon.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from motor.backbones.training.settings import Batch

if TYPE_CHECKING:
    from torch import Tensor


def n_windows(batch: Batch) -> int:
    """Return the rows of a batch."""
    return len(batch.context_BT)


def largest_group(batch: Batch) -> int:
    """Return the rows of the largest group, which is the least that can be computed at once."""
    if batch.group_B is None or not n_windows(batch):
        return 1
    return int(np.diff(_group_starts(batch), append=n_windows(batch)).max())


def parts(batch: Batch, most: int | None) -> Iterator[Batch]:
    """Cut a batch into parts of at most `most` rows, never through a group; None leaves it whole."""
    count = n_windows(batch)
    if most is None or count <= most:
        yield batch
        return
    starts = np.arange(count) if batch.group_B is None else _group_starts(batch)
    ends = [*starts[1:].tolist(), count]
    first = 0
    for end, following in zip(ends, [*ends[1:], None], strict=True):
        if following is None or following - first > most:
            yield _rows(batch, slice(first, end))
            first = end


def tensors(batch: Batch) -> "tuple[Tensor, Tensor, Tensor, Tensor | None]":
    """Return context, future, domain and group as tensors; read-only arrays are copied, of which torch would warn."""
    group_B = None if batch.group_B is None else _tensor(batch.group_B).long()
    return _tensor(batch.context_BT), _tensor(batch.future_BH), _tensor(batch.domain_B).long(), group_B


def _tensor(array: "Tensor | np.ndarray") -> "Tensor":
    import torch

    is_read_only = isinstance(array, np.ndarray) and not array.flags.writeable
    return torch.as_tensor(np.array(array) if is_read_only else array)


def _rows(batch: Batch, rows: slice) -> Batch:
    windows = None if batch.windows is None else batch.windows[rows]
    group_B = None if batch.group_B is None else batch.group_B[rows]
    return Batch(batch.context_BT[rows], batch.future_BH[rows], batch.domain_B[rows], windows, group_B)


def _group_starts(batch: Batch) -> np.ndarray:
    """First row of each group."""
    group_B = np.asarray(batch.group_B)
    return np.flatnonzero(np.diff(group_B, prepend=group_B[0] - 1))
