"""The queues of questions to people, in order, each item with why it is asked."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, delete, exists, func, insert, not_, or_, select, update

from motor.review.database import chain
from motor.review.database.decisions import ADJUDICATED, shown
from motor.review.database.opening import Database
from motor.review.database.schema import ANSWER, ASKED, ITEM, SHARED
from motor.review.faults import ReviewError

LABELS, TEST, DISAGREEMENTS, SUSPECTED, SURE = "labels", "test", "disagreements", "suspected", "sure"
QUEUES = (LABELS, TEST, DISAGREEMENTS, SUSPECTED, SURE)
CLAIM = timedelta(minutes=2)  # for which an item that somebody looks at is not given to another


@dataclass(frozen=True)
class Question:
    """A question to people: an item, and why it is asked.

    Attributes
    ----------
    item : str
    reason : str
        Why: ``random``, or the name of the strategy that chose it.
    chance : float, optional
        With which it was drawn, of one that was drawn at random.
    suggestion : mapping
        What a model that did not see the item's motor says: ``probabilities``, ``unlike``, ``neighbours``.
    is_blind : bool
        Whether the suggestion is kept from the reviewer.
    """

    item: str
    reason: str
    chance: float | None = None
    suggestion: Mapping[str, Any] = field(default_factory=dict)
    is_blind: bool = False


def ask(
    database: Database, queue: str, iteration: int, questions: Iterable[Question], actor: str, instead: bool = False
) -> int:
    """Put items at the end of a queue; those that stand in it already are asked anew. Return how many.

    What any other queue asks for leaves that of sure ones, where it would be accepted with a glance.

    Parameters
    ----------
    database : Database
    queue : str
    iteration : int
    questions : iterable of Question
    actor : str
        Who asks, in the trail.
    instead : bool
        Whether what stands open in the queue is asked for no more.

    Raises
    ------
    ReviewError
        If there is no such queue or item, or if a test item would stand in any but the queue of the test side.
    """
    if queue not in QUEUES:
        raise ReviewError(f"unknown queue {queue!r}; there are: {', '.join(QUEUES)}")
    asked = list(questions)
    with database.writing() as connection:
        sides = {name: (id, side) for id, name, side in connection.execute(select(ITEM.c.id, ITEM.c.name, ITEM.c.side))}
        _check_sides(queue, asked, sides)
        last = connection.scalar(select(func.max(ASKED.c.position)).where(ASKED.c.queue == queue)) or 0
        if instead:
            connection.execute(delete(ASKED).where(ASKED.c.queue == queue, ASKED.c.is_open))
        again = [sides[question.item][0] for question in asked]
        replaced = or_(ASKED.c.queue == queue, and_(ASKED.c.queue == SURE, ASKED.c.is_open))
        for start in range(0, len(again), 500):
            connection.execute(delete(ASKED).where(replaced, ASKED.c.item_id.in_(again[start : start + 500])))
        rows = [
            _row(queue, iteration, place, sides[question.item][0], question)
            for place, question in enumerate(asked, last + 1)
        ]
        if rows:
            connection.execute(insert(ASKED), rows)
            chain.append(connection, actor, "asked", {"queue": queue, "iteration": iteration, "count": len(rows)})
    return len(asked)


def _check_sides(queue: str, asked: list[Question], sides: Mapping[str, tuple[int, str]]) -> None:
    for question in asked:
        if question.item not in sides:
            raise ReviewError(f"there is no item {question.item!r} in this review; add its recording first")
        if (sides[question.item][1] == "test") != (queue == TEST):
            raise ReviewError(
                f"{question.item} is on the {sides[question.item][1]} side and cannot be asked in the queue "
                f"{queue!r}; test items have the queue {TEST!r} of their own, and no others do"
            )


def _row(queue: str, iteration: int, position: int, item_id: int, question: Question) -> dict[str, Any]:
    return {
        "queue": queue,
        "item_id": item_id,
        "position": position,
        "iteration": iteration,
        "reason": question.reason,
        "chance": question.chance,
        "suggestion": json.dumps(dict(question.suggestion), sort_keys=True, allow_nan=False),
        "is_blind": question.is_blind or queue == TEST,
        "is_open": True,
    }


def next_items(
    database: Database, queue: str, reviewer: str, count: int = 1, reviewers: int = 2
) -> list[dict[str, Any]]:
    """Return the next items of a queue for a reviewer, and keep them from others for a while.

    Nothing is locked, and no claim need outlast a loss of power: who comes too late with an answer is given the
    other's. A test item is given until it has the
    answers of so many `reviewers`.
    """
    until = chain.later(CLAIM)
    with database.writing(lasts=False) as connection:
        rows = _open_rows(connection, queue, reviewer, count, reviewers)
        ids = [row["item_id"] for row in rows]
        place = (ASKED.c.queue == queue, ASKED.c.item_id.in_(ids))
        if ids and queue != TEST:
            connection.execute(update(ASKED).where(*place).values(claimed_by=reviewer, claimed_until=until))
    return [_question(row, reviewer) for row in rows]


def _open_rows(
    connection: Connection, queue: str, reviewer: str, count: int, reviewers: int
) -> list[Mapping[str, Any]]:
    seat = reviewer if queue == TEST else SHARED
    own = and_(ANSWER.c.item_id == ASKED.c.item_id, ANSWER.c.seat == seat)
    free = or_(
        ASKED.c.claimed_by.is_(None), ASKED.c.claimed_by == reviewer, chain.is_over(ASKED.c.claimed_until, CLAIM)
    )
    is_open = _is_wanted(reviewer, reviewers) if queue == TEST else ASKED.c.is_open
    columns = (ASKED, ITEM.c.name, ITEM.c.motor, ITEM.c.domain, ITEM.c.side, ANSWER.c.revision)
    found = (
        select(*columns, ANSWER.c.action, ANSWER.c.label, ANSWER.c.reviewer)
        .join(ITEM, ITEM.c.id == ASKED.c.item_id)
        .outerjoin(ANSWER, own)
        .where(ASKED.c.queue == queue, is_open, free)
        .order_by(ASKED.c.position)
        .limit(count)
        .with_for_update(of=ASKED, skip_locked=True)
    )
    return list(connection.execute(found).mappings())


def _question(row: Mapping[str, Any], reviewer: str) -> dict[str, Any]:
    """Return what the page is given of an item: of a blind one no suggestion."""
    fields = {name: row[name] for name in ("queue", "motor", "domain", "side", "reason", "is_blind")}
    suggestion = {} if row["is_blind"] else json.loads(row["suggestion"])
    answer = shown(row) | {"revision": row["revision"] or 0}
    return {**fields, "item": row["name"], "suggestion": suggestion, "answer": answer, "for": reviewer}


def disagreements(database: Database, reviewers: int = 2) -> list[dict[str, Any]]:
    """Return the test items that enough reviewers have decided on, differently, and nobody has settled."""
    said = func.coalesce(ANSWER.c.label, ANSWER.c.action)
    differing = (
        select(ANSWER.c.item_id)
        .where(ANSWER.c.seat != SHARED, ANSWER.c.action.is_not(None))
        .group_by(ANSWER.c.item_id)
        .having(func.count() >= reviewers, func.count(said.distinct()) > 1)
        .having(func.sum(case((ANSWER.c.seat == ADJUDICATED, 1), else_=0)) == 0)
    )
    with database.reading() as connection:
        rows = connection.execute(
            select(ITEM.c.name, ANSWER.c.seat, said)
            .join(ITEM, ITEM.c.id == ANSWER.c.item_id)
            .where(ANSWER.c.item_id.in_(differing), ANSWER.c.action.is_not(None))
            .order_by(ITEM.c.id, ANSWER.c.seat)
        )
        by_item: dict[str, dict[str, str]] = {}
        for name, seat, answer in rows:
            by_item.setdefault(name, {})[seat] = answer
    return [{"item": name, "answers": answers} for name, answers in by_item.items()]


def progress(database: Database, reviewer: str | None = None, reviewers: int = 2) -> dict[str, dict[str, int]]:
    """Return how many items each queue has, and how many of them are open.

    Parameters
    ----------
    database : Database
    reviewer : str, optional
        For whom those of the test queue are open; without one, they are until enough reviewers have decided.
    reviewers : int
        How many are enough.
    """
    of_queue = (ASKED.c.queue == TEST, _is_wanted(reviewer, reviewers))
    with database.reading() as connection:
        rows = connection.execute(select(ASKED.c.queue, ASKED.c.is_open, func.count()).group_by("queue", "is_open"))
        found: dict[str, dict[str, int]] = {}
        for queue, is_open, count in rows:
            counts = found.setdefault(queue, {"asked": 0, "open": 0})
            counts["asked"] += count
            counts["open"] += count if is_open else 0
        if TEST in found:
            found[TEST]["open"] = connection.scalar(select(func.count()).select_from(ASKED).where(*of_queue)) or 0
    return found


def _is_wanted(reviewer: str | None, reviewers: int) -> ColumnElement[bool]:
    """Tell whether a test item wants another answer (of somebody who has given none)."""
    answered = (ANSWER.c.item_id == ASKED.c.item_id, ANSWER.c.action.is_not(None), ANSWER.c.seat != ADJUDICATED)
    answers = select(func.count()).select_from(ANSWER).where(*answered).correlate(ASKED).scalar_subquery()
    own = exists().where(*answered, ANSWER.c.seat == reviewer).correlate(ASKED)
    return answers < reviewers if reviewer is None else and_(answers < reviewers, not_(own))
