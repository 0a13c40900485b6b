"""A document as Markdown: what a reader may rely on whatever stands in it, and the whole report of a grid."""

import re
import subprocess
import sys
from dataclasses import replace
from itertools import product
from urllib.parse import unquote

import pytest

from motor.evaluation.cells import cell_key
from motor.report import FailedCell, compose, find, summary_table, write_markdown
from motor.report.document import Code, Document, Folded, Links, Paragraph, Part, Points, Target, Value, plain_table
from motor.report.markdown import escape, link
from motor.report.words import words

REGIMES = ("ShengYing", "ZhenDong", "Joint")


@pytest.fixture
def write(tmp_path, context):
    def write(cells, changed=context):
        write_markdown(tmp_path / "result.md", compose(find(cells, changed)))
        return (tmp_path / "result.md").read_text(encoding="utf-8")

    return write


@pytest.fixture
def render(tmp_path):
    """Give a function that writes blocks as the only part of a document."""

    def render(*blocks):
        write_markdown(tmp_path / "blocks.md", Document("Title", [Part("part", "Part", blocks)], words("en")))
        return (tmp_path / "blocks.md").read_text(encoding="utf-8").split("## Part\n\n")[1].rstrip("\n")

    return render


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
def grid_findings(grid, context):
    return find(grid, context)


@pytest.fixture(scope="module")
def grid_path(grid_findings, tmp_path_factory):
    path = tmp_path_factory.mktemp("grid") / "result.md"
    write_markdown(path, compose(grid_findings))
    return path


@pytest.fixture(scope="module")
def grid_text(grid_path):
    return grid_path.read_text(encoding="utf-8")


def test_foreign_text_stays_in_its_cell():
    assert escape("a|b\n<i>`c`[d]") == r"a\|b &lt;i&gt;\`c\`\[d\]"


@pytest.mark.parametrize("text", ["# a", "- a", "+ a", "1. a", "_a_", "~~a~~", "$a$", "&lt;", "**a**", "> a"])
def test_foreign_text_is_no_markup(text):
    from markdown_it import MarkdownIt

    html = MarkdownIt("commonmark").enable("strikethrough").render(escape(text))
    shown = text.replace("&", "&amp;").replace(">", "&gt;")
    assert html == f"<p>{shown}</p>\n"


def test_names_with_underscores_stay_readable():
    assert escape("C_two_stage") == "C_two_stage"


def test_links_with_spaces_and_chinese_are_encoded():
    assert link("confusion", Target.file("方法 A/x.png")) == "[confusion](%E6%96%B9%E6%B3%95%20A/x.png)"


def test_link_to_a_cell_leads_to_its_folder_and_one_to_a_section_to_its_heading(render):
    text = render(Links("See", [("C/svm", Target.cell("C/svm", "C dir/svm")), ("data", Target.section("data"))]))
    assert text == "See [C/svm](C%20dir/svm) · [data](#data)"


def test_short_table_stands_open_and_a_long_one_is_folded(render):
    short, long = (plain_table("Caption", ["a", "b"], [[str(row), row] for row in range(n)]) for n in (10, 11))
    assert render(*short).startswith("**Caption**\n\n| a | b |\n| :--- | ---: |\n| 0 | 0 |")
    assert render(*long).startswith("<details><summary>Caption (11 rows)</summary>\n\n| a | b |")


def test_very_long_table_says_where_the_rest_stands(render):
    text = render(*plain_table("Caption", ["a"], [[str(row)] for row in range(130)], elsewhere="cells.csv"))
    assert "The first 120 of 130 rows; all of them stand in cells.csv." in text
    assert "| 119 |" in text
    assert "| 120 |" not in text


def test_code_that_holds_a_fence_stays_code(render):
    assert render(Code("a\n```\nb", "sh")) == "````sh\na\n```\nb\n````"


def test_folded_blocks_and_points_are_written(render):
    text = render(Folded("More", [Points(["one", "two"]), Paragraph("three", "lead")]))
    assert text == "<details><summary>More</summary>\n\n- one\n- two\n\n**three**\n\n</details>"


def test_strong_value_without_text_is_empty(render):
    (table,) = plain_table("Caption", ["a", "b"], [["x", Value("", is_strong=True)]])
    assert "| x |  |" in render(table)


def test_links_lead_to_the_cells_and_figures(grid, grid_path, grid_text):
    targets = {unquote(target) for target in re.findall(r"\]\(([^)\s]+)\)", grid_text)}
    folders = {cell.folder for cell in grid}
    assert folders <= targets
    parts = {f"#{name}" for name in re.findall(r'<a id="(\w+)">', grid_text)}
    cells = {f"{cell.folder}/{figure}" for cell in grid for figure in cell.figures}
    drawn = {f"figures/{path.name}" for path in (grid_path.parent / "figures").iterdir()}
    assert targets - folders <= cells | drawn | parts
    assert any("figures/roc pr.png" in target for target in targets)
    assert {f"figures/{name}.png" for name in ("overview", "differences", "calibration", "roc")} <= drawn <= targets


def test_tables_have_as_many_columns_in_each_row(write, grid, context):
    failed = FailedCell({"method": "A"}, "out of memory | again\nsecond line", "logs/1.txt")
    text = write(grid, replace(context, failed=(failed,)))
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1
    assert r"| out of memory \| again second line | logs/1.txt |" in text


def test_report_writes_no_nan_and_no_none(write, grid):
    lame = replace(grid[0], skill={"normal": None, "spark": float("nan")}, training=None)
    assert not re.search(r"\b(nan|NaN|None|inf)\b", write([lame, *grid[1:]]))


def test_report_is_the_same_when_written_again(write, grid, grid_text, grid_path, tmp_path):
    assert write(grid) == grid_text
    for path in (grid_path.parent / "figures").iterdir():
        assert (tmp_path / "figures" / path.name).read_bytes() == path.read_bytes()


def test_figure_that_is_no_longer_drawn_goes(write, make_cell, tmp_path):
    write([make_cell(quality, seed, method) for seed, (method, quality) in enumerate({"A": 0, "B": 1, "C": 3}.items())])
    assert (tmp_path / "figures" / "critical-difference.png").stat().st_size > 5000
    text = write([make_cell(1.0)])
    assert not (tmp_path / "figures" / "critical-difference.png").exists()
    assert "critical-difference" not in text


def test_report_without_a_shared_series_is_an_error(write, make_cell):
    other = make_cell(1.0, method="A")
    other = replace(other, predictions=other.predictions.assign(item=lambda table: "x" + table["item"]))
    with pytest.raises(ValueError, match="share no test series"):
        write([make_cell(1.0), other])


def test_report_without_cells_names_the_failed_ones(write, context):
    text = write([], replace(context, failed=(FailedCell({"method": "A"}, "boom"),)))
    assert "No cell has a result yet." in text
    assert "| method=A | boom | – |" in text


def test_report_in_chinese_has_the_figures_of_the_english_one(write, grid, context, grid_text):
    def figures(text):
        return sorted(re.findall(r"(?<![\w.])[+-]?\d+\.\d+", text))

    text = write(grid, replace(context, language="zh"))
    assert figures(text) == figures(grid_text)
    assert len(re.findall(r"[\u4e00-\u9fff]", text)) > 1000


def test_long_report_keeps_the_best_rows_and_leaves_the_rest_to_the_table_of_cells(write, make_cell):
    made = [make_cell(1.0, seed, method, "ZhenDong") for seed, method in enumerate("AB")]
    cells = [
        replace(cell, axes={**cell.axes, "context_length": length, "classifier": name})
        for cell in made
        for length in range(100, 1400, 100)
        for name in ("lda", "svm", "mlp", "knn", "rf")
    ]
    text = write(cells)
    assert text.count("The first 120 of 130 rows; all of them stand in cells.csv.") == 2  # of cells, and of recipes


def test_summary_has_one_row_a_cell_with_axes_and_intervals(grid):
    table = summary_table(grid)
    assert len(table) == len(grid)
    assert table["macro_f1"].tolist() == [cell.metrics["macro_f1"] for cell in grid]
    assert {"method", "context_length", "macro_f1_low", "f1_spark", "forecast_error_faulty", "steps"} <= set(
        table.columns
    )
    assert table["forecast_error_faulty"].iloc[0] == pytest.approx(0.95)


def test_leaky_figures_stand_beside_the_clean_ones_on_request(write, make_cell, context):
    cell = make_cell(1.0)
    assert "0.97" in write([cell], replace(context, leaky={cell_key(cell.axes): 0.97}))
    assert "leaks" not in write([cell])


def test_import_loads_no_heavy_library():
    code = (
        "import sys, motor.report, motor.evaluation.figures, motor.evaluation.thresholds; "
        "print({'pandas', 'matplotlib', 'sklearn', 'scipy', 'plotly', 'yaml', 'torch', 'ray'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
