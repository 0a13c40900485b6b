from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from motor.evaluation.comparisons import compare_levels, differences
from motor.evaluation.groups import axis_groups
from motor.evaluation.scores import score_cells


def compared(cells, classes):
    scores = score_cells(cells, classes)
    pairs = [((at, domain), (at + 1, domain)) for at, domain in scores.values_R if at % 2 == 0]
    return differences(scores, [("first", "second", pairs)])[0]


@pytest.fixture(scope="module")
def pair(simulate):
    return simulate((2.0, 1.5), 7, n_motors=12)


def test_difference_is_that_of_macro_f1_averaged_over_the_domains(pair, truth):
    scores = score_cells(pair, truth.classes)
    values = [values[0] for values in scores.values_R.values()]
    assert compared(pair, truth.classes).value == pytest.approx((values[0] - values[1] + values[2] - values[3]) / 2)


def test_interval_of_many_motors_is_that_of_the_paired_t_test_over_motors(simulate, truth):
    """With two classes of equal size and nearly equal recall, macro-F1 is close to accuracy."""
    found = compared(simulate((2.0, 1.6), 3, n_motors=60, domains=("rig",)), truth.classes)
    scores = score_cells(simulate((2.0, 1.6), 3, n_motors=60, domains=("rig",)), truth.classes)
    first, second = scores.by_motor_M.values()
    expected = stats.ttest_rel(first, second).confidence_interval()
    assert np.ptp(found.interval) == pytest.approx(np.ptp(expected), rel=0.12)


def test_cannot_tell_says_how_many_motors_would_do(simulate, truth):
    found = compared(simulate((1.7, 1.5), 1, n_motors=4), truth.classes)
    assert (found.told_apart, found.n_motors) == (False, 24)
    assert found.motors_needed > 24
    assert found.smallest_shown > abs(found.value)


def test_better_side_is_told_apart(simulate, truth):
    found = compared(simulate((4.0, 1.0), 1), truth.classes)
    assert found.told_apart
    assert found.value > 0


def test_equal_answers_are_said_to_be_equal(simulate, truth):
    (cell,) = simulate((1.5,), 1, domains=("rig",))
    found = compared([cell, replace(cell, axes={**cell.axes, "method": "copy"})], truth.classes)
    assert (found.value, found.motors_needed, found.n_differing) == (0.0, None, 0)
    assert not found.told_apart


def test_few_differing_motors_ask_for_as_many_as_make_six_differ(simulate, truth):
    (cell,) = simulate((1.5,), 1, n_motors=10, domains=("rig",))
    spoilt = cell.predictions["motor"].isin(["rig motor 000", "rig motor 015"])
    answers = cell.predictions.assign(predicted=cell.predictions["label"].mask(spoilt, "outer"))
    right = cell.predictions.assign(predicted=cell.predictions["label"])
    cells = [
        replace(cell, predictions=right),
        replace(cell, predictions=answers, axes={"method": "b", "domain": "rig"}),
    ]
    found = compared(cells, truth.classes)
    assert (found.n_differing, found.n_motors, found.told_apart) == (2, 30, False)
    assert found.motors_needed >= 90


def test_levels_that_share_no_setting_are_left_out_and_named(simulate, truth):
    cells = simulate((2.0, 1.5, 1.0), 3, domains=("rig",))
    axes = [{"method": "A", "classifier": name} for name in ("lda", "svm")] + [{"method": "B", "classifier": "mlp"}]
    cells = [replace(cell, axes={**one, "domain": "rig"}) for cell, one in zip(cells, axes, strict=True)]
    levels = compare_levels(
        score_cells(cells, truth.classes), axis_groups(cells, score_cells(cells, truth.classes), "classifier")
    )
    assert set(levels.means) == {"lda", "svm"}
    assert levels.missing == ("mlp",)


def test_best_of_many_levels_is_judged_more_strictly_than_one_of_two(simulate, truth):
    cells = simulate((2.0,) + (1.5,) * 7, 3, n_motors=12)
    scores = score_cells(cells, truth.classes)
    two = score_cells([cells[0], cells[1], cells[8], cells[9]], truth.classes)
    many = compare_levels(scores, axis_groups(cells, scores, "method"))
    few = compare_levels(two, axis_groups([cells[0], cells[1], cells[8], cells[9]], two, "method"))
    assert many.best == few.best == "m0"
    assert many.behind["m1"].level < 0.01 < few.behind["m1"].level
    assert np.ptp(many.behind["m1"].interval) > 1.2 * np.ptp(few.behind["m1"].interval)
