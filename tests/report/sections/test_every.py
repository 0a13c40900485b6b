"""What holds for every section: both languages say the same figures, nothing is markup, a section is one file."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from motor.evaluation.cells import cell_key
from motor.evaluation.metrics.brier import Brier
from motor.evaluation.metrics.log_loss import LogLoss
from motor.evaluation.metrics.macro_f1 import MacroF1
from motor.evaluation.metrics.roc_auc_faulty import RocAucFaulty
from motor.registry import load, using
from motor.report import compose, find, write_html, write_markdown
from motor.report.compose import sections
from motor.report.document import walk
from motor.report.words import WordsError, languages

KINDS = [section.kind for section in sections()]
OWN = """
from typing import Literal
from motor.report.document import Paragraph
from motor.report.sections.base import Section

class Mine(Section):
    kind: Literal["mine"] = "mine"
    PLACE = 15.0
    WORDS = {"en": {"title": "My section", "told": "{n} cells"}, "zh": {"title": "我的一节"}}

    def blocks(self, findings, wording):
        return [Paragraph(wording.say("told", n=len(findings.cells)))]

PLUGIN = Mine
"""


class OfItsOwn(LogLoss):
    """A metric that says itself how well a motor is judged."""

    def by_motor(self, sheet):
        return -sheet.mean_by_motor(sheet.probability_nC.max(axis=1))


def figures(text):
    return sorted(re.findall(r"(?<![\w.])[+-]?\d+\.\d+", text))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", [name for name in languages() if name != "en"])
def test_section_in_every_language_has_the_same_figures_and_blocks(shown, simulated, language, kind):
    english, other = (shown(simulated, kind, name) for name in ("en", language))
    assert [type(block) for block in english.blocks] == [type(block) for block in other.blocks]
    assert figures(english.text) == figures(other.text)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", languages())
def test_section_has_no_markup_and_no_open_placeholder(shown, simulated, kind, language):
    wrong = [
        text for text in shown(simulated, kind, language).sentences if re.search(r"\*\*|[{}\\]|<\w|None|nan\b", text)
    ]
    assert wrong == []


@pytest.mark.parametrize("kind", KINDS)
def test_section_without_cells_is_left_out_or_made(context, kind):
    document = compose(find([], context))
    (section,) = [one for one in sections() if one.kind == kind]
    assert not section.NEEDS_CELLS or kind not in [part.name for part in document.parts]


def test_report_in_an_unknown_language_names_the_missing_file(simulated):
    with pytest.raises(WordsError, match=r"eo\.yaml is missing"):
        compose(replace(simulated, context=replace(simulated.context, language="eo")))


@pytest.mark.parametrize("language", languages())
def test_section_of_ones_own_is_one_file(simulated, tmp_path, language):
    (tmp_path / "mine.py").write_text(OWN, encoding="utf-8")
    with using(load((), "mine.py", tmp_path)):
        document = compose(replace(simulated, context=replace(simulated.context, language=language)))
    names = [part.name for part in document.parts]
    assert names.index("verdict") < names.index("mine") < names.index("warnings")
    for write, name in ((write_html, "report.html"), (write_markdown, "result.md")):
        write(tmp_path / name, document)
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "6 cells" in text
        assert {"en": "My section", "zh": "我的一节"}[language] in text


def test_every_section_has_words_of_its_own():
    folder = Path(__file__).parents[3] / "motor" / "report" / "sections" / "words"
    assert {path.name.split(".")[0] for path in folder.glob("*.yaml")} == set(KINDS)


def test_errors_say_how_many_series_on_which_motors_and_what_is_taken_for_what(shown, simulated):
    from motor.report.findings.recipes import advised_recipe, errors_of

    found = errors_of(simulated.cells, advised_recipe(simulated))
    tables = [simulated.cells[index].predictions for index, _ in advised_recipe(simulated).slices]
    assert found.n_wrong == sum(int((table["label"] != table["predicted"]).sum()) for table in tables)
    assert found.n_series == sum(map(len, tables))
    section = shown(simulated, "errors")
    assert all(str(number) in section.sentences[0] for number in (found.n_wrong, found.n_series, found.n_motors_wrong))
    (true, taken), count = found.confused[0]
    assert section.wording.say("errors.pair", true=true, taken=taken, n=count) in section.sentences[0]


def test_errors_where_the_advised_is_not_the_best_tell_both_recipes(shown, findings_of, truth):
    found = findings_of((2.25, 2.3, 0.0), truth, seconds=(300.0, 900.0, 1.0), held_out=False)
    section = shown(found, "errors")
    first, last = section.sentences[:2]
    assert "method order" in first
    assert "method C" in last
    assert len([name for name in section.tables if "wrong series" in name]) == 2


def test_matrix_of_errors_has_a_shade_for_each_class(shown, simulated):
    (matrix,) = [table for table in shown(simulated, "errors").tables.values() if table.style == "matrix"]
    for row in matrix.rows:
        assert sum(value.share for value in row.values[2:]) == pytest.approx(1)
        assert sum(value.is_strong for value in row.values[2:]) >= 1


def test_refused_finding_of_the_audit_is_the_first_warning(shown, simulated):
    section = shown(simulated, "warnings")
    lead = section.wording.say("warning.audit_failed", n=1, n_refused=1, names="dc_offset")
    assert section.sentences[0] == lead
    assert "0.62" in section.sentences[1]
    assert "0.32" in section.sentences[1]


def test_accepted_finding_of_the_audit_is_said_to_be(shown, simulated, families):
    section = shown(replace(simulated, context=replace(families, accepted=("dc_offset",))), "warnings")
    assert section.sentences[0] == section.wording.say("warning.audit_accepted", n=1, n_refused=0, names="dc_offset")


def test_finding_that_no_catalogue_knows_is_told_as_it_came(shown, simulated, families):
    strange = {"findings": [{"name": "odour", "what": "It smells.", "next_step": "Air it."}], "checks": [], "probe": []}
    said = shown(replace(simulated, context=replace(families, audit=strange)), "warnings", "zh").text
    assert "odour: It smells." in said
    assert "Air it." in said


def test_training_says_where_it_added_and_where_not(shown, make_cell, context):
    qualities = {"C": 4.0, "B": 1.0, "untrained": 1.0}
    cells = [make_cell(quality, seed, method) for seed, (method, quality) in enumerate(qualities.items())]
    known = dict.fromkeys((*qualities, "D"), "forecaster")
    found = find(cells, replace(context, families=known, controls=dict.fromkeys("CB", "untrained")))
    section = shown(found, "pays")
    gaps = {gain.difference.first: section.wording.gap(gain.difference) for gain in found.method_gains}
    for method, key in {"B": "cannot_tell", "C": "pays"}.items():
        text = section.wording.say("training.method", method=method, gap=gaps[method])
        assert section.wording.say(f"training.{key}", methods=text) in section.sentences


def test_method_without_an_untrained_control_is_named(shown, make_cell, context):
    found = find([make_cell(1.0)], replace(context, families={"C": "forecaster"}))
    section = shown(found, "pays")
    assert section.wording.say("training.no_control", methods="C") in section.sentences


def test_methods_without_a_forecaster_have_no_fine_tunes(shown, make_cell, context):
    made = [
        make_cell(1.0, seed, "order", context_length=None, classifier=name) for seed, name in enumerate(("lda", "svm"))
    ]
    cells = [replace(cell, skill=None, training=None, n_fits=0, folder="order") for cell in made]
    found = find(cells, replace(context, families={"order": "plain"}))
    pays, data = shown(found, "pays"), shown(found, "data")
    assert pays.wording.say("training") not in pays.sentences
    assert data.wording.say("column.validation_loss") not in data.sentences


def test_picture_of_differences_greys_what_cannot_be_told(shown, simulated):
    (figure,) = [one for one in shown(simulated, "pays").figures if one.name == "differences"]
    found = [difference for advice in simulated.advice for difference in advice.differences]
    assert [row.dots[0].is_faint for row in figure.plot.rows] == [not one.told_apart for one in found]
    assert figure.plot.lines[0].value == 0


def test_interval_of_a_difference_is_clipped_to_what_is_possible(shown, simulated):
    wording = shown(simulated, "pays").wording
    one = replace(simulated.ranking.behind[0], value=0.5)
    assert wording.gap(replace(one, interval=(0.1, 1.2))) == "+0.50 [+0.10, +1.00]"
    assert wording.gap(replace(one, interval=(-0.65, 1.65))) == wording.say("gap.nothing", value="+0.50")


def test_regimes_are_compared_on_the_same_series(shown, make_cell, context):
    alone, joint = make_cell(2.0, 1, domain="ZhenDong"), make_cell(1.0, 2, domain="Joint")
    expected = [alone.metrics["macro_f1"], joint.metrics["by_domain"]["ZhenDong"]["macro_f1"]]
    (row,) = shown(find([alone, joint], context), "pays").rows("setting by setting")
    assert [float(value) for value in row[2:4]] == pytest.approx(expected, abs=0.005)
    assert float(row[4].split()[0]) == pytest.approx(expected[1] - expected[0], abs=0.005)


def test_levels_mark_the_best_and_how_far_the_others_are(shown, grid, context):
    found = find(grid, context)
    (advice,) = [one for one in found.advice if one.levels and set(one.levels.means) == {"A", "C"}]
    section = shown(found, "pays")
    (rows,) = [section.rows(name) for name in section.tables if name.startswith("Which method")]
    assert [row[0] for row in rows] == ["C", "A"]
    assert rows[0][-1] == section.wording.say("best")
    behind = advice.levels.behind["A"]
    assert rows[1][3] == f"{behind.n_differing} of {behind.n_motors}"


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        (MacroF1, "by its accuracy ("),
        (Brier, "by the squared error of its probabilities ("),
        (RocAucFaulty, "by how often one of its series and one of the other side are in the right order ("),
        (OfItsOwn, "by its log loss ("),
    ],
)
def test_ranks_say_what_a_motor_judges_by_under_the_metric_that_ranks(shown, simulated, metric, words):
    ranked = replace(simulated, context=replace(simulated.context, rank_by=metric()))
    assert words in shown(ranked, "ranks").sentences[0]


def test_ranks_name_the_motors_and_the_critical_difference(shown, simulated):
    section = shown(simulated, "ranks")
    assert "48 motors" in section.sentences[0]
    assert f"{simulated.critical.critical_difference:.2f}" in section.sentences[0]
    (figure,) = section.figures
    ranks = sorted(simulated.critical.mean_ranks.values())
    assert [row.dots[0].value for row in figure.plot.rows] == ranks
    for row in figure.plot.rows:
        low, high = row.dots[0].interval
        assert high - low == pytest.approx(simulated.critical.critical_difference)


def test_cost_says_what_sharing_saved_and_the_energy(shown, simulated, families):
    text = shown(simulated, "cost").text
    for part in ("9", "75.0 %", "40 Wh"):
        assert part in text
    without = shown(replace(simulated, context=replace(families, spent={})), "cost")
    assert without.sentences == [without.wording.say("no_cost")]


def test_cost_adds_up_and_unknown_energy_is_a_dash(shown, simulated, families):
    rows = [
        {"kind": "finetune", "n_stages": 2, "cpu_hours": 1.0, "gpu_hours": 0.5, "energy_wh": None},
        {"kind": "classify", "n_stages": 3, "cpu_hours": 2.0, "gpu_hours": 0.0, "energy_wh": None},
    ]
    section = shown(replace(simulated, context=replace(families, spent={"by_kind": rows})), "cost")
    assert section.rows(section.wording.say("spent"))[-1] == ["total", "5", "3.0 h", "30 min", "–"]


@pytest.mark.parametrize(("seconds", "text"), [(0, "–"), (8.21, "8.2 s"), (600, "10 min"), (9000, "2.5 h")])
def test_duration_has_the_unit_that_suits_it(shown, simulated, seconds, text):
    assert shown(simulated, "cost").wording.duration(seconds) == text


def test_repeat_has_the_command_alone(shown, simulated):
    section = shown(simulated, "repeat")
    assert section.sentences[1] == simulated.context.command
    assert "77aa" in {value.text for table in section.tables.values() for row in table.rows for value in row.values}


def test_settings_are_the_yaml_that_one_would_write(shown, grid, context):
    import yaml

    settings = (("finetune", '{"learning_rate": 0.001, "num_steps": 800}'), ("note", "as it came"))
    section = shown(find(grid, replace(context, settings=settings)), "data")
    (code,) = [block for block in section.blocks if type(block).__name__ == "Code"]
    settings_read = yaml.safe_load(code.text)
    assert settings_read["finetune"] == {"learning_rate": 0.001, "num_steps": 800}
    assert settings_read["note"] == "as it came"
    assert settings_read["context_length"] == 512  # an axis with one value is a setting, too


def test_leaky_says_what_the_leak_adds(shown, simulated, families):
    (row, *_) = simulated.rows
    leaking = replace(families, leaky={cell_key(row.first.axes): row.value + 0.25})
    (shown_row,) = shown(replace(simulated, context=leaking), "audit").rows("split that leaks")
    assert shown_row[-1] == "+0.25"
    assert "leaks" not in shown(simulated, "audit").text


def test_caveats_are_told_with_their_figures(shown, make_cell, context):
    threshold = {"value": 0.5, "resolved": False, "false_alarm_rate": 0.05, "n_series": 8}
    cell = replace(make_cell(1.5, n_motors=3), thresholds=(threshold,), skill={"normal": 0.99, "spark": 1.01})
    text = shown(find([cell], context), "warnings").text
    for part in (
        "1 of 1",
        "down to 8",
        "5 %",
        "ShengYing (normal 3, spark 3, vibrate 3)",
        "9 of 9",
        "method C in Joint",
    ):
        assert part in text


def test_report_says_when_the_best_is_not_above_chance(make_cell, context):
    kinds = [type(one).__name__ for one in find([make_cell(0.0)], context).caveats]
    assert "NotAboveChance" in kinds
    assert "NotAboveChance" not in [type(one).__name__ for one in find([make_cell(1.5)], context).caveats]


def test_report_alarms_at_98_percent(shown, make_cell, context):
    section = shown(find([make_cell(50)], context), "alarms")
    assert all(row.values[-1].is_strong for row in section.tables[section.wording.say("too_good", limit=0.98)].rows)
    assert not find([make_cell(1.5)], context).suspects


def test_figure_of_98_percent_is_printed_with_what_explains_it(shown, make_cell, context):
    cue = {"cue": "level", "domain": "ZhenDong", "macro_f1": 0.4, "interval": None, "chance": 0.33}
    cue |= {"p_value": 0.3, "beats_chance": False, "n_motors": 24}
    audit = {"findings": [], "probe": [cue], "checks": [], "seconds": 1.0}
    cells = [make_cell(50, method=name, domain="ZhenDong") for name in ("C", "order")]
    found = find(cells, replace(context, audit=audit, families={"C": "forecaster", "order": "plain"}))
    section = shown(found, "alarms")
    (row, *_) = section.rows(section.wording.say("too_good", limit=0.98))
    assert row[3] == "1.00 † method C"
    assert row[-1] == section.wording.say("too_good.explained")


def test_only_series_that_all_cells_share_are_compared(shown, make_cell, context):
    short = make_cell(1.0, 2, method="A")
    short = replace(short, predictions=short.predictions.iloc[4:])
    text = shown(find([make_cell(1.0, 1), short], context), "warnings").text
    assert "4 test series are missing in some cells; comparisons use the 140" in text


def test_contexts_that_are_not_real_are_said(shown, make_cell, context):
    equal = [
        replace(make_cell(1.0, length, context_length=length), training={"steps": 10, "tokens": tokens})
        for length, tokens in ((512, 32), (4096, 32), (8192, 512))
    ]
    assert "C: 32 tokens for several contexts (4096, 512)" in shown(find(equal, context), "warnings").text
    cut = replace(make_cell(1.0, context_length=4096), training={"steps": 10, "context_seen": [512, 512]})
    assert "C: 512 of 4096 samples" in shown(find([cut], context), "warnings").text
    whole = replace(cut, training={"steps": 10, "context_seen": 4096})
    assert "ShamContexts" not in [type(one).__name__ for one in find([whole], context).caveats]


def test_document_has_each_part_once_and_the_first_screen_open(simulated):
    document = compose(simulated)
    assert [part.name for part in document.parts if part.is_open] == ["opening"]
    names = [block.name for part in document.parts for block in walk(part.blocks) if hasattr(block, "plot")]
    assert len(names) == len(set(names))


def test_nested_table_shows_the_choice_beside_the_naive_best(shown, simulated):
    section = shown(simulated, "methods")
    (table,) = [table for caption, table in section.tables.items() if caption == section.wording.say("nested_caption")]
    assert [column.title for column in table.columns][1:5] == ["rig 1 alone", "rig 2 alone", "Least", "Mean"]
    names = [row.values[0].text for row in table.rows]
    assert sum("chosen inside" in name for name in names) == 3
    assert "forecasters alone: best of all (flatters)" in names
