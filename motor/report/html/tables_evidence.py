"""Tables over the whole grid: data, audit, levels of an axis, baselines, nested selection, training, cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from motor.evaluation.cells import ReportContext, varying_axes
from motor.evaluation.comparisons import Difference
from motor.evaluation.forecasting import mean_errors
from motor.evaluation.nested import ALL, FAMILIES, Figure
from motor.report.advice import Advice, regime_differences
from motor.report.alarms import is_too_good
from motor.report.baselines import regime_columns
from motor.report.findings import Findings
from motor.report.html.tables import (
    Table,
    Value,
    advised_cells,
    axis_value,
    cell_link,
    cell_name,
    duration,
    named,
    plain_table,
)
from motor.report.html.words import Words
from motor.report.markdown import DASH, number, percent, signed_with_interval, with_interval

MOST_TUNINGS = 120


def counts_table(context: ReportContext, said: Words) -> Table | None:
    """Return series and motors by domain and class."""
    rows = list(context.dataset.get("counts", []))
    known = {(row["domain"], row["label"]): f"{row['series']} / {row['motors']}" for row in rows}
    domains = dict.fromkeys(row["domain"] for row in rows)
    told = [[domain, *(known.get((domain, label), DASH) for label in context.classes)] for domain in domains]
    return plain_table(said.say("counts_caption"), [named(said, "axis", "domain"), *context.classes], told)


def split_table(context: ReportContext, said: Words) -> Table | None:
    """Return how motors were divided: the columns as the split tells them."""
    rows = list(context.split.get("counts", []))
    titles = list(dict.fromkeys(name for row in rows for name in row))
    told = [[_term(said, row.get(title, DASH)) for title in titles] for row in rows]
    return plain_table(said.say("split_caption"), [named(said, "fact", title) for title in titles], told, len(titles))


def facts_table(caption: str, kind: str, facts: Mapping[str, Any], said: Words) -> Table | None:
    """Return names and values, as they are; `kind` tells where the catalogue has the names."""
    told = [[named(said, kind, str(name)), fact_text(value)] for name, value in facts.items() if name != "counts"]
    return plain_table(caption, [said.say("column_name"), said.say("column_value")], told, 2)


def fact_text(value: object) -> str:
    """Return a fact on one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {fact_text(part)}" for name, part in value.items())
    return ", ".join(map(fact_text, value)) if isinstance(value, list | tuple) else str(value)


def levels_table(advice: Advice, question: str, said: Words) -> Table | None:
    """Return the levels of one axis, best first, each against the best."""
    if advice.levels is None:
        return None
    levels = advice.levels
    told = [
        [str(level), number(mean), *_standing(levels.behind.get(level), said)]
        for level, mean in sorted(levels.means.items(), key=lambda item: -item[1])
    ]
    titles = [said.say(f"column_{key}") for key in ("level", "macro_f1_mean", "behind", "differing", "reading")]
    return plain_table(said.say("levels_caption", question=question, n=levels.n_settings), titles, told)


def _standing(found: Difference | None, said: Words) -> list[object]:
    if found is None:
        return ["", "", Value(said.say("best"), is_strong=True)]
    reading = said.say("worse" if found.told_apart else "cannot_tell")
    differing = said.say("of", part=found.n_differing, whole=found.n_motors)
    return [signed_with_interval(found.value, found.interval), differing, reading]


def regimes_table(findings: Findings, said: Words) -> Table | None:
    """Return Joint minus the domain's own model, domain by domain."""
    joint = findings.context.joint
    told = [
        [domain, signed_with_interval(found.value, found.interval), found.n_pairs, difference_reading(found, said)]
        for domain, found in regime_differences(findings.cells, findings.scores, joint).items()
    ]
    titles = [named(said, "axis", "domain"), *(said.say(f"column_{key}") for key in ("difference", "pairs", "reading"))]
    return plain_table(said.say("regimes_caption", joint=joint), titles, told)


def difference_reading(found: Difference, said: Words) -> str:
    """Say what a difference shows."""
    if not found.told_apart:
        return said.say("cannot_tell")
    return said.say("pays" if found.value > 0 else "does_not_pay")


def baselines_table(findings: Findings, said: Words) -> Table | None:
    """Return each method in each column, its recipe chosen inside the training folds, best first."""
    columns = regime_columns(findings.rows, findings.scores, findings.context.joint)
    told: list[tuple[float, list[object]]] = []
    for method, nested in findings.nested_by_method.items():
        figures = {(figure.regime, figure.domain): figure.chosen_inside for figure in nested.of(ALL)}
        values = [figures.get(column) for column in columns]
        if known := [value.value for value in values if value is not None]:
            mean = sum(known) / len(known)
            told.append((mean, [method, *map(_figure_value, values), number(min(known)), number(mean)]))
    told.sort(key=lambda row: -row[0])
    titles = [named(said, "axis", "method"), *_regime_titles(columns, findings.context, said)]
    titles += [said.say("column_least"), said.say("column_mean")]
    return plain_table(said.say("baselines_caption"), titles, [row for _, row in told])


def nested_table(findings: Findings, said: Words) -> Table | None:
    """Return what a chosen recipe is worth: a row a family and figure, a column a regime and domain."""
    nested = findings.nested
    columns = list(dict.fromkeys((figure.regime, figure.domain) for figure in nested.figures))
    told: list[list[object]] = []
    for family in FAMILIES:
        known = {(figure.regime, figure.domain): figure for figure in nested.of(family)}
        for kind in ("chosen_inside", "best_of_all", "vote_of_all", "vote_within_reach") if known else ():
            values = [getattr(known[column], kind) if column in known else None for column in columns]
            overall = nested.overall_of(family)
            whole = getattr(overall, kind, None) if overall else None
            title = said.say("nested_row", family=said.say(f"family_{family}"), figure=said.say(f"nested_{kind}"))
            told.append([title, *map(_figure_value, values), _figure_value(whole)])
    titles = [said.say("column_selection"), *_regime_titles(columns, findings.context, said)]
    return plain_table(said.say("nested_caption"), [*titles, said.say("column_over_all")], told)


def choices_table(findings: Findings, said: Words) -> Table | None:
    """Return the recipe that each fold chose among all."""
    told = [
        [_regime_title((figure.regime, figure.domain), findings.context, said), fold, name]
        for figure in findings.nested.of(ALL)
        for fold, name in figure.choices.items()
    ]
    titles = [said.say(f"column_{key}") for key in ("trained_and_judged", "fold", "chosen_recipe")]
    return plain_table(said.say("choices_caption"), titles, told, 3)


def gains_table(findings: Findings, said: Words) -> Table | None:
    """Return what training added to each method: forecast error, the untrained control, the difference."""
    told = []
    for gain in findings.method_gains:
        errors = mean_errors(gain.rows, findings.context.normal)
        means = [sum(row.value for row in part) / len(part) for part in (gain.rows, gain.controls)]
        found = gain.difference
        control = str(gain.controls[0].axes["method"])
        added = signed_with_interval(found.value, found.interval)
        method = str(gain.rows[0].axes["method"])
        told.append(
            [method, control, *map(number, (*errors, *means)), added, found.n_pairs, difference_reading(found, said)]
        )
    titles = [named(said, "axis", "method"), said.say("column_control")]
    titles += [said.say("column_forecast_error", of=name) for name in (findings.context.normal, said.say("faulty"))]
    keys = ("macro_f1_mean", "control_macro_f1", "training_added", "pairs", "reading")
    return plain_table(said.say("gains_caption"), [*titles, *(said.say(f"column_{key}") for key in keys)], told, 2)


def motors_table(findings: Findings, said: Words) -> Table | None:
    """Return the motors on which the advised recipe errs, the worst first."""
    found = [(index, row) for index in advised_cells(findings) for row in findings.cells[index].metrics["by_motor"]]
    wrong = [item for item in found if item[1]["n_errors"]]
    wrong.sort(key=lambda item: (-item[1]["n_errors"] / item[1]["n_series"], str(item[1]["motor"])))
    told = [
        [*motor_values(row, said), Value(said.say("look"), href=cell_link(cell_name(findings.cells[index].axes)))]
        for index, row in wrong
    ]
    return plain_table(said.say("motors_caption", n=len(told)), [*motor_titles(said), said.say("column_cell")], told, 3)


def motor_titles(said: Words) -> list[str]:
    """Return the headings of `motor_values`."""
    keys = ("motor", "domain", "state", "wrong", "taken_for", "false_alarms", "missed_faults")
    return [said.say(f"column_{key}") if key != "domain" else named(said, "axis", key) for key in keys]


def motor_values(row: Mapping[str, Any], said: Words) -> list[object]:
    """Return one motor's errors."""
    share = row["n_errors"] / row["n_series"]
    return [
        str(row["motor"]),
        str(row["domain"]),
        ", ".join(map(str, row["labels"])),
        Value(said.say("of", part=row["n_errors"], whole=row["n_series"]), share, share=share),
        ", ".join(f"{name} {count}" for name, count in row["taken_for"].items()) or DASH,
        str(row.get("false_alarms", DASH)),
        str(row.get("missed_faults", DASH)),
    ]


def thresholds_table(findings: Findings, said: Words) -> Table | None:
    """Return the thresholds behind the alarms of the advised recipe, and what came of them."""
    told = []
    for index in advised_cells(findings):
        cell = findings.cells[index]
        values = [threshold["value"] for threshold in cell.thresholds]
        if not values:
            continue
        asked = sorted({percent(threshold["false_alarm_rate"]) for threshold in cell.thresholds})
        rough = sum(not threshold["resolved"] for threshold in cell.thresholds)
        low, high = f"{min(values):.2g}", f"{max(values):.2g}"
        span = low if low == high else f"{low} – {high}"
        told.append(
            [
                Value(str(cell.axes["domain"]), href=cell_link(cell_name(cell.axes))),
                span,
                ", ".join(asked),
                percent(cell.metrics["false_alarm_rate"]),
                percent(cell.metrics["detection_rate"]),
                min(threshold["n_series"] for threshold in cell.thresholds),
                said.say("of", part=rough, whole=len(values)),
            ]
        )
    keys = ("threshold", "asked", "false_alarms", "faults_caught", "normal_series", "rough")
    titles = [said.say("column_trained_on"), *(said.say(f"column_{key}") for key in keys)]
    return plain_table(said.say("thresholds_caption"), titles, told)


def tunings_table(findings: Findings, said: Words) -> Table | None:
    """Return what was fine-tuned, and how much signal the encoder saw: a row a set of axes but the classifier."""
    axes = [axis for axis in varying_axes(findings.cells) if axis != "classifier"]
    rows: dict[tuple[str, ...], list[object]] = {}
    for cell in findings.cells:
        told = cell.training or {}
        if told:
            shown = [
                _over_folds(told.get(key))
                for key in ("steps", "best_step", "validation_loss", "context_seen", "tokens")
            ]
            rows[tuple(axis_value(cell.axes, axis) for axis in axes)] = [*shown, cell.n_fits]
    keys = ("steps", "best_step", "validation_loss", "context_seen", "tokens", "fits")
    titles = [*(named(said, "axis", axis) for axis in axes), *(said.say(f"column_{key}") for key in keys)]
    shown_rows = [[*place, *values] for place, values in list(rows.items())[:MOST_TUNINGS]]
    return plain_table(said.say("tunings_caption", n=len(rows)), titles, shown_rows, len(axes))


def _over_folds(value: Any) -> str:
    values = [item for item in (value if isinstance(value, list | tuple) else [value]) if item is not None]
    if not values:
        return DASH
    if all(isinstance(item, int | float) for item in values):
        low, high = f"{min(values):.4g}", f"{max(values):.4g}"
        return low if low == high else f"{low} – {high}"
    return " ".join(map(str, dict.fromkeys(values)))


def spent_table(spent: Mapping[str, Any], said: Words) -> Table | None:
    """Return what each kind of stage took."""
    rows = list(spent.get("by_kind", []))
    told = [[named(said, "kind", str(row["kind"])), row["n_stages"], *_hours(row, said)] for row in rows]
    if len(rows) > 1:
        energies = [row.get("energy_wh") for row in rows]
        total = {key: sum(row.get(key) or 0.0 for row in rows) for key in ("cpu_hours", "gpu_hours")}
        known = sum(energy for energy in energies if energy is not None)
        total["energy_wh"] = None if all(energy is None for energy in energies) else known
        told.append([said.say("total"), sum(row["n_stages"] for row in rows), *_hours(total, said)])
    titles = [said.say(f"column_{key}") for key in ("kind", "stages", "cpu_time", "gpu_time", "energy")]
    return plain_table(said.say("spent_caption"), titles, told)


def sharing_table(spent: Mapping[str, Any], said: Words) -> Table | None:
    """Return what cells have in common, beside what each for itself would have taken, and where it ran."""
    shared = dict(spent.get("shared") or {})
    told: list[list[object]] = []
    if shared.get("n_cells") is not None:
        told.append([said.say("shared_n_cells"), shared["n_cells"], ""])
    if shared.get("n_stages") is not None:
        told.append([said.say("shared_n_stages"), shared["n_stages"], shared.get("n_stages_without_sharing", DASH)])
    for key in ("cpu_hours", "gpu_hours"):
        if shared.get(key):
            hours = [shared[key], shared.get(f"{key}_without_sharing") or 0.0]
            told.append([said.say(f"shared_{key}"), *(duration(3600.0 * value, said) for value in hours)])
    if hosts := spent.get("hosts"):
        told.append([said.say("shared_hosts"), fact_text(list(hosts)), ""])
    titles = [said.say(f"column_{key}") for key in ("name", "value", "without_sharing")]
    return plain_table(said.say("sharing_caption"), titles, told)


def _hours(row: Mapping[str, Any], said: Words) -> list[str]:
    energy = row.get("energy_wh")
    times = [duration(3600.0 * (row.get(key) or 0.0), said) for key in ("cpu_hours", "gpu_hours")]
    return [*times, DASH if energy is None else f"{energy:.3g} Wh"]


def failed_table(context: ReportContext, said: Words) -> Table | None:
    """Return the cells without a result, and why."""
    told = [
        [", ".join(f"{name}={value}" for name, value in cell.axes.items()), cell.cause, cell.log or DASH]
        for cell in context.failed
    ]
    titles = [said.say(f"column_{key}") for key in ("cell", "cause", "log")]
    return plain_table(said.say("failed_caption"), titles, told, 3)


def best_by_domain_table(findings: Findings, said: Words) -> Table | None:
    """Return the cell with the greatest macro-F1 in each domain, joint cells included."""
    axes = [name for name in varying_axes(findings.cells) if name != "domain"]
    told: list[list[object]] = []
    for domain in findings.scores.domains:
        scored = findings.scores.values_R
        keys = [key for key in scored if key[1] == domain]
        index, _ = max(keys, key=lambda key: (round(float(scored[key][0]), 12), -key[0]))
        cell = findings.cells[index]
        metrics = cell.metrics["by_domain"][domain]
        told.append(
            [
                domain,
                Value(
                    " · ".join(str(cell.axes[axis]) for axis in axes if cell.axes[axis] is not None),
                    href=cell_link(cell_name(cell.axes)),
                ),
                str(cell.axes["domain"]),
                with_interval(metrics["macro_f1"], metrics["macro_f1_interval"]),
                percent(metrics["false_alarm_rate"]),
                percent(metrics["detection_rate"]),
                number(max(findings.scores.chance[domain].values())),
            ]
        )
    keys_shown = ("best_cell", "trained_on", "macro_f1", "false_alarms", "faults_caught", "chance")
    titles = [named(said, "axis", "domain"), *(said.say(f"column_{key}") for key in keys_shown)]
    return plain_table(said.say("best_by_domain_caption"), titles, told, 3)


def _figure_value(figure: Figure | None) -> Value:
    if figure is None:
        return Value(DASH)
    mark = " †" if is_too_good(figure.value) else ""
    return Value(with_interval(figure.value, figure.interval) + mark, figure.value)


def _regime_titles(columns: Sequence[tuple[str, str]], context: ReportContext, said: Words) -> list[str]:
    return [_regime_title(column, context, said) for column in columns]


def _regime_title(column: tuple[str, str], context: ReportContext, said: Words) -> str:
    regime, domain = column
    if regime == context.joint:
        return said.say("joint_in", joint=context.joint, domain=domain)
    return said.say("alone", domain=domain)


def _term(said: Words, value: object) -> object:
    """Return a side of the split in the reader's language; other values as they are."""
    return named(said, "side", str(value)) if said.has(f"side_{value}") else value
