"""Decide on an item, once: by compare-and-set on its revision, acknowledged after it is on disk."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal, get_args

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from motor.review.database import chain
from motor.review.database.items import find_item
from motor.review.database.opening import Database
from motor.review.database.schema import ANSWER, ASKED, DECISION, SHARED
from motor.review.faults import ConflictError, ReviewError

Action = Literal["label", "unsure", "bad", "undo"]
ACTIONS: tuple[str, ...] = get_args(Action)
ADJUDICATED = "adjudicated"  # the seat that settles two reviewers who differ; no person can have this name
LONGEST_ID = 100


@dataclass(frozen=True)
class Decision:
    """A person's decision about a recording.

    Attributes
    ----------
    request_id : str
        Made by who decides; the same decision sent again is the same decision.
    item : str
    revision : int
        Of the answer that was looked at; 0 where there was none.
    action : {"label", "unsure", "bad", "undo"}
        ``undo`` goes back to what held before the newest decision that holds.
    reviewer : str
    label : str, optional
        The class, of a ``label``.
    seen : mapping
        What was on the screen: the suggestion, or that it was blind; how long it took.
    adjudicates : bool
        On the test side: whether this settles what two reviewers see differently.
    """

    request_id: str
    item: str
    revision: int
    action: Action
    reviewer: str
    label: str | None = None
    seen: Mapping[str, Any] = field(default_factory=dict)
    adjudicates: bool = False

    def check(self, classes: tuple[str, ...]) -> None:
        """Raise ReviewError if the request's id, the action or the label is not allowed."""
        if not 0 < len(self.request_id) <= LONGEST_ID:
            raise ReviewError(f"request_id has {len(self.request_id)} characters; allowed: 1 to {LONGEST_ID}")
        if self.action not in ACTIONS:
            raise ReviewError(f"unknown action {self.action!r}; there are: {', '.join(ACTIONS)}")
        if self.action == "label" and self.label not in classes:
            raise ReviewError(f"unknown label {self.label!r}; there are: {', '.join(classes)}")
        if self.action != "label" and self.label is not None:
            raise ReviewError(f"{self.action!r} has the label {self.label!r}; give none, or the action 'label'")


def decide(database: Database, decision: Decision, classes: tuple[str, ...]) -> dict[str, Any]:
    """Write a decision, and return the answer that holds now.

    Returns
    -------
    dict
        revision, action, label, reviewer; on disk. The same as the first time where the request came before.

    Raises
    ------
    ConflictError
        If the revision is not the newest; it has the answer that holds.
    ReviewError
        If it is no decision on an item that there is.
    """
    decision.check(classes)
    try:
        return _decided(database, decision)
    except IntegrityError:  # the same request, at the same moment, by another connection: it stands by now
        return _decided(database, decision)


def _decided(database: Database, decision: Decision) -> dict[str, Any]:
    with database.writing() as connection:
        item = find_item(connection, decision.item)
        seat = _seat(decision, item)
        if (former := _former(connection, decision, item["id"], seat)) is not None:
            return former
        _take_seat(connection, item["id"], seat)
        answer = _answer(connection, item["id"], seat)
        row = _row(connection, decision, item["id"], seat, answer)
        changed = _after(connection, row, decision)
        place = (ANSWER.c.item_id == item["id"], ANSWER.c.seat == seat, ANSWER.c.revision == decision.revision)
        if connection.execute(update(ANSWER).where(*place).values(**changed)).rowcount != 1:
            answer = _answer(connection, item["id"], seat)
            raise ConflictError(
                f"{decision.item} was decided meanwhile: revision {answer['revision']}, yours was of "
                f"{decision.revision}; look at it again",
                shown(answer),
            )
        connection.execute(insert(DECISION).values(**row))
        chain.append(connection, decision.reviewer, chain.DECIDED, chain.decision_body(row))
        _close(connection, item, changed)
        return shown(changed)


def _seat(decision: Decision, item: Mapping[str, Any]) -> str:
    """Return whose answer this is: everybody's, or on the test side the reviewer's own, which others do not see."""
    if item["side"] != "test":
        if decision.adjudicates:
            raise ReviewError(f"{decision.item} is on the {item['side']} side; only test items are adjudicated")
        return SHARED
    return ADJUDICATED if decision.adjudicates else decision.reviewer


def _former(connection: Connection, decision: Decision, item_id: int, seat: str) -> dict[str, Any] | None:
    """Return what a request that came before has led to; None if it did not come."""
    row = connection.execute(select(DECISION).where(DECISION.c.request_id == decision.request_id)).mappings().first()
    if row is None:
        return None
    sent = (item_id, seat, decision.action, decision.reviewer, decision.revision + 1)
    if sent != (row["item_id"], row["seat"], row["action"], row["reviewer"], row["revision"]):
        raise ReviewError(f"request_id {decision.request_id!r} was of another decision; make a new one for each")
    return shown(_answer(connection, item_id, seat))


def _take_seat(connection: Connection, item_id: int, seat: str) -> None:
    if seat == SHARED:
        return
    dialect: Any = import_module(f"sqlalchemy.dialects.{connection.dialect.name}")
    empty = {"item_id": item_id, "seat": seat, "revision": 0, "effective": 0}
    connection.execute(dialect.insert(ANSWER).values(**empty).on_conflict_do_nothing())


def _answer(connection: Connection, item_id: int, seat: str) -> Mapping[str, Any]:
    place = (ANSWER.c.item_id == item_id, ANSWER.c.seat == seat)
    return connection.execute(select(ANSWER).where(*place)).mappings().one()


def _row(
    connection: Connection, decision: Decision, item_id: int, seat: str, answer: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the row of a decision; `before` is the revision whose content holds if it is undone."""
    return {
        "request_id": decision.request_id,
        "item_id": item_id,
        "seat": seat,
        "revision": decision.revision + 1,
        "before": answer["effective"],
        "action": decision.action,
        "label": decision.label,
        "reviewer": decision.reviewer,
        "decided_at": chain.now(),
        "seen": json.dumps(dict(decision.seen), sort_keys=True, ensure_ascii=False, allow_nan=False),
    }


def _after(connection: Connection, row: Mapping[str, Any], decision: Decision) -> dict[str, Any]:
    """Return the answer that a decision leaves."""
    if decision.action != "undo":
        kept = {name: row[name] for name in ("action", "label", "reviewer", "revision")}
        return {**kept, "effective": row["revision"]}
    undone = _of_revision(connection, row, row["before"])
    if undone is None:
        raise ReviewError(f"{decision.item} has no decision to undo")
    holds = _of_revision(connection, row, undone["before"])
    kept = {name: holds and holds[name] for name in ("action", "label", "reviewer")}
    return {**kept, "revision": row["revision"], "effective": undone["before"]}


def _of_revision(connection: Connection, row: Mapping[str, Any], revision: int) -> Mapping[str, Any] | None:
    place = (DECISION.c.item_id == row["item_id"], DECISION.c.seat == row["seat"], DECISION.c.revision == revision)
    return connection.execute(select(DECISION).where(*place)).mappings().first()


def _close(connection: Connection, item: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    """Take what is answered out of the queues that share an answer; what was undone stands in them again."""
    if item["side"] == "test":
        return
    asked = update(ASKED).where(ASKED.c.item_id == item["id"]).values(is_open=answer["action"] is None)
    connection.execute(asked)


def shown(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an answer that people are shown."""
    return {name: answer[name] for name in ("revision", "action", "label", "reviewer")}
