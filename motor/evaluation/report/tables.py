"""Tables over cells: one row a cell, for `cells.csv` and for the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from motor.evaluation.report.cells import CellResult, ReportContext, varying_axes
from motor.evaluation.report.comparisons import differences, regime_groups
from motor.evaluation.report.markdown import (
    DASH,
    escape,
    link,
    number,
    percent,
    signed_with_interval,
    table,
    with_interval,
)
from motor.evaluation.report.scores import Scores

if TYPE_CHECKING:
    import pandas as pd

_AXIS_TITLES = {"context_length": "context"}
_TRAINING = {"steps": "steps", "best_step": "best step", "validation_loss": "validation loss"}


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
    import pandas as pd

    return pd.DataFrame([_summary(cell) for cell in cells])


def cells_table(cells: list[CellResult], context: ReportContext, among: list[CellResult] | None = None) -> str:
    """Return the table of all metrics, by domain regime, best first, with the columns for the cells `among`."""
    axes = varying_axes(among or cells)
    headers = [
        *(_AXIS_TITLES.get(axis, axis) for axis in axes),
        "accuracy",
        "macro-F1 [95 %]",
        *(f"F1 {escape(name)}" for name in context.classes),
        "AUC faulty",
        "false alarms",
        "faults caught",
        f"forecast error {escape(context.normal)} / faulty",
        "files",
    ]
    ordered = sorted(cells, key=lambda cell: (str(cell.axes["domain"]), -(cell.metrics["macro_f1"] or 0.0)))
    return table(headers, [_cell_row(cell, axes, context) for cell in ordered], left=len(axes))


def training_table(cells: list[CellResult]) -> str:
    """Return what was fine-tuned: one row for each set of axes but the classifier."""
    axes = [axis for axis in varying_axes(cells) if axis != "classifier"]
    rows = {
        tuple(escape(cell.axes.get(axis, DASH)) for axis in axes): [
            *(_over_folds((cell.training or {}).get(name)) for name in _TRAINING),
            str(cell.n_fits),
        ]
        for cell in cells
    }
    headers = [*(_AXIS_TITLES.get(axis, axis) for axis in axes), *_TRAINING.values(), "fits (folds)"]
    return table(headers, [[*coordinates, *values] for coordinates, values in rows.items()], left=len(axes))


def regime_table(cells: list[CellResult], scores: Scores, joint: str) -> str:
    """Return each setting's own-domain cell beside the joint cell on the same series; "" if there is no pair."""
    axes = [axis for axis in varying_axes(cells) if axis != "domain"]
    rows = []
    for group in regime_groups(cells, scores, joint):
        if len(group) == 2:
            own, shared = group["alone"], group[joint]
            (difference,) = differences(scores, [(joint, "alone", [(shared, own)])])
            coordinates = [escape(cells[own[0]].axes.get(axis, DASH)) for axis in axes]
            values = [number(float(scores.macro_f1_R[key][0])) for key in (own, shared)]
            gain = signed_with_interval(difference.value, difference.interval)
            rows.append([escape(own[1]), *coordinates, *values, gain])
    if not rows:
        return ""
    headers = ["domain", *(_AXIS_TITLES.get(axis, axis) for axis in axes), "alone", joint, "difference [95 %]"]
    return table(headers, sorted(rows, key=lambda row: row[0]), left=1 + len(axes))


def counts_table(rows: list[dict[str, Any]], classes: tuple[str, ...]) -> str:
    """Return the data's counts: a row a domain, a column a class, or the rows as they are."""
    if not rows:
        return ""
    if not {"domain", "label", "series", "motors"} <= set(rows[0]):
        headers = list(dict.fromkeys(name for row in rows for name in row))
        return table(headers, [[escape(row.get(name, DASH)) for name in headers] for row in rows], left=len(headers))
    known = {(row["domain"], row["label"]): f"{row['series']} / {row['motors']}" for row in rows}
    domains = list(dict.fromkeys(row["domain"] for row in rows))
    headers = ["series / motors", *(f"{place}. {escape(name)}" for place, name in enumerate(classes, start=1))]
    return table(headers, [[escape(name), *(known.get((name, label), DASH) for label in classes)] for name in domains])


def forecast_errors(cell: CellResult, normal: str) -> tuple[float | None, float | None]:
    """Return the forecaster's error over the mean forecast's, on normal series and on faults."""
    skill = cell.skill or {}
    faults = [error for name, error in skill.items() if name not in (normal, "faulty") and error is not None]
    faulty = skill.get("faulty", sum(faults) / len(faults) if faults else None)
    return skill.get(normal), faulty


def _cell_row(cell: CellResult, axes: list[str], context: ReportContext) -> list[str]:
    metrics = cell.metrics
    normal_error, faulty_error = forecast_errors(cell, context.normal)
    return [
        *(escape(cell.axes.get(axis, DASH)) for axis in axes),
        number(metrics["accuracy"]),
        with_interval(metrics["macro_f1"], metrics["macro_f1_interval"]),
        *(number(metrics["f1"].get(name)) for name in context.classes),
        number(metrics["roc_auc_faulty"]),
        percent(metrics["false_alarm_rate"]),
        percent(metrics["detection_rate"]),
        f"{number(normal_error)} / {number(faulty_error)}",
        link("files", cell.folder),
    ]


def _summary(cell: CellResult) -> dict[str, Any]:
    metrics = cell.metrics
    normal_error, faulty_error = forecast_errors(cell, metrics["normal"])
    row: dict[str, Any] = dict(cell.axes)
    for name in ("accuracy", "macro_f1", "roc_auc_faulty", "false_alarm_rate", "detection_rate"):
        low, high = metrics[f"{name}_interval"] or (None, None)
        row |= {name: metrics[name], f"{name}_low": low, f"{name}_high": high}
    row |= {name: metrics[name] for name in ("roc_auc_macro", "pr_auc_faulty", "brier")}
    row |= {f"f1_{name}": metrics["f1"][name] for name in metrics["classes"]}
    row |= {f"roc_auc_{name}": metrics["roc_auc"][name] for name in metrics["classes"]}
    row |= {"forecast_error_normal": normal_error, "forecast_error_faulty": faulty_error}
    row |= {"n_series": metrics["n_series"], "n_motors": metrics["n_motors"], "n_fits": cell.n_fits}
    row |= {name: _joined((cell.training or {}).get(name)) for name in _TRAINING}
    return row | {"folder": cell.folder}


def _joined(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else value


def _over_folds(value: Any) -> str:
    """Return one value, or the range over the folds."""
    values = [item for item in (value if isinstance(value, list | tuple) else [value]) if item is not None]
    if not values:
        return DASH
    if all(isinstance(item, int | float) for item in values):
        low, high = f"{min(values):.4g}", f"{max(values):.4g}"
        return low if low == high else f"{low} to {high}"
    return escape(" ".join(map(str, dict.fromkeys(values))))
