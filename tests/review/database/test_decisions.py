"""Decisions: each revision once, acknowledged on disk, undone, blind on the test side."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from motor.review.database.chain import head, verify
from motor.review.database.decisions import Decision, decide
from motor.review.database.items import Item, add_items
from motor.review.faults import ConflictError, ReviewError

CLASSES = ("normal", "spark", "vibrate")
TRAIN, TEST = "i0", "i15"
FIRST = Decision("r1", TRAIN, 0, "label", "ann", "spark", {"seconds": 1.5})


def test_decision_is_the_answer(filled):
    assert decide(filled, FIRST, CLASSES) == {"revision": 1, "action": "label", "label": "spark", "reviewer": "ann"}


def test_decision_sent_again_is_one(filled):
    first = decide(filled, FIRST, CLASSES)
    assert decide(filled, FIRST, CLASSES) == first
    with filled.reading() as connection:
        assert connection.scalar(text("SELECT count(*) FROM decision")) == 1


def test_decision_on_an_older_revision_is_refused_with_the_others_answer(filled):
    decide(filled, FIRST, CLASSES)
    with pytest.raises(ConflictError, match="decided meanwhile") as found:
        decide(filled, replace(FIRST, request_id="r2", reviewer="bob", label="normal"), CLASSES)
    assert found.value.answer == {"revision": 1, "action": "label", "label": "spark", "reviewer": "ann"}


def test_undo_goes_back_one_decision_at_a_time(filled):
    decide(filled, FIRST, CLASSES)
    decide(filled, replace(FIRST, request_id="r2", revision=1, label="normal"), CLASSES)
    undo = replace(FIRST, request_id="r3", revision=2, action="undo", label=None)
    assert decide(filled, undo, CLASSES)["label"] == "spark"
    last = decide(filled, replace(undo, request_id="r4", revision=3), CLASSES)
    assert last == {"revision": 4, "action": None, "label": None, "reviewer": None}
    with pytest.raises(ReviewError, match="no decision to undo"):
        decide(filled, replace(undo, request_id="r5", revision=4), CLASSES)


def test_reviewers_of_a_test_item_do_not_meet(filled):
    decide(filled, replace(FIRST, item=TEST), CLASSES)
    other = decide(filled, replace(FIRST, item=TEST, request_id="r2", reviewer="bob", label="normal"), CLASSES)
    assert other == {"revision": 1, "action": "label", "label": "normal", "reviewer": "bob"}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"label": "sparks"}, "unknown label 'sparks'; there are: normal, spark, vibrate"),
        ({"action": "keep", "label": None}, "unknown action 'keep'"),
        ({"action": "bad"}, "give none"),
        ({"item": "i99"}, "no item 'i99'"),
        ({"request_id": ""}, "request_id has 0 characters"),
        ({"adjudicates": True}, "only test items are adjudicated"),
    ],
)
def test_what_is_no_decision_is_refused_and_leaves_nothing(filled, wrong, words):
    with filled.reading() as connection:
        before = head(connection)
    with pytest.raises(ReviewError, match=words):
        decide(filled, replace(FIRST, **wrong), CLASSES)
    with filled.reading() as connection:
        assert head(connection) == before


def test_request_id_of_another_decision_is_refused(filled):
    decide(filled, FIRST, CLASSES)
    with pytest.raises(ReviewError, match="was of another decision"):
        decide(filled, replace(FIRST, item="i1"), CLASSES)


def test_decisions_and_events_cannot_be_changed(filled):
    decide(filled, FIRST, CLASSES)
    for statement in ("UPDATE decision SET label='normal'", "DELETE FROM event"):
        with pytest.raises(DBAPIError, match="only ever added to"), filled.writing() as connection:
            connection.execute(text(statement))


def test_motor_cannot_move_to_another_side(filled):
    with pytest.raises(ReviewError, match="a motor never moves"):
        add_items(filled, [Item("new", "m0", "sound", "test", "source")], "tests")


def race(database, n_items, n_clients):
    """Let clients decide on the same items at once; return accepted, refused, and the refusals' answers."""

    def client(name):
        accepted, refused = [], []
        for n in range(n_items):
            mine = Decision(f"{name}-{n}", f"i{n}", 0, "label", name, CLASSES[n % 3])
            try:
                accepted.append(decide(database, mine, CLASSES))
            except ConflictError as error:
                refused.append(error.answer)
        return accepted, refused

    with ThreadPoolExecutor(n_clients) as pool:
        found = list(pool.map(client, [f"client{n}" for n in range(n_clients)]))
    return [answer for of in found for answer in of[0]], [answer for of in found for answer in of[1]]


def check_race(database, n_items, n_clients):
    add_items(database, [Item(f"i{n}", f"m{n}", "sound", "train", "source") for n in range(n_items)], "tests")
    accepted, refused = race(database, n_items, n_clients)
    assert len(accepted) == n_items
    assert len(refused) == n_items * (n_clients - 1)
    assert {answer["revision"] for answer in accepted + refused} == {1}
    assert all(answer["reviewer"].startswith("client") for answer in refused)
    assert verify(database) == []


def test_race_leaves_each_revision_once(database):
    check_race(database, n_items=20, n_clients=4)


@pytest.mark.slow
def test_race_of_eight_over_two_thousand_items_on_sqlite(database):
    check_race(database, n_items=2000, n_clients=8)


@pytest.mark.slow
def test_race_of_eight_over_two_thousand_items_on_postgresql(on_postgresql):
    check_race(on_postgresql, n_items=2000, n_clients=8)
