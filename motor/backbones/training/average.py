"""An exponential moving average of the weights, which is what is validated and kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from motor.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor


class Average:
    """The average of some weights over the steps so far.

    Its decay rises from 0.1 as (1 + n) / (10 + n) in step n, so that it forgets where training began (as
    TensorFlow's ExponentialMovingAverage with `num_updates`).

    Parameters
    ----------
    weights : dict of Tensor
        Those that are trained.
    decay : float
        At most.
    """

    def __init__(self, weights: "dict[str, Tensor]", decay: float) -> None:
        self.decay = decay
        self.of = weights
        self.weights = {name: weight.detach().clone() for name, weight in weights.items()}

    def follow(self, step: int) -> None:
        """Take in the weights as they are after step `step` (from 0)."""
        update = torch.optim.swa_utils.get_ema_multi_avg_fn(min(self.decay, (1 + step) / (10 + step)))
        update(list(self.weights.values()), [weight.detach() for weight in self.of.values()], step)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the model have the average for a while."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def _swap(self) -> None:
        with torch.no_grad():
            for name, weight in self.of.items():
                kept = weight.clone()
                weight.copy_(self.weights[name])
                self.weights[name].copy_(kept)
