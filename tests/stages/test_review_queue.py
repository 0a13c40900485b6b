"""The queue of what a person should look at first."""

import numpy as np
import pandas as pd
import pytest

from motor.judges.lda import Lda
from motor.judges.trimmed_mahalanobis import TrimmedMahalanobis
from motor.judges.vae import Vae
from motor.stages.review_queue import FIRST, MARGIN, STRANGEST, Queue

COLUMNS = [f"column {k}" for k in range(6)]


def plant(n_normal, n_faulty, seed, prefix):
    """Two series a motor; faulty ones are moved in half of the columns."""
    random, rows = np.random.default_rng(seed), []
    for motor in range(n_normal + n_faulty):
        label = "normal" if motor < n_normal else "spark"
        for item in range(2):
            values = random.normal(size=6) + 5 * (label == "spark") * (np.arange(6) < 3)
            rows.append([f"{prefix}{motor}-{item}", f"{prefix}{motor}", "east", label, *values])
    return pd.DataFrame(rows, columns=["item", "motor", "domain", "label", *COLUMNS])


@pytest.fixture(scope="module")
def asked():
    """The queue of a plant of which a fifth is faulty."""
    train, unlabelled = plant(12, 6, 0, "known"), plant(24, 6, 1, "new")
    classifier = Lda().estimator(0, 1).fit(train[COLUMNS].to_numpy(), train["label"])
    queue = Queue(TrimmedMahalanobis(), COLUMNS, ("normal", "spark"), "normal", 0, 1)
    return queue.of(train, unlabelled, classifier), unlabelled


def test_queue_asks_for_each_motor_once_and_for_faulty_ones_first(asked):
    entries, unlabelled = asked
    assert sorted(entry["motor"] for entry in entries) == sorted(unlabelled["motor"].unique())
    labels = unlabelled.set_index("item")["label"]
    assert sum(labels[entry["item"]] == "spark" for entry in entries[:FIRST]) == 6


def test_queue_goes_from_the_strangest_to_the_smallest_margin_and_says_why(asked):
    entries, _ = asked
    assert [entry["why"] for entry in entries] == [STRANGEST] * FIRST + [MARGIN] * (len(entries) - FIRST)
    scores, margins = ([entry[name] for entry in entries] for name in ("score", "margin"))
    assert scores[:FIRST] == sorted(scores[:FIRST], reverse=True)
    assert margins[FIRST:] == sorted(margins[FIRST:])
    assert [entry["place"] for entry in entries] == list(range(1, len(entries) + 1))


def test_queue_names_the_nearest_known_series(asked):
    entries, unlabelled = asked
    labels = unlabelled.set_index("item")["label"]
    assert np.mean([entry["nearest_label"] == labels[entry["item"]] for entry in entries]) > 0.9
    assert all(entry["nearest_item"].startswith("known") for entry in entries)


def test_queue_of_a_deep_detector_says_which_columns_make_a_series_strange(asked):
    train, unlabelled = plant(12, 6, 0, "known"), plant(24, 6, 1, "new")
    classifier = Lda().estimator(0, 1).fit(train[COLUMNS].to_numpy(), train["label"])
    queue = Queue(Vae(n_epochs=20), COLUMNS, ("normal", "spark"), "normal", 0, 1)
    entries = queue.of(train, unlabelled, classifier)
    labels = unlabelled.set_index("item")["label"]
    strange = [list(entry["attributed"])[:3] for entry in entries[:4] if labels[entry["item"]] == "spark"]
    assert len(strange) >= 3
    assert all(set(columns) <= set(COLUMNS[:3]) for columns in strange)
    assert all("attributed" not in entry for entry in asked[0])
