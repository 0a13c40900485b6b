"""How well a forecaster does on windows that it is not trained on.

Shapes: B windows, T context, H horizon, Q quantiles, N samples that are not missing.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from motor.backbones.batch import Batch, parts
from motor.backbones.forecast import MEDIAN
from motor.backbones.forecaster import Forecaster
from motor.backbones.training.ranks import summed
from motor.backbones.training.settings import ALONE, Place, TrainingError
from motor.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor


def validate(
    forecaster: Forecaster, batches: Iterable[Batch], place: Place = ALONE, at_once: int | None = None
) -> dict[str, float]:
    """Score forecasts of one pass on windows with known futures, in float32 always.

    Parameters
    ----------
    forecaster : Forecaster
    batches : iterable of Batch
        The same on every worker; they are dealt out, and the scores are of all of them.
    place : Place
    at_once : int or None
        Most windows forecast at once; None takes batches as they come.

    Returns
    -------
    dict
        `validation_wql`: weighted quantile loss, for each level twice the summed pinball loss over the summed
        absolute value, averaged over `quantile_levels` (Ansari et al. 2024, "Chronos: Learning the Language of
        Time Series", appendix D); `validation_mae`: mean absolute error of the median, in the windows' units.

    Raises
    ------
    TrainingError
        If there is nothing to score.
    """
    n_levels = len(forecaster.quantile_levels)
    sums = torch.zeros(n_levels + 3, dtype=torch.float64, device=forecaster.device)
    for batch in _dealt(batches, place, at_once):
        sums += _sums(forecaster, batch)
    sums = summed(sums, place)
    absolute, error, count = sums[n_levels:].tolist()
    if not absolute:
        raise TrainingError(
            f"validation has {count:.0f} samples that are not missing, and all are 0; it cannot be scored"
        )
    wql = float((2 * sums[:n_levels] / absolute).mean())
    return {"validation_wql": wql, "validation_mae": error / count}


def _dealt(batches: Iterable[Batch], place: Place, at_once: int | None) -> Iterator[Batch]:
    """The batches of one worker."""
    for batch in islice(batches, place.rank, None, place.world_size):
        yield from parts(batch, at_once)


def _sums(forecaster: Forecaster, batch: Batch) -> "Tensor":
    """Pinball loss by level, then absolute value, absolute error of the median, and samples: float64, (Q + 3,)."""
    quantiles_BHQ = forecaster.predict_one_pass(batch)
    future_BH: Tensor = torch.as_tensor(batch.tensors().future_BH)
    levels_Q = torch.tensor(forecaster.quantile_levels, dtype=torch.float64, device=forecaster.device)
    y_BH1 = future_BH[:, : quantiles_BHQ.shape[1], None].to(forecaster.device).float()
    measured_BH = ~y_BH1[..., 0].isnan()
    miss_NQ = (y_BH1 - quantiles_BHQ)[measured_BH].double()
    pinball_Q = torch.maximum(levels_Q * miss_NQ, (levels_Q - 1) * miss_NQ).sum(dim=0)
    absolute = y_BH1[measured_BH].abs().double().sum()
    error = miss_NQ[:, forecaster.quantile_levels.index(MEDIAN)].abs().sum()
    count = torch.tensor(len(miss_NQ), dtype=torch.float64, device=forecaster.device)
    return torch.cat([pinball_Q, torch.stack([absolute, error, count])])
