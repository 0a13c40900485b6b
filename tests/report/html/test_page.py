import json
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from motor.evaluation.cells import cell_key
from motor.report import FailedCell, find, write_html
from motor.report.document import Document, Paragraph, Part, Points, Value, plain_table
from motor.report.html import page
from motor.report.words import WordsError, words

HEAVY = ("plotly", "sklearn", "pandas", "torch", "ray", "yaml")


@pytest.fixture
def render(tmp_path):
    """Give a function that writes blocks as the only, folded part of a page."""

    def render(*blocks):
        write_html(tmp_path / "page.html", Document("Title", [Part("part", "Part", blocks)], words("en")))
        return re.search(r'<details id="part-part".*?</main>', (tmp_path / "page.html").read_text(), re.DOTALL)[0]

    return render


def test_page_answers_what_a_reader_asks(report, context):
    text = report.read_text(encoding="utf-8")
    for part in ("macro-F1", context.command, context.digests.get("data", ""), "3.11", "4be1", "Remaining life"):
        assert part in text
    assert text.index('id="part-opening"') < text.index('id="part-verdict"') < text.index('id="part-repeat"')


def test_page_is_the_same_bytes_every_time(report, grid, context, write_page, tmp_path):
    assert write_page(tmp_path / "again.html", grid, context).read_bytes() == report.read_bytes()


def test_page_escapes_every_foreign_name(evil_report):
    text = evil_report.read_text(encoding="utf-8")
    assert "<img src=x" not in text
    assert text.count("</script>") == text.count("<script")


def test_page_without_cells_names_the_failed_ones(context, write_page, tmp_path):
    failed = (FailedCell({"method": "C"}, "out of <memory>", "a.log"),)
    text = write_page(tmp_path / "report.html", [], replace(context, failed=failed), {}).read_text(encoding="utf-8")
    assert "No cell has a result yet." in text
    assert "out of &lt;memory&gt;" in text


def test_page_of_one_cell_without_details_is_written(grid, context, write_page, tmp_path):
    text = write_page(tmp_path / "report.html", grid[:1], context, {}).read_text(encoding="utf-8")
    assert "One cell" in text


def test_page_without_room_says_how_many_panels_are_short(grid, context, write_page, tmp_path, monkeypatch):
    monkeypatch.setattr(page, "MOST_BYTES", 1)
    text = write_page(tmp_path / "report.html", grid, context).read_text(encoding="utf-8")
    assert "For 12 cells of lesser rank there was no room" in text


def test_unknown_language_raises_and_names_the_known_ones(grid, context, write_page, tmp_path):
    with pytest.raises(WordsError, match=r"en\.yaml, zh\.yaml"):
        write_page(tmp_path / "report.html", grid, replace(context, language="tlh"), {})


def test_import_is_light():
    code = f"import sys, motor.report.html; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_page_of_recipes_that_share_no_domain_is_written(make_cell, context, write_page, tmp_path):
    places = (("A", "ShengYing", "lda"), ("A", "ShengYing", "svm"), ("C", "ZhenDong", "lda"))
    cells = [make_cell(1.5, seed, m, d, classifier=c) for seed, (m, d, c) in enumerate(places)]
    text = write_page(tmp_path / "report.html", cells, context, {}).read_text(encoding="utf-8")
    assert "No recipe has a result in every domain" in text


def test_page_shows_what_a_leak_would_have_claimed(grid, context, write_page, tmp_path):
    leaky = {cell_key(one.axes): 0.99 for one in grid}
    text = write_page(tmp_path / "report.html", grid, replace(context, leaky=leaky), {}).read_text(encoding="utf-8")
    assert "Leaky: split by series" in text


def test_text_and_attributes_are_escaped(render):
    text = render(Paragraph('<b>"&'), Points(["<i>"]))
    assert "&lt;b&gt;&quot;&amp;" in text
    assert "<i>" not in text


def test_long_table_is_folded_and_a_short_one_is_not(render):
    short, long = (plain_table("Caption", ["a"], [[str(row)] for row in range(n)]) for n in (10, 11))
    assert "<summary>Caption" not in render(*short)
    assert "<summary>Caption (11 rows)</summary>" in render(*long)


def test_value_has_its_order_and_its_shade(render):
    text = render(*plain_table("Caption", ["a", "b"], [["x", Value("1 of 2", 0.5, share=0.5)]]))
    assert '<td class="number" data-order="0.5" style="--share: 0.500" data-share>1 of 2</td>' in text


def test_packed_data_is_json_of_every_panel(report, grid):
    text = report.read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="page-data">(.*?)</script>', text, re.DOTALL)[1])
    assert len(data["names"]) == len(grid)
    assert data["default"] in data["names"]
    assert [f'id="panel-{place}"' in text for place in range(len(grid))] == [True] * len(grid)
    assert all(f'id="{place}"' in text for place in data["shared"].values())


def test_findings_without_details_have_no_worst_recordings(grid, context, shown):
    assert not [figure for figure in shown(find(grid, context), "errors").figures if figure.is_shared]
