"""The verdict in plain words: which recipe, how sure, against what, what to expect of it, what it gets wrong."""

from __future__ import annotations

from motor.evaluation.cells import FORECASTER
from motor.evaluation.comparisons import LEAST_MOTORS
from motor.evaluation.decisions import alarm_rates, best_by_family, decide, no_skill, rival_of, short_of
from motor.evaluation.nested import ALL
from motor.evaluation.ranking import Ranking, Recipe, interval_of
from motor.report.findings import Findings
from motor.report.html.prose_errors import errors_in_short
from motor.report.html.wording import Wording, share
from motor.report.markdown import number, signed_with_interval, with_interval


def verdict(wording: Wording) -> list[str]:
    """Return the verdict, the sentence to act on first."""
    findings = wording.findings
    ranking = findings.ranking
    if ranking is None:
        return [wording.say("verdict.none")]
    told = [
        _decision(wording, ranking),
        _headline(wording, ranking),
        _baseline(wording, ranking),
        _rivals(wording, ranking),
        _how_many(wording, ranking),
        _expectation(wording, ranking),
        _forecasters_inside(wording),
        _alarm(wording, ranking),
        errors_in_short(wording, decide(ranking, findings.context).recipe),
    ]
    return [text for text in told if text]


def _decision(wording: Wording, ranking: Ranking) -> str:
    """Say what to do, and how sure that is."""
    found = decide(ranking, wording.findings.context)
    kind = "only" if len(ranking.recipes) == 1 else found.kind
    value, interval = _score(wording.findings, ranking, found.recipe)
    score = wording.say(
        "verdict.score_alone" if interval is None else "verdict.score",
        score=with_interval(value, interval),
        motors=wording.motors(len(wording.findings.scores.motor_labels)),
    )
    return wording.say(
        f"decision.{kind.replace(' ', '_')}",
        recipe=wording.recipe(found.recipe),
        score=score,
        cost=_cost(wording, found.recipe, ranking),
        motors=wording.motors(found.n_motors),
        n=len(ranking.recipes),
        n_near=len(ranking.near_best),
        n_ties=len(ranking.best_set) - 1,
    )


def _score(findings: Findings, ranking: Ranking, recipe: Recipe) -> tuple[float, tuple[float, float] | None]:
    scores_R = ranking.scores_RK[:, ranking.recipes.index(recipe)]
    return float(scores_R[0]), interval_of(findings.scores, scores_R)


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
    return wording.say(
        "headline.best" if ranking.behind else "headline.only",
        recipe=wording.recipe(best),
        score=with_interval(*_score(wording.findings, ranking, best)),
        unsure=wording.say("headline.no_interval") if ranking.interval is None else "",
        where=where if one else wording.say("headline.averaged", n=len(scores.domains)),
        n_series=scores.n_series,
        motors=wording.motors(len(scores.motor_labels)),
    )


def _baseline(wording: Wording, ranking: Ranking) -> str:
    """Set the best recipe against no skill, and against the best recipe of the other family."""
    majority, uniform = no_skill(wording.findings.scores)
    text = wording.say("baseline.no_skill", majority=number(majority), uniform=number(uniform))
    pair = best_by_family(ranking, wording.findings.context)
    if pair is None:
        return text
    forecaster, plain = pair
    second = max(pair, key=ranking.recipes.index)
    lead = ranking.lead_over(second) if ranking.recipes[0] in pair else None
    told = ""
    if lead is not None:
        key = "baseline.beyond_chance" if lead.told_apart else "baseline.within_chance"
        gap = signed_with_interval(lead.value, lead.interval)
        told = wording.say(key, gap=gap, motors=wording.motors(lead.n_motors))
    families = wording.say(
        "baseline.families",
        forecaster=wording.recipe(forecaster),
        forecaster_score=number(ranking.score(forecaster)),
        plain=wording.recipe(plain),
        plain_score=number(ranking.score(plain)),
        told=told,
    )
    return wording.say("sentences", first=text, second=families)


def _rivals(wording: Wording, ranking: Ranking) -> str:
    """Say which recipes it beats, and which these motors cannot tell from it."""
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
    return wording.say("sentences", first=beaten, second=tied + reason)


def _how_many(wording: Wording, ranking: Ranking) -> str:
    """Say how many motors would tell the best from its rival."""
    rival = rival_of(ranking)
    lead = None if rival is None else ranking.lead_over(rival)
    if rival is None or lead is None:
        return ""
    gap = signed_with_interval(lead.value, lead.interval)
    return wording.say("rivals.how_many", rival=wording.recipe(rival), gap=gap, wanting=wording.wanting(lead))


def _expectation(wording: Wording, ranking: Ranking) -> str:
    """Say what to expect on new motors, where the choice never saw them."""
    n_recipes = len(ranking.recipes)
    if n_recipes == 1:
        return ""
    inside = wording.findings.nested.overall_of(ALL)
    if inside is not None and inside.n_recipes > 1:
        return wording.say(
            "expect.nested",
            score=wording.figure(inside.chosen_inside),
            n=inside.n_recipes,
            best=number(inside.best_of_all.value),
        )
    expected = float(ranking.scores_RK[0, 0]) - ranking.optimism
    return wording.say("expect.resampled", score=number(expected), n=n_recipes, optimism=number(ranking.optimism))


def _forecasters_inside(wording: Wording) -> str:
    """Say what the forecasters reach, chosen inside the training folds, and where they miss the goal."""
    figures, goal = wording.findings.nested.of(FORECASTER), wording.findings.context.goal
    if not figures:
        return ""
    told = [
        wording.say("inside.place", score=number(figure.chosen_inside.value), place=wording.place(figure))
        for figure in figures
    ]
    text = wording.say("inside.forecasters", places=wording.listed(told, len(told)))
    if goal is None:
        return text
    short = [wording.place(figure) for figure in short_of(figures, goal)]
    key = "inside.missed" if short else "inside.reached"
    return wording.say(
        "sentences", first=text, second=wording.say(key, goal=f"{goal:g}", places=wording.listed(short, 8))
    )


def _alarm(wording: Wording, ranking: Ranking) -> str:
    """Say what the best recipe does as a plain alarm."""
    rates = alarm_rates(wording.findings.cells, ranking, wording.findings.context)
    if rates is None:
        return ""
    asked = ", ".join(f"{100 * rate:g} %" for rate in rates.asked)
    wanted = wording.say("alarm.asked", rates=asked) if asked else ""
    return wording.say("alarm", caught=share(rates.caught), false_alarms=share(rates.false_alarms), asked=wanted)
