import pytest

from motor.report.findings import find
from motor.report.html import tables_cell, tables_evidence
from motor.report.html.tables import advised_cells, cell_filters, cell_link, cells_table, duration
from motor.report.html.words import words

SAID = words("en", "page")


@pytest.fixture(scope="module")
def findings(grid, context):
    return find(grid, context)


def column(table, title):
    (place,) = [place for place, column in enumerate(table.columns) if column.title.startswith(title)]
    return [row.values[place] for row in table.rows]


def test_cells_table_has_each_cell_with_its_link_the_advised_first(findings):
    table = cells_table(findings, SAID)
    assert len(table.rows) == 12
    assert all(row.values[0].href == cell_link(row.name) for row in table.rows)
    n_advised = len(advised_cells(findings))
    assert [row.is_advised for row in table.rows] == [True] * n_advised + [False] * (12 - n_advised)


def test_cells_table_is_ordered_by_the_score_that_it_shows(findings):
    scores = column(cells_table(findings, SAID), "Macro-F1")[len(advised_cells(findings)) :]
    assert [score.order for score in scores] == sorted((score.order for score in scores), reverse=True)
    assert all(score.text.startswith(f"{score.order:.2f}") for score in scores)


def test_filters_offer_the_axes_with_several_values(findings):
    filters = {one.axis: list(one.values) for one in cell_filters(findings, SAID)}
    assert filters == {"method": ["A", "C"], "domain": ["ShengYing", "ZhenDong", "Joint"], "classifier": ["lda", "svm"]}


def test_confusion_shows_counts_and_percent_of_each_row(grid):
    overall, *by_domain = tables_cell.confusion_tables(grid[-1], SAID)
    assert len(by_domain) == 2
    counts = grid[-1].metrics["confusion"]["spark"]
    total = sum(counts.values())
    shown = [value.text for value in overall.rows[1].values]
    assert shown == ["spark", *(f"{n} ({100 * n / total:.1f} %)" for n in counts.values()), str(total)]


def test_metrics_of_a_joint_cell_stand_by_domain_too(grid):
    table = tables_cell.metrics_table(grid[-1], SAID)
    assert [column.title for column in table.columns][1:] == ["All test series", "ShengYing", "ZhenDong"]
    low, high = grid[-1].metrics["macro_f1_interval"]
    assert f"[{low:.2f}, {high:.2f}]" in table.rows[0].values[1].text


def test_errors_of_a_cell_name_every_motor_with_one_worst_first(grid):
    table = tables_cell.errors_table(grid[0], SAID)
    shares = [row.values[3].share for row in table.rows]
    wrong = [row for row in grid[0].metrics["by_motor"] if row["n_errors"]]
    assert sum(share > 0 for share in shares) == len(wrong)
    assert shares == sorted(shares, reverse=True)


def test_levels_mark_the_best_and_how_far_the_others_are(findings):
    (advice,) = [one for one in findings.advice if one.levels and set(one.levels.means) == {"A", "C"}]
    table = tables_evidence.levels_table(advice, "Which method?", SAID)
    assert [row.values[0].text for row in table.rows] == ["C", "A"]
    assert table.rows[0].values[-1].text == "best"


def test_spent_adds_up_and_unknown_energy_is_a_dash():
    rows = [
        {"kind": "finetune", "n_stages": 2, "cpu_hours": 1.0, "gpu_hours": 0.5, "energy_wh": None},
        {"kind": "classify", "n_stages": 3, "cpu_hours": 2.0, "gpu_hours": 0.0, "energy_wh": None},
    ]
    table = tables_evidence.spent_table({"by_kind": rows}, SAID)
    assert [value.text for value in table.rows[-1].values] == ["total", "5", "3.0 h", "30 min", "–"]


@pytest.mark.parametrize(("seconds", "text"), [(0, "–"), (8.21, "8.2 s"), (600, "10 min"), (9000, "2.5 h")])
def test_duration_has_the_unit_that_suits_it(seconds, text):
    assert duration(seconds, SAID) == text
