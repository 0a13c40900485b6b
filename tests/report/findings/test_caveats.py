"""What speaks against believing the numbers."""

from dataclasses import replace

import pytest

from motor.report.findings import find
from motor.report.findings.caveats import SameForAll


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
