"""The audit trail: events that are only added, each with the digest of the one before it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, or_, select, update

from motor.review.database.opening import Database
from motor.review.database.schema import DECISION, EVENT, HEAD

DECIDED = "decided"
SHOWN = 20  # faults of a trail, by name
BATCH = 10_000  # events read at a time


def now() -> str:
    """Return this moment, UTC, as the database holds it: texts that sort as the moments do."""
    return later(timedelta())


def later(by: timedelta) -> str:
    """Return a moment after this one, as the database holds it."""
    return (datetime.now(UTC) + by).isoformat(timespec="microseconds")


def is_over(until: Any, term: timedelta) -> ColumnElement[bool]:
    """Return the SQL condition that a moment in a column, until which something holds, has passed.

    It is also where it would end later than what began a term from now: then the clock was set back since, and
    nothing waits for it to catch up.
    """
    return or_(until < now(), until > later(2 * term))


def append(connection: Connection, actor: str, kind: str, body: Mapping[str, Any]) -> int:
    """Add an event to the trail, in the transaction of what it tells; return its number.

    The row of the head is taken first, so that in PostgreSQL, too, one writer at a time continues the chain.
    """
    connection.execute(update(HEAD).where(HEAD.c.id == 1).values(number=HEAD.c.number + 1))
    number, previous = connection.execute(select(HEAD.c.number, HEAD.c.digest)).one()
    row = {"number": number, "at": now(), "actor": actor, "kind": kind, "body": _text(body), "previous": previous}
    digest = _digest(row)
    connection.execute(insert(EVENT).values(**row, digest=digest))
    connection.execute(update(HEAD).where(HEAD.c.id == 1).values(digest=digest))
    return int(number)


def head(connection: Connection) -> tuple[int, str]:
    """Return the number and the digest of the newest event: kept elsewhere, they show any later change before them."""
    number, digest = connection.execute(select(HEAD.c.number, HEAD.c.digest)).one()
    return int(number), str(digest)


def verify(database: Database, anchors: Mapping[int, str] | None = None) -> list[str]:
    """Return what is wrong with the trail or contradicts the decisions; empty if all is as it was written.

    Parameters
    ----------
    database : Database
    anchors : mapping of int to str, optional
        Digests of events that were kept elsewhere (in sealed label sets, say): with them, a whole trail that was
        written anew is found, too.
    """
    with database.reading() as connection:
        faults, decided, last = _chain_faults(connection, dict(anchors or {}))
        if last != head(connection):
            faults.append(f"the trail ends with event {last[0]}, but {head(connection)[0]} were written")
        faults += _decision_faults(connection, decided)
    return faults[:SHOWN] + ([f"and {len(faults) - SHOWN} more"] if len(faults) > SHOWN else [])


def _chain_faults(connection: Connection, anchors: dict[int, str]) -> tuple[list[str], dict[str, str], tuple[int, str]]:
    """Return faults of the events, the decisions that they tell (digest by request), and the last event."""
    faults: list[str] = []
    decided: dict[str, str] = {}
    number, digest = 0, ""
    rows = connection.execution_options(yield_per=BATCH).execute(select(EVENT).order_by(EVENT.c.number)).mappings()
    for row in rows:
        if row["number"] != number + 1:
            faults.append(f"event {number + 1} is missing; the next is {row['number']}")
        elif row["previous"] != digest:
            faults.append(f"event {row['number']} does not follow event {number}: one of the two was changed")
        number, digest = row["number"], row["digest"]
        if _digest(row) != digest:
            faults.append(f"event {number} ({row['kind']} by {row['actor']}) was changed")
        if anchors.pop(number, digest) != digest:
            faults.append(f"event {number} is not the one that a sealed label set names")
        if row["kind"] == DECIDED:
            decided[json.loads(row["body"])["request_id"]] = _of_text(row["body"])
    faults += [f"event {missing}, which a sealed label set names, is missing" for missing in sorted(anchors)]
    return faults, decided, (number, digest)


def _decision_faults(connection: Connection, decided: dict[str, str]) -> Iterable[str]:
    """Yield decisions that no event tells so, and events whose decision is gone."""
    found = connection.execution_options(yield_per=BATCH).execute(select(DECISION).order_by(DECISION.c.id)).mappings()
    for row in found:
        logged = decided.pop(row["request_id"], None)
        if logged is None:
            yield f"decision {row['id']} is in no event"
        elif logged != _of_text(_text(decision_body(row))):
            yield f"decision {row['id']} (item {row['item_id']} by {row['reviewer']}) was changed"
    yield from (f"the decision of request {request!r} is missing" for request in decided)


def decision_body(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a decision as the trail records it."""
    return {name: row[name] for name in DECISION.c.keys() if name != "id"}  # noqa: SIM118 (columns are no mapping)


def _digest(row: Mapping[str, Any]) -> str:
    names = ("number", "at", "actor", "kind", "body", "previous")
    return _of_text(_text({name: row[name] for name in names}))


def _text(body: Mapping[str, Any]) -> str:
    return json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _of_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
