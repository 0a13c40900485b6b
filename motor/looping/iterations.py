"""Iterations of a loop; their eight states are worked out from the store and the database, and stored nowhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from motor.looping.loop import LoopError
from motor.review.database import chain
from motor.review.database.opening import Database
from motor.review.database.queues import LABELS
from motor.review.database.schema import ALIAS, ASKED, EVENT, ITERATION

State = Literal["Created", "Annotating", "DataReady", "Training", "Trained", "Inferring", "Reviewing", "Completed"]
STATES: tuple[str, ...] = get_args(State)


@dataclass(frozen=True)
class Standing:
    """The facts that an iteration's state follows from.

    Attributes
    ----------
    n_asked, n_open : int
        Items that it asked for, and those that nobody has decided on.
    is_sealed : bool
        Whether its labels are.
    n_stages, n_built : int
        Stages that its training consists of, and those of them that stand.
    is_building : bool
        Whether somebody builds one of them now.
    is_inferred, is_inferring : bool
        Whether its model was asked about all recordings, or is.
    is_closed : bool
    """

    n_asked: int = 0
    n_open: int = 0
    is_sealed: bool = False
    n_stages: int = 0
    n_built: int = 0
    is_building: bool = False
    is_inferred: bool = False
    is_inferring: bool = False
    is_closed: bool = False

    @property
    def state(self) -> State:
        if self.is_closed:
            return "Completed"
        if not self.is_sealed:
            return "Annotating" if self.n_asked else "Created"
        if self.is_inferred:
            return "Reviewing"
        if self.n_stages and self.n_built == self.n_stages:
            return "Inferring" if self.is_inferring else "Trained"
        return "Training" if self.is_building else "DataReady"


@dataclass(frozen=True)
class Iteration:
    """An iteration as the database has it."""

    number: int
    opened_at: str
    label_set: str | None = None
    closed_at: str | None = None
    verdict: str | None = None


def iterations(database: Database) -> list[Iteration]:
    """Return all iterations, the first one first."""
    with database.reading() as connection:
        rows = connection.execute(select(ITERATION).order_by(ITERATION.c.number)).mappings()
        return [Iteration(**row) for row in rows]


def newest(database: Database) -> Iteration:
    """Return the newest iteration.

    Raises
    ------
    LoopError
        If there is none.
    """
    found = iterations(database)
    if not found:
        raise LoopError("the loop has no iteration yet; ask for recordings first: launch.py loop queue")
    return found[-1]


def open_iteration(database: Database, actor: str) -> Iteration:
    """Return the newest iteration if its labels are not sealed, else a new one."""
    with database.writing() as connection:
        rows = [Iteration(**row) for row in connection.execute(select(ITERATION)).mappings()]
        last = max(rows, key=lambda one: one.number, default=None)
        if last is not None and last.label_set is None and last.closed_at is None:
            return last
        made = Iteration((last.number if last else 0) + 1, chain.now())
        connection.execute(insert(ITERATION).values(number=made.number, opened_at=made.opened_at))
        chain.append(connection, actor, "iteration", {"number": made.number})
    return made


def note_sealed(database: Database, number: int, digest: str, actor: str) -> None:
    """Record the label set of an iteration; it never gets another.

    Raises
    ------
    LoopError
        If it has one.
    """
    with database.writing() as connection:
        unsealed = (ITERATION.c.number == number, ITERATION.c.label_set.is_(None))
        if connection.execute(update(ITERATION).where(*unsealed).values(label_set=digest)).rowcount != 1:
            raise LoopError(f"the labels of iteration {number} are sealed already; open the next: launch.py loop queue")
        chain.append(connection, actor, "sealed", {"iteration": number, "label_set": digest})


def last_sealed(database: Database) -> datetime | None:
    """Return when labels were sealed last; None where none were."""
    with database.reading() as connection:
        at = connection.scalar(select(func.max(EVENT.c.at)).where(EVENT.c.kind == "sealed"))
    return None if at is None else datetime.fromisoformat(at)


def close(database: Database, number: int, verdict: str, actor: str) -> None:
    """Close an iteration, with the verdict on it."""
    with database.writing() as connection:
        of_it = update(ITERATION).where(ITERATION.c.number == number, ITERATION.c.closed_at.is_(None))
        if connection.execute(of_it.values(closed_at=chain.now(), verdict=verdict)).rowcount == 1:
            chain.append(connection, actor, "closed", {"iteration": number, "verdict": verdict})


def note_look(database: Database, actor: str) -> int:
    """Count one more look at the test motors' scores; return how many looks there were."""
    with database.writing() as connection:
        chain.append(connection, actor, "looked at test", {})
        looks = select(func.count()).select_from(EVENT).where(EVENT.c.kind == "looked at test")
        return int(connection.scalar(looks) or 0)


def asked_in(database: Database, number: int) -> tuple[int, int]:
    """Return how many training and validation items an iteration asked for, and how many of them are open."""
    of_it = (ASKED.c.iteration == number, ASKED.c.queue == LABELS)
    with database.reading() as connection:
        rows = connection.execute(select(ASKED.c.is_open, func.count()).where(*of_it).group_by(ASKED.c.is_open))
        by_state = {bool(is_open): int(count) for is_open, count in rows}
    return sum(by_state.values()), by_state.get(True, 0)


def set_alias(database: Database, name: str, cell: str, iteration: int, actor: str) -> None:
    """Give a model version a name; it had another version before, perhaps."""
    dialect: Any = sqlite if database.is_sqlite else postgresql
    values = {"cell": cell, "iteration": iteration, "set_at": chain.now(), "set_by": actor}
    with database.writing() as connection:
        added = dialect.insert(ALIAS).values(name=name, **values)
        connection.execute(added.on_conflict_do_update(index_elements=["name"], set_=values))
        chain.append(connection, actor, "promoted", {"name": name, "cell": cell, "iteration": iteration})


def aliases(database: Database) -> dict[str, Mapping[str, Any]]:
    """Return the names of model versions: cell, iteration, since when, by whom."""
    with database.reading() as connection:
        return {row["name"]: dict(row) for row in connection.execute(select(ALIAS).order_by(ALIAS.c.name)).mappings()}
