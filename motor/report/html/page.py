"""`report.html`: one file that opens without a network. The verdict first, then the evidence along ISO 13374.

What a reader chooses on the page (cell, order, filter) is done by `page.js`; all texts and figures come from here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motor.evaluation.cells import CellResult, ReportContext
from motor.evaluation.decisions import decide
from motor.evaluation.nested import ALL
from motor.evaluation.ranking import interval_of
from motor.report.findings import Findings, find
from motor.report.html import figures
from motor.report.html import tables_audit as audit_tables
from motor.report.html import tables_evidence as evidence
from motor.report.html.cell import Parts, pack_parts
from motor.report.html.embedding import content_security_policy, inline_json, packed_program, plotly_source
from motor.report.html.prose import Prose, prose
from motor.report.html.tables import Table, advised_cells, cell_filters, cell_link, cell_name, cells_of, cells_table
from motor.report.html.words import Words, words
from motor.report.markdown import number, with_interval

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent
WORDS_OF_SCRIPT = "script_"  # what the page's program says begins with it


@dataclass(frozen=True)
class Tile:
    """A figure at the top: what it is, how much, and what to know of it."""

    title: str
    value: str
    note: str


@dataclass(frozen=True)
class Comparison:
    """One question with its answer, its reasons, its figure and its table."""

    question: str
    answer: str
    reasons: Sequence[str]
    figure: str
    table: Table | None


def write_html(
    path: Path,
    cells: list[CellResult],
    context: ReportContext,
    details: Mapping[str, Any],
    findings: Findings | None = None,
) -> None:
    """Write `report.html`.

    Parameters
    ----------
    path : Path
        The file to write; links in it are relative to its folder.
    cells : list of CellResult
        The finished cells. With none, the page names the failed ones only.
    context : ReportContext
        What surrounds them; its `language` chooses the words.
    details : mapping
        What was gathered beside the metrics: `cells` (name -> `config`, `tsne`, `residuals`, `worst`), `signals`
        (what `worst` names), `spent`. Each may be missing.
    findings : Findings, optional
        From `find`, where it was called already.

    Raises
    ------
    ValueError
        If the cells of a domain share no test series, or there are no words in this language.
    """
    said = words(context.language, "page")
    environment = _environment()
    shared = _shared(context, said)
    if cells:
        found = findings or find(cells, context)
        shared |= _found(found, details, said, environment)
    else:
        shared |= {"figures": {}, "default": None, "names": [], "findings": None}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_rendered(environment, shared, said), encoding="utf-8", newline="\n")


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _rendered(environment: Environment, shared: dict[str, Any], said: Words) -> str:
    from markupsafe import Markup

    script = (FOLDER / "page.js").read_text(encoding="utf-8")
    plotly = plotly_source()
    script_words = {
        key.removeprefix(WORDS_OF_SCRIPT): said.say(key) for key in said.entries if key.startswith(WORDS_OF_SCRIPT)
    }
    data = {key: shared[key] for key in ("figures", "default", "names")} | {"words": script_words}
    return environment.get_template("page.html.j2").render(
        **shared,
        policy=content_security_policy([script, plotly]),
        style=Markup((FOLDER / "page.css").read_text(encoding="utf-8")),
        script=Markup(script),
        data=Markup(inline_json(data)),
        plotly=packed_program(plotly),
    )


def _shared(context: ReportContext, said: Words) -> dict[str, Any]:
    """Return what the page shows with or without cells."""
    audit = context.audit or {}
    return {
        "say": said.say,
        "context": context,
        "audit_findings": [
            {**finding, "is_accepted": finding["name"] in context.accepted} for finding in audit.get("findings", [])
        ],
        "counts": evidence.counts_table(context, said),
        "split": evidence.split_table(context, said),
        "dataset": evidence.facts_table(said.say("dataset_caption"), "fact", context.dataset, said),
        "division": evidence.facts_table(said.say("division_caption"), "fact", context.split, said),
        "checks": audit_tables.checks_table(context, said),
        "probe": audit_tables.probe_table(context, said),
        "meanings": evidence.facts_table(said.say("meanings_caption"), "meaning", context.descriptions, said),
        "settings": evidence.facts_table(said.say("settings_caption"), "setting", dict(context.settings), said),
        "failed": evidence.failed_table(context, said),
        "versions": evidence.facts_table(said.say("versions_caption"), "version", context.versions, said),
        "digests": evidence.facts_table(said.say("digests_caption"), "digest", context.digests, said),
    }


def _found(findings: Findings, details: Mapping[str, Any], said: Words, environment: Environment) -> dict[str, Any]:
    """Return what the page shows of the cells."""
    spoken = prose(findings, findings.context.language)
    spent = details.get("spent") or findings.context.spent
    parts: Parts = pack_parts(findings, details, said, environment)
    drawn = figures.overview(findings, said)
    overview = {f"overview-{place}": (domain, plot) for place, (domain, plot) in enumerate(drawn.items())}
    comparisons, comparison_figures = _comparisons(findings, spoken, said)
    spending = figures.spent_figure(spent, said)
    names = [cell_name(cell.axes) for cell in findings.cells]
    advised = [names[index] for index in advised_cells(findings)]
    return {
        "findings": findings,
        "prose": spoken,
        "tiles": _tiles(findings, said),
        "advised": [(name, cell_link(name)) for name in advised],
        "best": [(names[index], cell_link(names[index])) for index in _best_beside(findings)],
        "best_by_domain": evidence.best_by_domain_table(findings, said),
        "cells": cells_table(findings, said),
        "filters": cell_filters(findings, said),
        "choices": _choices(findings, names),
        "overview": {name: domain for name, (domain, _) in overview.items()},
        "comparisons": comparisons,
        "leaky": audit_tables.leaky_table(findings, said),
        "regimes": evidence.regimes_table(findings, said),
        "baselines": evidence.baselines_table(findings, said),
        "nested": evidence.nested_table(findings, said),
        "nested_choices": evidence.choices_table(findings, said),
        "gains": evidence.gains_table(findings, said),
        "tunings": evidence.tunings_table(findings, said),
        "thresholds": evidence.thresholds_table(findings, said),
        "motors": evidence.motors_table(findings, said),
        "spent": evidence.spent_table(spent, said),
        "sharing": evidence.sharing_table(spent, said),
        "has_spent_figure": spending is not None,
        "parts": parts,
        "names": names,
        "default": (advised or names)[0],
        "figures": {name: plot for name, (_, plot) in overview.items()}
        | comparison_figures
        | ({"spent": spending} if spending else {}),
    }


def _best_beside(findings: Findings) -> list[int]:
    """Return the cells of the best recipe, where another one is advised."""
    ranking = findings.ranking
    if ranking is None or decide(ranking, findings.context).recipe is ranking.recipes[0]:
        return []
    return cells_of(ranking.recipes[0])


def _tiles(findings: Findings, said: Words) -> list[Tile]:
    """Return the best recipe's score, what to expect, what no skill gives, and on how much it rests."""
    ranking, scores = findings.ranking, findings.scores
    if ranking is None:
        return []
    advised, n_recipes = decide(ranking, findings.context).recipe, len(ranking.recipes)
    interval = interval_of(scores, ranking.scores_RK[:, ranking.recipes.index(advised)])
    score = with_interval(ranking.score(advised), interval)
    tiles = [Tile(said.say("tile_score"), score, said.say("tile_score_note", n=n_recipes))]
    inside = findings.nested.overall_of(ALL)
    if inside is not None and inside.n_recipes > 1:
        expected = with_interval(inside.chosen_inside.value, inside.chosen_inside.interval)
        tiles.append(Tile(said.say("tile_expected"), expected, said.say("tile_expected_note")))
    chance = sum(max(scores.chance[name].values()) for name in scores.domains) / len(scores.domains)
    tiles.append(Tile(said.say("tile_chance"), number(chance), said.say("tile_chance_note")))
    tested = said.say("tile_tested_value", motors=len(scores.motor_labels), series=scores.n_series)
    return [*tiles, Tile(said.say("tile_tested"), tested, said.say("tile_tested_note"))]


def _comparisons(findings: Findings, spoken: Prose, said: Words) -> tuple[list[Comparison], dict[str, figures.Plot]]:
    """Return the questions of the advice, and the figure of each."""
    made, drawn = [], {}
    for place, (advice, told) in enumerate(zip(findings.advice, spoken.advice, strict=True)):
        name = f"comparison-{place}"
        drawn[name] = figures.comparison(advice, told["question"], said)
        table = evidence.levels_table(advice, told["question"], said)
        made.append(Comparison(told["question"], told["answer"], told["reasons"], name, table))
    return made, drawn


def _choices(findings: Findings, names: Sequence[str]) -> dict[str, list[str]]:
    """Return the cells by method, for the list to choose from."""
    groups: dict[str, list[str]] = {}
    for cell, name in zip(findings.cells, names, strict=True):
        groups.setdefault(str(cell.axes["method"]), []).append(name)
    return groups
