"""`result.md`: the verdict first, then the evidence along the chain of ISO 13374."""

from __future__ import annotations

from pathlib import Path

from motor.evaluation.cells import CellResult, ReportContext, varying_axes
from motor.evaluation.ranking import Recipe
from motor.evaluation.repeats import best_by_method_and_domain
from motor.report.advice import Advice, evidence_rule, regime_differences
from motor.report.audit import audit_section, findings_first
from motor.report.caveats import find_caveats
from motor.report.caveats_text import caveats_text
from motor.report.evidence import (
    LONG_TABLE,
    LONGEST_TABLE,
    alarms_section,
    baselines_section,
    critical_section,
    leaky_section,
    nested_section,
    seeds_section,
    training_section,
)
from motor.report.findings import Findings, find
from motor.report.markdown import escape, folded, link, number, signed_with_interval, table
from motor.report.tables import cells_table, counts_table, regime_table, training_table
from motor.report.verdict import best_by_domain, verdict

_WORST_MOTORS = 10


def write_report(path: Path, cells: list[CellResult], context: ReportContext, findings: Findings | None = None) -> None:
    """Write `result.md`, and beside it the critical-difference diagram where there is one.

    Parameters
    ----------
    path : Path
        The file to write; links in it are relative to its folder.
    cells : list of CellResult
        The finished cells. With none, the report names the failed ones only.
    context : ReportContext
        What surrounds them.
    findings : Findings, optional
        From `find`, where it was called already.

    Raises
    ------
    ValueError
        If the cells of a domain share no test series, so that nothing can be compared.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = [f"# Result: {escape(context.name)}", findings_first(context)]
    if cells:
        findings = findings or find(cells, context)
        parts += [_opening(findings), baselines_section(findings), nested_section(findings), training_section(findings)]
        parts += [audit_section(context), alarms_section(findings), leaky_section(findings)]
        parts += [_data(context), _training(findings), _all_cells(findings), seeds_section(findings)]
        parts += [_regimes(findings), critical_section(findings, path.parent), _comparisons(findings)]
        parts += [_motors(findings), _figures(findings)]
    else:
        parts += ["## Verdict", "No cell has a result yet.", audit_section(context)]
    parts += [_failed(context), _repeat(context)]
    path.write_text("\n\n".join(part for part in parts if part) + "\n", encoding="utf-8")


def _opening(findings: Findings) -> str:
    """Verdict, warnings, advice: what must be read."""
    cells, scores, ranking, context = findings.cells, findings.scores, findings.ranking, findings.context
    parts = ["## Verdict", verdict(cells, scores, ranking, context, findings.nested)]
    if warnings := caveats_text(find_caveats(cells, scores, ranking, context, findings.suspects)):
        parts += ["### Before you trust it", "\n".join(f"- {text}" for text in warnings)]
    if findings.advice:
        parts += ["### Advice", _advice_table(findings.advice), evidence_rule()]
    parts += ["### Best cell for each domain", best_by_domain(cells, scores)]
    return "\n\n".join(parts)


def _advice_table(advice: list[Advice]) -> str:
    rows = [
        [f"**{escape(found.question)}**", found.answer, "<br>".join(found.reasons), str(found.differences[0].n_pairs)]
        for found in advice
    ]
    return table(["Question", "Answer", "Difference in macro-F1 [95 %]", "Pairs"], rows, left=3)


def _data(context: ReportContext) -> str:
    """Acquisition: what was recorded and how motors were divided."""
    parts = ["## Data acquisition: recordings and split"]
    for facts in (context.dataset, context.split):
        parts.append(counts_table(list(facts.get("counts", [])), context.classes))
        listed = [f"- {escape(name)}: {escape(_text(value))}" for name, value in facts.items() if name != "counts"]
        parts.append("\n".join(listed))
    return "\n\n".join(part for part in parts if part) if any(parts[1:]) else ""


def _training(findings: Findings) -> str:
    """Manipulation: what the cells are made of, and what was fine-tuned."""
    context = findings.context
    rows = [*_fixed_axes(findings.cells).items(), *context.settings]
    meanings = [[escape(name), escape(text)] for name, text in context.descriptions.items()]
    tuned = training_table(findings.cells)
    n_rows = tuned.count("\n") - 1
    if n_rows > LONGEST_TABLE:
        tuned = f"{n_rows} fine-tunes; their steps, losses and tokens stand in cells.csv."
    elif n_rows > LONG_TABLE:
        tuned = folded(tuned, "Show every fine-tune")
    parts = [
        "## Data manipulation: configurations",
        table(["Name", "Meaning"], meanings, left=2) if meanings else "",
        table(["Setting", "Value"], [[escape(name), escape(value)] for name, value in rows], left=2) if rows else "",
        tuned,
    ]
    return "\n\n".join(part for part in parts if part)


def _fixed_axes(cells: list[CellResult]) -> dict[str, object]:
    """Return the axes that have one value only, where they mean something."""
    shown = set(varying_axes(cells))
    known = {name: value for cell in cells for name, value in cell.axes.items() if value is not None}
    return {name: value for name, value in known.items() if name not in shown}


def _all_cells(findings: Findings) -> str:
    rows, gains, context = findings.rows, findings.gains, findings.context
    shown = [cells_table(rows, gains, context)]
    if len(rows) > LONG_TABLE:
        best = best_by_method_and_domain(rows)
        shown = ["The best row of each method and domain:", cells_table(best, gains, context, rows)]
    if LONG_TABLE < len(rows) <= LONGEST_TABLE:
        shown.append(folded(cells_table(rows, gains, context), f"Show all {len(rows)} rows"))
    elif len(rows) > LONGEST_TABLE:
        shown.append(f"All {len(rows)} rows stand in cells.csv.")
    return "\n\n".join(
        [
            "## State detection and health assessment: all cells",
            *(["!" + link("Macro-F1 of every cell, with intervals", context.overview)] if context.overview else []),
            *shown,
            f"A row of {escape(context.joint)} pools its domains. *AUC faulty*: normal against faulty. *False alarms*, "
            "*faults caught*: at the threshold chosen on validation motors. *Forecast error*: over that of the mean "
            "forecast on held-out series; 1.00 means that nothing was forecast. *Training added*: over the untrained "
            "control, every interval for itself. Intervals: 95 %, resampling motors; without brackets all resamples "
            "agree or a class rests on one motor, which is no proof of certainty. Remaining life (prognosis) is not "
            "estimated.",
        ]
    )


def _regimes(findings: Findings) -> str:
    """Each domain alone against Joint, in the same domain and on the same series."""
    joint = findings.context.joint
    rows = regime_table(findings.rows, findings.scores, joint)
    if not rows:
        return ""
    summary = [
        [escape(domain), signed_with_interval(found.value, found.interval), str(found.n_pairs), found.conclusion]
        for domain, found in regime_differences(findings.cells, findings.scores, joint).items()
    ]
    return "\n\n".join(
        [
            f"## Domain by domain against {escape(joint)}",
            f"{escape(joint)} minus the domain's own model, averaged over all other settings:",
            table(["Domain", "Difference [95 %]", "Pairs", f"Does {escape(joint)} pay?"], summary),
            *_every_setting(rows),
        ]
    )


def _every_setting(rows: str) -> list[str]:
    if rows.count("\n") - 1 > LONGEST_TABLE:
        return []
    lead = "Each setting (every interval for itself, so one in twenty excludes zero by chance):"
    return [lead, folded(rows, "Show every setting")]


def _comparisons(findings: Findings) -> str:
    """The levels of each axis, everything else equal."""
    parts = ["## Comparisons behind the advice"]
    for advice in findings.advice:
        if advice.levels is None:
            continue
        levels = advice.levels
        rows = [
            [escape(level), number(mean), *_standing(advice, level)]
            for level, mean in sorted(levels.means.items(), key=lambda item: -item[1])
        ]
        parts.append(f"**{escape(advice.question)}** Averages over {levels.n_settings} settings. {advice.note}".strip())
        parts.append(table(["Level", "Macro-F1", "Behind the best by [95 %]", "Differing motors", "Verdict"], rows))
    return "\n\n".join(parts) if len(parts) > 1 else ""


def _standing(advice: Advice, level: str | int) -> list[str]:
    """Tell how one level stands against the best."""
    if advice.levels is None or level == advice.levels.best:
        return ["", "", "best"]
    found = advice.levels.behind[level]
    lead = signed_with_interval(found.value, found.interval)
    verdict_text = "worse" if found.told_apart else f"cannot tell{f': {found.reason}' if found.reason else ''}"
    return [lead, f"{found.n_differing} of {found.n_motors}", escape(verdict_text)]


def _motors(findings: Findings) -> str:
    """Where the best recipe goes wrong, motor by motor."""
    if findings.ranking is None:
        return ""
    best = findings.ranking.recipes[0]
    wrong = [
        row
        for index in sorted({index for index, _ in best.slices})
        for row in findings.cells[index].metrics["by_motor"]
        if row["n_errors"]
    ]
    title = "## Where the best recipe goes wrong"
    if not wrong:
        return f"{title}\n\nIt names every test series right."
    wrong.sort(key=lambda row: (-row["n_errors"] / row["n_series"], -row["n_series"], row["motor"]))
    rows = [
        [
            escape(row["motor"]),
            escape(row["domain"]),
            escape(", ".join(row["labels"])),
            f"{row['n_errors']} of {row['n_series']}",
            escape(", ".join(f"{name} {count}" for name, count in row["taken_for"].items())),
            str(row.get("false_alarms", "–")),
            str(row.get("missed_faults", "–")),
        ]
        for row in wrong[:_WORST_MOTORS]
    ]
    headers = ["Motor", "Domain", "State", "Wrong", "Taken for", "False alarms", "Missed faults"]
    n_motors = len({row["motor"] for row in wrong})
    count = f"{n_motors} of {len(findings.scores.motor_labels)} motors have a wrong series; the worst first:"
    return "\n\n".join([title, count, table(headers, rows, left=3), *_confusion_images(findings, best)])


def _confusion_images(findings: Findings, best: Recipe) -> list[str]:
    """Show the confusion matrices of the best recipe, where a cell has such a figure."""
    shown = []
    for index in sorted({index for index, _ in best.slices}):
        cell = findings.cells[index]
        for figure in cell.figures:
            if "confusion" in figure:
                text = f"Confusion matrix, trained on {escape(cell.axes['domain'])}"
                shown.append("!" + link(text, f"{cell.folder}/{figure}"))
    return shown


def _figures(findings: Findings) -> str:
    """Links to the figures of the best cell for each method and domain."""
    best = best_by_method_and_domain(findings.rows)
    rows = [
        [
            escape(row.axes["method"]),
            escape(row.axes["domain"]),
            number(row.value),
            ", ".join(
                link(Path(figure).stem.replace("_", " "), f"{row.first.folder}/{figure}")
                for figure in row.first.figures
            ),
        ]
        for row in best
        if row.first.figures
    ]
    if not rows:
        return ""
    return f"## Figures to look at\n\n{table(['Method', 'Domain', 'Macro-F1', 'Best cell'], rows, left=4)}"


def _failed(context: ReportContext) -> str:
    if not context.failed:
        return ""
    rows = [
        [
            escape(", ".join(f"{name}={value}" for name, value in cell.axes.items())),
            escape(cell.cause),
            f"`{cell.log}`" if cell.log else "–",
        ]
        for cell in context.failed
    ]
    return f"## Failed cells\n\n{table(['Cell', 'Cause', 'Log'], rows, left=3)}"


def _repeat(context: ReportContext) -> str:
    rows = [[escape(name), escape(value)] for name, value in {**context.digests, **context.versions}.items()]
    parts = ["## How to repeat", f"```sh\n{context.command}\n```"]
    if rows:
        parts.append(table(["What", "Version or digest"], rows, left=2))
    return "\n\n".join(parts)


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {part}" for name, part in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
