"""Answers of a forecaster for less work, and the same: no attention over a window that is alone in its group."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from motor.backbones.chronos.shortcuts import without_lone_groups
from motor.backbones.forecaster import Forecaster


@contextmanager
def shortened_answers(forecaster: Forecaster) -> Iterator[None]:
    """Let a forecaster predict and embed faster while the context lasts; weights and what `save` writes are untouched.

    Chronos-2's group attention over one row is ``o(v(norm(h)))`` (see `motor.backbones.chronos.shortcuts`): a sixth
    less time at a context of 4096 and a horizon of 1024, and no memory that grows with the square of the batch. It
    stays where rows share groups: a told window has one with the covariate that tells it, sensors may go in together,
    and a roll-out makes rows of its own. Chronos-Bolt has no such attention.

    Parameters
    ----------
    forecaster : Forecaster
        In evaluation mode, asked without groups.
    """
    import torch

    shares = forecaster.is_told or forecaster.sees_together or forecaster.native_length < forecaster.prediction_length
    is_stock = isinstance(forecaster.model, torch.nn.Module)  # a linear forecaster is no such model
    with nullcontext() if shares or not is_stock else without_lone_groups(forecaster.model):
        yield
