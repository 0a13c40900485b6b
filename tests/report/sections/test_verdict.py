"""The first screen and the verdict behind it: kinds, figures, recipes."""

import re
from dataclasses import replace

import pytest

from motor.evaluation.decisions import decide
from motor.evaluation.nested import ALL
from motor.report.document import Columns, Figure, Links, Paragraph, Tiles
from motor.report.words import languages

METHODS = ("order", "C", "untrained")
LONGEST = 25  # words of a sentence on the first screen


def kind_of(findings):
    return decide(findings.ranking, findings.context).kind


def lead(shown, findings, language="en"):
    (found,) = [one for one in shown(findings, "opening", language).blocks if getattr(one, "style", "") == "lead"]
    return found.text


@pytest.mark.parametrize(
    ("skills", "held_out", "kind"),
    [
        ((2.0, 2.1, 0.0), True, "plain not beaten"),
        ((4.0, 1.0, 0.0), False, "plain better"),
        ((0.0, 4.0, 1.0), False, "best"),
    ],
)
def test_first_sentence_follows_the_decision_and_names_its_recipe(shown, findings_of, skills, held_out, kind):
    findings = findings_of(skills, held_out=held_out)
    assert kind_of(findings) == kind
    section = shown(findings, "verdict")
    recipe = section.wording.recipe(decide(findings.ranking, findings.context).recipe)
    sentences = {name: shown(findings, "opening").wording.say(f"decision.{name.replace(' ', '_')}", recipe=recipe, n=3)
                 for name in ("plain not beaten", "plain better", "best")}  # fmt: skip
    assert lead(shown, findings) == sentences[kind]
    assert recipe in section.sentences[0]


def test_plain_recipes_alone_say_nothing_of_fine_tuning(findings_of, families):
    context = replace(families, families=dict.fromkeys(METHODS, "plain"))
    assert not kind_of(findings_of((2.0, 2.0, 0.0), context)).startswith("plain")


@pytest.mark.parametrize("language", languages())
def test_sentences_of_the_first_screen_are_short(shown, simulated, language):
    for text in shown(simulated, "opening", language).sentences:
        for sentence in re.split(r"(?<=[.;:]) ", text):
            assert len(sentence.split()) <= LONGEST, sentence


def test_first_screen_is_sentence_picture_numbers_and_warnings(shown, simulated):
    blocks = shown(simulated, "opening").blocks
    first = [type(block) for block in blocks if isinstance(block, Paragraph | Columns | Figure | Tiles | Links)]
    assert first == [Links, Paragraph, Columns, Figure, Tiles, Paragraph, Paragraph, Links]
    (tiles,) = [block.tiles for block in blocks if isinstance(block, Tiles)]
    assert len(tiles) == 3
    inside = simulated.nested.overall_of(ALL).chosen_inside
    assert tiles[0].value == f"{inside.value:.2f} [{inside.interval[0]:.2f}, {inside.interval[1]:.2f}]"


def test_each_warning_of_the_first_screen_links_a_section_that_is_there(shown, simulated):
    *_, warnings = [block for block in shown(simulated, "opening").blocks if isinstance(block, Links)]
    assert len(warnings.links) == len(simulated.caveats)
    for _, target in warnings.links:
        assert shown(simulated, target.name).blocks


def test_picture_shows_each_method_with_chance_and_goal_and_marks_the_advised_one(shown, simulated):
    (figure,) = shown(simulated, "opening").figures
    advised = decide(simulated.ranking, simulated.context).recipe.method
    assert [row.name for row in figure.plot.rows if row.is_advised] == [advised]
    assert {row.name for row in figure.plot.rows} == set(METHODS)
    assert [line.value for line in figure.plot.lines][1:] == [0.95]
    colours = {row.name: {figure.plot.groups[dot.group].colour for dot in row.dots} for row in figure.plot.rows}
    assert colours["order"] != colours["C"] == colours["untrained"]


def test_grid_without_a_ranking_says_so(shown, simulated):
    found = replace(simulated, ranking=None)
    verdict = shown(found, "verdict")
    assert verdict.sentences[0] == verdict.wording.say("verdict.none")
    assert shown(found, "errors").blocks == []
    assert lead(shown, found) == shown(found, "opening").wording.say("decision.none")


def test_verdict_has_the_best_recipe_its_interval_and_the_motors(shown, simulated):
    verdict = shown(simulated, "verdict")
    low, high = simulated.ranking.interval
    best = simulated.ranking.recipes[0]
    assert f"{simulated.ranking.score(best):.2f} [{low:.2f}, {high:.2f}]" in verdict.sentences[1]
    assert verdict.wording.recipe(best) in verdict.sentences[1]
    assert "48" in verdict.sentences[1]


def test_cheapest_of_recipes_that_cannot_be_told_apart_is_advised_with_both_costs(shown, findings_of, truth):
    found = findings_of((2.25, 2.3, 0.0), truth, seconds=(300.0, 900.0, 1.0), held_out=False)
    assert kind_of(found) == "cheapest"
    assert [part in shown(found, "verdict").sentences[0] for part in ("order", "10 min", "30 min")] == [True] * 3


def test_recipes_that_cannot_be_told_apart_say_how_many_motors_would_do(shown, findings_of, truth):
    found = findings_of((1.6, 1.5, 1.4), truth, n_motors=4, seconds=None, held_out=False)
    assert kind_of(found) == "cannot tell"
    needed = shown(found, "verdict").wording.wanting(found.ranking.behind[0])
    assert needed in shown(found, "verdict").text
    assert re.search(r"\d", needed)


def test_expectation_is_that_of_nested_selection_where_there_is_one(shown, simulated):
    inside = simulated.nested.overall_of(ALL).chosen_inside
    said = shown(simulated, "verdict")
    best = f"{simulated.nested.overall_of(ALL).best_of_all.value:.2f}"
    assert said.wording.say("expect.nested", score=said.wording.figure(inside), n=3, best=best) in said.sentences


def test_expectation_without_held_out_series_is_corrected_by_resampling(shown, findings_of):
    found = findings_of((1.5, 1.5, 1.5), held_out=False)
    expected = found.ranking.score(found.ranking.recipes[0]) - found.ranking.optimism
    values = {"score": f"{expected:.2f}", "n": 3, "optimism": f"{found.ranking.optimism:.2f}"}
    said = shown(found, "verdict")
    assert said.wording.say("expect.resampled", **values) in said.sentences
    nested = shown(found, "methods")
    assert nested.wording.say("nested.none") in nested.sentences


def test_forecasters_that_miss_the_goal_are_named_column_by_column(shown, findings_of, families):
    missed = shown(findings_of((2.0, 1.0, 0.0)), "verdict")
    places = missed.wording.listed(["rig 1 alone", "rig 2 alone"])
    assert missed.wording.say("inside.missed", goal="0.95", places=places) in missed.text
    reached = shown(findings_of((2.0, 9.0, 0.0)), "verdict")
    assert reached.wording.say("inside.reached", goal="0.95") in reached.text
    assert "0.95" not in shown(findings_of((2.0, 1.0, 0.0), replace(families, goal=None)), "verdict").text


def test_best_forecaster_stands_beside_the_best_plain_recipe(shown, findings_of):
    for skills, key in (((4.0, 1.0, 0.0), "beyond_chance"), ((2.0, 2.1, 0.0), "within_chance")):
        found = findings_of(skills)
        said = shown(found, "verdict")
        second = next(
            one
            for one in found.ranking.recipes
            if (one.method == "order") != (found.ranking.recipes[0].method == "order")
        )
        gap = said.wording.gap(found.ranking.lead_over(second))
        assert said.wording.say(f"baseline.{key}", gap=gap, motors=said.wording.motors(48)) in said.text


def test_verdict_says_how_many_recipes_are_not_worse_than_the_best(shown, simulated):
    said = shown(simulated, "verdict")
    names = [said.wording.recipe(simulated.ranking.recipes[place]) for place in simulated.best_set.places]
    sentence = said.wording.say("best_set", n=len(names), n_all=3, recipes=said.wording.listed(names))
    assert sentence in said.sentences


def test_best_of_each_domain_links_its_cell(shown, grid, context):
    from motor.report.findings import find

    (table,) = shown(find(grid, context), "verdict").tables.values()
    assert [row.values[0].text for row in table.rows] == ["ShengYing", "ZhenDong"]
    assert all(row.values[1].target.kind == "cell" for row in table.rows)
