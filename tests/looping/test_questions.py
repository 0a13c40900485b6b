"""What is asked: the strangest motors while labels are few, a share of what two models call otherwise."""

import numpy as np
import pandas as pd
import pytest

from motor.experiment.looping import Looping
from motor.looping.questions import Candidates, questions
from motor.looping.shadow import Shadow, compared, disagreed

CLASSES = ("normal", "spark")


def candidates(labels, **more):
    """Return 40 recordings of as many motors, the later the stranger; the first ones have these labels."""
    draws = np.random.default_rng(0)
    items = [f"i{n:02}" for n in range(40)]
    meta = pd.DataFrame({"item": items, "motor": [f"m{n}" for n in range(40)], "label": None}, dtype=object)
    meta.loc[: len(labels) - 1, "label"] = labels
    X = draws.normal(size=(40, 3)) + np.linspace(0, 9, 40)[:, None] * (np.arange(40) >= 20)[:, None]
    said = pd.DataFrame(X, index=items, columns=[f"feature_{k}" for k in range(3)]).assign(
        probability_normal=0.7, probability_spark=0.3, unlike=0.5, label="normal"
    )
    return Candidates(meta, said, 3, CLASSES, "normal", **more)


def asked(at, **settings):
    given = {"batch": 10, "random_share": 0.2, **settings}
    return questions(at, Looping(**given))


def reasons(found):
    return sorted(one.reason for one in found)


def test_strangest_motors_are_asked_for_until_each_class_has_enough_labelled_motors():
    few = asked(candidates(["normal"] * 8 + ["spark"]), strangest_until=2)
    assert reasons(few) == ["random"] * 2 + ["strangest"] * 8
    assert sum(int(one.item[1:]) >= 20 for one in few if one.reason == "strangest") >= 7
    assert reasons(asked(candidates(["normal"] * 9))) == reasons(few)
    assert "strangest" not in reasons(asked(candidates(["normal"] * 8 + ["spark"])))
    assert "strangest" not in reasons(asked(candidates(["normal"] * 9), strangest_until=0))


def test_random_stays_random_however_few_labels_there_are():
    assert set(reasons(asked(candidates(["normal"]), asking="random"))) == {"random"}


def test_without_normal_recordings_the_most_unlike_are_the_strangest():
    at = candidates(["spark"] * 2)
    at.inferred["unlike"] = np.linspace(1, 0, 40)
    found = {one.item for one in asked(at, batch=4, random_share=0.25) if one.reason == "strangest"}
    assert all(int(item[1:]) < 14 for item in found)


def test_what_two_models_call_otherwise_has_a_share_of_the_batch():
    differ = ("i30", "i00", "i31", "i32")  # i00 has a label already
    found = asked(candidates(["normal"] * 5 + ["spark"] * 5, disagreed=differ), shadow_share=0.2)
    of_shadow = [one for one in found if one.reason == "shadow"]
    assert len(of_shadow) == 2
    assert {one.item for one in of_shadow} <= {"i30", "i31", "i32"}
    assert all(one.chance is None for one in of_shadow)
    assert len(found) == len({one.item for one in found}) == 10


@pytest.fixture
def two_models():
    labels = ["normal", "normal", "spark", "spark"]
    one = pd.DataFrame({"label": labels, "probability_spark": [0.4, 0.3, 0.9, 0.6]}, index=list("abcd"))
    other = one.assign(label=["spark", "normal", "normal", "normal"], probability_spark=[0.8, 0.3, 0.95, 0.9])
    return one, other


def test_disagreements_are_those_that_may_be_asked_for_what_both_are_surest_of_first(two_models):
    assert disagreed(*two_models, {"a", "b", "c", "d"}) == ["c", "d", "a"]
    assert disagreed(*two_models, {"a", "b"}) == ["a"]


def test_shadow_counts_who_is_right_where_somebody_has_decided(two_models):
    found = compared((1, 2), *two_models, {"a": "spark", "c": "spark", "b": "normal"}, {"a", "b", "c", "d"})
    assert found == Shadow(1, 2, recordings=4, differ=3, champion_right=1, challenger_right=1)
