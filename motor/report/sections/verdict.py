"""The verdict in full: which recipe, how sure, against what, what to expect of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from motor.evaluation.cells import FORECASTER, varying_axes
from motor.evaluation.comparisons import LEAST_MOTORS
from motor.evaluation.decisions import alarm_rates_of, best_by_family, decide, rival_of, short_of
from motor.evaluation.nested import ALL
from motor.evaluation.ranking import Ranking, Recipe, interval_of
from motor.report.document import Block, Links, Paragraph, Points, Value, plain_table
from motor.report.findings import Findings, cell_name, cells_of
from motor.report.sections.base import Section
from motor.report.text import number, percent, with_interval
from motor.report.wording import Wording, rate


class Verdict(Section):
    kind: Literal["verdict"] = "verdict"
    PLACE = 10.0

    def blocks(self, findings: Findings, wording: Wording) -> Sequence[Block]:
        ranking = findings.ranking
        if ranking is None:
            return [Paragraph(wording.say("verdict.none")), *_best_by_domain(wording)]
        texts = [
            _decision(wording, ranking),
            _headline(wording, ranking),
            _baseline(wording, ranking),
            _rivals(wording, ranking),
            _best_set(wording, ranking),
            _how_many(wording, ranking),
            _expectation(wording, ranking),
            _forecasters_inside(wording),
            _alarm(wording, ranking),
            wording.say("no_prognosis"),
        ]
        return [Points([text for text in texts if text]), *_links(wording, ranking), *_best_by_domain(wording)]


def _decision(wording: Wording, ranking: Ranking) -> str:
    """Say what to do, and how sure that is."""
    found = decide(ranking, wording.findings.context)
    kind = "only" if len(ranking.recipes) == 1 else found.kind
    return wording.say(
        f"decision.{kind.replace(' ', '_')}",
        recipe=wording.recipe(found.recipe),
        score=_score(wording, ranking, found.recipe),
        cost=_cost(wording, found.recipe, ranking),
        motors=wording.motors(found.n_motors),
        n=len(ranking.recipes),
        n_near=len(ranking.near_best),
        n_ties=len(ranking.best_set) - 1,
    )


def _score(wording: Wording, ranking: Ranking, recipe: Recipe) -> str:
    """Return a recipe's score over all domains, its interval, and the motors behind it."""
    scores_R = ranking.scores_RK[:, ranking.recipes.index(recipe)]
    interval = interval_of(wording.findings.scores, scores_R)
    motors = wording.motors(len(wording.findings.scores.motor_labels))
    key = "verdict.score_alone" if interval is None else "verdict.score"
    return wording.say(key, score=with_interval(float(scores_R[0]), interval), motors=motors)


def _cost(wording: Wording, recipe: Recipe, ranking: Ranking) -> str:
    """Say what a recipe costs beside the best one, where both were measured."""
    best = ranking.recipes[0]
    if recipe is best or not recipe.seconds or not best.seconds:
        return ""
    return wording.say(
        "decision.cost",
        time=wording.duration(recipe.seconds),
        best=wording.recipe(best),
        score=number(ranking.score(best)),
        best_time=wording.duration(best.seconds),
    )


def _headline(wording: Wording, ranking: Ranking) -> str:
    """Name the best recipe, and what its score rests on."""
    scores, best = wording.findings.scores, ranking.recipes[0]
    one = len(scores.domains) == 1
    where = wording.say("headline.in", domain=scores.domains[0])
    text = wording.say(
        "headline.best" if ranking.behind else "headline.only",
        recipe=wording.recipe(best),
        score=with_interval(ranking.score(best), ranking.interval),
        unsure=wording.say("headline.no_interval") if ranking.interval is None else "",
        where=where if one else wording.say("headline.averaged", n=len(scores.domains)),
        n_series=scores.n_series,
        motors=wording.motors(len(scores.motor_labels)),
    )
    about = f"about.{wording.rank_by.kind}"
    return wording.joined([text, wording.say(about) if wording.has(about) else ""])


def _baseline(wording: Wording, ranking: Ranking) -> str:
    """Set the best recipe against no skill, and against the best recipe of the other family."""
    text = _no_skill(wording)
    pair = best_by_family(ranking, wording.findings.context)
    if pair is None:
        return text
    forecaster, plain = pair
    second = max(pair, key=ranking.recipes.index)
    lead = ranking.lead_over(second) if ranking.recipes[0] in pair else None
    lead_text = ""
    if lead is not None:
        key = "baseline.beyond_chance" if lead.told_apart else "baseline.within_chance"
        lead_text = wording.say(key, gap=wording.gap(lead), motors=wording.motors(lead.n_motors))
    families = wording.say(
        "baseline.families",
        forecaster=wording.recipe(forecaster),
        forecaster_score=number(ranking.score(forecaster)),
        plain=wording.recipe(plain),
        plain_score=number(ranking.score(plain)),
        found=lead_text,
    )
    return wording.joined([text, families])


def _no_skill(wording: Wording) -> str:
    """Say what answers reach that look at no signal."""
    scores = wording.findings.scores
    kinds = list(dict.fromkeys(kind for name in scores.domains for kind in scores.chance[name]))
    values = {kind: sum(scores.chance[name][kind] for name in scores.domains) / len(scores.domains) for kind in kinds}
    texts = [wording.say(f"chance.{kind}", value=number(value)) for kind, value in values.items()]
    return wording.say("baseline.no_skill", found=wording.listed(texts)) if texts else ""


def _rivals(wording: Wording, ranking: Ranking) -> str:
    """Say which recipes it beats, and which these motors cannot tell from it, every pair judged."""
    if not ranking.behind:
        return ""
    ties = ranking.best_set[1:]
    n_beaten, n_others = len(ranking.behind) - len(ties), len(ranking.behind)
    beaten = wording.say("rivals.beaten" if n_beaten else "rivals.beaten_none", n_beaten=n_beaten, n=n_others)
    if not ties:
        return beaten
    few = max(found.n_differing for found in ranking.behind) < LEAST_MOTORS
    named = wording.listed([wording.recipe(recipe) for recipe in ties])
    tied = wording.say("rivals.tied", n=len(ties), recipes=named)
    reason = wording.say("rivals.few", least=LEAST_MOTORS) if few else ""
    return wording.joined([beaten, tied + reason])


def _best_set(wording: Wording, ranking: Ranking) -> str:
    """Say how many recipes are not shown to be worse than the best, each judged against the best alone."""
    found = wording.findings.best_set
    if found is None or found.n_recipes < 2:
        return ""
    named = [wording.recipe(ranking.recipes[place]) for place in found.places]
    return wording.say("best_set", n=len(named), n_all=found.n_recipes, recipes=wording.listed(named))


def _how_many(wording: Wording, ranking: Ranking) -> str:
    """Say how many motors would tell the best from its rival."""
    rival = rival_of(ranking)
    lead = None if rival is None else ranking.lead_over(rival)
    if rival is None or lead is None:
        return ""
    texts = {"rival": wording.recipe(rival), "gap": wording.gap(lead), "wanting": wording.wanting(lead)}
    return wording.say("rivals.how_many", **texts)


def _expectation(wording: Wording, ranking: Ranking) -> str:
    """Say what to expect on new motors, where the choice never saw them."""
    n_recipes = len(ranking.recipes)
    if n_recipes == 1:
        return ""
    inside = wording.findings.nested.overall_of(ALL)
    if inside is not None and inside.n_recipes > 1:
        best = number(inside.best_of_all.value)
        return wording.say("expect.nested", score=wording.figure(inside.chosen_inside), n=inside.n_recipes, best=best)
    expected = ranking.score(ranking.recipes[0]) - ranking.optimism
    return wording.say("expect.resampled", score=number(expected), n=n_recipes, optimism=number(ranking.optimism))


def _forecasters_inside(wording: Wording) -> str:
    """Say what the forecasters reach, chosen inside the training folds, and where they miss the goal."""
    figures, goal = wording.findings.nested.of(FORECASTER), wording.findings.context.goal
    if not figures:
        return ""
    places = [
        wording.say("inside.place", score=number(figure.chosen_inside.value), place=wording.place(figure))
        for figure in figures
    ]
    text = wording.say("inside.forecasters", places=wording.listed(places, len(places)))
    if goal is None:
        return text
    short = [wording.place(figure) for figure in short_of(figures, goal, wording.rank_by.sign)]
    key = "inside.missed" if short else "inside.reached"
    return wording.joined([text, wording.say(key, goal=f"{goal:g}", places=wording.listed(short, 8))])


def _alarm(wording: Wording, ranking: Ranking) -> str:
    """Say what the best recipe does as a plain alarm."""
    rates = alarm_rates_of(wording.findings.cells, ranking.recipes[0], wording.findings.context)
    if rates is None:
        return ""
    asked = ", ".join(f"{100 * one:g} %" for one in rates.asked)
    wanted = wording.say("alarm.asked", rates=asked) if asked else ""
    return wording.say("alarm", caught=percent(rates.caught), false_alarms=percent(rates.false_alarms), asked=wanted)


def _links(wording: Wording, ranking: Ranking) -> list[Block]:
    """Link the cells of the advised recipe, and those of the best where that is another."""
    advised, best = decide(ranking, wording.findings.context).recipe, ranking.recipes[0]
    recipes = {"open_advised": advised} | ({"open_best": best} if best is not advised else {})
    return [
        Links(
            wording.say(key),
            [(cell_name(wording.findings.cells[i].axes), wording.cell_target(i)) for i in cells_of(recipe)],
        )
        for key, recipe in recipes.items()
    ]


def _best_by_domain(wording: Wording) -> list[Block]:
    """Return the cell with the greatest score in each domain, joint cells included."""
    findings, scored = wording.findings, wording.findings.scores.values_R
    kind, sign = wording.rank_by.kind, wording.rank_by.sign
    axes = [name for name in varying_axes(findings.cells) if name != "domain"]
    rows: list[list[object]] = []
    for domain in findings.scores.domains:
        keys = [key for key in scored if key[1] == domain]
        index, _ = max(keys, key=lambda key: (round(sign * float(scored[key][0]), 12), -key[0]))
        cell = findings.cells[index]
        metrics, trained_on = cell.metrics["by_domain"][domain], str(cell.axes["domain"])
        rows.append(
            [
                domain,
                Value(wording.axes(cell.axes, axes), target=wording.cell_target(index)),
                wording.say("itself") if trained_on == domain else wording.regime(trained_on),
                wording.score(metrics.get(kind), metrics.get(f"{kind}_interval")),
                rate(metrics.get("false_alarm_rate")),
                rate(metrics.get("detection_rate")),
                number(sign * max((sign * one for one in findings.scores.chance[domain].values()), default=math.nan)),
            ]
        )
    keys_shown = ("best_cell", "trained_on", "score", "false_alarms", "faults_caught", "chance")
    titles = [wording.say("heading.domain"), *wording.titles(*keys_shown)]
    return plain_table(wording.say("best_by_domain"), titles, rows, 3)


PLUGIN = Verdict
