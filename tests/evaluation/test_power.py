import pytest
from statsmodels.stats.power import TTestPower

from motor.evaluation.power import about, motors_needed, smallest_shown


@pytest.mark.parametrize("effect", [0.05, 0.2, 0.5, 1.0])
@pytest.mark.parametrize("level", [0.05, 0.001])
def test_motors_needed_are_those_of_the_paired_t_test(effect, level):
    expected = TTestPower().solve_power(effect, None, level, 0.8)
    assert motors_needed(-2 * effect, 2.0, level) == pytest.approx(expected, abs=1)


def test_motors_needed_for_no_effect_or_a_tiny_one_are_none():
    assert motors_needed(0.0, 1.0, 0.05) is None
    assert motors_needed(0.001, 1.0, 0.05) is None


def test_motors_needed_fall_with_the_effect_and_grow_with_the_comparisons():
    assert motors_needed(0.3, 1.0, 0.05) > motors_needed(0.6, 1.0, 0.05) > motors_needed(8.0, 1.0, 0.05) >= 2
    assert motors_needed(0.3, 1.0, 0.001) > motors_needed(0.3, 1.0, 0.05)


@pytest.mark.parametrize("n_motors", [6, 18, 200])
def test_smallest_shown_is_that_of_the_paired_t_test(n_motors):
    expected = TTestPower().solve_power(None, n_motors, 0.05, 0.8)
    assert smallest_shown(n_motors, 0.3, 0.05) == pytest.approx(0.3 * expected, rel=1e-3)


def test_smallest_shown_and_motors_needed_are_each_others_inverse():
    shown = smallest_shown(40, 0.2, 0.01)
    assert motors_needed(shown, 0.2, 0.01) in (40, 41)


def test_smallest_shown_by_one_motor_is_none():
    assert smallest_shown(1, 0.3, 0.05) is None


def test_about_rounds_up_to_two_digits():
    assert [about(number) for number in (7, 34, 121, 2077)] == ["7", "34", "130", "2100"]
