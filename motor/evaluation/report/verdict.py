"""The first paragraphs: which recipe, how good, what it beats, and what to expect of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from motor.evaluation.report.cells import CellResult, ReportContext, axis_text, varying_axes
from motor.evaluation.report.comparisons import LEAST_MOTORS
from motor.evaluation.report.markdown import escape, link, number, percent, some, table, with_interval
from motor.evaluation.report.ranking import Ranking
from motor.evaluation.report.scores import Scores

if TYPE_CHECKING:
    import pandas as pd


def verdict(cells: list[CellResult], scores: Scores, ranking: Ranking | None, context: ReportContext) -> str:
    """Return the verdict in plain words."""
    if ranking is None:
        return "No recipe has a result in every domain, so there is no overall best; see the best cell of each domain."
    points = [_expectation(ranking), _rivals(ranking), _alarms(cells, ranking, context)]
    return "\n\n".join([_headline(scores, ranking), "\n".join(f"- {point}" for point in points if point)]).strip()


def best_by_domain(cells: list[CellResult], scores: Scores) -> str:
    """Return a table of the cell with the greatest macro-F1 in each domain, joint cells included."""
    axes = [name for name in varying_axes(cells) if name != "domain"]
    rows = []
    for domain in scores.domains:
        keys = [key for key in scores.macro_f1_R if key[1] == domain]
        index, _ = max(keys, key=lambda key: (round(float(scores.macro_f1_R[key][0]), 12), -key[0]))
        cell = cells[index]
        metrics = cell.metrics["by_domain"][domain]
        trained = "itself" if cell.axes["domain"] == domain else str(cell.axes["domain"])
        named = ", ".join(axis_text(name, cell.axes[name]) for name in axes if name in cell.axes)
        rows.append(
            [
                escape(domain),
                f"{escape(named)} ({link('files', cell.folder)})",
                escape(trained),
                with_interval(metrics["macro_f1"], metrics["macro_f1_interval"]),
                percent(metrics["false_alarm_rate"]),
                percent(metrics["detection_rate"]),
                number(max(scores.chance[domain].values())),
            ]
        )
    headers = ["Domain", "Best cell", "Trained on", "Macro-F1 [95 %]", "False alarms", "Faults caught", "Chance"]
    return table(headers, rows, left=3)


def best_by_method_and_domain(cells: list[CellResult]) -> list[CellResult]:
    """Return the cell with the greatest macro-F1 of each method and domain regime."""
    best: dict[tuple[str, str], CellResult] = {}
    for cell in cells:
        key = str(cell.axes["method"]), str(cell.axes["domain"])
        if key not in best or (cell.metrics["macro_f1"] or 0.0) > (best[key].metrics["macro_f1"] or 0.0):
            best[key] = cell
    return [best[key] for key in sorted(best)]


def _headline(scores: Scores, ranking: Ranking) -> str:
    best, domains = ranking.recipes[0], scores.domains
    value = with_interval(float(ranking.scores_RK[0, 0]), ranking.interval)
    unsure = " (no interval can be drawn, which is no proof of certainty)" if ranking.interval is None else ""
    where = f"in {escape(domains[0])}" if len(domains) == 1 else f"averaged over {len(domains)} domains"
    majority, uniform = (
        sum(scores.chance[name][kind] for name in domains) / len(domains) for kind in ("majority", "uniform")
    )
    kind = "Best" if ranking.behind else "Only"
    return (
        f"**{kind} recipe: {escape(best.name)}. Macro-F1 {value}**{unsure}, {where}, on {scores.n_series} series of "
        f"{len(scores.motor_labels)} motors that took no part in its training. Macro-F1 weighs every class alike: "
        f"1.00 is no error; always answering the most frequent class gives {number(majority)}, guessing "
        f"{number(uniform)}."
    )


def _alarms(cells: list[CellResult], ranking: Ranking, context: ReportContext) -> str:
    """Say what the alarm does over all domains of the best recipe."""
    tables = [_slice(cells[index].predictions, domain) for index, domain in ranking.recipes[0].slices]
    if any("alarm" not in part.columns for part in tables):
        return ""
    alarms = [
        (bool(alarm), label != context.normal)
        for part in tables
        for alarm, label in zip(part["alarm"], part["label"], strict=True)
    ]
    healthy = [alarm for alarm, faulty in alarms if not faulty]
    faulty = [alarm for alarm, is_faulty in alarms if is_faulty]
    if not healthy or not faulty:
        return ""
    thresholds = [threshold for index, _ in ranking.recipes[0].slices for threshold in cells[index].thresholds]
    rates = sorted({f"{100 * threshold['false_alarm_rate']:g} %" for threshold in thresholds})
    asked = f" ({', '.join(rates)} was asked for)" if rates else ""
    return (
        f"As a plain alarm, normal or faulty, it catches {percent(sum(faulty) / len(faulty))} of the faulty series; "
        f"{percent(sum(healthy) / len(healthy))} of the normal ones raise a false alarm{asked}."
    )


def _slice(predictions: pd.DataFrame, domain: str) -> pd.DataFrame:
    return predictions[predictions["domain"].astype(str) == domain]


def _rivals(ranking: Ranking) -> str:
    """Say which recipes it beats and which these motors cannot tell from it."""
    if not ranking.behind:
        return ""
    ties = [str(found.second) for found in ranking.behind if not found.told_apart]
    n_beaten = len(ranking.behind) - len(ties)
    beaten = f"It beats {n_beaten or 'none'} of the other {len(ranking.behind)} recipes beyond chance."
    if not ties:
        return beaten
    few = ""
    if max(found.n_differing for found in ranking.behind) < LEAST_MOTORS:
        few = f" (no recipe differs from it on {LEAST_MOTORS} motors or more)"
    return f"{beaten} {len(ties)} might be as good; these motors cannot tell{few}: {escape(some(ties, 4))}."


def _expectation(ranking: Ranking) -> str:
    """Warn of the best of many."""
    n_recipes = len(ranking.recipes)
    if n_recipes == 1:
        return ""
    expected = float(ranking.scores_RK[0, 0]) - ranking.optimism
    return (
        f"**Expect about {number(expected)} on new motors of this kind**: it was picked as the best of {n_recipes} "
        f"recipes on the very motors it is judged by, which flatters it by some {number(ranking.optimism)}."
    )
