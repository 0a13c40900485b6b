import math

import pytest

from motor.report import markdown


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_undefined_values_are_dashes(value):
    assert {markdown.number(value), markdown.signed(value), markdown.percent(value)} == {"–"}


@pytest.mark.parametrize(("value", "text"), [(0.123, "+0.12"), (-0.001, "-0.00"), (0.0, "0.00")])
def test_differences_keep_their_sign(value, text):
    assert markdown.signed(value) == text


def test_foreign_text_stays_in_its_cell():
    assert markdown.escape("a|b\n<i>`c`[d]") == r"a\|b &lt;i&gt;\`c\`\[d\]"


def test_links_with_spaces_and_chinese_are_encoded():
    assert markdown.link("confusion", "方法 A/x.png") == "[confusion](%E6%96%B9%E6%B3%95%20A/x.png)"


def test_some_names_how_many_are_left():
    assert markdown.some(["a", "b", "c"], most=1) == "a; and 2 more"
