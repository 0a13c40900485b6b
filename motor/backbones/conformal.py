"""Intervals that cover what they say on motors that no training saw: conformal offsets by domain, or by window, too.

Conformalised quantile regression (Romano, Patterson and Candes 2019, NeurIPS, eq. 8 and theorem 1), interval by
interval of levels that mirror one another, in deviations of each window's context. Windows of one motor are alike, so
cover holds as far as the motors to come are like those that validated.

Offsets of a domain hold over all of its windows together: where one class is easily forecast and another is not, the
first's intervals stay too wide and the second's too narrow. By window, those that are about as hard to forecast share
offsets (Mondrian conformal prediction; Vovk, Gammerman and Shafer 2005, "Algorithmic Learning in a Random World", 4.5),
which grow with how hard each is (Papadopoulos, Vovk and Gammerman 2011, J. Artificial Intelligence Research 40,
815-840). How hard a window is follows from its context alone, see `difficulty`; no label is asked for.

Shapes: B windows, T context, H horizon, Q quantiles, N domains, G groups of windows by difficulty.
"""

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from motor.backbones.batch import Batch
from motor.backbones.forecast import MEDIAN, loc_scale, positions_of
from motor.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

    from motor.backbones.forecaster import Forecaster

N_GROUPS = 5  # of windows by difficulty, each as large as the others
FILE = "conformal.json"
CLOSE = 1e-6
LEAST = 1e-3  # difficulty of a window, in deviations


def calibrate(forecaster: "Forecaster", batches: Iterable[Batch], by_window: bool = False) -> None:
    """Widen or narrow a forecaster's intervals, in place, by what came in windows that it was not trained on.

    Parameters
    ----------
    forecaster : Forecaster
        Its median is left as it is.
    batches : iterable of Batch
        Of validation motors, with their futures.
    by_window : bool
        Whether windows that are about as hard to forecast have offsets of their own.

    Raises
    ------
    ValueError
        If a domain has no window.
    """
    forecaster.offsets_NGQ = None
    missed, hard = _missed(forecaster, batches, by_window)
    offsets, edges = [], []
    for place, (miss_BHQ, hard_B) in enumerate(zip(missed, hard, strict=True)):
        if not len(miss_BHQ):
            whose = f"domain {forecaster.domains[place]!r} has" if forecaster.is_told else "there are"
            raise ValueError(f"{whose} no validation windows for conformal offsets; set finetune.conformal to false")
        edge_G = np.quantile(hard_B, np.arange(1, N_GROUPS) / N_GROUPS) if by_window else np.empty(0)
        group_B = np.searchsorted(edge_G, hard_B, side="right")
        rows_of = [_finite_rows(miss_BHQ[group_B == group]) for group in range(len(edge_G) + 1)]
        every = _finite_rows(miss_BHQ)
        offsets.append([offsets_of(rows if len(rows) else every, forecaster.quantile_levels) for rows in rows_of])
        edges.append(edge_G)
    forecaster.offsets_NGQ = torch.tensor(np.array(offsets), dtype=torch.float32)
    forecaster.offset_edges_NG = torch.tensor(np.array(edges), dtype=torch.float32)


def _missed(
    forecaster: "Forecaster", batches: Iterable[Batch], by_window: bool
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return, of each domain's windows, measured less forecast in the context's deviations, and how hard they are."""
    missed: list[list[np.ndarray]] = [[] for _ in range(forecaster.n_told)]
    hard: list[list[np.ndarray]] = [[] for _ in range(forecaster.n_told)]
    for batch in batches:
        forecast_BHQ = forecaster.predict_one_pass(batch).cpu().double()
        known = batch.tensors()
        _, scale_B1 = loc_scale(known.context_BT)
        y_BH1 = known.future_BH[:, : forecast_BHQ.shape[1], None]
        unit_B11 = scale_B1[..., None].numpy()
        domain_B = np.asarray(known.domain_B) if forecaster.is_told else np.zeros(known.n_windows, dtype=np.int64)
        with torch.inference_mode():
            hard_B = difficulty(forecaster, known).cpu().numpy() if by_window else np.ones(known.n_windows)
        miss_BHQ = (y_BH1 - forecast_BHQ).numpy() / (unit_B11 * hard_B[:, None, None])
        for place in range(forecaster.n_told):
            missed[place].append(miss_BHQ[domain_B == place])
            hard[place].append(hard_B[domain_B == place])
    return [np.concatenate(of) for of in missed], [np.concatenate(of) for of in hard]


def _finite_rows(miss_BHQ: np.ndarray) -> np.ndarray:
    rows_RQ = miss_BHQ.reshape(-1, miss_BHQ.shape[-1])
    return rows_RQ[np.isfinite(rows_RQ).all(axis=1)]


def difficulty(forecaster: "Forecaster", batch: Batch) -> "Tensor":
    """Return how far the end of each context is from its forecast from what came before, in the context's deviations.

    Parameters
    ----------
    forecaster : Forecaster
    batch : Batch
        As tensors, on the forecaster's device; the future is not looked at.

    Returns
    -------
    Tensor of shape (n_windows,)
        The mean absolute error of the median over as many samples as are forecast, at most half of the context.
    """
    context_BT = batch.context_BT.to(forecaster.device)
    length = min(forecaster.native_length, forecaster.prediction_length, context_BT.shape[1] // 2)
    earlier_BT = torch.nn.functional.pad(context_BT[:, : context_BT.shape[1] - length], (length, 0), value=math.nan)
    earlier = batch.tensors(forecaster.device)._replace(context_BT=earlier_BT, future_BH=None)
    (middle,) = positions_of((MEDIAN,), forecaster.model_levels)
    median_BH = forecaster._pass(earlier, length).quantiles_BHQ[..., middle]
    _, scale_B1 = loc_scale(context_BT)
    return (
        ((median_BH - context_BT[:, context_BT.shape[1] - length :]).abs() / scale_B1)
        .nanmean(dim=1)
        .nan_to_num()
        .clamp(min=LEAST)
    )


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
    if forecaster.offsets_NGQ is None:
        return
    record: dict[str, Any] = {"quantile_levels": list(forecaster.quantile_levels)}
    if forecaster.offset_edges_NG.shape[1]:
        record |= {"offsets": forecaster.offsets_NGQ.tolist(), "difficulty": forecaster.offset_edges_NG.tolist()}
    else:
        record |= {"offsets": forecaster.offsets_NGQ[:, 0].tolist()}
    (Path(folder) / FILE).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def load_offsets(forecaster: "Forecaster", folder: Path) -> None:
    """Read the offsets that `save_offsets` wrote; where there are none, the forecaster stays as it is."""
    file = Path(folder) / FILE
    if file.is_file():
        record = json.loads(file.read_text(encoding="utf-8"))
        offsets = torch.tensor(record["offsets"], dtype=torch.float32)
        forecaster.offsets_NGQ = offsets if "difficulty" in record else offsets[:, None]
        edges = record.get("difficulty", [[]] * len(offsets))
        forecaster.offset_edges_NG = torch.tensor(edges, dtype=torch.float32)
