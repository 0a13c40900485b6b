from dataclasses import replace

import pytest

from motor.evaluation.groups import axis_groups, regime_groups
from motor.evaluation.scores import score_cells


@pytest.fixture(scope="module")
def make(simulate):
    """Give a function that makes cells with the given axes, all of one domain."""
    (template,) = simulate((1.5,), 1, domains=("rig",))

    def make(*axes):
        return [replace(template, axes={"domain": "rig", **one}) for one in axes]

    return make


def grouped(cells, axis, truth):
    groups = axis_groups(cells, score_cells(cells, truth.classes), axis)
    return sorted([sorted((str(level), key[0]) for level, key in group.items()) for group in groups])


def test_groups_hold_what_differs_in_one_axis_alone(make, truth):
    cells = make(*({"method": method, "context_length": length} for method in "AB" for length in (1, 2)))
    assert grouped(cells, "method", truth) == [[("A", 0), ("B", 2)], [("A", 1), ("B", 3)]]
    assert grouped(cells, "context_length", truth) == [[("1", 0), ("2", 1)], [("1", 2), ("2", 3)]]


def test_cells_for_which_the_axis_means_nothing_take_no_part_in_it(make, truth):
    cells = make({"method": "A", "context_length": 1}, {"method": "order", "context_length": None})
    assert grouped(cells, "context_length", truth) == [[("1", 0)]]


def test_plain_method_is_compared_with_each_forecaster(make, truth):
    cells = make(
        {"method": "A", "context_length": 1, "classifier": "lda"},
        {"method": "A", "context_length": 2, "classifier": "lda"},
        {"method": "A", "context_length": 2, "classifier": "svm"},
        {"method": "order", "context_length": None, "classifier": "lda"},
    )
    assert grouped(cells, "method", truth) == [[("A", 0), ("order", 3)], [("A", 1), ("order", 3)], [("A", 2)]]


def test_plain_methods_alone_are_compared_with_each_other(make, truth):
    cells = make(*({"method": method, "context_length": None} for method in ("order", "classical")))
    assert grouped(cells, "method", truth) == [[("classical", 1), ("order", 0)]]


def test_seeds_are_compared_pair_by_pair(make, truth):
    cells = make(*({"method": method, "seed": seed} for method in "AB" for seed in (1, 2)))
    assert grouped(cells, "method", truth) == [[("A", 0), ("B", 2)], [("A", 1), ("B", 3)]]


def test_regimes_are_compared_in_the_domain_that_both_were_tested_in(simulate, truth):
    import pandas as pd

    alone = simulate((1.5,), 1)
    joint = replace(
        alone[0],
        axes={**alone[0].axes, "domain": "Joint"},
        predictions=pd.concat([cell.predictions for cell in alone]),
    )
    scores = score_cells([*alone, joint], truth.classes)
    groups = regime_groups([*alone, joint], scores, "Joint")
    assert groups == [
        {"alone": (0, "rig 1"), "Joint": (2, "rig 1")},
        {"alone": (1, "rig 2"), "Joint": (2, "rig 2")},
    ]
