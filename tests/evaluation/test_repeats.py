"""Seeds are repeats of one recipe."""

from dataclasses import replace

import numpy as np
import pytest

from motor.evaluation.repeats import best_by_method_and_domain, repeats, slice_pairs, slice_scores_R
from motor.evaluation.scores import score_cells

CLASSES = ("normal", "spark", "vibrate")


@pytest.fixture(scope="module")
def make(make_cell):
    """Give a function that makes a cell of one seed; equal `draws` predict alike."""

    def make(seed, draws, quality=1.0, **axes):
        cell = make_cell(quality, draws, **axes)
        return replace(cell, axes={**cell.axes, "seed": seed})

    return make


@pytest.fixture(scope="module")
def seeded(make):
    return [make(number, number, classifier=name) for name in ("lda", "svm") for number in (10, 9, 2)]


def test_repeats_differ_by_seed_only_and_come_in_its_order(seeded):
    rows = repeats(seeded)
    assert [row.axes["classifier"] for row in rows] == ["lda", "svm"]
    assert [cell.axes["seed"] for cell in rows[0].cells] == [2, 9, 10]
    assert "seed" not in rows[0].axes


def test_repeats_report_mean_and_spread_of_the_seeds(seeded):
    row = repeats(seeded)[0]
    values = [cell.metrics["macro_f1"] for cell in row.cells]
    assert row.value == pytest.approx(np.mean(values))
    assert row.spread == pytest.approx(np.std(values, ddof=1))


def test_one_seed_keeps_its_own_interval_and_has_no_spread(seeded):
    row = repeats(seeded[:1])[0]
    assert row.spread is None
    assert row.interval(CLASSES) == seeded[0].metrics["macro_f1_interval"]


def test_equal_seeds_have_the_interval_of_one(make):
    cells = [make(number, 4) for number in (1, 2)]
    assert repeats(cells)[0].interval(CLASSES) == pytest.approx(cells[0].metrics["macro_f1_interval"], abs=0.02)


def test_different_seeds_have_a_narrower_interval_than_one(seeded):
    low, high = repeats(seeded)[0].interval(CLASSES)
    each = [cell.metrics["macro_f1_interval"] for cell in seeded[:3]]
    assert high - low < np.mean([of_cell[1] - of_cell[0] for of_cell in each])


def test_slice_scores_average_over_the_seeds(seeded):
    scores = score_cells(seeded, CLASSES)
    values = slice_scores_R(scores, repeats(seeded)[0], "ZhenDong")
    assert values == pytest.approx(np.mean([scores.values_R[index, "ZhenDong"] for index in (0, 1, 2)], axis=0))
    assert slice_scores_R(scores, repeats(seeded)[0], "elsewhere") is None


def test_slice_pairs_match_seeds_and_domains(make):
    seeds = {"A": (1, 2), "B": (2, 3)}
    cells = [make(seed, 1, method=method) for method, several in seeds.items() for seed in several]
    pairs = slice_pairs(score_cells(cells, CLASSES), *repeats(cells))
    assert pairs == [((1, "ShengYing"), (2, "ShengYing")), ((1, "ZhenDong"), (2, "ZhenDong"))]


def test_best_by_method_and_domain_takes_the_greater_mean(make):
    qualities = {"lda": 0.2, "svm": 2.0}
    cells = [make(seed, 3, quality, classifier=name) for name, quality in qualities.items() for seed in (1, 2)]
    (best,) = best_by_method_and_domain(repeats(cells))
    assert best.axes["classifier"] == "svm"
