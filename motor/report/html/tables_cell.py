"""Tables of one cell: configuration, metrics with intervals, confusion matrices, errors by motor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from motor.evaluation.cells import CellResult
from motor.report.html.tables import Column, Row, Table, Value, duration, interval_text, named, plain_table
from motor.report.html.tables_evidence import fact_text, motor_titles, motor_values
from motor.report.html.words import Words
from motor.report.markdown import DASH, number, percent

METRICS = (  # name, whether it is shown in percent
    ("macro_f1", False),
    ("accuracy", True),
    ("roc_auc_faulty", False),
    ("pr_auc_faulty", False),
    ("false_alarm_rate", True),
    ("detection_rate", True),
    ("brier", False),
)
BY_CLASS = (("f1", False), ("precision", True), ("recall", True), ("roc_auc", False), ("detection_by_class", True))


def configuration_table(cell: CellResult, details: Mapping[str, Any], said: Words) -> Table | None:
    """Return what sets the cell apart, and every setting that it was made with."""
    told = [[named(said, "axis", name), value] for name, value in cell.axes.items() if value is not None]
    told += [
        [named(said, "setting", str(name)), fact_text(value)] for name, value in (details.get("config") or {}).items()
    ]
    training = cell.training or {}
    told += [
        [said.say(f"column_{name}"), fact_text([part for part in _listed(training[name]) if part is not None])]
        for name in ("steps", "best_step", "context_seen", "tokens")
        if any(part is not None for part in _listed(training.get(name)))
    ]
    if cell.skill:
        skill = {str(name): number(value) for name, value in cell.skill.items()}
        told.append([said.say("forecast_errors"), fact_text(skill)])
    told.append([said.say("column_compute"), duration(cell.seconds, said)])
    return plain_table(said.say("configuration_caption"), [said.say("column_name"), said.say("column_value")], told, 2)


def metrics_table(cell: CellResult, said: Words) -> Table | None:
    """Return the metrics over all series, and by domain where there are several."""
    by_domain = cell.metrics["by_domain"]
    shown = [cell.metrics, *(by_domain.values() if len(by_domain) > 1 else ())]
    told = [
        [said.say(f"metric_{name}"), *(_metric(metrics, name, is_percent) for metrics in shown)]
        for name, is_percent in METRICS
    ]
    chance = [number(max(metrics["chance"].values())) for metrics in shown]
    counts = [said.say("series_of_motors", series=one["n_series"], motors=one["n_motors"]) for one in shown]
    told += [[said.say("metric_chance"), *chance], [said.say("metric_tested"), *counts]]
    titles = [said.say("column_metric"), said.say("column_all_series")]
    return plain_table(said.say("metrics_caption"), [*titles, *(by_domain if len(by_domain) > 1 else ())], told)


def classes_table(cell: CellResult, said: Words) -> Table | None:
    """Return the metrics of each class."""
    metrics = cell.metrics
    told = [
        [
            name,
            *(_of_class(metrics, metric, name, is_percent) for metric, is_percent in BY_CLASS),
            said.say(
                "series_of_motors", series=metrics["series_by_class"][name], motors=metrics["motors_by_class"][name]
            ),
        ]
        for name in metrics["classes"]
    ]
    titles = [said.say("column_class"), *(said.say(f"metric_{metric}") for metric, _ in BY_CLASS)]
    return plain_table(said.say("classes_caption"), [*titles, said.say("metric_tested")], told)


def confusion_tables(cell: CellResult, said: Words) -> list[Table]:
    """Return the confusion matrix over all series, and one a domain where there are several."""
    by_domain = cell.metrics["by_domain"]
    tables = [_confusion(said.say("confusion_caption"), cell.metrics, said)]
    if len(by_domain) > 1:
        tables += [
            _confusion(said.say("confusion_caption_in", domain=domain), metrics, said)
            for domain, metrics in by_domain.items()
        ]
    return tables


def errors_table(cell: CellResult, said: Words) -> Table | None:
    """Return the motors with a wrong series or a false or missed alarm, the worst first."""
    wrong = [
        row
        for row in cell.metrics["by_motor"]
        if row["n_errors"] or row.get("false_alarms") or row.get("missed_faults")
    ]
    wrong.sort(key=lambda row: (-row["n_errors"] / row["n_series"], -row["n_errors"], str(row["motor"])))
    caption = said.say("errors_caption", part=len(wrong), whole=len(cell.metrics["by_motor"]))
    return plain_table(caption, motor_titles(said), [motor_values(row, said) for row in wrong], 3)


def _confusion(caption: str, metrics: Mapping[str, Any], said: Words) -> Table:
    classes = metrics["classes"]
    rows = []
    for name in classes:
        counts = [metrics["confusion"][name][other] for other in classes]
        total = sum(counts)
        places = [_count(count, total, name == other) for other, count in zip(classes, counts, strict=True)]
        rows.append(Row([Value(name), *places, Value(str(total), total)]))
    named_as = [Column(said.say("column_named_as", name=name), True) for name in classes]
    return Table(caption, [Column(said.say("column_truly")), *named_as, Column(said.say("total"), True)], rows)


def _count(count: int, total: int, is_right: bool) -> Value:
    if not total:
        return Value(DASH)
    return Value(f"{count} ({percent(count / total)})", count, share=count / total, is_strong=is_right)


def _metric(metrics: Mapping[str, Any], name: str, is_percent: bool) -> str:
    return interval_text(metrics[name], metrics.get(f"{name}_interval"), is_percent)


def _of_class(metrics: Mapping[str, Any], metric: str, name: str, is_percent: bool) -> str:
    return interval_text(metrics[metric].get(name), metrics.get(f"{metric}_interval", {}).get(name), is_percent)


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else [value]
