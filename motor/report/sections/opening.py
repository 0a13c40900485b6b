"""The first screen: what to do, the picture of all methods, three numbers, and a line of warnings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from motor.evaluation.decisions import alarm_rates_of, decide, rival_of
from motor.evaluation.nested import ALL
from motor.evaluation.ranking import Ranking, Recipe, interval_of
from motor.report.document import Block, Columns, Figure, Links, Paragraph, Target, Tile, Tiles
from motor.report.findings import Findings
from motor.report.findings.audit import audit_findings, refused_findings
from motor.report.findings.recipes import advised_recipe
from motor.report.sections.base import Section
from motor.report.sections.overview import methods_figure
from motor.report.text import DASH, number, percent, with_interval
from motor.report.wording import Wording

# Where a warning is written out, by the name of its kind; the others stand among the warnings.
PLACES = {
    "TooGoodFigures": "alarms",
    "NotAudited": "audit",
    "NotLearned": "pays",
    "RoughThresholds": "alarms",
    "FailedCells": "failed",
}


class Opening(Section):
    kind: Literal["opening"] = "opening"
    PLACE = 0.0
    IS_OPEN = True
    NEEDS_CELLS = False

    def blocks(self, findings: Findings, wording: Wording) -> Sequence[Block]:
        if not findings.cells:
            lead = wording.say("no_ranking" if findings.others else "no_cell")
            return [*_audit_first(wording), Paragraph(lead, "lead")]
        beside: list[Block] = [*_numbers(wording), *_settle(wording)]
        picture: list[Block] = [_picture(wording)]
        return [
            *_audit_first(wording),
            Paragraph(_sentence(wording), "lead"),
            Columns([picture, beside], "first"),
            *_warnings(wording),
        ]


def _audit_first(wording: Wording) -> list[Block]:
    """Tell what the leak audit found before anything else, for it bears on every figure."""
    found = audit_findings(wording.findings.context)
    if not found:
        return []
    refused = refused_findings(wording.findings.context)
    lead = wording.say("audit_failed" if refused else "audit_accepted")
    names = dict.fromkeys(str(one["name"]) for one in refused or found)
    return [Links(lead, [(name, Target.section("warnings")) for name in names], "warning")]


def _sentence(wording: Wording) -> str:
    ranking = wording.findings.ranking
    if ranking is None:
        return wording.say("decision.none")
    found = decide(ranking, wording.findings.context)
    kind = "only" if len(ranking.recipes) == 1 else found.kind.replace(" ", "_")
    return wording.say(f"decision.{kind}", recipe=wording.recipe(found.recipe), n=len(ranking.recipes))


def _picture(wording: Wording) -> Figure:
    plot, is_inside = methods_figure(wording)
    caption = wording.say("picture_inside" if is_inside else "picture_best")
    return Figure("overview", plot, wording.say("picture"), caption)


def _numbers(wording: Wording) -> list[Block]:
    """Return what to expect, and what the alarm of the advised recipe does."""
    findings = wording.findings
    ranking, advised, scores = findings.ranking, advised_recipe(findings), findings.scores
    if ranking is None or advised is None:
        return []
    rates = alarm_rates_of(findings.cells, advised, findings.context)
    asked = wording.listed([f"{100 * rate:g} %" for rate in rates.asked]) if rates else ""
    alarms = (percent(rates.false_alarms), percent(rates.caught)) if rates else (DASH, DASH)
    value, note = _expected(wording, ranking, advised)
    tiles = [
        Tile(wording.say("tile.expected"), value, note),
        Tile(wording.say("tile.false_alarms"), alarms[0], wording.say("tile.asked", rates=asked) if asked else ""),
        Tile(wording.say("tile.caught"), alarms[1], wording.say("tile.caught_note")),
    ]
    behind = wording.say("behind", motors=wording.motors(len(scores.motor_labels)), series=scores.n_series)
    return [Tiles(tiles), Paragraph(behind, "small")]


def _expected(wording: Wording, ranking: Ranking, advised: Recipe) -> tuple[str, str]:
    """Return the score to expect on new motors, and where it comes from."""
    inside = wording.findings.nested.overall_of(ALL)
    if inside is not None and inside.n_recipes > 1:
        return wording.figure(inside.chosen_inside), wording.say("tile.inside")
    if len(ranking.recipes) == 1:
        interval = interval_of(wording.findings.scores, ranking.scores_RK[:, 0])
        return with_interval(ranking.score(advised), interval), wording.say("tile.only")
    expected = ranking.score(ranking.recipes[0]) - ranking.optimism
    return number(expected), wording.say("tile.resampled")


def _settle(wording: Wording) -> list[Block]:
    """Name the one recipe to compare with, and how many motors would settle it."""
    ranking, advised = wording.findings.ranking, advised_recipe(wording.findings)
    if ranking is None or advised is None:
        return []
    best = ranking.recipes[0]
    other = rival_of(ranking) if advised is best else best
    lead = None if other is None else ranking.lead_over(other if advised is best else advised)
    if other is None or lead is None:
        return []
    text = wording.say("compare", recipe=wording.recipe(other), score=number(ranking.score(other)))
    wanting = wording.wanting(lead)
    following = wording.say("settle", wanting=wanting[:1].upper() + wanting[1:]) if wanting else ""
    return [Paragraph(wording.joined([text, following]), "small")]


def _warnings(wording: Wording) -> list[Block]:
    kinds = [type(caveat).__name__ for caveat in wording.findings.caveats]
    links = [(wording.say(f"short.{kind}"), Target.section(PLACES.get(kind, "warnings"))) for kind in kinds]
    return [Links(wording.say("warnings"), links, "warning")] if links else []


PLUGIN = Opening
