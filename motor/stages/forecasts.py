"""Measure the forecasts of a fine-tune on series that it never saw: errors, directions, gates, neighbours.

Shapes: B windows, T context, H horizon, K neighbours.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from motor.backbones.batch import Batch
from motor.backbones.forecast import Forecast
from motor.features.direction import TERCILES, balanced_accuracy, reversion, rises

if TYPE_CHECKING:
    import pandas as pd

    from motor.backbones.forecaster import Forecaster

FILE_NAME = "forecasts.json"
ALL = ""  # in the place of a class: windows of all classes
N_WORST = 3  # windows whose neighbours are shown
N_SHOWN = 3  # neighbours of each
LONGEST_SHOWN = 1024  # samples of a context without neighbours
DECILES = np.linspace(0, 1, 11)


def said_of(forecaster: "Forecaster", batch: Batch, has_gate: bool) -> Forecast:
    """Return a forecast: quantiles, and where there is a gate, what it chose between."""
    if has_gate:
        return forecaster.forecast(batch)
    return Forecast(forecaster.predict_quantiles(batch), levels=forecaster.quantile_levels)


def columns_of(batch: Batch, forecast: Forecast) -> dict[str, np.ndarray]:
    """Return numbers of each window: errors in scaled units, rises in the context's deviations, a gate if there is one.

    ``model_mae`` and ``memory_mae`` are the errors of what a gate chooses between, ``gate`` how much the memory counts.
    """
    context_BT, future_BH = (np.asarray(part, dtype=np.float64) for part in (batch.context_BT, batch.future_BH))
    median_BH = forecast.median_BH.cpu().double().numpy()
    columns = {
        "mae": np.abs(future_BH - median_BH).mean(axis=1),
        "mse": ((future_BH - median_BH) ** 2).mean(axis=1),
        "mean_mae": np.abs(future_BH - context_BT.mean(axis=1, keepdims=True)).mean(axis=1),
        "deviation": context_BT.std(axis=1),
        "rise": rises(context_BT, future_BH),
        "said": rises(context_BT, median_BH),
        "reversion": reversion(context_BT, future_BH.shape[1]),
    }
    branches = forecast.branches or {}
    if "memory" in branches and forecast.gate_BN is not None:
        levels = forecast.levels
        columns["gate"] = forecast.gate_BN[:, [*branches].index("memory")].cpu().double().numpy()
        for name in ("model", "memory"):
            median = branches[name][..., _middle(branches[name], levels)].cpu().double().numpy()
            columns[f"{name}_mae"] = np.abs(future_BH - median).mean(axis=1)
    return columns


def summarised(frame: "pd.DataFrame", edges: np.ndarray | None) -> list[dict[str, Any]]:
    """Return a row for each domain and class, and one of each domain's windows together.

    Parameters
    ----------
    frame : DataFrame
        One row a window: domain, label and the columns of `columns_of`.
    edges : ndarray of shape (2,)
        Between the classes of direction.
    """
    groups = [(key, rows) for key, rows in frame.groupby(["domain", "label"])]
    groups += [((domain, ALL), rows) for domain, rows in frame.groupby("domain")]
    return [{"domain": domain, "label": label, **_facts(rows, edges)} for (domain, label), rows in groups]


def by_motor(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return errors of each motor and class of it: what an interval over motors is drawn from."""
    groups = frame.groupby(["domain", "motor", "label"])
    return [
        {"domain": domain, "motor": motor, "label": label, "n_windows": len(rows)}
        | {name: float(rows[name].mean()) for name in ("mae", "mean_mae")}
        for (domain, motor, label), rows in groups
    ]


def _facts(rows: "pd.DataFrame", edges: np.ndarray | None) -> dict[str, Any]:
    rise_B = rows["rise"].to_numpy()
    facts: dict[str, Any] = {"n_windows": len(rows)}
    facts |= {name: float(rows[name].mean()) for name in ("mae", "mse", "mean_mae")}
    for name in ("said", "reversion"):
        facts[name] = None if edges is None else balanced_accuracy(rise_B, rows[name].to_numpy(), edges)
    if "gate" in rows:
        wants_memory_B = rows["memory_mae"] < rows["model_mae"]
        facts |= {name: float(rows[name].mean()) for name in ("gate", "model_mae", "memory_mae")}
        facts["gate_deciles"] = np.quantile(rows["gate"], DECILES).round(4).tolist()
        facts["gate_right"] = float(((rows["gate"] > 0.5) == wants_memory_B).mean())
    return facts


def edges_of(batches: Iterable[Batch]) -> np.ndarray | None:
    """Return the thirds of training windows by how far they rise."""
    rows = [rises(np.asarray(batch.context_BT), np.asarray(batch.future_BH)) for batch in batches]
    return np.quantile(np.concatenate(rows), TERCILES) if rows else None


def worst_cases(
    forecaster: Any, batch: Batch, labels: Sequence[str], forecast: Forecast, rates_hz: Sequence[float]
) -> list[dict[str, Any]]:
    """Return windows to be drawn: what came, what was forecast, and what the forecaster said or looked up beside.

    Parameters
    ----------
    forecaster : AttachedForecaster or None
        Whose memory tells each window's neighbours: whose they are, when, how far; None without a memory.
    batch : Batch
        The windows.
    labels, rates_hz : sequence
        Class and samples a second of each window.
    forecast : Forecast
        Of them; of its regimes each token's are given, from the oldest on, and of a gate each branch's weight.
    """
    near_of = [] if forecaster is None else forecaster.neighbours(batch, N_SHOWN)
    cases = []
    for row, (label, rate_hz) in enumerate(zip(labels, rates_hz, strict=True)):
        near = near_of[row] if near_of else []
        length = len(near[0]["past"]) if near else LONGEST_SHOWN
        quantiles_HQ = forecast.quantiles_BHQ[row].cpu().double().numpy()
        case = {
            "item": str(batch.item_B[row]),  # type: ignore[index]
            "motor": str(batch.motor_B[row]),  # type: ignore[index]
            "label": label,
            "second": float(batch.start_B[row] / rate_hz),  # type: ignore[index]
            "past": _rounded(np.asarray(batch.context_BT)[row, -length:]),
            "future": _rounded(np.asarray(batch.future_BH)[row]),
            "forecast": _rounded(forecast.median_BH[row].cpu()),
            "low": _rounded(quantiles_HQ[:, 0]),
            "high": _rounded(quantiles_HQ[:, -1]),
            "neighbours": [
                {
                    "motor": one["motor"],
                    "second": float(one["sample"] / rate_hz),
                    "distance": round(one["distance"], 4),
                    "past": _rounded(one["past"]),
                    "future": _rounded(one["future"]),
                }
                for one in near
            ],
        }
        if forecast.regimes_BLK is not None:
            case["regimes"] = [_rounded(one_K) for one_K in forecast.regimes_BLK[row].cpu()]
        if forecast.gate_BN is not None:
            case["gate"] = dict(zip(forecast.branches or (), _rounded(forecast.gate_BN[row].cpu()), strict=True))
        cases.append(case)
    return cases


def retrieval_facts(
    forecaster: "Forecaster",
    training: Iterable[Batch],
    held_out: Callable[[], Iterable[Batch]],
    classmates: Mapping[str, Sequence[str]],
) -> dict[str, Any] | None:
    """Return how near neighbours are and how good, of training windows and of windows that no training saw.

    A training window has one motor of its class fewer to look at than a new motor's has: its own. So ``ratio`` is of
    training windows over held-out ones that are each denied one, too (``one_motor_fewer``): near 1, training windows
    get what a new motor gets; with the own motor's other windows among the neighbours it was 0.54 to 0.75 on real
    bearings. None for a forecaster without a memory.

    Parameters
    ----------
    forecaster : Forecaster
    training : iterable of Batch
    held_out : callable
        Gives batches, the same each time.
    classmates : mapping
        Item of a held-out series -> motors that are left out, one a window, in turn (see `classmates_of`).
    """
    looked_at = {"training": training, "held_out": held_out(), "one_motor_fewer": _one_fewer(held_out(), classmates)}
    looked_up = {name: _looked_up(forecaster, batches) for name, batches in looked_at.items()}
    facts = {name: found for name, found in looked_up.items() if found is not None}
    if len(facts) < len(looked_up):
        return None
    ratios = {name: value / facts["one_motor_fewer"][name] for name, value in facts["training"].items()}
    return {**facts, "ratio": ratios}


def classmates_of(tested: "pd.DataFrame", training: "pd.DataFrame") -> dict[str, list[str]]:
    """Return for each tested series the training motors of its domain and class; all of them where there is none.

    Parameters
    ----------
    tested, training : DataFrame
        One row a series: item, motor, domain, label.
    """
    alike = {key: sorted(rows["motor"].unique()) for key, rows in training.groupby(["domain", "label"])}
    every = sorted(training["motor"].unique())
    rows = tested[["item", "domain", "label"]].itertuples(index=False)
    return {str(item): alike.get((domain, label), every) for item, domain, label in rows}


def _one_fewer(batches: Iterable[Batch], classmates: Mapping[str, Sequence[str]]) -> Iterator[Batch]:
    """Yield windows as if each were of a training motor of its class, which a lookup then leaves out."""
    for batch in batches:
        motors = [classmates[str(item)] for item in batch.item_B]  # type: ignore[union-attr]
        turn = [names[row % len(names)] for row, names in enumerate(motors)]
        yield batch._replace(motor_B=np.asarray(turn, dtype=object))


def _looked_up(forecaster: "Forecaster", batches: Iterable[Batch]) -> dict[str, float] | None:
    """Return the mean squared distance of the neighbours, and their error over the mean forecast's."""
    sums = np.zeros(4)
    for batch in batches:
        found = forecaster.looked_up(batch)
        if found is None:
            return None
        square_B, memory_BH = (part.cpu().double().numpy() for part in found)
        future_BH, context_BT = np.asarray(batch.future_BH), np.asarray(batch.context_BT)
        missed = np.abs(future_BH - memory_BH).sum()
        of_mean = np.abs(future_BH - context_BT.mean(axis=1, keepdims=True)).sum()
        sums += [square_B.sum(), len(square_B), missed, of_mean]
    return {"distance": float(sums[0] / sums[1]), "skill": float(sums[2] / sums[3])} if sums[1] else None


def read_forecasts(folder: Path) -> Mapping[str, Any] | None:
    """Return ``forecasts.json`` of a built fine-tune; None of one that was built before there was any."""
    file = folder / FILE_NAME
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


def joined(folders: Sequence[Path], context_length: int) -> dict[str, Any] | None:
    """Return what the forecasts of all folds and domains are worth together; None where a fine-tune does not say.

    Returns
    -------
    dict
        `rows`: class (`ALL`: of all classes) -> the columns of ``forecasts.json``, means over windows. `ratio`: of
        neighbours' distance and skill (see `retrieval_facts`), means over folds; {} without a memory.
        `motors`: the rows of `by_motor`, of all folds.
    """
    forecasts = [read_forecasts(folder) for folder in folders]
    rows = [row for of_fold in forecasts if of_fold for row in of_fold["by_context"].get(str(context_length), [])]
    if not folders or not all(forecasts) or not rows:
        return None
    motors = [row for of_fold in forecasts if of_fold for row in of_fold.get("motors", {}).get(str(context_length), [])]
    trainings = [json.loads((folder / "training.json").read_text(encoding="utf-8")) for folder in folders]
    looked_up = [one["retrieval"] for one in trainings if "one_motor_fewer" in one.get("retrieval", {})]
    ratios = [one["ratio"] for one in looked_up]  # one that was taken without is another
    return {
        "rows": {label: _mean_row([row for row in rows if row["label"] == label]) for label in _labels(rows)},
        "ratio": {name: float(np.mean([one[name] for one in ratios])) for name in (ratios[0] if ratios else ())},
        "motors": motors,
    }


def _labels(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(row["label"] for row in rows))


def _mean_row(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return means over windows; of what not every row has, over those that have it."""
    mean: dict[str, Any] = {"n_windows": sum(row["n_windows"] for row in rows)}
    for name in dict.fromkeys(name for row in rows for name in row if name not in ("domain", "label", "n_windows")):
        there = [row for row in rows if row.get(name) is not None]
        weights = [row["n_windows"] for row in there]
        values = np.average([row[name] for row in there], axis=0, weights=weights) if there else None
        mean[name] = None if values is None else values.tolist()
    return mean


def _middle(quantiles_BHQ: Any, levels: tuple[float, ...]) -> int:
    """Return where the median stands: branches have all of the model's levels, which are symmetrical about it."""
    return quantiles_BHQ.shape[-1] // 2


def _rounded(values: Any) -> list[float]:
    return [float(f"{value:.4g}") for value in np.asarray(values, dtype=np.float64)]
