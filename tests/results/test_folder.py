"""The results of a grid with a section of one's own: written, current, and written again where its file changes."""

import json
import shutil

import pytest

from grid.store.store import Store
from motor.results.folder import is_current, results_folder, write_results

SECTION = """
from typing import Literal
from motor.report.document import Paragraph
from motor.report.sections.base import Section

class Mine(Section):
    kind: Literal["mine"] = "mine"
    WORDS = {"en": {"title": "My section", "told": "SOME of {n} cells"}}

    def blocks(self, findings, wording):
        return [Paragraph(wording.say("told", n=len(findings.cells)))]

PLUGIN = Mine
"""


@pytest.fixture
def written(make_tiny, tiny_built, tmp_path):
    """Give a function that reads a config with a section of one's own, and writes its results beside copied stages."""
    store = Store(shutil.copytree(tiny_built.store.root, tmp_path / "storage", symlinks=True))

    def write(word):
        (tmp_path / "mine.py").write_text(SECTION.replace("SOME", word), encoding="utf-8")
        tiny = make_tiny(tmp_path, "name=mine", "axes.method=[A]", "plugins=[mine.py]")
        before = is_current(tiny.experiment, tiny.plan.cells, store)
        write_results(tiny.experiment, tiny.plan.cells, tiny.plan, store, {}, "command")
        after = is_current(tiny.experiment, tiny.plan.cells, store)
        return results_folder(tiny.experiment, store), before, after

    return write


def test_results_hold_a_section_of_ones_own_in_both_forms_and_follow_its_file(written):
    for word in ("counts", "numbers"):
        root, before, after = written(word)
        assert (before, after) == (False, True)
        for name in ("report.html", "result.md"):
            text = (root / name).read_text(encoding="utf-8")
            assert f"{word} of 3 cells" in text
            assert "My section" in text
        summary = json.loads((root / "summary.json").read_text(encoding="utf-8"))
        assert (summary["name"], summary["n_cells"], summary["schema_version"]) == ("mine", 3, 1)
        assert (root / "figures" / "overview.png").stat().st_size > 3000
