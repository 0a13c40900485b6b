"""Intervals that cover what they say on motors that no training saw: conformal offsets by domain.

Conformalised quantile regression (Romano, Patterson and Candes 2019, NeurIPS, eq. 8 and theorem 1), interval by
interval of levels that mirror one another, in deviations of each window's context. Windows of one motor are alike, so
cover holds as far as the motors to come are like those that validated.

Shapes: B windows, T context, H horizon, Q quantiles, N domains.
"""

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from motor.backbones.batch import Batch
from motor.backbones.forecast import MEDIAN, loc_scale

if TYPE_CHECKING:
    from motor.backbones.forecaster import Forecaster

FILE = "conformal.json"
CLOSE = 1e-6


def calibrate(forecaster: "Forecaster", batches: Iterable[Batch]) -> None:
    """Widen or narrow a forecaster's intervals, in place, by what came in windows that it was not trained on.

    Parameters
    ----------
    forecaster : Forecaster
        Its median is left as it is.
    batches : iterable of Batch
        Of validation motors, with their futures.

    Raises
    ------
    ValueError
        If a domain has no window.
    """
    import torch

    forecaster.offsets_NQ = None
    levels = forecaster.quantile_levels
    missed: list[list[np.ndarray]] = [[] for _ in range(forecaster.n_told)]
    for batch in batches:
        forecast_BHQ = forecaster.predict_one_pass(batch).cpu().double()
        known = batch.tensors()
        _, scale_B1 = loc_scale(known.context_BT)
        y_BH1 = known.future_BH[:, : forecast_BHQ.shape[1], None]
        miss_BHQ = ((y_BH1 - forecast_BHQ) / scale_B1[..., None]).numpy()
        domain_B = np.asarray(known.domain_B) if forecaster.is_told else np.zeros(known.n_windows, dtype=np.int64)
        for place, found in enumerate(missed):
            rows_RQ = miss_BHQ[domain_B == place].reshape(-1, len(levels))
            found.append(rows_RQ[np.isfinite(rows_RQ).all(axis=1)])
    offsets = []
    for place, found in enumerate(missed):
        rows_RQ = np.concatenate([np.empty((0, len(levels))), *found])
        if not len(rows_RQ):
            whose = f"domain {forecaster.domains[place]!r} has" if forecaster.is_told else "there are"
            raise ValueError(f"{whose} no validation windows for conformal offsets; set finetune.conformal to false")
        offsets.append(offsets_of(rows_RQ, levels))
    forecaster.offsets_NQ = torch.tensor(np.stack(offsets), dtype=torch.float32)


def offsets_of(miss_RQ: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Return what is added to each quantile: shape (n_levels,), 0 at the median.

    A level that no other one mirrors is moved by itself, to where that share of what came lies below.

    Parameters
    ----------
    miss_RQ : ndarray of shape (n_rows, n_levels)
        Measured less forecast.
    levels : tuple of float
    """
    offsets_Q, n_rows = np.zeros(len(levels)), len(miss_RQ)
    for low, level in enumerate(levels):
        high = next((place for place, other in enumerate(levels) if abs(other + level - 1) < CLOSE), None)
        if high is None:
            offsets_Q[low] = np.quantile(miss_RQ[:, low], level)
        if level >= MEDIAN or high is None:
            continue
        outside_R = np.maximum(-miss_RQ[:, low], miss_RQ[:, high])
        rank = min(n_rows, math.ceil((n_rows + 1) * (levels[high] - level)))
        offset = float(np.partition(outside_R, rank - 1)[rank - 1])
        offsets_Q[low], offsets_Q[high] = -offset, offset
    return offsets_Q


def save_offsets(forecaster: "Forecaster", folder: Path) -> None:
    """Write the offsets beside the weights, where there are some."""
    if forecaster.offsets_NQ is not None:
        told = {"quantile_levels": list(forecaster.quantile_levels), "offsets": forecaster.offsets_NQ.tolist()}
        (Path(folder) / FILE).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def load_offsets(forecaster: "Forecaster", folder: Path) -> None:
    """Read the offsets that `save_offsets` wrote; where there are none, the forecaster stays as it is."""
    import torch

    file = Path(folder) / FILE
    if file.is_file():
        told = json.loads(file.read_text(encoding="utf-8"))
        forecaster.offsets_NQ = torch.tensor(told["offsets"], dtype=torch.float32)
