"""One row a cell, for tables of one's own: `cells.csv`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from motor.evaluation.cells import CellResult
from motor.evaluation.forecasting import forecast_errors
from motor.lazy import pandas as pd

TRAINING = ("steps", "best_step", "validation_loss", "context_seen", "tokens")


def summary_table(cells: list[CellResult]) -> pd.DataFrame:
    """Return one row a cell for `cells.csv`: axes, metrics, forecast errors, training, folder.

    Parameters
    ----------
    cells : list of CellResult
        The finished cells.

    Returns
    -------
    DataFrame
        Undefined values are missing; lists over folds are joined with spaces.
    """
    return pd.DataFrame([_summary(cell) for cell in cells])


def _training(cell: CellResult) -> Mapping[str, Any]:
    return cell.training or {}


def _summary(cell: CellResult) -> dict[str, Any]:
    metrics = cell.metrics
    normal_error, faulty_error = forecast_errors(cell, metrics["normal"])
    row: dict[str, Any] = dict(cell.axes)
    for name in ("accuracy", "macro_f1", "roc_auc_faulty", "false_alarm_rate", "detection_rate"):
        low, high = metrics.get(f"{name}_interval") or (None, None)
        row |= {name: metrics.get(name), f"{name}_low": low, f"{name}_high": high}
    row |= {name: metrics.get(name) for name in ("roc_auc_macro", "pr_auc_faulty", "brier")}
    row |= {f"f1_{name}": metrics.get("f1", {}).get(name) for name in metrics["classes"]}
    row |= {f"roc_auc_{name}": metrics.get("roc_auc", {}).get(name) for name in metrics["classes"]}
    row |= {name: metrics[name] for name in _measured(metrics) if name not in row}
    row |= {"forecast_error_normal": normal_error, "forecast_error_faulty": faulty_error}
    row |= {"n_series": metrics["n_series"], "n_motors": metrics["n_motors"], "n_fits": cell.n_fits}
    row |= {name: _joined(_training(cell).get(name)) for name in TRAINING}
    return row | {"seconds": cell.seconds, "folder": cell.folder}


def _measured(metrics: Mapping[str, Any]) -> list[str]:
    """Return the metrics of one number that a cell has."""
    return [name for name, value in metrics.items() if f"{name}_interval" in metrics and not isinstance(value, dict)]


def _joined(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else value
