"""What speaks against believing the numbers."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import yaml

import motor.report.sections
from motor.report.findings import find
from motor.report.findings.caveats import AssumedLabels, Caveat, SameForAll


@pytest.fixture
def same(make_cell):
    """A cell whose judge says the same of every series."""
    cell = make_cell(1.0, 1, "A", "ShengYing", classifier="lda")
    names = [name for name in cell.predictions if name.startswith("probability_")]
    return replace(cell, predictions=cell.predictions.assign(**dict.fromkeys(names, 1 / len(names))))


def test_judge_that_says_the_same_of_every_series_is_named(make_cell, same, context, shown):
    other = make_cell(1.0, 2, "A", "ShengYing", classifier="svm")
    found = find([same, other], context)
    (caveat,) = [caveat for caveat in found.caveats if isinstance(caveat, SameForAll)]
    assert caveat.recipes == (same.axes,)
    said = "Nothing learned: 1 of 2 cells say the same of every test series of a fold"
    assert any(said in text and "lda" in text for text in shown(found, "warnings").sentences)


def test_judges_that_tell_series_apart_are_not(make_cell, context):
    cells = [make_cell(1.0, seed, "A", "ShengYing", classifier=name) for seed, name in enumerate(("lda", "svm"))]
    assert not any(isinstance(caveat, SameForAll) for caveat in find(cells, context).caveats)


@pytest.mark.parametrize("by", ["life", "hours_to_failure"])
def test_labels_that_nobody_saw_are_said_to_be_assumed(make_cell, context, shown, by):
    rule = {"by": by, "normal": [0.05, 0.35], "spark": [0.97, 1]}
    found = find(
        [make_cell(1.0, 1, "A", "ShengYing", classifier="lda")], replace(context, dataset={"assumed_labels": rule})
    )
    assert AssumedLabels(by, {"normal": [0.05, 0.35], "spark": [0.97, 1]}) in found.caveats
    assert any("assumed" in text and "spark: 0.97 to 1" in text for text in shown(found, "warnings").sentences)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_caveat_has_its_words_for_the_opening(language):
    file = Path(motor.report.sections.__file__).parent / "words" / f"opening.{language}.yaml"
    words = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert {f"short.{caveat.__name__}" for caveat in get_args(Caveat)} <= words.keys()
