"""Recordings that a served model and its shadow call otherwise: kept within bounds, asked, and counted."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from grid.store.store import write_text
from motor.commands.finding import review_of
from motor.looping.loop import Facts, LoopError, begin_loop
from motor.looping.served import pair_of, seen
from motor.recordings.recording import Recording
from motor.recordings.table import write_recordings
from motor.review.database.decisions import Decision, decide
from motor.review.database.items import Item, add_items
from motor.review.database.queues import DISAGREEMENTS, progress
from motor.review.faults import ReviewError

CLASSES = ("normal", "spark")
SAID = {"label": "normal"}, {"label": "spark"}
NORMAL, SPARK = SAID


def recording(seed=0, motor="", n_samples=100):
    signal = np.random.default_rng(seed).normal(size=n_samples).astype(np.float32)
    return Recording("sent.wav", motor, "sound", None, 8000.0, signal, 1500.0)


@pytest.fixture
def loop(tmp_path):
    write_recordings([replace(recording(), item="known", motor="m0", label="normal")], tmp_path / "table")
    made = begin_loop(tmp_path, "plant", "loop: {known: all}\n", Facts({}, CLASSES, "normal", ("table",)))
    items = [Item(f"of {side}", f"m {side}", "sound", side, "table") for side in ("train", "validation", "test")]
    add_items(made.database, items, "tests")
    yield made
    made.database.close()


def pair(loop, most=10, most_mb=1.0):
    return pair_of(loop, "old", {"cell": "new", "iteration": 2}, most, most_mb)


def test_what_two_call_otherwise_is_asked_without_saying_who_said_what(loop):
    kept = pickle.loads(pickle.dumps(pair(loop)))  # as it comes to the shadow's process
    assert [kept.keep(recording(), *SAID), kept.keep(recording(), *SAID)] == ["kept", "again"]
    (asked,) = review_of(loop).next(DISAGREEMENTS, "ann", 4)
    assert (asked["answers"], asked["suggestion"]) == ({"A": "normal", "B": "spark"}, {})
    assert asked["answer"]["revision"] == 0
    assert review_of(loop).overview("ann")["queues"][DISAGREEMENTS] == {"asked": 1, "open": 1}
    signal = review_of(loop).signals.find(asked["item"])
    np.testing.assert_array_equal(signal.values, recording().signal)


def test_motors_keep_their_side_and_those_of_the_test_are_left_out(loop):
    kept = pair(loop)
    found = [kept.keep(recording(seed, f"m {side}"), *SAID) for seed, side in enumerate(("validation", "test", "new"))]
    assert found == ["kept", "of_test", "kept"]
    motors = {one["motor"]: one["side"] for one in review_of(loop).next(DISAGREEMENTS, "ann", 4)}
    assert motors.pop("m validation") == "validation"
    assert [name.partition("-")[0] for name in motors] == ["served"]  # "m new" may come to any side one day


@pytest.mark.parametrize("bounds", [{"most": 2}, {"most_mb": 3000 / 1e6}])
def test_bounds_hold(loop, bounds):
    kept = pair(loop, **bounds)
    found = [kept.keep(recording(seed), *SAID) for seed in range(4)]
    assert found[0] == "kept"
    assert found[-1] == "over"
    size = sum(file.stat().st_size for file in (loop.folder / "served").glob("*/recordings.arrow"))
    assert found.count("kept") <= 2
    assert size <= 6000


def test_counts_add_up_over_endpoints_and_say_who_was_right(loop):
    for seed, kept in enumerate((pair(loop), pair(loop))):
        kept.count(judged=3)
        kept.count(judged=1, differ=1, **{kept.keep(recording(seed), *SAID): 1})
    first, _ = review_of(loop).next(DISAGREEMENTS, "ann", 4)
    decide(loop.database, Decision("r", first["item"], 0, "label", "ann", "spark"), CLASSES)
    (found,) = seen(loop)
    assert dict(found.counts) == {"judged": 8, "differ": 2, "kept": 2}
    assert (found.decided, found.champion_right, found.challenger_right) == (1, 0, 1)
    assert progress(loop.database)[DISAGREEMENTS] == {"asked": 2, "open": 1}


def test_counts_go_on_after_the_shadow_was_started_again(loop):
    before = pair(loop)
    pickle.loads(pickle.dumps(before)).count(judged=2)
    pickle.loads(pickle.dumps(before)).count(judged=1)
    assert next(seen(loop)).counts["judged"] == 3


def test_what_is_no_name_of_a_recording_is_no_path(loop):
    write_text(loop.folder / "recordings.arrow", "")
    for name in ("../served", "a/b", "..x"):
        with pytest.raises(ReviewError, match="no table of recordings has the item"):
            review_of(loop).signals.find(name)


def test_a_model_is_no_shadow_of_itself(loop):
    with pytest.raises(LoopError, match="the served model itself"):
        pair_of(loop, "new", {"cell": "new", "iteration": 2}, 1, 1.0)
