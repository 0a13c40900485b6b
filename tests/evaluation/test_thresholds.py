import numpy as np
import pandas as pd
import pytest

from motor.evaluation.thresholds import apply_thresholds, choose_thresholds


def validation(scores, label="normal", domain="a"):
    """One motor for every two series; the scores are 1 - p(normal)."""
    motors = [f"{domain}{index // 2}" for index in range(len(scores))]
    return pd.DataFrame(
        {"domain": domain, "motor": motors, "label": label, "probability_normal": 1 - np.asarray(scores, dtype=float)}
    )


def test_threshold_is_the_conservative_quantile_of_the_normal_scores():
    table = pd.concat([validation(np.arange(1, 20) / 20), validation([0.99] * 5, label="spark")])
    threshold = choose_thresholds(table, "normal", 0.1)["a"]
    assert threshold.value == pytest.approx(18 / 20)  # the 18th of 19: ceil(20 * 0.9)
    assert (threshold.n_series, threshold.n_motors, threshold.resolved) == (19, 10, True)


def test_threshold_of_too_few_normals_is_the_maximum_and_says_so():
    threshold = choose_thresholds(validation([0.1, 0.4, 0.2]), "normal", 0.05)["a"]
    assert (threshold.value, threshold.resolved) == (pytest.approx(0.4), False)


def test_threshold_at_the_fewest_normals_that_resolve_the_rate_is_resolved():
    scores = np.arange(19) / 19
    assert choose_thresholds(validation(scores), "normal", 0.05)["a"].resolved
    assert not choose_thresholds(validation(scores[:18]), "normal", 0.05)["a"].resolved


def test_threshold_without_normals_is_one_half():
    thresholds = choose_thresholds(validation([0.9], label="spark"), "normal", 0.05, also=("b",))
    assert {name: (found.value, found.resolved) for name, found in thresholds.items()} == {
        "a": (0.5, False),
        "b": (0.5, False),
    }


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.2, 0.5])
def test_alarms_on_the_validation_normals_never_exceed_the_rate(rate):
    table = validation(np.random.default_rng(0).integers(0, 40, 200) / 40)
    assert apply_thresholds(table, choose_thresholds(table, "normal", rate)).mean() <= rate


def test_alarms_on_new_normals_meet_the_rate_on_average():
    generator = np.random.default_rng(1)
    rates = []
    for _ in range(300):
        thresholds = choose_thresholds(validation(generator.random(24)), "normal", 0.1)
        rates.append(apply_thresholds(validation(generator.random(100)), thresholds).mean())
    assert np.mean(rates) == pytest.approx(0.08, abs=0.012)  # 23rd of 24: 1 - 23 / 25


def test_alarms_use_the_threshold_of_their_own_domain():
    both = pd.concat([validation([0.1, 0.2], domain="a"), validation([0.7, 0.8], domain="b")])
    alarm = apply_thresholds(
        pd.concat([validation([0.5], domain="a"), validation([0.5], domain="b")]),
        choose_thresholds(both, "normal", 0.1),
    )
    assert alarm.tolist() == [True, False]


def test_alarms_in_an_unknown_domain_are_an_error_that_names_it():
    thresholds = choose_thresholds(validation([0.1]), "normal", 0.1)
    with pytest.raises(ValueError, match=r"no threshold for domain \['b'\]; there are: \['a'\]"):
        apply_thresholds(validation([0.5], domain="b"), thresholds)


@pytest.mark.parametrize("rate", [0, 1, -0.1, 5])
def test_threshold_for_an_impossible_rate_is_an_error(rate):
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        choose_thresholds(validation([0.1]), "normal", rate)


def test_threshold_from_a_table_without_the_probability_is_an_error():
    with pytest.raises(ValueError, match="probability_normal"):
        choose_thresholds(validation([0.1]).drop(columns="probability_normal"), "normal", 0.1)


def test_threshold_from_a_probability_that_is_no_number_is_an_error():
    with pytest.raises(ValueError, match="in row 1"):
        choose_thresholds(validation([0.1, np.nan]), "normal", 0.1)


def test_threshold_of_a_detector_is_a_quantile_of_its_scores():
    scores = np.arange(99.0)
    table = pd.DataFrame({"motor": [f"m{n}" for n in range(99)], "domain": "rig", "label": "normal", "score": scores})
    chosen = choose_thresholds(table, "normal", 0.05, also=("elsewhere",), without_normals=3.0)
    assert (chosen["rig"].value, chosen["rig"].resolved) == (94.0, True)
    assert (chosen["elsewhere"].value, chosen["elsewhere"].resolved) == (3.0, False)
    assert list(apply_thresholds(table, chosen)) == [False] * 95 + [True] * 4


def test_score_that_is_no_number_is_an_error_that_names_its_row():
    table = pd.DataFrame({"motor": ["a", "b"], "domain": "rig", "label": "normal", "score": [1.0, np.nan]})
    with pytest.raises(ValueError, match="score is nan in row 1; every score must be a number"):
        choose_thresholds(table, "normal", 0.05)
