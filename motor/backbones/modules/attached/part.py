"""The network of a module, and what it is shown of a pass.

Shapes: B windows, T context, H horizon, Q quantiles, L tokens, D width of a token, G segments of the horizon.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from motor.backbones.batch import Batch

if TYPE_CHECKING:
    from motor.backbones.modules.attached.forecaster import AttachedForecaster
    from motor.backbones.training.trainer import TrainingData


class Site(NamedTuple):
    """Where a module stands: what it needs to know of a forecaster."""

    width: int | None  # of a token; None where it shows none
    context_length: int
    prediction_length: int
    levels: tuple[float, ...]


@dataclass
class Seen:
    """One pass, as a module sees it.

    Attributes
    ----------
    batch : Batch
        As it came; in training with its future.
    normal : Batch
        The same at each context's own mean 0 and deviation 1, missing samples of the context 0.
    loc_B1, scale_B1 : Tensor
        These means and deviations.
    beside : callable or None
        Where the forecaster takes series whose future is known: ``beside(past_BRT, future_BRH)`` forecasts again, with
        them, without what modules add: (B, H, Q) in the batch's units.
    notes : dict
        What a module found in `Part.tokens` and takes up in `Part.change`, by its name.
    """

    batch: Batch
    normal: Batch
    loc_B1: Tensor
    scale_B1: Tensor
    beside: Callable[[Tensor, Tensor], Tensor] | None = None
    notes: dict[str, Any] = field(default_factory=dict)


class Change(NamedTuple):
    """What a module does to a forecast.

    Attributes
    ----------
    by_BHQ : Tensor
        Added to the quantiles, in the context's deviations: 0 before anything was learned.
    losses : dict of Tensor
        Its auxiliary losses, weighted, by name: means over windows; none where there is no future.
    gate_BN : Tensor or None
        How much each of its branches counts, where it chooses between some.
    branches : dict of Tensor
        What these forecast, in the context's mean and deviation.
    """

    by_BHQ: Tensor
    losses: dict[str, Tensor]
    gate_BN: Tensor | None = None
    branches: dict[str, Tensor] | None = None


class Part(torch.nn.Module):
    """A network beside a forecaster's; what it adds is 0 to the bit until it is trained."""

    def learn(self, data: "TrainingData") -> None:
        """Take what is fitted before the first step from training windows: the same at each start."""

    def tokens(self, tokens_BLD: Tensor, seen: Seen) -> Tensor:
        """Return the tokens of the context with what it adds to them."""
        return tokens_BLD

    def change(self, quantiles_BHQ: Tensor, seen: Seen) -> Change:
        """Return what it adds to a forecast in the context's mean and deviation, and its losses."""
        raise NotImplementedError

    def settle(self, forecaster: "AttachedForecaster", data: "TrainingData") -> None:
        """Do what is left after the last step, say calibrate on held-out windows."""


def zero(layer: torch.nn.Linear) -> torch.nn.Linear:
    """Set a layer to give 0, in place."""
    torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    return layer


def layers(n_in: int, width: int, n_out: int) -> torch.nn.Sequential:
    """Return two layers, of which the last gives 0 until it is trained."""
    return torch.nn.Sequential(torch.nn.Linear(n_in, width), torch.nn.GELU(), zero(torch.nn.Linear(width, n_out)))
