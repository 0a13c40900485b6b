"""The split that grows: no motor's side ever changes, whatever comes, in whatever order."""

import numpy as np
import pandas as pd
import pytest

from motor.recordings.recording import DataError
from motor.recordings.splits.growing import Growing


def sides(motors, split=None, seed=7):
    labels = ["normal" if n % 2 else "spark" for n in range(len(motors))]
    meta = pd.DataFrame({"motor": motors, "label": labels, "domain": "sound"})
    table = (split or Growing()).split(meta, seed, "normal")
    return dict(zip(table["motor"], table["side"], strict=True))


def test_thousand_new_motors_move_no_earlier_one_in_any_order():
    first = [f"m{n}" for n in range(100)]
    before = sides(first)
    for seed in range(3):
        every = [*first, *(f"new{n}" for n in range(1000))]
        np.random.default_rng(seed).shuffle(every)
        after = sides(every)
        assert {motor: after[motor] for motor in first} == before


def test_shares_are_those_that_are_set():
    counts = pd.Series(sides([f"m{n}" for n in range(4000)])).value_counts(normalize=True)
    assert counts["train"] == pytest.approx(0.7, abs=0.03)
    assert counts["validation"] == pytest.approx(0.1, abs=0.02)
    assert counts["test"] == pytest.approx(0.2, abs=0.03)


def test_frozen_motors_keep_their_side_and_labels_change_none():
    split = Growing(frozen={"m1": "test", "m2": "train"})
    motors = [f"m{n}" for n in range(60)]
    found = sides(motors, split)
    assert (found["m1"], found["m2"]) == ("test", "train")
    assert {motor: split.side_of_unlabelled(motor, 7) for motor in motors} == found


def test_class_without_a_training_motor_is_refused_with_advice():
    with pytest.raises(DataError, match="nobody moves"):
        sides(["m1", "m2", "m3"], Growing(frozen={"m1": "test", "m2": "test", "m3": "test"}))
