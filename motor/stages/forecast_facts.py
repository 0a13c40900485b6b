"""Measure how sure a forecaster is, and of what: its intervals by class, its branches and gate, its regimes.

A report raises its alarms by these figures. Shapes: B windows, T context, H horizon, Q quantiles, L tokens, K regimes,
N branches.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from motor.backbones.batch import Batch
from motor.backbones.forecast import STILL, Forecast
from motor.features.distribution_scores import covered, crps
from motor.lazy import pandas as pd
from motor.lazy import sklearn

if TYPE_CHECKING:
    from torch import Tensor

SPEED_GROUPS = 3  # thirds of the windows by speed
FEWEST_OF_EACH = 2  # classes, or speeds, that regimes are compared with
EQUAL = "equal_weights"


def window_facts(
    batch: Batch, forecast: Forecast, quantile_levels: Sequence[float], says_more: bool
) -> dict[str, np.ndarray]:
    """Return what is known of each window's forecast, by name.

    Parameters
    ----------
    batch : Batch
        With its future.
    forecast : Forecast
        Sorted quantiles of it.
    quantile_levels : sequence of float
        Theirs; one is the median.
    says_more : bool
        Whether its gate and its regimes are those of the forecaster itself.

    Returns
    -------
    dict of ndarray of shape (n_windows,)
        ``error`` and ``mean_error`` (of the median, and of the context's mean), ``cover``, ``crps``, ``bias``,
        ``square`` (errors in deviations of the context), ``spread`` and ``spread_came`` (deviation over the horizon of
        the median and of what came), ``mape`` (NaN where what came is zero somewhere); of a gate ``gate_<branch>``,
        ``error_<branch>`` and ``crps_<branch>``, and ``crps_equal_weights``; ``regime`` (the likeliest one) and
        ``regime_<k>``.
    """
    levels_Q = np.asarray(quantile_levels, dtype=np.float64)
    context_BT = np.asarray(batch.context_BT, dtype=np.float64)
    context_mean_B1, scale_B1 = context_BT.mean(axis=1, keepdims=True), context_BT.std(axis=1, keepdims=True)
    scale_B1 = np.where(scale_B1 > STILL, scale_B1, 1.0)
    quantiles_BHQ = forecast.quantiles_BHQ.double().cpu().numpy() / scale_B1[..., None]
    came_BH = np.asarray(batch.future_BH, dtype=np.float64) / scale_B1
    median = int(np.abs(levels_Q - 0.5).argmin())
    error_BH = quantiles_BHQ[..., median] - came_BH
    with np.errstate(divide="ignore", invalid="ignore"):
        relative_BH = np.abs(error_BH / came_BH)
    columns = {
        "error": np.abs(error_BH).mean(axis=1),
        "mean_error": np.abs(came_BH - context_mean_B1 / scale_B1).mean(axis=1),
        "cover": covered(came_BH, quantiles_BHQ).mean(axis=1),
        "crps": crps(came_BH, quantiles_BHQ, levels_Q).mean(axis=1),
        "bias": error_BH.mean(axis=1),
        "square": (error_BH**2).mean(axis=1),
        "spread": quantiles_BHQ[..., median].std(axis=1),
        "spread_came": came_BH.std(axis=1),
        "mape": np.where(np.isfinite(relative_BH).all(axis=1), relative_BH.mean(axis=1), np.nan),
    }
    if says_more and forecast.gate_BN is not None and forecast.branches is not None:
        columns |= _of_branches(forecast.branches, forecast.gate_BN, came_BH, scale_B1, levels_Q, median)
    if says_more and forecast.regimes_BLK is not None:
        mean_BK = forecast.regimes_BLK.double().cpu().numpy().mean(axis=1)
        columns |= {"regime": mean_BK.argmax(axis=1)}
        columns |= {f"regime_{number}": mean_BK[:, number] for number in range(mean_BK.shape[1])}
    return columns


def _of_branches(
    branches_by_name: "Mapping[str, Tensor]",
    gate: "Tensor",
    came_BH: np.ndarray,
    scale_B1: np.ndarray,
    levels_Q: np.ndarray,
    median: int,
) -> dict[str, np.ndarray]:
    branches = {
        name: np.sort(of.double().cpu().numpy(), axis=-1) / scale_B1[..., None] for name, of in branches_by_name.items()
    }
    gate_BN = gate.double().cpu().numpy()
    columns = {}
    for place, (name, quantiles_BHQ) in enumerate(branches.items()):
        columns[f"gate_{name}"] = gate_BN[:, place]
        columns[f"error_{name}"] = np.abs(quantiles_BHQ[..., median] - came_BH).mean(axis=1)
        columns[f"crps_{name}"] = crps(came_BH, quantiles_BHQ, levels_Q).mean(axis=1)
    equal_BHQ = np.mean(list(branches.values()), axis=0)
    return columns | {f"crps_{EQUAL}": crps(came_BH, equal_BHQ, levels_Q).mean(axis=1)}


def facts_of(windows: "pd.DataFrame", quantile_levels: Sequence[float]) -> dict[str, Any]:
    """Return the facts of each domain and class, and what regimes follow.

    Parameters
    ----------
    windows : DataFrame
        Of `window_facts`, with ``domain``, ``label`` and ``speed_rpm``.
    quantile_levels : sequence of float

    Returns
    -------
    dict
        ``nominal``: the cover that the outermost quantiles claim. ``classes``: rows of domain, label, n_windows,
        relative_error (over the mean forecast's), cover, crps, bias, rmse, mape (None where what came passes zero),
        std_ratio; of a gate `branches`: name -> weight, relative_error, crps; `crps_equal_weights`; of regimes their
        mean posterior. ``follow``: see `followed_by_regimes`, {} without regimes. ``by_speed``: rows of domain, label,
        speed_rpm (the mean of a third of the windows by speed; None where none is known), n_windows, and the means of
        `gate` (by branch) and `regimes`; [] where there are neither.
    """
    groups = windows.groupby(["domain", "label"], sort=True)
    rows = [{"domain": str(domain), "label": str(label), **_facts(group)} for (domain, label), group in groups]
    follow = dict(followed_by_regimes(windows)) if "regime" in windows else {}
    nominal = max(quantile_levels) - min(quantile_levels)
    return {"nominal": nominal, "classes": rows, "follow": follow, "by_speed": _by_speed(windows)}


def _by_speed(windows: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return where the gate stands and which regimes are likely, by domain, class and third of the speeds."""
    gate, regimes = ([column for column in windows if column.startswith(part)] for part in ("gate_", "regime_"))
    if not gate and not regimes:
        return []
    rows = []
    thirds = windows.assign(third=speed_thirds(windows).fillna(0))
    for (domain, label, third), group in thirds.groupby(["domain", "label", "third"], sort=True):
        mean = group[[*gate, *regimes]].mean()
        row: dict[str, Any] = {"domain": str(domain), "label": str(label), "n_windows": len(group)}
        row["speed_rpm"] = float(group["speed_rpm"].astype(float).mean()) if third else None
        row |= {"gate": {name.removeprefix("gate_"): float(mean[name]) for name in gate}} if gate else {}
        row |= {"regimes": [float(mean[name]) for name in regimes]} if regimes else {}
        rows.append(row)
    return rows


def speed_thirds(windows: "pd.DataFrame") -> "pd.Series":
    """Return the third of the windows by speed that each is in, from 1; NaN where its speed is not known."""
    rank = pd.to_numeric(windows["speed_rpm"]).rank(method="average", pct=True)
    return np.ceil(rank * SPEED_GROUPS).where(rank.notna())


def _facts(group: "pd.DataFrame") -> dict[str, Any]:
    mean = group.mean(numeric_only=True)
    facts: dict[str, Any] = {
        "n_windows": len(group),
        "relative_error": float(mean["error"] / max(float(mean["mean_error"]), STILL)),
        **{name: float(mean[name]) for name in ("cover", "crps", "bias")},
        "rmse": float(mean["square"] ** 0.5),
        "mape": float(mean["mape"]) if group["mape"].notna().all() else None,
        "std_ratio": float(mean["spread"] / mean["spread_came"]) if mean["spread_came"] > 0 else None,
    }
    names = [column.removeprefix("gate_") for column in group if column.startswith("gate_")]
    if names:
        reference = max(float(mean["mean_error"]), STILL)
        facts["branches"] = {
            name: {
                "weight": float(mean[f"gate_{name}"]),
                "relative_error": float(mean[f"error_{name}"]) / reference,
                "crps": float(mean[f"crps_{name}"]),
            }
            for name in names
        }
        facts[f"crps_{EQUAL}"] = float(mean[f"crps_{EQUAL}"])
    regimes = [column for column in group if column.startswith("regime_")]
    if regimes:
        facts["regimes"] = [float(mean[column]) for column in regimes]
    return facts


def followed_by_regimes(windows: "pd.DataFrame") -> Mapping[str, float | None]:
    """Return how much the likeliest regime tells of the class, and of the speed: adjusted mutual information.

    1 is all of it, 0 what chance tells (Vinh, Epps and Bailey 2010, J. Machine Learning Research 11, 2837-2854). Speeds
    are thirds of the windows; None where there is one class, or one speed, or none known.

    Parameters
    ----------
    windows : DataFrame
        With ``regime``, ``label`` and ``speed_rpm``.
    """
    speeds = speed_thirds(windows)
    return {"label": _shared(windows["regime"], windows["label"]), "speed": _shared(windows["regime"], speeds)}


def _shared(regime: "pd.Series", other: "pd.Series") -> float | None:
    known = other.notna().to_numpy()
    if other[known].nunique() < FEWEST_OF_EACH:
        return None
    return float(sklearn.metrics.adjusted_mutual_info_score(regime[known].astype(str), other[known].astype(str)))
