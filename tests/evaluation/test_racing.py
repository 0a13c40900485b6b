"""Racing: what is worse stops, what is best goes on, and every motor counts once."""

import dataclasses

import pytest

from motor.evaluation.racing import judged_once, share_of, worse


def looked_at(cells, *folds):
    """The cells as they are when some folds are done."""

    def part(cell):
        return dataclasses.replace(
            cell,
            predictions=cell.predictions[cell.predictions["fold"].isin(folds)],
            held_out=cell.held_out[cell.held_out["fold"] == folds[0]],
        )

    return [part(cell) for cell in cells]


@pytest.fixture(scope="module")
def cells(simulate):
    return simulate([2.5, -1.0, 2.4, 0.0], 0, domains=("rig 1",), keeps_held_out=True)


def test_recipes_that_are_worse_stop_after_the_first_fold(cells, truth):
    stopped = worse(looked_at(cells, "0"), truth, 0.05)
    assert {stop.recipe for stop in stopped} == {"method m1", "method m3"}
    assert {stop.cells for stop in stopped} == {(1,), (3,)}
    assert all(stop.lead > 0 and stop.n_motors == 24 for stop in stopped)


def test_recipe_of_two_domains_stops_with_all_of_its_cells(simulate, truth):
    cells = simulate([2.5, -1.0], 0, keeps_held_out=True)
    assert [stop.cells for stop in worse(looked_at(cells, "0"), truth, 0.05)] == [(1, 3)]


def test_best_is_not_stopped_by_many_equals(simulate, truth):
    cells = simulate([1.0] * 30, 3, domains=("rig 1",), keeps_held_out=True)
    assert len(worse(looked_at(cells, "0"), truth, 0.05)) < 10


def test_motors_are_judged_once_each_fold_or_inside_the_first(cells):
    first, later = (looked_at(cells, *folds)[0] for folds in (("0",), ("0", "1")))
    for cell in (first, later):
        judged = judged_once(cell).predictions
        assert judged["item"].is_unique
        assert judged["motor"].nunique() == 24
    tested = set(later.predictions["item"])
    assert len(judged_once(later).predictions[lambda rows: rows["item"].isin(tested)]) == len(later.predictions)


def test_cells_without_held_out_series_are_compared_on_tested_motors(cells, truth):
    without = [dataclasses.replace(cell, held_out=cell.held_out.head(0)) for cell in looked_at(cells, "0", "1")]
    stopped = worse(without, truth, 0.05)
    assert {stop.n_motors for stop in stopped} <= {12}


@pytest.mark.parametrize("n_looks", [1, 2, 4, 9])
def test_shares_of_all_looks_are_the_error(n_looks):
    assert sum(share_of(look, n_looks, 0.1) for look in range(n_looks)) == pytest.approx(0.1)
