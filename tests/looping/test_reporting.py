"""A loop's report in each language: the same figures, and what features that cannot tell classes mean for asking."""

import re

import pytest

from motor.looping.models import Compared, Figures, Model
from motor.looping.quality import Drawn, estimated
from motor.looping.reporting import as_markdown, cannot_tell
from motor.looping.shadow import Shadow
from motor.report.words import languages


def figures(value, low=None, high=None):
    return Figures(value, None if low is None else (low, high), {"normal": 0.9}, 12)


def report(language, held_out=0.9, count=3):
    drawn = [Drawn(f"m{n}", "normal", ("normal", "spark")[n % 2], 0.5) for n in range(6)]
    found = {number: figures(0.8 + number / 100) for number in range(1, count + 1)}
    models = {number: Model("k", "cell", figures(held_out, held_out - 0.1, held_out + 0.05)) for number in found}
    compared = Compared(found, [], {1: figures(0.7)}, 2, looks=4)
    shadow = Shadow(1, 2, 40, 7, 3, 2)
    return as_markdown(compared, models, {2: estimated(drawn, ("normal", "spark"))}, shadow, language)


def numbers(text):
    return sorted(re.findall(r"\d+(?:\.\d+)?", text.replace("F1", "")))


@pytest.mark.parametrize("language", languages())
def test_report_has_the_same_figures_in_each_language(language):
    assert numbers(report(language)) == numbers(report("en"))
    assert numbers(report(language, held_out=0.5)) == numbers(report("en", held_out=0.5))


def test_chinese_report_has_no_english_sentence():
    text = re.sub("macro-F1|loop[.]\\w+|benchmarks[.]\\w+|normal|spark|F1", "", report("zh", held_out=0.5))
    assert re.findall("[A-Za-z]{3,}", text) == []


def test_report_says_that_asking_does_not_pay_where_features_cannot_tell_the_classes():
    assert "does not pay" in report("en", held_out=0.5)
    assert "does not pay" not in report("en", held_out=0.9)
    assert "does not pay" not in report("en", held_out=0.5, count=2)  # it may come of few labels


def test_model_that_may_tell_the_classes_is_given_the_benefit_of_the_doubt():
    assert cannot_tell(figures(0.5))
    assert cannot_tell(figures(0.5, 0.4, 0.6))
    assert not cannot_tell(figures(0.5, 0.4, 0.7))


@pytest.mark.parametrize(
    ("by_increments", "words"), [(0.85, "level"), (0.9, "increments won"), (0.8, "cumulative fine-tune won")]
)
def test_report_says_which_won_increments_or_cumulative(by_increments, words):
    rivals = {
        "C_increment/Joint/64/lda": (by_increments, 60),
        "C/Joint/64/lda": (0.84, 100),
        "orders/-/-/lda": (1.0, 0),
    }
    model = Model("k", "cell", figures(0.9), rivals)
    text = as_markdown(Compared({}, [], {}, 0, 1), {2: model})
    assert words in text
    assert "60 % of the steps" in text
    assert "won" not in as_markdown(Compared({}, [], {}, 0, 1), {2: Model("k", "cell", None)})
