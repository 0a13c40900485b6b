"""What every labeller keeps to, and the proof before one is believed."""

import numpy as np
import pandas as pd
import pytest

from motor.judges.weights import counts_of, fitted_with_weights
from motor.pseudo_labels.parts.proof import lower_bound
from motor.registry import plugins
from motor.stages.pseudo_labelling import PseudoLabelling

LABELLERS = {name: of for name, of in plugins("motor.pseudo_labels").items() if name != "none"}
JUDGES = plugins("motor.judges")
CLASSIFIERS = [name for name, judge in JUDGES.items() if "decisions" in judge.gives]
CLASSES = ("normal", "spark", "vibrate")
N_COLUMNS = 12


def series(counts, distance, seed, first=0):
    """Return two series of each motor, moved by `distance` where they are faulty; motors differ among themselves."""
    random, rows = np.random.default_rng(seed), []
    for label, number in zip(CLASSES, counts, strict=True):
        for motor in range(number):
            place = random.normal(size=N_COLUMNS) * 0.5
            if label != "normal":
                place[:4] += distance * (1 if label == "spark" else -1)
            for item in range(2):
                name = f"{label}-{first + motor}"
                rows.append([f"{name}-{item}", name, "east", label, *(place + random.normal(size=N_COLUMNS) * 0.5)])
    columns = [f"column {k}" for k in range(N_COLUMNS)]
    return pd.DataFrame(rows, columns=["item", "motor", "domain", "label", *columns]), columns


@pytest.fixture
def labelling():
    """Return a labeller at work on a plant."""

    def of(kind, known=(60, 60, 60), unlabelled=(40, 10, 10), distance=4.0, judge="lda", seed=0, **settings):
        train, columns = series(known, distance, seed)
        others, _ = series(unlabelled, distance, seed + 1, first=1000)
        labeller = LABELLERS[kind](**settings)
        others = others.assign(hidden_label=others["label"]).drop(columns="label")
        tools = JUDGES[judge](), JUDGES["trimmed_mahalanobis"](), plugins("motor.cuts")["two_groups"]()
        return PseudoLabelling(labeller, *tools, others, train, columns, CLASSES, "normal", 0, 1)

    return of


@pytest.mark.parametrize("kind", LABELLERS)
def test_labels_of_a_plant_that_is_easy_are_proven_taken_and_right(labelling, kind):
    at_work = labelling(kind)
    facts = at_work.facts()
    assert facts["classes"]["normal"]["is_proven"]
    assert facts["n_taken"] > 20
    assert facts["true_precision"] > 0.97
    X, labels, weight = at_work.more(at_work.train)
    assert (len(X), weight) == (facts["n_taken"], 0.5)
    assert set(labels) <= set(CLASSES)


@pytest.mark.parametrize("kind", LABELLERS)
def test_labels_are_refused_where_faults_cannot_be_told(labelling, kind):
    at_work = labelling(kind, distance=0.0)
    assert at_work.more(at_work.train) is None
    assert at_work.facts()["refused"]
    assert at_work.table().empty


@pytest.mark.parametrize("kind", LABELLERS)
def test_labels_are_refused_where_few_motors_cannot_prove_them(labelling, kind):
    at_work = labelling(kind, known=(6, 3, 3))
    assert at_work.more(at_work.train) is None


@pytest.mark.parametrize("kind", ["self_training", "curriculum"])
def test_precision_of_none_believes_a_labeller_that_no_hidden_motor_can_prove(labelling, kind):
    at_work = labelling(kind, known=(1, 1, 1), precision=0)
    assert at_work.facts()["n_taken"] == at_work.facts()["n_proposed"] > 0
    assert labelling(kind, known=(1, 1, 1)).more(at_work.train) is None


def test_score_rule_stops_where_the_majority_is_not_normal(labelling):
    facts = labelling("scores", unlabelled=(10, 30, 30)).facts()
    assert facts["refused"] == "majority_not_normal"
    assert facts["notes"]["normal_share"] < 0.4
    assert facts["n_proposed"] == 0


def test_hidden_labels_are_measured_by_and_never_learned_from(labelling):
    at_work, other = labelling("self_training"), labelling("self_training")
    shuffled = other.unlabelled["hidden_label"].sample(frac=1, random_state=0).to_numpy()
    object.__setattr__(other, "unlabelled", other.unlabelled.assign(hidden_label=shuffled))
    assert at_work.table().equals(other.table())
    assert at_work.facts()["true_precision"] > other.facts()["true_precision"]


def test_lower_bound_holds_in_nine_of_ten_draws():
    random, holds = np.random.default_rng(0), []
    for _ in range(400):
        share_n = (random.random((30, 2)) < 0.9).mean(axis=1)
        holds.append(lower_bound(share_n, 0.9) <= 0.9)
    assert np.mean(holds) >= 0.9
    assert lower_bound(np.ones(45), 0.9) > 0.95 > lower_bound(np.ones(44), 0.9)
    assert lower_bound(np.zeros(5), 0.9) == 0.0


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_weight_of_two_is_the_row_twice_and_weight_of_none_is_no_row(kind):
    train, columns = series((8, 6, 6), 1.0, 0)
    X, y = train[columns].to_numpy(), train["label"].to_numpy()
    weight = np.ones(len(X))
    weight[3], weight[5] = 2, 0
    twice = np.sort(np.r_[np.delete(np.arange(len(X)), 5), 3])
    judge = JUDGES[kind](n_estimators=20) if "n_estimators" in JUDGES[kind].model_fields else JUDGES[kind]()
    weighted = fitted_with_weights(judge.estimator(1, 1), X, y, weight)
    repeated = judge.estimator(1, 1).fit(X[twice], y[twice])
    np.testing.assert_array_equal(weighted.predict_proba(X), repeated.predict_proba(X))


def test_weights_of_halves_are_made_whole():
    assert counts_of(np.array([1, 0.5, 0, 2])).tolist() == [2, 1, 0, 4]
    with pytest.raises(ValueError, match=r"-1.* allowed"):
        counts_of(np.array([1.0, -1.0]))
