"""One cell, as a reader chooses it: metrics, confusion, curves, errors, worst recordings, settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from motor.evaluation.cell_metrics import every_metric
from motor.evaluation.cells import CellResult
from motor.evaluation.metrics.base import Measure, Metric
from motor.evaluation.repeats import best_by_method_and_domain
from motor.report.document import (
    Block,
    Choice,
    Column,
    Columns,
    Folded,
    Heading,
    Links,
    Panel,
    Paragraph,
    Row,
    Table,
    Target,
    Value,
    plain_table,
)
from motor.report.findings import Findings, advised_cells, cell_name
from motor.report.findings.recipes import best_first
from motor.report.plots.base import cell_plots
from motor.report.plots.signals import signal_blocks
from motor.report.sections.base import Section
from motor.report.sections.errors import motor_titles, motor_values
from motor.report.text import DASH, fact_text, number, percent, with_interval
from motor.report.wording import Wording

MOST_SHARED = 3  # signals of a cell that were drawn for another one
IN_PERCENT = {"accuracy", "false_alarm_rate", "detection_rate", "precision", "recall", "detection_by_class"}
TRAINING = ("steps", "best_step", "context_seen", "tokens")


class OneCell(Section):
    kind: Literal["cell"] = "cell"
    PLACE = 75.0
    NEEDS_CELLS = False

    def blocks(self, findings: Findings, wording: Wording) -> Sequence[Block]:
        if not findings.everything:
            return []
        advised = advised_cells(findings)
        best = [row.indices[0] for row in best_by_method_and_domain(findings.rows)]
        panels = [_panel(wording, index) for index in range(len(findings.everything))]
        importance = list(dict.fromkeys([*advised, *best, *best_first(findings)]))
        return [Choice(wording.say("choose"), panels, (advised or [0])[0], importance)]


def worst_cases(
    cell: CellResult, own: Sequence[str], signals: Mapping[str, Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]]:
    """Return the signals to draw for a cell: its own, else those drawn for another cell that it, too, names wrong.

    Parameters
    ----------
    cell : CellResult
        Its predictions say what it took each series for.
    own : sequence of str
        The signals that were drawn for it.
    signals : mapping
        Every drawn signal.
    """
    if known := {name: signals[name] for name in own if name in signals}:
        return known
    drawn = {(str(signal["item"]), str(signal["domain"])): name for name, signal in signals.items()}
    if not drawn or "predicted" not in cell.predictions:
        return {}
    columns = [f"probability_{name}" for name in cell.metrics["classes"]]
    wrong = cell.predictions[cell.predictions["predicted"] != cell.predictions["label"]]
    probability = wrong[columns].max(axis=1).sort_values(ascending=False, kind="stable")
    ordered = wrong.loc[probability.index]
    rows = zip(*(ordered[name].tolist() for name in ("item", "domain", "predicted")), probability.tolist(), strict=True)
    found: dict[str, Mapping[str, Any]] = {}
    for item, domain, predicted, highest in rows:
        name = drawn.get((str(item), str(domain)))
        if name is not None and name not in found:
            found[name] = {**signals[name], "predicted": predicted, "probability": highest}
        if len(found) == MOST_SHARED:
            break
    return found


def _panel(wording: Wording, index: int) -> Panel:
    cell = wording.findings.everything[index]
    name = cell_name(cell.axes)
    beside = (wording.findings.details.get("cells") or {}).get(name) or {}
    return Panel(
        name,
        str(cell.axes["method"]),
        lambda: _blocks(wording, cell, beside),
        lambda: [Paragraph(wording.say("short"), "note"), *_blocks(wording, cell, {})],
    )


def _blocks(wording: Wording, cell: CellResult, beside: Mapping[str, Any]) -> list[Block]:
    return [
        Links(wording.say("files"), [(cell.folder, Target.file(cell.folder))]),
        *_metrics(wording, cell),
        *_classes(wording, cell),
        Columns([[table] for table in _confusions(wording, cell)]),
        Folded(wording.say("configuration"), _configuration(wording, cell, beside)),
        Columns([[figure] for figure in cell_plots(wording, cell, beside)]),
        *_errors(wording, cell),
        *_worst(wording, cell, beside),
    ]


def _metrics(wording: Wording, cell: CellResult) -> list[Block]:
    """Return the metrics over all series, and by domain where there are several."""
    by_domain = cell.metrics["by_domain"]
    shown = [cell.metrics, *(by_domain.values() if len(by_domain) > 1 else ())]
    rows: list[list[object]] = [
        [
            _title(wording, one),
            *(_figure(one.kind, part.get(one.kind), part.get(f"{one.kind}_interval")) for part in shown),
        ]
        for one in every_metric()
        if isinstance(one, Metric) and one.kind in cell.metrics
    ]
    chance = [number(max(one["chance"].values())) for one in shown]
    counts = [wording.say("series_of_motors", series=one["n_series"], motors=one["n_motors"]) for one in shown]
    rows += [[wording.say("metric_name.chance"), *chance], [wording.say("metric_name.tested"), *counts]]
    titles = [*wording.titles("metric", "all_series"), *(by_domain if len(by_domain) > 1 else ())]
    return plain_table(wording.say("metrics"), titles, rows)


def _classes(wording: Wording, cell: CellResult) -> list[Block]:
    metrics = cell.metrics
    by_class = [one for one in every_metric() if not isinstance(one, Metric) and one.kind in metrics]
    rows = [
        [
            name,
            *(
                _figure(one.kind, metrics[one.kind].get(name), metrics.get(f"{one.kind}_interval", {}).get(name))
                for one in by_class
            ),
            wording.say(
                "series_of_motors", series=metrics["series_by_class"][name], motors=metrics["motors_by_class"][name]
            ),
        ]
        for name in metrics["classes"]
    ]
    titles = [wording.say("column.class"), *(_title(wording, one) for one in by_class)]
    return plain_table(wording.say("by_class"), [*titles, wording.say("metric_name.tested")], rows)


def _title(wording: Wording, metric: Measure) -> str:
    key = f"metric_name.{metric.kind}"
    return wording.say(key) if wording.has(key) else metric.title[:1].upper() + metric.title[1:]


def _figure(kind: str, value: float | None, interval: Sequence[float] | None) -> str:
    return with_interval(value, interval, kind in IN_PERCENT)


def _confusions(wording: Wording, cell: CellResult) -> list[Table]:
    """Return the confusion matrix over all series, and one a domain where there are several; none of a detector."""
    if "confusion" not in cell.metrics:
        return []
    by_domain = cell.metrics["by_domain"]
    tables = [_confusion(wording, wording.say("confusion"), cell.metrics)]
    if len(by_domain) > 1:
        tables += [
            _confusion(wording, wording.say("confusion_in", domain=domain), metrics)
            for domain, metrics in by_domain.items()
        ]
    return tables


def _confusion(wording: Wording, caption: str, metrics: Mapping[str, Any]) -> Table:
    classes = metrics["classes"]
    rows = []
    for name in classes:
        counts = [metrics["confusion"][name][other] for other in classes]
        total = sum(counts)
        places = [_count(count, total, name == other) for other, count in zip(classes, counts, strict=True)]
        rows.append(Row([Value(str(name)), *places, Value(str(total), total)]))
    named_as = [Column(wording.say("column.named_as", name=name), True) for name in classes]
    columns = [Column(wording.say("column.truly")), *named_as, Column(wording.say("total"), True)]
    return Table(caption, columns, rows, "matrix")


def _count(count: int, total: int, is_right: bool) -> Value:
    if not total:
        return Value(DASH)
    return Value(f"{count} ({percent(count / total)})", count, share=count / total, is_strong=is_right)


def _configuration(wording: Wording, cell: CellResult, beside: Mapping[str, Any]) -> list[Block]:
    """Return what sets the cell apart, and every setting that it was made with."""
    rows: list[list[object]] = [
        [wording.heading(name), value] for name, value in cell.axes.items() if value is not None
    ]
    rows += [
        [wording.named("setting", str(name)), fact_text(value)] for name, value in (beside.get("config") or {}).items()
    ]
    training = cell.training or {}
    for name in TRAINING:
        values = training.get(name)
        known = [part for part in (values if isinstance(values, list | tuple) else [values]) if part is not None]
        rows += [[wording.say(f"column.{name}"), fact_text(known)]] if known else []
    if cell.skill:
        rows.append(
            [wording.say("forecast_errors"), fact_text({name: number(one) for name, one in cell.skill.items()})]
        )
    rows.append([wording.say("column.compute"), wording.duration(cell.seconds)])
    return plain_table(wording.say("every_setting_of_it"), wording.titles("name", "value"), rows, 2, style="facts")


def _errors(wording: Wording, cell: CellResult) -> list[Block]:
    """Return the motors with a wrong series or a false or missed alarm, the worst first."""
    wrong = [
        row
        for row in cell.metrics["by_motor"]
        if row["n_errors"] or row.get("false_alarms") or row.get("missed_faults")
    ]
    if not wrong:
        return [Paragraph(wording.say("no_errors"))]
    wrong.sort(key=lambda row: (-row["n_errors"] / row["n_series"], -row["n_errors"], str(row["motor"])))
    caption = wording.say("errors_of_it", part=len(wrong), whole=len(cell.metrics["by_motor"]))
    return plain_table(caption, motor_titles(wording), [motor_values(row, wording) for row in wrong], 3)


def _worst(wording: Wording, cell: CellResult, beside: Mapping[str, Any]) -> list[Block]:
    signals = (wording.findings.details.get("signals") or {}) if beside else {}
    found = worst_cases(cell, beside.get("worst") or [], signals)
    shown = [block for name, case in found.items() for block in signal_blocks(name, case, wording)]
    return [Heading(wording.say("worst")), Paragraph(wording.say("worst_lead")), *shown] if shown else []


PLUGIN = OneCell
