"""Tables over cells: one row a cell, for `cells.csv` and for the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from motor.evaluation.cells import NO_VALUE, CellResult, ReportContext, cell_key, varying_axes
from motor.evaluation.comparisons import differences
from motor.evaluation.forecasting import Gain, forecast_errors, mean_errors
from motor.evaluation.repeats import Repeats, slice_pairs
from motor.evaluation.scores import Scores
from motor.report.alarms import marked
from motor.report.markdown import (
    DASH,
    escape,
    link,
    number,
    percent,
    signed_with_interval,
    table,
    with_interval,
)

if TYPE_CHECKING:
    import pandas as pd

_AXIS_TITLES = {"context_length": "context", "prediction_length": "horizon", "patch_length": "patch"}
_TRAINING = {
    "steps": "steps",
    "best_step": "best step",
    "validation_loss": "validation loss",
    "context_seen": "samples the encoder saw",
    "tokens": "tokens it saw",
}


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


def cells_table(
    rows: list[Repeats], gains: Mapping[int, Gain], context: ReportContext, among: list[Repeats] | None = None
) -> str:
    """Return the table of all metrics, by domain regime, best first.

    Parameters
    ----------
    rows : list of Repeats
        The rows to show.
    gains : mapping
        `id` of a row -> what training added to it.
    context : ReportContext
        The classes.
    among : list of Repeats, optional
        All rows, if only some are shown: the columns are those that tell all of them apart.
    """
    axes = _axes(among or rows)
    headers = [
        *(_AXIS_TITLES.get(axis, axis) for axis in axes),
        "accuracy",
        "macro-F1 [95 %]",
        *(f"F1 {escape(name)}" for name in context.classes),
        "AUC faulty",
        "false alarms",
        "faults caught",
        f"forecast error {escape(context.normal)} / faulty",
        "untrained control",
        "training added [95 %]",
        "files",
    ]
    ordered = sorted(rows, key=lambda row: (str(row.axes["domain"]), -row.value))
    return table(headers, [_cell_row(row, axes, gains.get(id(row)), context) for row in ordered], left=len(axes))


def training_table(cells: list[CellResult]) -> str:
    """Return what was fine-tuned, and how much signal the encoder saw: a row a set of axes but the classifier."""
    tuned = [cell for cell in cells if cell.training]
    if not tuned:
        return ""
    axes = [axis for axis in varying_axes(cells) if axis != "classifier"]
    shown = [name for name in _TRAINING if any(_over_folds(_told(cell).get(name)) != DASH for cell in tuned)]
    rows = {
        tuple(_axis_value(cell.axes, axis) for axis in axes): [
            *(_over_folds(_told(cell).get(name)) for name in shown),
            str(cell.n_fits),
        ]
        for cell in tuned
    }
    headers = [*(_AXIS_TITLES.get(axis, axis) for axis in axes), *(_TRAINING[name] for name in shown), "fits (folds)"]
    return table(headers, [[*coordinates, *values] for coordinates, values in rows.items()], left=len(axes))


def gains_table(gains: list[Gain], axes: list[str], normal: str) -> str:
    """Return forecast skill, the untrained control and what training added: one row a set of axes."""
    rows = []
    for gain in gains:
        errors = mean_errors(gain.rows, normal)
        means = [sum(row.value for row in part) / len(part) for part in (gain.rows, gain.controls)]
        rows.append(
            [
                *(_axis_value(gain.rows[0].axes, axis) for axis in axes),
                *map(number, errors),
                number(means[0]),
                f"{number(means[1])} ({escape(gain.controls[0].axes['method'])})",
                signed_with_interval(gain.difference.value, gain.difference.interval),
                str(gain.difference.n_pairs),
                gain.reading,
            ]
        )
    headers = [
        *(_AXIS_TITLES.get(axis, axis) for axis in axes),
        f"forecast error {escape(normal)}",
        "forecast error faulty",
        "macro-F1",
        "untrained control",
        "training added [95 %]",
        "pairs",
        "reading",
    ]
    return table(headers, rows, left=len(axes))


def regime_table(rows: list[Repeats], scores: Scores, joint: str) -> str:
    """Return each setting's own-domain row beside the joint row on the same series; "" if there is no pair."""
    axes = [axis for axis in _axes(rows) if axis != "domain"]
    shared = {cell_key(row.axes, "domain"): row for row in rows if row.axes["domain"] == joint}
    told = []
    for own in rows:
        of_all = shared.get(cell_key(own.axes, "domain"))
        pairs = [] if of_all is None or of_all is own else slice_pairs(scores, of_all, own)
        if not pairs:
            continue
        (difference,) = differences(scores, [(joint, "alone", pairs)])
        values = [number(float(np.mean([scores.values_R[pair[side]][0] for pair in pairs]))) for side in (1, 0)]
        coordinates = [_axis_value(own.axes, axis) for axis in axes]
        gain = signed_with_interval(difference.value, difference.interval)
        told.append([escape(own.axes["domain"]), *coordinates, *values, gain])
    if not told:
        return ""
    headers = ["domain", *(_AXIS_TITLES.get(axis, axis) for axis in axes), "alone", joint, "difference [95 %]"]
    return table(headers, sorted(told, key=lambda row: row[0]), left=1 + len(axes))


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


def _cell_row(row: Repeats, axes: list[str], gain: Gain | None, context: ReportContext) -> list[str]:
    errors = mean_errors([row], context.normal)
    accuracy = row.mean(lambda cell: cell.metrics["accuracy"])
    area = row.mean(lambda cell: cell.metrics["roc_auc_faulty"])
    spread = "" if row.spread is None else f" ± {number(row.spread)}"
    return [
        *(_axis_value(row.axes, axis) for axis in axes),
        marked(number(accuracy), accuracy),
        marked(with_interval(row.value, row.interval(context.classes)) + spread, row.value),
        *(number(row.mean(_f1_of(name))) for name in context.classes),
        marked(number(area), area),
        percent(row.mean(lambda cell: cell.metrics["false_alarm_rate"])),
        percent(row.mean(lambda cell: cell.metrics["detection_rate"])),
        DASH if errors == (None, None) else f"{number(errors[0])} / {number(errors[1])}",
        DASH if gain is None else number(gain.controls[0].value),
        DASH if gain is None else signed_with_interval(gain.difference.value, gain.difference.interval),
        link("files", row.first.folder),
    ]


def _f1_of(name: str) -> Callable[[CellResult], float | None]:
    return lambda cell: cell.metrics["f1"].get(name)


def _axes(rows: list[Repeats]) -> list[str]:
    return [axis for axis in varying_axes([cell for row in rows for cell in row.cells]) if axis != "seed"]


def _axis_value(axes: Mapping[str, Any], name: str) -> str:
    value = axes.get(name)
    return NO_VALUE if value is None else escape(value)


def _told(cell: CellResult) -> Mapping[str, Any]:
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
    row |= {name: _joined(_told(cell).get(name)) for name in _TRAINING}
    return row | {"seconds": cell.seconds, "folder": cell.folder}


def _measured(metrics: Mapping[str, Any]) -> list[str]:
    """Return the metrics of one number that a cell has."""
    return [name for name, value in metrics.items() if f"{name}_interval" in metrics and not isinstance(value, dict)]


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
