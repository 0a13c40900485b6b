"""Ids of training motors that a network may lean on while it learns, and never afterwards.

Shapes: B windows, D width.
"""

import zlib

import numpy as np
import torch
from torch import Tensor
from torch.nn import Embedding, Module

from motor.backbones.batch import Batch

UNKNOWN = 0  # the row of an unknown motor: of every motor, once training is over


class MotorIds(Module):
    """A vector for each motor in training, and that of "unknown" for a share of the windows and whenever it forecasts.

    A motor's row is found by a checksum of its name, so that names are no part of the weights. The vector of "unknown"
    is trained by the windows whose id is dropped; untrained it would make forecasts of new motors worse than none.
    """

    def __init__(self, n_rows: int, width: int, dropped: float) -> None:
        super().__init__()
        self.table, self.n_rows, self.dropped = Embedding(1 + n_rows, width), n_rows, dropped
        torch.nn.init.zeros_(self.table.weight)

    def forward(self, batch: Batch) -> Tensor:
        """Return a vector for each window: (B, 1, D)."""
        n_windows, device = len(batch.context_BT), self.table.weight.device
        row_B = torch.full((n_windows,), UNKNOWN, device=device)
        if self.training and batch.motor_B is not None:
            known_B = torch.from_numpy(rows_of(batch.motor_B, self.n_rows)).to(device)
            row_B = torch.where(torch.rand(n_windows, device=device) < self.dropped, row_B, known_B)
        return self.table(row_B)[:, None]


def rows_of(motor_B: np.ndarray, n_rows: int) -> np.ndarray:
    """Return the row of each motor's id, from 1 to `n_rows`; several motors may share one."""
    return np.array([1 + zlib.crc32(str(name).encode()) % n_rows for name in motor_B], dtype=np.int64)
