"""Estimates from the random share: right in the mean, and their intervals hold the truth."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from motor.looping.label_sets import alpha
from motor.looping.models import Figures, alike_scores, verdict
from motor.looping.quality import Drawn, estimated
from motor.looping.questions import suspected

CLASSES = ("normal", "spark")


def of(pairs, chance=0.5):
    return [Drawn(f"m{n}", label, predicted, chance) for n, (label, predicted) in enumerate(pairs)]


def test_figures_of_a_known_confusion():
    pairs = [("normal", "normal")] * 6 + [("normal", "spark")] * 2 + [("spark", "spark")] * 3 + [("spark", "normal")]
    found = estimated(of(pairs), CLASSES)
    assert found.by_class["spark"]["recall"][0] == pytest.approx(3 / 4)
    assert found.by_class["spark"]["precision"][0] == pytest.approx(3 / 5)
    assert found.macro_f1 == pytest.approx((2 * 6 / (8 + 7) + 2 * 3 / (4 + 5)) / 2)
    assert found.macro_f1_interval[0] < found.macro_f1 < found.macro_f1_interval[1]


def test_recording_counts_with_the_inverse_of_its_chance():
    rare = [Drawn("a", "spark", "normal", 0.1), Drawn("b", "spark", "spark", 1.0), Drawn("c", "normal", "normal", 1.0)]
    assert estimated(rare, CLASSES).by_class["spark"]["recall"][0] == pytest.approx(1 / 11)


def test_nothing_drawn_gives_nothing_and_few_motors_no_interval():
    assert estimated([], CLASSES) is None
    two = estimated(of([("normal", "normal"), ("spark", "spark")]), CLASSES)
    assert (two.macro_f1, two.macro_f1_interval) == (1.0, None)


@pytest.mark.parametrize(
    ("units", "expected"),
    [([["a", "a"], ["b", "b"]], 1.0), ([["a", "b"], ["a", "b"]], -0.5), ([["a", "a"], ["a", "b"], ["b", "b"]], 4 / 9)],
)
def test_krippendorffs_alpha_of_small_tables(units, expected):
    assert alpha(units) == pytest.approx(expected)


def test_alpha_without_two_values_is_unknown():
    assert alpha([["a", "a"]]) is None
    assert alpha([]) is None


@pytest.mark.slow
def test_interval_holds_the_truth_in_most_of_two_hundred_pools():
    draws, held = np.random.default_rng(1), 0
    for _ in range(200):
        pool = [
            (label, label if draws.random() < 0.8 else CLASSES[draws.integers(2)])
            for label in draws.choice(CLASSES, 400)
        ]
        truth = estimated(of(pool, 1.0), CLASSES).macro_f1
        sample = [pool[place] for place in draws.permutation(400)[:60]]
        low, high = estimated(of(sample, 0.15), CLASSES).macro_f1_interval
        held += low <= truth <= high
    assert held >= 0.93 * 200


def held_out(*said):
    labels = ["normal", "normal", "spark", "spark"]
    rows = [
        (f"i{n}", f"m{n}", "sound", label, predicted, 0.5, 0.5)
        for n, (label, predicted) in enumerate(zip(labels, said, strict=False))
    ]
    columns = ["item", "motor", "domain", "label", "predicted", "probability_normal", "probability_spark"]
    return pd.DataFrame(rows, columns=columns)


def test_models_are_compared_on_the_items_that_both_have():
    early, late = held_out("normal", "normal", "spark"), held_out("normal", "normal", "spark", "normal")
    assert alike_scores([early, late], CLASSES, "normal") == [1.0, 1.0]
    assert alike_scores([early, late.tail(1)], CLASSES, "normal") is None
    relabelled = late.assign(label=["normal", "spark", "spark", "spark"])
    assert alike_scores([early, relabelled], CLASSES, "normal")[0] < 1


def test_label_that_held_out_models_doubt_is_asked_about_again():
    table = held_out("normal", "spark", "normal", "spark").assign(
        probability_normal=[0.9, 0.1, 0.85, 0.2], probability_spark=[0.1, 0.9, 0.15, 0.8]
    )
    asked = suspected(table, {"i0", "i1", "i2", "i3"}, 5)
    assert [one.item for one in asked] == ["i1", "i2"]
    assert asked[0].suggestion == {"probabilities": {"normal": 0.1, "spark": 0.9}}
    assert asked[0].chance is None
    assert [one.item for one in suspected(table, {"i2"}, 5)] == ["i2"]
    assert suspected(table.assign(probability_spark=0.5, probability_normal=0.5), {"i1"}, 5) == []
    assert suspected(table, {"i1", "i2"}, 1) == asked[:1]


def test_loop_is_complete_by_the_goal_or_without_gain():
    good = Figures(0.95, (0.91, 1.0), {"normal": 0.9, "spark": 0.85}, 20)
    assert verdict(good, [0.95], 0.9, 0.8) == "goal"
    assert verdict(good, [0.95], 0.9, 0.9) is None
    assert verdict(replace(good, interval=None), [0.7, 0.7, 0.7], 0.9, 0.8) == "no gain"
    assert verdict(None, [0.7, 0.6, 0.8], 0.9, 0.8) is None
    assert verdict(None, None, 0.9, 0.8) is None


@pytest.mark.slow
def test_random_share_tells_the_truth_in_two_hundred_loops_and_what_was_asked_for_does_not():
    held, naive = 0, 0
    for seed in range(200):
        drawn, asked, truth = simulated_loop(np.random.default_rng(seed))
        held += within(estimated(drawn, CLASSES), truth)
        naive += within(estimated(asked, CLASSES), truth)
    print(f"interval holds the truth: random share {held} of 200, all that was asked for {naive} of 200")
    assert held >= 0.93 * 200
    assert naive < 0.8 * 200


def within(found, truth):
    low, high = found.macro_f1_interval
    return low <= truth <= high


def simulated_loop(draws):
    """Return the random share of a batch, all of the batch, and the model's macro-F1 on the pool that it was asked of.

    Two classes that overlap; a model of 40 labels asks for those that it is least sure of.
    """
    label_N = np.repeat([0, 1], (450, 150))
    X_ND = draws.normal(size=(600, 4)) + label_N[:, None] * 0.9
    first = np.concatenate([draws.choice(450, 30, replace=False), 450 + draws.choice(150, 10, replace=False)])
    model = LogisticRegression().fit(X_ND[first], label_N[first])
    pool = np.setdiff1d(np.arange(600), first)
    probability_N = model.predict_proba(X_ND[pool])
    said = [
        Drawn(f"m{place}", CLASSES[label_N[place]], CLASSES[int(guess)], 1.0)
        for place, guess in zip(pool, probability_N[:, 1] > 0.5, strict=True)
    ]
    truth = estimated(said, CLASSES).macro_f1
    shuffled = draws.permutation(len(pool))
    drawn, left = shuffled[:40], shuffled[40:]
    unsure = left[np.argsort(np.abs(probability_N[left, 1] - 0.5))[:120]]
    sample = [replace(said[place], chance=40 / len(pool)) for place in drawn]
    return sample, [replace(one, chance=1.0) for one in sample] + [said[place] for place in unsure], truth
