"""What an increment is trained on: all that is new, and some of the rest, of each class alike."""

import pandas as pd
import pytest

from motor.stages.training_series import increment

LABELS = ["normal"] * 8 + ["spark"] * 4
META = pd.DataFrame({"item": [f"i{n}" for n in range(12)], "label": LABELS})
BEFORE = dict(zip(META["item"], LABELS, strict=True))


def of(replay, seed=1, **changed):
    return increment(META, BEFORE | changed, replay, seed)


def test_new_and_changed_series_are_all_there_with_as_many_of_before_as_asked():
    found = of(2.0, i0=None, i9="normal")
    assert {"i0", "i9"} <= set(found["item"])
    assert len(found) == 6
    assert found["label"].drop([0, 9]).value_counts().to_dict() == {"normal": 2, "spark": 2}


def test_replay_is_the_same_again_and_another_for_another_seed():
    assert of(2.0, i0=None).equals(of(2.0, i0=None))
    assert any(not of(2.0, i0=None).equals(of(2.0, seed, i0=None)) for seed in range(2, 9))


@pytest.mark.parametrize(("replay", "count"), [(0.0, 1), (1.0, 2), (99.0, 12)])
def test_replay_says_how_many_for_each_new_one(replay, count):
    assert len(of(replay, i3=None)) == count


def test_without_anything_new_all_are_trained_on():
    assert of(1.0).equals(META)
