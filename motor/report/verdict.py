"""The first paragraphs: which recipe, how good, what it beats, and what to expect of it."""

from __future__ import annotations

from motor.evaluation.cells import FORECASTER, CellResult, ReportContext, axes_text, varying_axes
from motor.evaluation.comparisons import LEAST_MOTORS
from motor.evaluation.decisions import alarm_rates, best_by_family, decide, no_skill, rival_of, short_of
from motor.evaluation.nested import ALL, Nested, NestedFigure
from motor.evaluation.ranking import Ranking, Recipe
from motor.evaluation.scores import Scores
from motor.report.markdown import (
    escape,
    link,
    number,
    percent,
    signed_with_interval,
    some,
    table,
    with_interval,
)


def verdict(
    cells: list[CellResult],
    scores: Scores,
    ranking: Ranking | None,
    context: ReportContext,
    nested: Nested | None = None,
) -> str:
    """Return the verdict in plain words: what to do, the best recipe, its rivals, what to expect of it.

    Parameters
    ----------
    cells, scores, ranking, context
        As everywhere in the report.
    nested : Nested, optional
        From `nested_selection`; without it the expectation is corrected by resampling alone.
    """
    if ranking is None:
        return "No recipe has a result in every domain, so there is no overall best; see the best cell of each domain."
    points = [
        _rivals(ranking),
        _families(ranking, context),
        _expectation(ranking, nested),
        _forecasters_inside(nested, context),
        _alarms(cells, ranking, context),
    ]
    listed = "\n".join(f"- {point}" for point in points if point)
    return "\n\n".join(part for part in (decision(ranking, context), _headline(scores, ranking), listed) if part)


def decision(ranking: Ranking, context: ReportContext) -> str:
    """Return what to do, in one or two sentences; "" where it is no more than to take the best recipe."""
    found = decide(ranking, context)
    named = escape(found.recipe.name)
    cost = f"macro-F1 {number(ranking.score(found.recipe))}{_cost(found.recipe, ranking)}."
    if found.kind == "plain better":
        return f"**Do not fine-tune: the plain features are better.** Use {named}: {cost}"
    if found.kind == "plain not beaten":
        return (
            "**Do not fine-tune: nothing here is shown to beat the plain features**, as far as these "
            f"{found.n_motors} motors can tell. Use {named}: {cost}"
        )
    if found.kind == "cheapest":
        return (
            f"**Use {named}**: of the {len(ranking.near_best)} recipes within one standard error of the best it is "
            f"the cheapest: {cost}"
        )
    if found.kind == "cannot tell":
        n_recipes = len(ranking.recipes)
        return f"**These motors cannot tell the {n_recipes} recipes apart.** Take the one that is easiest to keep."
    return ""


def best_by_domain(cells: list[CellResult], scores: Scores) -> str:
    """Return a table of the cell with the greatest macro-F1 in each domain, joint cells included."""
    axes = [name for name in varying_axes(cells) if name != "domain"]
    rows = []
    for domain in scores.domains:
        keys = [key for key in scores.values_R if key[1] == domain]
        index, _ = max(keys, key=lambda key: (round(float(scores.values_R[key][0]), 12), -key[0]))
        cell = cells[index]
        metrics = cell.metrics["by_domain"][domain]
        trained = "itself" if cell.axes["domain"] == domain else str(cell.axes["domain"])
        named = axes_text(cell.axes, axes)
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


def _headline(scores: Scores, ranking: Ranking) -> str:
    best, domains = ranking.recipes[0], scores.domains
    value = with_interval(float(ranking.scores_RK[0, 0]), ranking.interval)
    unsure = " (no interval can be drawn, which is no proof of certainty)" if ranking.interval is None else ""
    where = f"in {escape(domains[0])}" if len(domains) == 1 else f"averaged over {len(domains)} domains"
    majority, uniform = no_skill(scores)
    kind = "Best" if ranking.behind else "Only"
    return (
        f"**{kind} recipe: {escape(best.name)}. Macro-F1 {value}**{unsure}, {where}, on {scores.n_series} series of "
        f"{len(scores.motor_labels)} motors that took no part in its training. Macro-F1 weighs every class alike: "
        f"1.00 is no error; always answering the most frequent class gives {number(majority)}, guessing "
        f"{number(uniform)}."
    )


def _alarms(cells: list[CellResult], ranking: Ranking, context: ReportContext) -> str:
    """Say what the alarm does over all domains of the best recipe."""
    rates = alarm_rates(cells, ranking, context)
    if rates is None:
        return ""
    asked = ", ".join(sorted(f"{100 * rate:g} %" for rate in rates.asked))
    wanted = f" ({asked} was asked for)" if asked else ""
    return (
        f"As a plain alarm, normal or faulty, it catches {percent(rates.caught)} of the faulty series; "
        f"{percent(rates.false_alarms)} of the normal ones raise a false alarm{wanted}."
    )


def _cost(recipe: Recipe, ranking: Ranking) -> str:
    """Say what a recipe costs beside the best one, where both were measured."""
    best = ranking.recipes[0]
    if recipe is best or not recipe.seconds or not best.seconds:
        return ""
    return (
        f" for {_time(recipe.seconds)} of compute (the best, {escape(best.name)}: {number(ranking.score(best))} for "
        f"{_time(best.seconds)})"
    )


def _time(seconds: float) -> str:
    """Return a duration with two digits: 8.2 s, 45 s, 12 min, 3.5 h."""
    for limit, unit, size in ((120.0, "s", 1.0), (7200.0, "min", 60.0)):
        if seconds < limit:
            return f"{seconds / size:.2g} {unit}" if seconds / size < 100 else f"{seconds / size:.0f} {unit}"
    return f"{seconds / 3600:.1f} h"


def _rivals(ranking: Ranking) -> str:
    """Say which recipes it beats, which these motors cannot tell from it, and how many motors would."""
    if not ranking.behind:
        return ""
    ties = ranking.best_set[1:]
    n_beaten = len(ranking.behind) - len(ties)
    beaten = f"It beats {n_beaten or 'none'} of the other {len(ranking.behind)} recipes beyond chance."
    if not ties:
        return beaten
    few = ""
    if max(found.n_differing for found in ranking.behind) < LEAST_MOTORS:
        few = f" (no recipe differs from it on {LEAST_MOTORS} motors or more)"
    named = escape(some([recipe.name for recipe in ties], 4))
    return f"{beaten} {len(ties)} might be as good; these motors cannot tell{few}: {named}. {_how_many(ranking)}"


def _how_many(ranking: Ranking) -> str:
    """Say how many motors would tell the best from the runner-up, or from the cheapest where that is another."""
    rival = rival_of(ranking)
    lead = None if rival is None else ranking.lead_over(rival)
    if rival is None or lead is None:
        return ""
    return f"To tell it from {escape(rival.name)} ({signed_with_interval(lead.value, lead.interval)}): {lead.wanting}."


def _families(ranking: Ranking, context: ReportContext) -> str:
    """Set the best forecaster beside the best plain recipe."""
    pair = best_by_family(ranking, context)
    if pair is None:
        return ""
    forecaster, plain = pair
    first, second = sorted(pair, key=ranking.recipes.index)
    told = ""
    if first is ranking.recipes[0] and (lead := ranking.lead_over(second)) is not None:
        ahead = "beyond chance" if lead.told_apart else f"within chance ({lead.n_motors} motors)"
        told = f"; the difference of {signed_with_interval(lead.value, lead.interval)} is {ahead}"
    return (
        f"Best with a forecaster: {escape(forecaster.name)}, {number(ranking.score(forecaster))}. Best with plain "
        f"features: {escape(plain.name)}, {number(ranking.score(plain))}{told}."
    )


def _expectation(ranking: Ranking, nested: Nested | None) -> str:
    """Warn of the best of many."""
    n_recipes = len(ranking.recipes)
    if n_recipes == 1:
        return ""
    inside = None if nested is None else nested.overall_of(ALL)
    if inside is not None and inside.n_recipes > 1:
        value = with_interval(inside.chosen_inside.value, inside.chosen_inside.interval)
        return (
            f"**Expect about {value} on new motors of this kind**: that is what choosing among {inside.n_recipes} "
            "recipes inside the training folds reaches on motors that the choice never saw. The best of them, picked "
            f"on the very motors that judge it, shows {number(inside.best_of_all.value)}."
        )
    expected = float(ranking.scores_RK[0, 0]) - ranking.optimism
    return (
        f"**Expect about {number(expected)} on new motors of this kind**: it was picked as the best of {n_recipes} "
        f"recipes on the very motors it is judged by, which flatters it by some {number(ranking.optimism)}."
    )


def _forecasters_inside(nested: Nested | None, context: ReportContext) -> str:
    """Say what the forecasters reach in each column, chosen inside the training folds, and where they miss the goal."""
    figures = [] if nested is None else nested.of(FORECASTER)
    if not figures:
        return ""
    told = ", ".join(f"{number(figure.chosen_inside.value)} ({_place(figure, context)})" for figure in figures)
    said = f"Forecasters, chosen inside the training folds: {told}"
    if context.goal is None:
        return f"{said}."
    short = [_place(figure, context) for figure in short_of(figures, context.goal)]
    goal = f"**they miss {context.goal:g} in {some(short, 8)}**" if short else f"{context.goal:g} or more everywhere"
    return f"{said}: {goal}."


def _place(figure: NestedFigure, context: ReportContext) -> str:
    place = f"{context.joint} in {figure.domain}" if figure.regime == context.joint else f"{figure.domain} alone"
    return escape(place)
