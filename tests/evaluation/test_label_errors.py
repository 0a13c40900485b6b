"""Planted wrong labels are found, by motor, from verdicts that never saw the motor."""

from dataclasses import replace

import numpy as np
import pytest

from motor.evaluation import label_errors
from motor.evaluation.label_errors import COLUMNS, suspected_labels
from motor.report import CellResult

CLASSES = ("normal", "inner", "outer")


def planted(cells, wrong):
    """The cells as they would be, had some motors been labelled wrongly."""

    def relabelled(table):
        return table.assign(label=[wrong.get(motor, label) for motor, label in table[["motor", "label"]].to_numpy()])

    return [
        replace(cell, predictions=relabelled(cell.predictions), held_out=relabelled(cell.held_out)) for cell in cells
    ]


@pytest.fixture(scope="module")
def cells(simulate):
    return simulate((3.0, 2.5), 3, 8, keeps_held_out=True)


def test_planted_wrong_labels_are_most_of_the_suspected_ones_and_few_are_missed(simulate):
    n_planted = n_sure = n_falsely_sure = n_found = n_false = 0
    for seed in range(6):
        cells = simulate((3.5, 3.0), seed, 8, keeps_held_out=True)
        motors = cells[0].predictions.drop_duplicates("motor").set_index("motor")["label"]
        healthy, faulty = (motors[motors == name].index for name in ("normal", "outer"))
        wrong = {healthy[seed]: "inner", faulty[seed + 1]: "normal"}
        found = suspected_labels(planted(cells, wrong), CLASSES)
        caught = found[found["motor"].isin(wrong)]
        assert tuple(found) == COLUMNS
        assert found["quality"].is_monotonic_increasing
        assert list(caught["label"]) == [wrong[motor] for motor in caught["motor"]]
        assert list(caught["suggested"]) == [motors[motor] for motor in caught["motor"]]
        n_planted, n_found, n_false = n_planted + len(wrong), n_found + len(caught), n_false + len(found) - len(caught)
        n_sure += caught["is_confident"].sum()
        n_falsely_sure += found["is_confident"].sum() - caught["is_confident"].sum()
    assert n_found >= 0.9 * n_planted
    assert n_false <= 0.05 * 6 * len(motors)
    assert n_sure >= 0.4 * n_planted
    assert n_falsely_sure <= 1


def test_verdicts_of_all_recipes_on_test_and_held_out_sides_are_counted(cells):
    found = suspected_labels(planted(cells, {"rig 1 motor 000": "inner"}), CLASSES).iloc[0]
    n_folds = cells[0].held_out["fold"].nunique()
    assert found["n_said"] == found["n_series"] * 2 * n_folds  # two recipes: one test fold, the others held out


def test_detectors_and_one_class_and_a_missing_package_give_none(cells, monkeypatch):
    scores = cells[0].predictions[["item", "motor", "domain", "label"]].assign(score=0.0)
    detector = CellResult(cells[0].axes, {}, "", scores)
    assert suspected_labels([detector], CLASSES) is None
    one = cells[0].predictions.query("label == 'normal'")
    assert suspected_labels([CellResult({}, {}, "", one)], CLASSES) is None
    monkeypatch.setattr(label_errors, "PACKAGE", "no_such_package")
    assert suspected_labels(cells, CLASSES) is None


def test_rows_without_any_probability_take_no_part(cells):
    silent = cells[0].predictions.assign(**{f"probability_{name}": 0.0 for name in CLASSES})
    with np.errstate(all="raise"):
        assert suspected_labels([CellResult({}, {}, "", silent)], CLASSES) is None
