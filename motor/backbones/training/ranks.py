"""Several workers that train one model: what they exchange, and where they must agree.

With one worker nothing is exchanged, and torch.distributed is not even asked.
"""

from typing import TYPE_CHECKING, Any

from motor.backbones.batch import Batch
from motor.backbones.forecaster import Forecaster
from motor.backbones.objectives.base import Objective
from motor.backbones.training.settings import Place, TrainingError
from motor.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor


def summed(values: "Tensor", place: Place) -> "Tensor":
    """Add up a float64 tensor over the workers, in the order of their ranks: each of them gets the same bits."""
    if place.world_size == 1:
        return values
    of_ranks = [torch.empty_like(values) for _ in range(place.world_size)]
    torch.distributed.all_gather(of_ranks, values)
    return torch.stack(of_ranks).sum(dim=0)


def of_each(value: float, place: Place, device: "torch.device | str") -> list[float]:
    """Return what a number is on each worker, in the order of their ranks."""
    if place.world_size == 1:
        return [value]
    values = torch.zeros(place.world_size, dtype=torch.float64, device=device)
    values[place.rank] = value
    return summed(values, place).tolist()


def everyones(thing: Any, place: Place) -> list[Any]:
    """Return what each worker has, in the order of their ranks; for rare use, as it is pickled."""
    if place.world_size == 1:
        return [thing]
    things: list[Any] = [None] * place.world_size
    torch.distributed.all_gather_object(things, thing)
    return things


def check_alike(what: str, thing: Any, place: Place) -> None:
    """Raise a TrainingError on every worker where `thing` is not the same on all of them."""
    things = everyones(thing, place)
    if any(other != things[0] for other in things):
        raise TrainingError(
            f"the {place.world_size} workers do not agree in {what}: by rank {things}; "
            "they need the same checkpoint folder, on storage that every node sees"
        )


def exchanging_losses(
    forecaster: Forecaster, objectives: tuple[Objective, ...], has_unused_weights: bool
) -> "torch.nn.Module":
    """Wrap a forecaster's losses so that its gradients are averaged over the workers (DistributedDataParallel).

    Parameters
    ----------
    forecaster : Forecaster
    objectives : tuple of Objective
    has_unused_weights : bool
        Whether there are trained weights that no loss depends on, which then must be looked for in each step.
    """
    return torch.nn.parallel.DistributedDataParallel(
        _as_module(forecaster, objectives),
        forward_sync_buffers=False,  # they are constants
        find_unused_parameters=has_unused_weights,
        gradient_as_bucket_view=True,
    )


def _as_module(forecaster: Forecaster, objectives: tuple[Objective, ...]) -> "torch.nn.Module":
    """A module whose forward is the forecaster's losses."""

    class Losses(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = forecaster.model  # its weights are the ones that are exchanged

        def forward(self, batch: Batch) -> "dict[str, tuple[float, Tensor]]":
            return forecaster.losses(batch, objectives)

    return Losses()
