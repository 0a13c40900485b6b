"""Add and find the recordings that can be decided on, with the side that each motor has for ever."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy import Connection, insert, select

from motor.review.database import chain
from motor.review.database.opening import Database
from motor.review.database.schema import ANSWER, ITEM, SHARED
from motor.review.faults import ReviewError

Side = Literal["train", "validation", "test"]
BATCH = 5_000


@dataclass(frozen=True)
class Item:
    """A recording.

    Attributes
    ----------
    name : str
        Of the recording, in its table.
    motor, domain, moment
        As the recording has them.
    side : {"train", "validation", "test"}
        Of its motor.
    source : str
        Which table of recordings it lies in.
    recorded_at : float, optional
        Seconds since 1970.
    """

    name: str
    motor: str
    domain: str
    side: Side
    source: str
    moment: str | None = None
    recorded_at: float | None = None


def add_items(database: Database, items: Iterable[Item], actor: str) -> int:
    """Add recordings that the database does not know; return how many.

    Raises
    ------
    ReviewError
        If a motor is on another side than it was before; nothing is added then.
    """
    with database.writing() as connection:
        known = set(connection.scalars(select(ITEM.c.name)))
        rows = connection.execute(select(ITEM.c.motor, ITEM.c.side).distinct())
        sides: dict[str, str] = {motor: side for motor, side in rows}  # noqa: C416 (dict() takes rows for a mapping)
        new = [item for item in items if item.name not in known]
        for item in new:
            if sides.setdefault(item.motor, item.side) != item.side:
                raise ReviewError(
                    f"motor {item.motor!r} is on the {sides[item.motor]} side, and {item.name} would put it on the "
                    f"{item.side} side; a motor never moves: keep the split, or begin another loop"
                )
        for start in range(0, len(new), BATCH):
            _insert(connection, new[start : start + BATCH])
        if new:
            chain.append(connection, actor, "items added", {"count": len(new), "first": new[0].name})
    return len(new)


def _insert(connection: Connection, items: list[Item]) -> None:
    connection.execute(insert(ITEM), [asdict(item) for item in items])
    rows = connection.execute(select(ITEM.c.id, ITEM.c.side).where(ITEM.c.name.in_([item.name for item in items])))
    seats = [{"item_id": id, "seat": SHARED, "revision": 0, "effective": 0} for id, side in rows if side != "test"]
    if seats:
        connection.execute(insert(ANSWER), seats)


def find_item(connection: Connection, name: str) -> Mapping[str, Any]:
    """Return an item's row.

    Raises
    ------
    ReviewError
        If there is none of the name.
    """
    row = connection.execute(select(ITEM).where(ITEM.c.name == name)).mappings().first()
    if row is None:
        raise ReviewError(f"there is no item {name!r} in this review; its queue lists those that there are")
    return row
