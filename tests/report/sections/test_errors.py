"""The section on errors says which orders classes rest on, and where no known part explains them."""

from dataclasses import replace

import pytest

from motor.report.document import Points
from motor.report.findings import find
from motor.report.findings.recipes import advised_recipe
from motor.report.sections.errors import MotorErrors
from motor.report.wording import Wording
from motor.report.words import words


@pytest.fixture
def section_text(grid, context, make_details):
    """Give a function that returns what the section tells in points, of cells that rest on these orders."""

    def points_of(*rests_on):
        details = make_details(grid)
        for cell in details["cells"].values():
            cell["rests_on"] = list(rests_on)
        findings = replace(find(grid, context), details=details)
        assert advised_recipe(findings) is not None
        section = MotorErrors.model_validate({})
        wording = Wording(words("en").beside(section.words("en").source, section.words("en").entries), findings)
        (points,) = [block for block in section.blocks(findings, wording) if isinstance(block, Points)]
        return " ".join(points.texts)

    return points_of


SPARK = {"domain": "rig", "label": "spark", "order": 3.6, "gain_db": 12.2}


def test_errors_say_what_a_class_rests_on_and_that_it_is_an_estimate(section_text):
    text = section_text(SPARK)
    assert "an estimate" in text
    assert "spark (rig) on 3.6 x the shaft, 12 dB over normal" in text
    assert "known" not in text


def test_errors_name_the_part_that_a_class_rests_on(section_text):
    text = section_text({**SPARK, "component": "outer_race"}, {**SPARK, "label": "vibrate", "component": None})
    assert "12 dB over normal: outer race" in text
    assert "No known line explains" not in text


def test_errors_say_that_no_known_line_explains_the_classes(section_text):
    assert "No known line explains the classes" in section_text({**SPARK, "component": None})


def test_errors_of_cells_without_lines_say_nothing_of_them(section_text):
    assert "rest on" not in section_text()
