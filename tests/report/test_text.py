import math

import pytest

from motor.report.text import fact_text, isolated, number, one_line, over_folds, percent, signed

RIGHT_TO_LEFT = "\u05d0\u05d1"


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_undefined_values_are_dashes(value):
    assert {number(value), signed(value), percent(value)} == {"–"}


@pytest.mark.parametrize(("value", "text"), [(0.123, "+0.12"), (-0.001, "-0.00"), (0.0, "0.00")])
def test_differences_keep_their_sign(value, text):
    assert signed(value) == text


@pytest.mark.parametrize(("value", "text"), [(None, "–"), ([3, 3], "3"), ([1, None, 2.5], "1 – 2.5"), ("a", "a")])
def test_values_over_folds_are_one_or_a_range(value, text):
    assert over_folds(value) == text


def test_facts_stand_on_one_line():
    assert fact_text({"rate": 0.12345, "names": ["a", "b"]}) == "rate: 0.123, names: a, b"


def test_text_from_right_to_left_is_isolated_once():
    assert isolated(RIGHT_TO_LEFT) == f"\u2068{RIGHT_TO_LEFT}\u2069"
    assert isolated(f"motor {isolated(RIGHT_TO_LEFT)}: 3") == f"motor \u2068{RIGHT_TO_LEFT}\u2069: 3"
    assert isolated("plain 声音 🙂") == "plain 声音 🙂"


@pytest.mark.parametrize("name", ["\u202eevil", "a\u2069b\u05d0", "\u2067open\u05d0"])
def test_marks_that_turn_the_direction_end_with_their_text(name):
    text = isolated(name)
    assert (text[0], text[-1]) == ("\u2068", "\u2069")
    assert not set(text[1:-1]) & set("\u2066\u2067\u2068\u2069")


def test_text_on_several_lines_is_one_line():
    assert one_line("a\n b\t\tc") == "a b c"
