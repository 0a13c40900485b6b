"""Labels by a recording's place in its motor's life."""

import numpy as np
import pandas as pd
import pytest

from motor.recordings.life import labels_by_life, life_labels
from motor.recordings.readers.tree import Tree
from motor.recordings.recording import DataError

RANGES = {"normal": [0, 0.3], "worn": [0.5, 0.8], "failing": [0.9, 1]}
LIFE = {"by": "life", **RANGES}


def meta(*rows):
    """Return what is known of recordings: item, motor, recorded_at and perhaps domain and moment."""
    names = ["item", "motor", "recorded_at", "domain", "moment"]
    return pd.DataFrame([[*row, *("east", None)[len(row) - 3 :]] for row in rows], columns=names)


def labels(table, **rule):
    return list(labels_by_life(table, life_labels(rule or LIFE)).values())


def test_order_counts_numbers_in_names_by_their_size_and_each_motor_by_itself():
    names = [f"{motor}/{number}.csv" for motor, n in (("M1", 11), ("M2", 21)) for number in range(1, n + 1)]
    found = labels_by_life(meta(*((name, name[:2], np.nan) for name in sorted(names))), life_labels(LIFE))
    assert [found[f"M1/{n}.csv"] for n in (1, 4, 5, 6, 9, 10, 11)] == [
        "normal", "normal", None, "worn", "worn", "failing", "failing",
    ]  # fmt: skip
    assert (found["M2/7.csv"], found["M2/8.csv"], found["M2/19.csv"]) == ("normal", None, "failing")


def test_time_counts_where_it_is_known():
    times = (1000.0, 0.0, 290.0, 310.0, 600.0)
    found = labels(meta(*((f"{k}.wav", "M1", time) for k, time in enumerate(times))))
    assert found == ["failing", "normal", "normal", None, "worn"]


def test_hours_to_failure_are_hours_before_the_last_recording():
    table = meta(*((f"{k}.wav", "M1", k * 3600.0) for k in range(6)), ("b.wav", "M2", 0.0))
    assert labels(table, by="hours_to_failure", normal=[4, 100], failing=[0, 1]) == [
        "normal", "normal", None, None, "failing", "failing", "failing",
    ]  # fmt: skip


def test_sensors_of_one_moment_have_one_place_and_untied_ones_lives_of_their_own():
    tied = [(f"{n}.csv:{domain}", "M1", np.nan, domain, f"{n}.csv") for n in range(1, 12) for domain in ("x", "y")]
    tied.remove(("3.csv:y", "M1", np.nan, "y", "3.csv"))  # left out: the others' places stay
    found = labels_by_life(meta(*tied), life_labels(LIFE))
    assert all(found[f"{n}.csv:x"] == found[f"{n}.csv:y"] for n in range(4, 12))
    untied = meta(*((f"{domain}/{n}", "M1", np.nan, domain) for domain in ("x", "y") for n in range(11)))
    both = labels(untied)
    assert both[:11] == both[11:]
    assert both.count("failing") == 4


def test_ranges_that_meet_share_no_place():
    found = labels(meta(*((f"{n}", "M1", np.nan) for n in range(5))), by="life", normal=[0, 0.5], failing=[0.5, 1])
    assert found == ["normal", "normal", "failing", "failing", "failing"]


@pytest.mark.parametrize(
    ("rows", "rule", "parts"),
    [
        ([("a", "M1", 0.0), ("b", "M1", np.nan)], LIFE, ("b: motor 'M1'", "1 of 2", "recorded_at")),
        ([("a", "M1", np.nan)], LIFE, ("a: motor 'M1'", "one time alone", "correct motor")),
        ([("a", "M1", 5.0), ("b", "M1", 5.0)], LIFE, ("motor 'M1'", "one time alone")),
        ([("a", "M1", 0.0), ("b", "M1", 9.0)], LIFE, ("range of 'worn', 0.5 to 0.8", "widen the range")),
        ([("a", "M1", np.nan)], {"by": "hours_to_failure", "x": [0, 1]}, ("recorded_at", "set by: life")),
    ],
)
def test_recordings_without_a_course_of_life_are_named(rows, rule, parts):
    with pytest.raises(DataError) as caught:
        labels(meta(*rows), **rule)
    assert all(part in str(caught.value) for part in parts), caught.value


@pytest.mark.parametrize(
    ("rule", "part"),
    [
        ({**LIFE, "by": "live"}, "by is 'live'"),
        (RANGES, "by is None"),
        ({"by": "life"}, "name no class"),
        ({**LIFE, "worn": [0.8, 0.5]}, r"worn: \[0.8, 0.5\] is no range by life"),
        ({**LIFE, "worn": [0.5, 1.5]}, "from 0 to 1"),
        ({**LIFE, "worn": [0.2, 0.8]}, "'normal' and 'worn' overlap at 0.2"),
        ({"by": "life", "normal": [0, 0.3]}, "no range for 'worn'"),
        ({**LIFE, "broken": [0.85, 0.86]}, "'broken', which is not in classes"),
    ],
)
def test_rule_at_fault_says_what_would_do(rule, part):
    with pytest.raises(ValueError, match=part):
        Tree(path="x", labels=rule, classes=tuple(RANGES), domains=("east",))


def test_rule_beside_a_file_of_labels_is_a_fault():
    with pytest.raises(ValueError, match="keep one of them"):
        Tree(path="x", labels=LIFE, classes=tuple(RANGES), domains=("east",), labels_file="labels.csv")


def test_raw_label_that_is_called_by_is_a_name_as_before():
    reader = Tree(path="x", labels={"by": "normal"}, classes=("normal",), domains=("east",))
    assert (reader.raw_labels, reader.life, reader.model_dump()["labels"]) == ({"by": "normal"}, None, {"by": "normal"})
