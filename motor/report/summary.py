"""`summary.json`: what a script or another page reads of the report, made from the same findings.

`docs/results.md` documents every key. `SCHEMA_VERSION` grows by one where a key goes or changes its meaning; a new
key changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from motor.evaluation.cells import cell_key
from motor.evaluation.comparisons import Difference
from motor.evaluation.decisions import AlarmRates, alarm_rates_of, decide, rival_of
from motor.evaluation.nested import ALL, FAMILIES, Figure
from motor.evaluation.ranking import Ranking, Recipe, interval_of
from motor.report.findings import Findings, cell_name, cells_of
from motor.report.findings.audit import audit_findings
from motor.report.findings.baselines import inside_by_method, regime_columns
from motor.report.text import fact_text

SCHEMA_VERSION = 1
SCORING = 1  # grows where the same predictions get other figures, intervals or ranks


def summary(findings: Findings) -> dict[str, Any]:
    """Return verdict, recipes, figures with intervals, audit and cost; null stands for what is not known."""
    record: dict[str, Any] = _known(_summary(findings))
    return record


def _known(value: Any) -> Any:
    """Return a value with None for each number that is not finite: the interval of too few motors, say."""
    if isinstance(value, dict):
        return {name: _known(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        known = [_known(one) for one in value]
        return known if not value or any(one is not None for one in known) else None
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _summary(findings: Findings) -> dict[str, Any]:
    context, scores = findings.context, findings.scores
    return {
        "schema_version": SCHEMA_VERSION,
        "name": context.name,
        "command": context.command,
        "metric": {"kind": context.rank_by.kind, "better": context.rank_by.better},
        "classes": list(context.classes),
        "normal": context.normal,
        "domains": list(scores.domains),
        "n_cells": len(findings.everything),
        "n_failed": len(context.failed),
        "n_motors": len(scores.motor_labels),
        "n_series": scores.n_series,
        "chance": {name: dict(kinds) for name, kinds in scores.chance.items()},
        "goal": context.goal,
        "verdict": _verdict(findings),
        "recipes": _recipes(findings),
        "methods": _methods(findings),
        "chosen_inside": [_overall(findings, family) for family in FAMILIES if findings.nested.overall_of(family)],
        "advice": [_advice(one) for one in findings.advice],
        "detection": _detection(findings),
        "caveats": [type(caveat).__name__ for caveat in findings.caveats],
        "too_good": [
            {
                "metric": one.metric,
                "trained_on": one.trained_on,
                "domain": one.domain,
                "value": one.value,
                "doubts": [doubt.kind for doubt in one.unexplained],
            }
            for one in findings.suspects
        ],
        "audit": _audit(findings),
        "cost": dict(context.spent) or None,
        "stopped": [dict(cell) for cell in context.stopped],
        "failed": [{"axes": dict(cell.axes), "cause": cell.cause, "log": cell.log} for cell in context.failed],
        "protocol": {"scoring": SCORING, **context.protocol} if context.protocol else None,
        "digests": dict(context.digests),
        "versions": dict(context.versions),
    }


def _verdict(findings: Findings) -> dict[str, Any] | None:
    """Return what to do: the kind of the decision, the recipe, the one to compare it with."""
    ranking = findings.ranking
    if ranking is None:
        return None
    decision, best = decide(ranking, findings.context), ranking.recipes[0]
    other = rival_of(ranking) if decision.recipe is best else best
    lead = None if other is None else ranking.lead_over(other if decision.recipe is best else decision.recipe)
    inside = findings.nested.overall_of(ALL)
    return {
        "kind": decision.kind,
        "recipe": decision.recipe.name,
        "cells": [cell_name(findings.cells[index].axes) for index in cells_of(decision.recipe)],
        "compare_with": None if other is None else other.name,
        "best_over_it": None if lead is None else _difference(lead),
        "expected": _figure(inside.chosen_inside if inside and inside.n_recipes > 1 else None),
        "optimism": ranking.optimism,
        "alarm": _alarm(alarm_rates_of(findings.cells, decision.recipe, findings.context)),
    }


def _detection(findings: Findings) -> dict[str, Any] | None:
    """Return how well normal is told from faulty with no fault labels, where the grid has detectors."""
    found = findings.detections
    if found is None:
        return None
    recipes = [
        {
            "sort": one.sort,
            "name": one.recipe.name,
            "auc": one.auc,
            "interval": _listed(one.interval),
            "average_precision": one.average_precision,
            "alarm": _alarm(one.alarms),
        }
        for one in (*found.detectors, *found.classifiers)
    ]
    gained = None if found.gained is None else _difference(found.gained)
    return {"kind": found.kind, "recipes": recipes, "chosen_inside": _figure(found.chosen_inside), "gained": gained}


def _alarm(rates: AlarmRates | None) -> dict[str, Any] | None:
    if rates is None:
        return None
    return {"false_alarms": rates.false_alarms, "faults_caught": rates.caught, "asked": list(rates.asked)}


def _recipes(findings: Findings) -> list[dict[str, Any]]:
    """Return the ranked recipes, best first."""
    ranking = findings.ranking
    if ranking is None:
        return []
    tied, near = set(map(id, ranking.best_set)), set(map(id, ranking.near_best))
    not_worse = set(findings.best_set.places) if findings.best_set else set()
    return [
        {
            **_recipe(findings, ranking, place, recipe),
            "not_told_from_best": id(recipe) in tied,
            "not_worse_than_best": place in not_worse,
            "within_one_standard_error": id(recipe) in near,
        }
        for place, recipe in enumerate(ranking.recipes)
    ]


def _recipe(findings: Findings, ranking: Ranking, place: int, recipe: Recipe) -> dict[str, Any]:
    scores_R = ranking.scores_RK[:, place]
    return {
        "name": recipe.name,
        "axes": dict(recipe.axes),
        "is_joint": recipe.is_joint,
        "family": findings.context.families.get(recipe.method),
        "score": float(scores_R[0]),
        "interval": _listed(interval_of(findings.scores, scores_R)),
        "behind": _difference(lead) if (lead := ranking.lead_over(recipe)) else None,
        "seconds": recipe.seconds or None,
        "cells": [cell_name(findings.cells[index].axes) for index in cells_of(recipe)],
        "backbone": dict(findings.context.backbones.get(cell_key(findings.cells[cells_of(recipe)[0]].axes), {}))
        or None,
    }


def _methods(findings: Findings) -> list[dict[str, Any]]:
    """Return each method in each regime and domain, its recipe chosen inside the training folds."""
    columns = regime_columns(findings.rows, findings.scores, findings.context.joint)
    return [
        {"method": method, "trained_on": regime, "domain": domain, **(_figure(value) or {})}
        for method, values in inside_by_method(findings.nested_by_method, columns)
        for (regime, domain), value in zip(columns, values, strict=True)
        if value is not None
    ]


def _overall(findings: Findings, family: str) -> dict[str, Any]:
    found = findings.nested.overall_of(family)
    assert found is not None
    return {
        "family": family,
        "n_recipes": found.n_recipes,
        "chosen_inside": _figure(found.chosen_inside),
        "best_of_all": _figure(found.best_of_all),
        "best_of_all_recipe": found.best_of_all_name,
    }


def _advice(advice: Any) -> dict[str, Any]:
    record = {"kind": advice.kind, "subject": advice.subject, "differences": list(map(_difference, advice.differences))}
    if advice.levels is not None:
        record |= {"means": {str(level): mean for level, mean in advice.levels.means.items()}}
        record |= {"best": str(advice.levels.best), "not_worse": list(map(str, advice.levels.not_worse))}
    return record


def _audit(findings: Findings) -> dict[str, Any] | None:
    context = findings.context
    if context.audit is None:
        return None
    found = [
        {"name": str(one["name"]), "what": str(one["what"]), "accepted": one["name"] in context.accepted}
        for one in audit_findings(context)
    ]
    return {"findings": found, "checks": _rows(context.audit, "checks"), "probe": _rows(context.audit, "probe")}


def _rows(audit: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    return [
        {
            key: value if isinstance(value, int | float | str | list | None) else fact_text(value)
            for key, value in row.items()
        }
        for row in audit.get(name, [])
    ]


def _difference(found: Difference) -> dict[str, Any]:
    return {
        "first": str(found.first),
        "second": str(found.second),
        "value": found.value,
        "interval": _listed(found.interval),
        "told_apart": found.told_apart,
        "n_pairs": found.n_pairs,
        "n_motors": found.n_motors,
        "n_differing": found.n_differing,
        "motors_needed": None if found.told_apart else found.motors_needed,
    }


def _figure(figure: Figure | None) -> dict[str, Any] | None:
    return None if figure is None else {"score": figure.value, "interval": _listed(figure.interval)}


def _listed(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else [float(end) for end in interval]
