"""Small networks over rows of numbers; a row that is a square image is looked at as one.

Shapes: B rows, D columns, S the side of an image, L latent values.
"""

from collections.abc import Callable
from itertools import pairwise
from math import isqrt
from typing import Any, Self, TypeVar

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor, nn

SMALLEST_SIDE, MOST_BESIDE = 12, 8  # of an image; columns after one (a domain's mark), which are left out
CHANNELS, SLOPE = (8, 16, 32, 32), 0.1
WIDTHS = (128, 64)
Result = TypeVar("Result")


def side_of(n_columns: int) -> int:
    """Return the side of the square image that so many columns are; 0 if they are no image."""
    side = isqrt(n_columns)
    return side if side >= SMALLEST_SIDE and n_columns - side**2 <= MOST_BESIDE else 0


class Encoder(nn.Module):
    """Rows to latent values, by convolutions where they are images and by dense layers where not.

    Without bias and affine terms, by which every row could be sent to one point (Ruff et al. 2018, ICML, prop. 2).
    """

    def __init__(self, n_columns: int, n_latent: int) -> None:
        super().__init__()
        self.side = side_of(n_columns)
        if self.side:
            steps: list[nn.Module] = []
            for n_in, n_out in zip((1, *CHANNELS), CHANNELS, strict=False):
                steps += [nn.Conv2d(n_in, n_out, 3, stride=2, padding=1, bias=False), nn.LeakyReLU(SLOPE)]
            n_left = CHANNELS[-1] * _halved(self.side) ** 2
            self.steps = nn.Sequential(*steps, nn.Flatten(), nn.Linear(n_left, n_latent, bias=False))
        else:
            self.steps = _dense((n_columns, *WIDTHS, n_latent), bias=False)

    def forward(self, row_BD: Tensor) -> Tensor:
        """Return latent values (B, L)."""
        if self.side:
            row_BD = row_BD[:, : self.side**2].reshape(-1, 1, self.side, self.side)
        latent_BL: Tensor = self.steps(row_BD)
        return latent_BL


def decoder(n_columns: int, n_latent: int) -> nn.Sequential:
    """Return a network that reconstructs rows (of an image: its cells alone) from latent values."""
    side = side_of(n_columns)
    if not side:
        return _dense((n_latent, *reversed(WIDTHS), n_columns), bias=True)
    small = _halved(side)
    steps: list[nn.Module] = [
        nn.Linear(n_latent, CHANNELS[-1] * small**2),
        nn.Unflatten(1, (CHANNELS[-1], small, small)),
    ]
    for n_in, n_out in zip(CHANNELS[::-1], (*CHANNELS[-2::-1], 1), strict=True):
        steps += [nn.LeakyReLU(SLOPE), nn.Upsample(scale_factor=2), nn.Conv2d(n_in, n_out, 3, padding=1)]
    return nn.Sequential(*steps, _Cropped(side))


class _Cropped(nn.Module):
    """The upper left of an image, as a row."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, image_B1SS: Tensor) -> Tensor:
        return image_B1SS[:, 0, : self.side, : self.side].flatten(1)


def cells_of(row_BD: Tensor) -> Tensor:
    """Return the part of rows that a decoder reconstructs."""
    side = side_of(row_BD.shape[1])
    return row_BD[:, : side**2] if side else row_BD


def exactly(compute: Callable[[], Result], seed: int) -> Result:
    """Compute on one thread with torch's generator seeded, so that the bits are the same; then put both back."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            return compute()
    finally:
        torch.set_num_threads(n_threads)


def trained(
    module: nn.Module,
    loss: Callable[[Tensor], Tensor],
    row_ND: Tensor,
    *,
    n_epochs: int,
    batch_size: int,
    learning_rate: float,
    weight_decay: float,
    after_epoch: Callable[[], None] = lambda: None,
) -> None:
    """Train a module in place on rows (N, D): Adam lowers a loss of batches, over the weights that are not frozen."""
    free = [weight for weight in module.parameters() if weight.requires_grad]
    optimizer = torch.optim.Adam(free, lr=learning_rate, weight_decay=weight_decay)
    for _ in range(n_epochs):
        for rows in torch.randperm(len(row_ND)).split(batch_size):
            optimizer.zero_grad()
            loss(row_ND[rows]).backward()
            optimizer.step()
        after_epoch()


def pretrain(encoder: Encoder, n_latent: int, row_ND: Tensor, **how: Any) -> None:
    """Train an encoder by an autoencoder; `how` as of `trained`."""
    again = decoder(row_ND.shape[1], n_latent)

    def loss(row_BD: Tensor) -> Tensor:
        return nn.functional.mse_loss(again(encoder(row_BD)), cells_of(row_BD))

    trained(nn.ModuleList([encoder, again]), loss, row_ND, **how)


class OfRows(BaseEstimator):
    """An estimator of rows as float32 tensors, fitted on one thread by a generator of its own."""

    random_state: int

    def fit(self, X: Any, y: Any = None) -> Self:
        row_ND = torch.from_numpy(validate_data(self, X, dtype=np.float32))
        exactly(lambda: self._fit(row_ND), self.random_state)
        return self

    def rows(self, X: Any) -> Tensor:
        """Return rows to look at once it is fitted."""
        check_is_fitted(self)
        return torch.from_numpy(validate_data(self, X, dtype=np.float32, reset=False))

    def _fit(self, row_ND: Tensor) -> None:
        raise NotImplementedError(f"{type(self).__name__} must learn from rows")


def one_by_one(compute: Callable[[Tensor], Tensor], row_ND: Tensor) -> Tensor:
    """Compute something of each row by itself: in a batch the last bits would depend on the batch."""
    with torch.inference_mode():
        return torch.cat([compute(row_ND[place : place + 1]) for place in range(len(row_ND))])


def _halved(side: int) -> int:
    for _ in CHANNELS:
        side = -(-side // 2)
    return side


def _dense(widths: tuple[int, ...], bias: bool) -> nn.Sequential:
    steps: list[nn.Module] = []
    for n_in, n_out in pairwise(widths):
        steps += [nn.Linear(n_in, n_out, bias=bias), nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*steps[:-1])
