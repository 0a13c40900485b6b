"""The trail: whatever is changed, or taken away, is found."""

import pytest
from sqlalchemy import text

from motor.review.database.chain import head, verify
from motor.review.database.decisions import Decision, decide
from motor.review.database.items import Item, add_items

CLASSES = ("normal", "spark")
NEVER = ("decision_is_never_updated", "decision_is_never_deleted", "event_is_never_updated", "event_is_never_deleted")


@pytest.fixture
def decided(filled):
    for n in range(5):
        decide(filled, Decision(f"r{n}", f"i{n}", 0, "label", "ann", "spark"), CLASSES)
    return filled


def forge(database, statement):
    """Change what nobody may, as somebody who has the file can."""
    with database.writing() as connection:
        for trigger in NEVER:
            connection.execute(text(f"DROP TRIGGER {trigger}"))
        connection.execute(text(statement))


def test_trail_as_written_verifies(decided):
    assert verify(decided) == []


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE event SET body=replace(body,'spark','normal') WHERE number=3", "event 3"),
        ("UPDATE event SET actor='bob' WHERE number=2", "event 2"),
        ("DELETE FROM event WHERE number=4", "event 4 is missing"),
        ("DELETE FROM event WHERE number=6", "6 were written"),
        ("UPDATE decision SET label='normal' WHERE id=2", "decision 2"),
        ("DELETE FROM decision WHERE id=3", "request 'r2' is missing"),
        ("INSERT INTO decision SELECT 99,'forged',6,'',1,0,action,label,reviewer,decided_at,seen FROM decision "
         "WHERE id=1", "decision 99 is in no event"),
    ],
)  # fmt: skip
def test_what_was_changed_is_found(decided, statement, words):
    forge(decided, statement)
    assert any(words in fault for fault in verify(decided))


@pytest.mark.slow
def test_what_was_changed_is_found_on_postgresql(on_postgresql):
    add_items(on_postgresql, [Item(f"i{n}", "m", "sound", "train", "table") for n in range(5)], "tests")
    for n in range(5):
        decide(on_postgresql, Decision(f"r{n}", f"i{n}", 0, "label", "ann", "spark"), CLASSES)
    assert verify(on_postgresql) == []
    with on_postgresql.writing() as connection:
        for table in ("decision", "event"):
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
        connection.execute(text("UPDATE event SET body=replace(body,'spark','normal') WHERE number=3"))
        connection.execute(text("DELETE FROM event WHERE number=5"))
        connection.execute(text("DELETE FROM decision WHERE request_id='r4'"))
    faults = verify(on_postgresql)
    for words in ("event 3", "event 5 is missing", "request 'r4' is missing"):
        assert any(words in fault for fault in faults)


def test_trail_that_was_written_anew_is_found_by_what_was_kept_elsewhere(decided, database):
    with decided.reading() as connection:
        number, digest = head(connection)
    assert verify(decided, {number: digest}) == []
    assert verify(decided, {number: "0" * 64}) == [f"event {number} is not the one that a sealed label set names"]
    assert "is missing" in verify(decided, {number + 1: digest})[0]
