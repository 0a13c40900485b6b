import subprocess
import sys
from dataclasses import replace

import pytest

from motor.evaluation.cells import cell_key
from motor.report import FailedCell
from motor.report.html import cell, write_html
from motor.report.html.words import WordsError

HEAVY = ("plotly", "jinja2", "sklearn", "pandas", "torch", "ray", "yaml")


def test_page_answers_what_a_reader_asks(report, context):
    text = report.read_text(encoding="utf-8")
    for part in ("macro-F1", context.command, context.digests.get("data", ""), "3.11", "4be1", "Prognostic assessment"):
        assert part in text
    assert text.index('id="verdict"') < text.index('id="acquisition"') < text.index('id="repeat"')


def test_page_is_the_same_bytes_every_time(report, grid, context, make_details, tmp_path):
    write_html(tmp_path / "again.html", grid, context, make_details(grid))
    assert (tmp_path / "again.html").read_bytes() == report.read_bytes()


def test_page_escapes_every_foreign_name(evil_report):
    text = evil_report.read_text(encoding="utf-8")
    assert "<img src=x" not in text
    assert text.count("</script>") == text.count("<script")


def test_page_without_cells_names_the_failed_ones(context, tmp_path):
    failed = (FailedCell({"method": "C"}, "out of <memory>", "a.log"),)
    write_html(tmp_path / "report.html", [], replace(context, failed=failed), {})
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "No cell has a result yet." in text
    assert "out of &lt;memory&gt;" in text


def test_page_of_one_cell_without_details_is_written(grid, context, tmp_path):
    write_html(tmp_path / "report.html", grid[:1], context, {})
    assert "One cell" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_page_without_room_says_how_many_cells_are_short(grid, context, make_details, tmp_path, monkeypatch):
    monkeypatch.setattr(cell, "MOST_BYTES", 1)
    write_html(tmp_path / "report.html", grid, context, make_details(grid))
    assert "For 12 cells of lesser rank there was no room" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_unknown_language_raises_and_names_the_known_ones(grid, context, tmp_path):
    with pytest.raises(WordsError, match=r"page\.en\.yaml, page\.zh\.yaml"):
        write_html(tmp_path / "report.html", grid, replace(context, language="tlh"), {})


def test_import_is_light():
    code = f"import sys, motor.report.html; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_page_of_recipes_that_share_no_domain_is_written(make_cell, context, tmp_path):
    places = (("A", "ShengYing", "lda"), ("A", "ShengYing", "svm"), ("C", "ZhenDong", "lda"))
    cells = [make_cell(1.5, seed, m, d, classifier=c) for seed, (m, d, c) in enumerate(places)]
    write_html(tmp_path / "report.html", cells, context, {})
    assert "No recipe has a result in every domain" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_page_of_seeds_has_a_row_for_each(make_cell, context, tmp_path):
    made = [make_cell(1.5, seed) for seed in (1, 2)]
    cells = [replace(one, axes={**one.axes, "seed": seed}) for seed, one in enumerate(made)]
    write_html(tmp_path / "report.html", cells, context, {})
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text.count("<tr data-name=") == 2


def test_page_shows_what_a_leak_would_have_claimed(grid, context, tmp_path):
    leaky = {cell_key(one.axes): 0.99 for one in grid}
    write_html(tmp_path / "report.html", grid, replace(context, leaky=leaky), {})
    assert "Leaky: split by series" in (tmp_path / "report.html").read_text(encoding="utf-8")
