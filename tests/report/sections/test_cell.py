import pytest

from motor.report.document import Choice, Figure, Table, walk
from motor.report.findings import advised_cells, find
from motor.report.sections.cell import worst_cases


@pytest.fixture(scope="module")
def findings(grid, context):
    return find(grid, context)


@pytest.fixture(scope="module")
def choice(findings, shown):
    (choice,) = shown(findings, "cell").blocks
    return choice


@pytest.fixture(scope="module")
def panel(choice):
    """The blocks of the last cell, which is trained on Joint."""
    return walk(choice.panels[-1].whole())


def signal_of(row):
    return {key: row[key] for key in ("item", "domain", "label", "predicted")} | {"probability": 0.9}


def test_worst_cases_are_the_cells_own_where_it_has_some(grid):
    row = grid[0].predictions.iloc[0]
    assert list(worst_cases(grid[0], ["a"], {"a": signal_of(row), "b": signal_of(row)})) == ["a"]


def test_worst_cases_of_another_cell_are_told_as_this_one_took_them(grid):
    predictions = grid[0].predictions
    wrong = predictions[predictions["predicted"] != predictions["label"]].iloc[0]
    right = predictions[predictions["predicted"] == predictions["label"]].iloc[0]
    signals = {"wrong": signal_of(wrong) | {"predicted": "another"}, "right": signal_of(right)}
    found = worst_cases(grid[0], [], signals)
    assert {name: case["predicted"] for name, case in found.items()} == {"wrong": wrong["predicted"]}
    probabilities = [wrong[f"probability_{name}"] for name in grid[0].metrics["classes"]]
    assert found["wrong"]["probability"] == max(probabilities)


def test_choice_has_every_cell_and_begins_with_the_advised_one(choice, findings):
    assert isinstance(choice, Choice)
    assert len(choice.panels) == len(findings.cells)
    assert choice.default == advised_cells(findings)[0]
    assert list(choice.importance)[: len(advised_cells(findings))] == advised_cells(findings)
    assert sorted(choice.importance) == list(range(len(findings.cells)))


def test_confusion_shows_counts_and_percent_of_each_row(panel, grid):
    overall, *by_domain = [block for block in panel if isinstance(block, Table) and block.style == "matrix"]
    assert len(by_domain) == 2
    counts = grid[-1].metrics["confusion"]["spark"]
    total = sum(counts.values())
    shown = [value.text for value in overall.rows[1].values]
    assert shown == ["spark", *(f"{n} ({100 * n / total:.1f} %)" for n in counts.values()), str(total)]


def test_metrics_of_a_joint_cell_stand_by_domain_too(panel, grid):
    table = next(block for block in panel if isinstance(block, Table))
    assert [column.title for column in table.columns][1:] == ["All test series", "ShengYing", "ZhenDong"]
    low, high = grid[-1].metrics["macro_f1_interval"]
    texts = {row.values[0].text: row.values[1].text for row in table.rows}
    assert texts["Macro-F1"].endswith(f"[{low:.2f}, {high:.2f}]")
    assert len(texts) > 8


def test_errors_of_a_cell_name_every_motor_with_one_worst_first(choice, grid):
    tables = [block for block in walk(choice.panels[0].whole()) if isinstance(block, Table)]
    (table,) = [one for one in tables if "with errors" in one.caption]
    shares = [row.values[3].share for row in table.rows]
    wrong = [row for row in grid[0].metrics["by_motor"] if row["n_errors"]]
    assert sum(share > 0 for share in shares) == len(wrong)
    assert shares == sorted(shares, reverse=True)


def test_short_panel_says_so_and_keeps_its_tables(choice, panel):
    short = walk(choice.panels[-1].short())
    assert short[0].style == "note"
    tables = [[block.caption for block in blocks if isinstance(block, Table)] for blocks in (short, panel)]
    assert tables[0] == tables[1]
    assert len([block for block in short if isinstance(block, Figure)]) >= 3
