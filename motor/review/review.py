"""A review: its decisions, its signals, and what people are to look for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from motor.review.database.decisions import ADJUDICATED
from motor.review.database.items import find_item
from motor.review.database.opening import Database
from motor.review.database.queues import DISAGREEMENTS, disagreements, next_items, progress
from motor.review.database.schema import ANSWER, DECISION, ITEM, SHARED
from motor.review.faults import ReviewError
from motor.review.signals import Signals

MOST_OF_A_MOTOR = 200  # recordings that a motor's trend shows
HISTORY = 50


@dataclass(frozen=True)
class Review:
    """What the review page works on: the database, the signals, the classes and the reviewers' instructions.

    Attributes
    ----------
    name : str
    database : Database
    signals : Signals
    classes : tuple of str
        In the order of the keys 1 to 9.
    guidelines : str
        The instructions for reviewers.
    reviewers : int
        Of each test item.
    known : callable
        Returns the labels of training and validation items that came with the data, by item.
    """

    name: str
    database: Database
    signals: Signals
    classes: tuple[str, ...]
    guidelines: str = ""
    reviewers: int = 2
    known: Callable[[], Mapping[str, str]] = dict

    def overview(self, reviewer: str | None = None) -> dict[str, Any]:
        """Return what the page shows a reviewer beside the items: name, classes, guidelines, how full each queue is."""
        queues = progress(self.database, reviewer, self.reviewers)
        of_models = queues.get(DISAGREEMENTS, {"asked": 0, "open": 0})
        n_open = of_models["open"] + len(disagreements(self.database, self.reviewers))
        queues[DISAGREEMENTS] = {**of_models, "open": n_open}
        about = {"name": self.name, "classes": list(self.classes), "guidelines": self.guidelines}
        return {**about, "queues": queues}

    def next(self, queue: str, reviewer: str, count: int) -> list[dict[str, Any]]:
        """Return the next items of a queue for somebody, with the labels that their neighbours have now."""
        if queue == DISAGREEMENTS:
            of_people = [self._disagreement(one) for one in disagreements(self.database, self.reviewers)[:count]]
            of_models = next_items(self.database, queue, reviewer, count - len(of_people))
            return of_people + [{**one, "answers": one["suggestion"].pop("answers", {})} for one in of_models]
        found = next_items(self.database, queue, reviewer, count, self.reviewers)
        for one in found:
            if one["suggestion"].get("neighbours"):
                labels = self.labels(one["suggestion"]["neighbours"])
                one["suggestion"]["neighbours"] = [{"item": item, "label": label} for item, label in labels.items()]
        return found

    def _disagreement(self, found: Mapping[str, Any]) -> dict[str, Any]:
        with self.database.reading() as connection:
            item = find_item(connection, found["item"])
        empty = {"revision": 0, "action": None, "label": None, "reviewer": None}
        fields = {name: item[name] for name in ("motor", "domain", "side")}
        asked = {"queue": DISAGREEMENTS, "reason": DISAGREEMENTS, "is_blind": True, "suggestion": {}, "answer": empty}
        return {**fields, **asked, "item": found["item"], "answers": found["answers"], "adjudicates": True}

    def labels(self, items: list[str]) -> dict[str, str | None]:
        """Return the labels that hold of training and validation items: people's, else those of the data."""
        with self.database.reading() as connection:
            rows = connection.execute(
                select(ITEM.c.name, ANSWER.c.action, ANSWER.c.label)
                .join(ANSWER, ANSWER.c.item_id == ITEM.c.id)
                .where(ITEM.c.name.in_(items), ANSWER.c.seat == SHARED)
            )
            decided = {name: label for name, action, label in rows if action is not None}
        known = self.known()
        return {item: decided.get(item, known.get(item)) for item in items}

    def of_motor(self, item: str) -> dict[str, Any]:
        """Return an item's motor: its recordings in time, their level and labels (none of a test motor)."""
        with self.database.reading() as connection:
            own = find_item(connection, item)
            columns = (
                ITEM.c.name,
                ITEM.c.domain,
                ITEM.c.moment,
                ITEM.c.recorded_at,
                ANSWER.c.revision,
                ANSWER.c.action,
            )
            rows = connection.execute(
                select(*columns)
                .outerjoin(ANSWER, (ANSWER.c.item_id == ITEM.c.id) & (ANSWER.c.seat == SHARED))
                .where(ITEM.c.motor == own["motor"])
                .order_by(ITEM.c.recorded_at, ITEM.c.id)
                .limit(MOST_OF_A_MOTOR)
            ).mappings()
            found = [dict(row) for row in rows]
        labels = {} if own["side"] == "test" else self.labels([one["name"] for one in found])
        recordings = [
            {
                **one,
                "label": labels.get(one["name"]),
                "revision": one["revision"] or 0,
                **self.signals.level(one["name"]),
            }
            for one in found
        ]
        return {"motor": own["motor"], "side": own["side"], "recordings": recordings}

    def history(self, reviewer: str) -> list[dict[str, Any]]:
        """Return somebody's newest decisions, newest first, each with the revision that its item has now."""
        holds = (ANSWER.c.item_id == DECISION.c.item_id) & (ANSWER.c.seat == DECISION.c.seat)
        columns = (ITEM.c.name.label("item"), DECISION.c.action, DECISION.c.label, DECISION.c.decided_at)
        with self.database.reading() as connection:
            rows = connection.execute(
                select(*columns, ANSWER.c.revision, (DECISION.c.seat == ADJUDICATED).label("adjudicates"))
                .join(ITEM, ITEM.c.id == DECISION.c.item_id)
                .join(ANSWER, holds)
                .where(DECISION.c.reviewer == reviewer)
                .order_by(DECISION.c.id.desc())
                .limit(HISTORY)
            )
            return [dict(row) for row in rows.mappings()]

    def check_item(self, item: str) -> None:
        """Raise ReviewError if there is no such item."""
        with self.database.reading() as connection:
            find_item(connection, item)

    def check_queue(self, queue: str, may_settle: bool) -> None:
        """Raise ReviewError if a person who may not settle asks for the queue of disagreements."""
        if queue == DISAGREEMENTS and not may_settle:
            raise ReviewError(f"the queue {queue!r} is for those who settle what reviewers see differently")
