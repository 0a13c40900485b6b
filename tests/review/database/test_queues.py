"""Queues: in order, one person an item, test items by themselves and blind."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.event import listen

from motor.review.database import chain
from motor.review.database.decisions import Decision, decide
from motor.review.database.queues import (
    LABELS,
    SURE,
    SUSPECTED,
    TEST,
    Question,
    ask,
    disagreements,
    next_items,
    progress,
)
from motor.review.faults import ReviewError

CLASSES = ("normal", "spark")
SUGGESTED = {"probabilities": {"normal": 0.2, "spark": 0.8}}


def names(found):
    return [one["item"] for one in found]


def test_next_are_given_in_order_and_not_to_two(filled):
    ask(filled, LABELS, 1, [Question(f"i{n}", "random", 0.5) for n in (3, 1, 2)], "tests")
    assert names(next_items(filled, LABELS, "ann", 2)) == ["i3", "i1"]
    assert names(next_items(filled, LABELS, "bob", 2)) == ["i2"]
    assert names(next_items(filled, LABELS, "ann", 3)) == ["i3", "i1"]


@pytest.mark.parametrize("days", [-3650, 1])
def test_item_that_was_given_to_one_is_free_when_the_clock_was_set_back_or_time_has_passed(filled, monkeypatch, days):
    ask(filled, LABELS, 1, [Question("i0", "margin")], "tests")
    assert names(next_items(filled, LABELS, "ann")) == ["i0"]
    assert next_items(filled, LABELS, "bob") == []
    moment = datetime.fromisoformat(chain.later(timedelta(days=days)))
    monkeypatch.setattr(chain, "later", lambda by: (moment + by).isoformat())
    assert names(next_items(filled, LABELS, "bob")) == ["i0"]
    assert next_items(filled, LABELS, "ann") == []


def test_answered_leave_the_queue_and_come_back_when_undone(filled):
    ask(filled, LABELS, 1, [Question("i0", "margin"), Question("i1", "margin")], "tests")
    decide(filled, Decision("r1", "i0", 0, "label", "ann", "spark"), CLASSES)
    assert names(next_items(filled, LABELS, "ann", 2)) == ["i1"]
    assert progress(filled) == {LABELS: {"asked": 2, "open": 1}}
    decide(filled, Decision("r2", "i0", 1, "undo", "ann"), CLASSES)
    assert names(next_items(filled, LABELS, "ann", 2)) == ["i0", "i1"]


def test_answer_that_is_doubted_stands_in_a_queue_until_it_is_decided_again(filled):
    decide(filled, Decision("r1", "i0", 0, "label", "ann", "spark"), CLASSES)
    ask(filled, SUSPECTED, 1, [Question("i0", "suspected", suggestion=SUGGESTED)], "tests")
    (found,) = next_items(filled, SUSPECTED, "bob")
    assert (found["answer"]["label"], found["answer"]["revision"]) == ("spark", 1)
    decide(filled, Decision("r2", "i0", 1, "label", "bob", "spark"), CLASSES)
    assert next_items(filled, SUSPECTED, "bob") == []


def test_suggestion_of_a_blind_item_is_kept_back(filled):
    asked = [Question("i0", "margin", suggestion=SUGGESTED), Question("i1", "x", suggestion=SUGGESTED, is_blind=True)]
    ask(filled, LABELS, 1, asked, "tests")
    assert [one["suggestion"] for one in next_items(filled, LABELS, "ann", 2)] == [SUGGESTED, {}]


def test_sure_ones_are_asked_anew_by_each_model_and_never_beside_another_queue(filled):
    ask(filled, SURE, 1, [Question(f"i{n}", "sure", suggestion=SUGGESTED) for n in (0, 1, 2)], "tests")
    ask(filled, LABELS, 2, [Question("i1", "random", 0.5)], "tests")
    assert names(next_items(filled, SURE, "ann", 9)) == ["i0", "i2"]
    decide(filled, Decision("r1", "i0", 0, "label", "ann", "spark"), CLASSES)
    ask(filled, SURE, 2, [Question("i3", "sure", suggestion=SUGGESTED)], "tests", instead=True)
    assert names(next_items(filled, SURE, "ann", 9)) == ["i3"]
    assert names(next_items(filled, LABELS, "ann", 9)) == ["i1"]


@pytest.mark.parametrize(("queue", "item"), [(LABELS, "i15"), (TEST, "i0"), (SURE, "i15")])
def test_test_items_have_a_queue_of_their_own(filled, queue, item):
    with pytest.raises(ReviewError, match="test items have the queue"):
        ask(filled, queue, 1, [Question(item, "random")], "tests")


def test_two_reviewers_of_a_test_item_see_nothing_of_each_other_and_are_settled(filled):
    ask(filled, TEST, 1, [Question("i15", "all", suggestion=SUGGESTED)], "tests")
    decide(filled, Decision("r1", "i15", 0, "label", "ann", "spark"), CLASSES)
    (of_bob,) = next_items(filled, TEST, "bob")
    assert of_bob["answer"]["label"] is None
    assert of_bob["suggestion"] == {}
    assert next_items(filled, TEST, "ann") == []
    decide(filled, Decision("r2", "i15", 0, "label", "bob", "normal"), CLASSES)
    assert disagreements(filled) == [{"item": "i15", "answers": {"ann": "spark", "bob": "normal"}}]
    decide(filled, Decision("r3", "i15", 0, "label", "eva", "spark", adjudicates=True), CLASSES)
    assert disagreements(filled) == []


def test_unknown_queue_and_item_are_refused(filled):
    with pytest.raises(ReviewError, match="unknown queue 'x'"):
        ask(filled, "x", 1, [], "tests")
    with pytest.raises(ReviewError, match="no item 'i99'"):
        ask(filled, LABELS, 1, [Question("i99", "random")], "tests")


def test_claims_are_not_waited_for_and_decisions_are(filled):
    if not filled.is_sqlite:
        pytest.skip("a pragma of SQLite")
    said = []
    listen(filled.engine, "before_cursor_execute", lambda *given: said.append(given[2]))
    ask(filled, LABELS, 1, [Question("i0", "random")], "tests")
    next_items(filled, LABELS, "ann")
    decide(filled, Decision("r", "i0", 0, "label", "ann", "spark"), CLASSES)
    assert [one for one in said if one.startswith("PRAGMA")] == [
        "PRAGMA synchronous=FULL",
        "PRAGMA synchronous=NORMAL",
        "PRAGMA synchronous=FULL",
    ]
