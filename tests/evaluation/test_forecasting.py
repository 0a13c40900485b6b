"""What training added over the untrained control."""

from dataclasses import replace

import pytest

from motor.evaluation.forecasting import (
    forecast_errors,
    gains_by_method,
    gains_by_row,
    gains_by_tuning,
    mean_errors,
    without_control,
)
from motor.evaluation.repeats import repeats
from motor.evaluation.scores import score_cells

CONTROLS = {"C": "untrained", "B": "untrained"}
FAMILIES = {"C": "forecaster", "B": "forecaster", "A": "forecaster", "untrained": "forecaster", "order": "plain"}


@pytest.fixture(scope="module")
def cells(make_cell):
    """C gains much, B nothing; A has no control; order has no forecaster."""
    made = []
    for place, (method, quality) in enumerate({"C": 3.0, "B": 1.0, "untrained": 1.0, "A": 1.0, "order": 1.0}.items()):
        for number, classifier in enumerate(("lda", "svm")):
            made.append(make_cell(quality, 2 * place + number, method, context_length=512, classifier=classifier))
    made[4:6] = [replace(cell, training={"steps": [0, 0]}) for cell in made[4:6]]
    return [*made[:-2], *(replace(cell, skill=None, training=None) for cell in made[-2:])]


@pytest.fixture
def found(cells, context):
    context = replace(context, controls=CONTROLS, families=FAMILIES)
    return repeats(cells), score_cells(cells, context.classes), context


def test_gain_of_a_row_is_its_macro_f1_over_the_controls(found):
    rows, _, _ = found
    gains = gains_by_row(*found)
    assert sorted(gains) == [0, 1, 2, 3]
    by_domain = [
        [row.first.metrics["by_domain"][name]["macro_f1"] for name in ("ShengYing", "ZhenDong")]
        for row in (rows[0], rows[4])
    ]
    assert gains[0].difference.value == pytest.approx(sum(by_domain[0]) / 2 - sum(by_domain[1]) / 2)


def test_gain_of_a_method_says_where_training_added_and_where_not(found):
    gains = {gain.difference.first: gain for gain in gains_by_method(*found)}
    assert gains["C"].difference.told_apart
    assert gains["C"].difference.value > 0
    assert not gains["B"].difference.told_apart
    assert set(gains) == {"C", "B"}


def test_gain_by_tuning_has_one_for_each_fine_tune(found):
    assert [gain.difference.n_pairs for gain in gains_by_tuning(*found, ["method", "domain"])] == [4, 4]


def test_control_matches_where_an_axis_means_nothing_for_it(make_cell, context):
    cells = [make_cell(1.0, 1, context_length=512), make_cell(1.0, 2, "untrained", context_length=None)]
    context = replace(context, controls=CONTROLS)
    assert list(gains_by_row(repeats(cells), score_cells(cells, context.classes), context)) == [0]


def test_control_of_another_classifier_is_no_control(make_cell, context):
    cells = [make_cell(1.0, 1, classifier="lda"), make_cell(1.0, 2, "untrained", classifier="svm")]
    context = replace(context, controls=CONTROLS)
    assert gains_by_row(repeats(cells), score_cells(cells, context.classes), context) == {}


def test_trained_forecaster_without_a_control_is_named_what_trains_nothing_is_not(found):
    rows, _, context = found
    assert without_control(rows, context) == ["A"]


def test_forecast_errors_pool_the_faults_and_know_nothing_of_plain_methods(found):
    rows, _, _ = found
    assert forecast_errors(rows[0].first, "normal") == pytest.approx((0.7, 0.95))
    assert forecast_errors(rows[-1].first, "normal") == (None, None)
    assert mean_errors([rows[0], rows[-1]], "normal") == pytest.approx((0.7, 0.95))
