"""The section on trends draws each motor's columns over time, with their band; nothing where there are no times."""

import dataclasses

import pytest

from motor.report import Findings
from motor.report.document import Figure, Heading, walk
from motor.report.drawing import draw
from motor.report.sections.trends import Trends
from motor.report.wording import Wording

COLUMN = {"name": "level_rms", "y": [1.0, 1.2, 1.1, 4.0], "low": 0.5, "high": 1.7}
TREND = {"motor": "m0", "domain": "casing", "began": 1e9, "t_h": [0.0, 24.0, 48.0, 96.0], "is_own": True}
TREND |= {"label": ["normal", "normal", None, "worn"], "is_reference": [True, False, False, False]}
TREND |= {"columns": [COLUMN, {**COLUMN, "name": "kurtosis", "low": None, "high": None}]}


def blocks(context, language, trends):
    findings = Findings([], dataclasses.replace(context, language=language), details={"trends": trends})
    return walk(Trends().blocks(findings, Wording(Trends().words(language), findings)))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_trends_have_a_figure_for_each_column_with_its_band_and_each_label(context, language):
    drawn = blocks(context, language, [TREND])
    assert any("m0" in block.text for block in drawn if isinstance(block, Heading))
    with_band, without = [block for block in drawn if isinstance(block, Figure)]
    assert len(with_band.plot["data"]) == 2 + 3 + 1
    assert len(without.plot["data"]) == 3 + 1
    (worn,) = [trace for trace in with_band.plot["data"] if trace["name"] == "worn"]
    assert (worn["x"], worn["y"]) == ([4.0], [4.0])


def test_trend_is_drawn_to_a_file(context, tmp_path):
    figure = next(block for block in blocks(context, "en", [TREND]) if isinstance(block, Figure))
    draw(tmp_path / "trend.png", figure.plot)
    assert (tmp_path / "trend.png").stat().st_size > 1000


def test_nothing_is_told_where_recordings_have_no_times(context):
    assert blocks(context, "en", []) == []
