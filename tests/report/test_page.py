import re
import subprocess
import sys
from dataclasses import replace
from itertools import product
from urllib.parse import unquote

import pytest

from motor.evaluation.cells import cell_key
from motor.report import FailedCell, summary_table, write_report

REGIMES = ("ShengYing", "ZhenDong", "Joint")


@pytest.fixture
def write(tmp_path, context):
    def write(cells, changed=context):
        write_report(tmp_path / "result.md", cells, changed)
        return (tmp_path / "result.md").read_text(encoding="utf-8")

    return write


@pytest.fixture(scope="module")
def grid(make_cell):
    """Method C is far better than A, Joint a little worse, the rest is equal."""
    return [
        make_cell(
            (2.5 if method == "C" else 0.5) - (0.5 if domain == "Joint" else 0),
            seed,
            method,
            domain,
            context_length=context_length,
            classifier=classifier,
        )
        for seed, (method, domain, context_length, classifier) in enumerate(
            product(("A", "C"), REGIMES, (2048, 4096), ("lda", "svm"))
        )
    ]


@pytest.fixture(scope="module")
def grid_text(grid, context, tmp_path_factory):
    path = tmp_path_factory.mktemp("grid") / "result.md"
    write_report(path, grid, context)
    return path.read_text(encoding="utf-8")


def advice_row(text, question):
    (row,) = [line for line in text.splitlines() if line.startswith(f"| **{question}")]
    return row


def test_report_begins_with_the_better_recipe(grid_text):
    assert grid_text.split("## Verdict\n\n")[1].startswith("**Best recipe: method C, each domain alone, context ")


def test_advice_names_the_better_method_and_says_by_how_much(grid_text):
    row = advice_row(grid_text, "Which method?")
    assert "**method C** pays" in row
    assert re.search(r"C over A: \+0\.[3-6]\d \[\+0\.\d\d, \+0\.\d\d\]", row)


def test_advice_names_the_better_regime(grid_text):
    assert "**does not pay**: train each domain alone" in advice_row(grid_text, "Joint instead")


def test_advice_on_equal_contexts_cannot_tell_and_takes_the_shorter(grid_text):
    row = advice_row(grid_text, "Which context?")
    assert "**cannot tell** (24 motors); take 2048, the cheapest" in row


@pytest.mark.parametrize(
    ("gain", "expected"), [(1.5, "**pays**"), (0.0, "**cannot tell (24 motors)**"), (-1.0, "**does not pay**")]
)
def test_advice_on_the_second_stage_follows_the_numbers(write, make_cell, gain, expected):
    cells = [make_cell(1.5, 1, "C", classifier="svm"), make_cell(1.5 + gain, 2, "C_two_stage", classifier="svm")]
    assert expected in advice_row(write(cells), "Two-stage C?")


def test_advice_on_identical_predictions_cannot_tell(write, make_cell):
    cells = [make_cell(1.0, 1, classifier=name) for name in ("lda", "svm")]
    assert "**cannot tell** (24 motors)" in advice_row(write(cells), "Which classifier?")


def test_advice_from_fewer_than_six_motors_cannot_tell(write, make_cell):
    def motors(cell):
        kept = cell.predictions["motor"].isin({"normal-0", "normal-1", "spark-0", "vibrate-0", "vibrate-1"})
        return replace(cell, predictions=cell.predictions[kept])

    cells = [motors(make_cell(9.0, 1, classifier="svm")), motors(make_cell(-3.0, 2, classifier="lda"))]
    assert "**cannot tell** (5 motors)" in advice_row(write(cells), "Which classifier?")


def test_regimes_are_compared_on_the_same_series(write, make_cell):
    alone, joint = make_cell(2.0, 1, domain="ZhenDong"), make_cell(1.0, 2, domain="Joint")
    expected = [alone.metrics["macro_f1"], joint.metrics["by_domain"]["ZhenDong"]["macro_f1"]]
    (row,) = re.findall(r"^\| ZhenDong \| C \| (.*?) \| (.*?) \| (\S+) \[.*\|$", write([alone, joint]), re.MULTILINE)
    assert [float(value) for value in row[:2]] == pytest.approx(expected, abs=0.005)
    assert float(row[2]) == pytest.approx(expected[1] - expected[0], abs=0.005)


def test_links_lead_to_the_cells_and_figures(grid, grid_text):
    targets = {unquote(target) for target in re.findall(r"\]\(([^)\s]+)\)", grid_text)}
    folders = {cell.folder for cell in grid}
    assert folders <= targets
    figures = {f"{cell.folder}/{figure}" for cell in grid for figure in cell.figures}
    assert targets - folders <= figures | {"critical-difference.png"}
    assert any("figures/roc pr.png" in target for target in targets)


def test_tables_have_as_many_columns_in_each_row(write, grid, context):
    failed = FailedCell({"method": "A"}, "out of memory | again\nsecond line", "logs/1.txt")
    text = write(grid, replace(context, failed=(failed,)))
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1
    assert r"| out of memory \| again second line | `logs/1.txt` |" in text


def test_report_writes_no_nan_and_no_none(write, grid):
    lame = replace(grid[0], skill={"normal": None, "spark": float("nan")}, training=None)
    text = write([lame, *grid[1:]])
    assert not re.search(r"\b(nan|NaN|None|inf)\b", text)


def test_report_is_the_same_when_written_again(write, grid, grid_text):
    assert write(grid) == grid_text


def test_report_alarms_at_macro_f1_of_98_percent(write, make_cell):
    assert "ALARM: too good" in write([make_cell(50)])
    assert "ALARM" not in write([make_cell(1.5)])


def test_report_says_when_the_best_is_not_above_chance(write, make_cell):
    assert "Not above chance" in write([make_cell(0.0)])


def test_report_says_when_the_forecaster_did_not_learn(write, make_cell):
    lame = replace(make_cell(1.5), skill={"normal": 0.99, "spark": 1.01})
    assert "did not learn to forecast** (C in Joint)" in write([lame])
    assert "did not learn" not in write([make_cell(1.5)])


def test_report_says_when_thresholds_or_motors_are_few(write, make_cell):
    threshold = {"resolved": False, "false_alarm_rate": 0.05, "n_series": 8}
    text = write([replace(make_cell(1.5, n_motors=3), thresholds=(threshold,))])
    assert "1 of 1 rest on too few normal validation series (down to 8) for a false-alarm rate of 5 %" in text
    assert "Fewer than 6 test motors in ShengYing (normal 3, spark 3, vibrate 3); ZhenDong (" in text
    assert "9 of 9 test motors were recorded in one state only" in text


def test_report_compares_only_series_that_all_cells_share(write, make_cell):
    short = make_cell(1.0, 2, method="A")
    short = replace(short, predictions=short.predictions.iloc[4:])
    assert "4 test series are missing in some cells; comparisons use the 140" in write([make_cell(1.0, 1), short])


def test_report_without_a_shared_series_is_an_error(write, make_cell):
    other = make_cell(1.0, method="A")
    other = replace(other, predictions=other.predictions.assign(item=lambda table: "x" + table["item"]))
    with pytest.raises(ValueError, match="share no test series"):
        write([make_cell(1.0), other])


def test_report_without_a_complete_recipe_still_names_the_best_of_each_domain(write, make_cell):
    text = write([make_cell(1.0, method="A", domain="ShengYing"), make_cell(1.0, method="B", domain="ZhenDong")])
    assert "No recipe has a result in every domain" in text
    assert "| ShengYing | method A" in text


def test_report_without_cells_names_the_failed_ones(write, context):
    text = write([], replace(context, failed=(FailedCell({"method": "A"}, "boom"),)))
    assert "No cell has a result yet." in text
    assert "| method=A | boom | – |" in text


def test_summary_has_one_row_a_cell_with_axes_and_intervals(grid):
    table = summary_table(grid)
    assert len(table) == len(grid)
    assert table["macro_f1"].tolist() == [cell.metrics["macro_f1"] for cell in grid]
    assert {"method", "context_length", "macro_f1_low", "f1_spark", "forecast_error_faulty", "steps"} <= set(
        table.columns
    )
    assert table["forecast_error_faulty"].iloc[0] == pytest.approx(0.95)


def test_audit_findings_stand_before_the_verdict(write, make_cell, context):
    finding = {"name": "dc_offset", "what": "DC offset tells the class.", "evidence": {}, "next_step": "Remove it."}
    audit = {"findings": [finding], "probe": [], "checks": [], "seconds": 1.0}
    text = write([make_cell(1.5)], replace(context, audit=audit, accepted=("dc_offset",)))
    assert text.split("\n\n")[1] == "## ACCEPTED BY CONFIG, BUT READ THIS FIRST"
    assert text.index("READ THIS FIRST") < text.index("## Verdict") < text.index("## Leak audit")


def test_report_without_an_audit_says_so(grid_text):
    assert "- **No leak audit ran with this grid.**" in grid_text
    assert "## Leak audit\n\n**No leak audit ran" in grid_text


def test_report_says_where_training_added_and_where_not(write, make_cell, context):
    qualities = {"C": 4.0, "B": 1.0, "untrained": 1.0}
    cells = [make_cell(quality, seed, method) for seed, (method, quality) in enumerate(qualities.items())]
    families = dict.fromkeys((*qualities, "D"), "forecaster")
    text = write(cells, replace(context, families=families, controls=dict.fromkeys("CB", "untrained")))
    section = text.split("## What training added\n\n")[1].split("\n\n")[0]
    assert re.search(r"added nothing that these motors can show\*\* to B \(", section)
    assert re.search(r"\*\*Training added\*\* to C \(\+0\.\d\d \[", section)


def test_every_recipes_row_shows_skill_control_and_difference(write, make_cell, context):
    cells = [
        make_cell(quality, seed, method) for seed, (method, quality) in enumerate({"C": 4.0, "untrained": 1.0}.items())
    ]
    text = write(cells, replace(context, controls={"C": "untrained"}))
    (row,) = [line for line in text.splitlines() if line.startswith("| C | Joint | ") and "[files]" in line]
    control = f"{cells[1].metrics['macro_f1']:.2f}"
    assert re.search(rf"\| 0\.70 / 0\.95 \| {control} \| \+0\.\d\d \[\+0\.\d\d, \+0\.\d\d\] \| \[files\]", row)


def test_report_of_methods_without_a_forecaster_has_dashes_and_no_fine_tunes(write, make_cell, context):
    made = [
        make_cell(1.0, seed, "order", context_length=None, classifier=name) for seed, name in enumerate(("lda", "svm"))
    ]
    cells = [replace(cell, skill=None, training=None, n_fits=0, folder="order") for cell in made]
    text = write(cells, replace(context, families={"order": "plain"}))
    assert not re.search(r"\b(nan|NaN|None|inf)\b", text)
    assert "validation loss" not in text
    assert "## What training added" not in text


def test_seeds_are_one_row_with_a_table_of_their_own(write, make_cell):
    cells = [replace(cell, axes={**cell.axes, "seed": seed}) for seed in (1, 2) for cell in [make_cell(1.0, seed)]]
    text = write(cells)
    assert len([line for line in text.splitlines() if line.startswith("| C | Joint |") and "[files]" in line]) == 1
    assert re.search(r"## Seeds\n\n.*\n\n\| method \| domain \| seed 1 \| seed 2 \| mean \| spread \|", text)


def test_critical_difference_is_drawn_beside_the_report_and_goes_when_it_no_longer_can(write, make_cell, tmp_path):
    write([make_cell(quality, seed, method) for seed, (method, quality) in enumerate({"A": 0, "B": 1, "C": 3}.items())])
    assert (tmp_path / "critical-difference.png").stat().st_size > 5000
    text = write([make_cell(1.0)])
    assert not (tmp_path / "critical-difference.png").exists()
    assert "critical-difference" not in text


def test_report_says_when_contexts_are_not_real(write, make_cell):
    cells = [
        replace(make_cell(1.0, length, context_length=length), training={"steps": 10, "tokens": tokens})
        for length, tokens in ((512, 32), (4096, 32), (8192, 512))
    ]
    assert "C: 32 tokens for 4096 and 512 samples" in write(cells)


def test_report_says_when_the_encoder_saw_less_than_its_context(write, make_cell):
    cell = replace(make_cell(1.0, context_length=4096), training={"steps": 10, "context_seen": [512, 512]})
    assert "C: 512 of 4096 samples" in write([cell])
    assert "not real" not in write([replace(cell, training={"steps": 10, "context_seen": 4096})])


def test_leaky_figures_stand_beside_the_clean_ones_on_request(write, make_cell, context):
    cell = make_cell(1.0)
    assert "## Leaky beside clean" in write([cell], replace(context, leaky={cell_key(cell.axes): 0.97}))
    assert "Leaky" not in write([cell])


def test_a_figure_of_98_percent_is_printed_with_what_explains_it(write, make_cell, context):
    cue = {"cue": "level", "domain": "ZhenDong", "macro_f1": 0.4, "interval": None, "chance": 0.33}
    cue |= {"p_value": 0.3, "beats_chance": False, "n_motors": 24}
    audit = {"findings": [], "probe": [cue], "checks": [], "seconds": 1.0}
    cells = [make_cell(50, method=name, domain="ZhenDong") for name in ("C", "order")]
    text = write(cells, replace(context, audit=audit, families={"C": "forecaster", "order": "plain"}))
    assert "1.00 † method C" in text
    assert "explained: plain features reach the same" in text
    assert "ALARM" not in text.replace("else it is an alarm", "")


def test_long_report_keeps_the_best_rows_and_leaves_the_rest_to_the_table_of_cells(write, make_cell):
    made = [make_cell(1.0, seed, method, "ZhenDong") for seed, method in enumerate("AB")]
    cells = [
        replace(cell, axes={**cell.axes, "context_length": length, "classifier": name})
        for cell in made
        for length in range(100, 1400, 100)
        for name in ("lda", "svm", "mlp", "knn", "rf")
    ]
    text = write(cells)
    assert "All 130 rows stand in cells.csv." in text
    assert "Show the best 120 of 130" in text
    assert len([line for line in text.splitlines() if "[files]" in line and line.startswith(("| A |", "| B |"))]) == 2


def test_import_loads_no_heavy_library():
    code = (
        "import sys, motor.report, motor.report.figures, motor.evaluation.thresholds; "
        "print({'pandas', 'matplotlib', 'sklearn', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
