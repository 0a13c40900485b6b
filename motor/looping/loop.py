"""A loop: a folder in the storage, with its config, its database and what was sealed and inferred."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from grid.stage import InputError
from grid.store.store import write_json, write_text
from motor.review.database.opening import Database, open_database
from motor.review.database.schema import ITEM

LOOPS, FACTS, CONFIG = "loops", "loop.json", "config.yaml"
SERVED = "served"  # in a loop's folder: recordings that a served model and its shadow call otherwise
CHAMPION, CHALLENGER = "champion", "challenger"


class LoopError(InputError):
    """A loop cannot do what it was asked to; the message says what to do first."""


@dataclass(frozen=True)
class Facts:
    """Facts of a loop that are decided once, when it begins.

    Attributes
    ----------
    sides : mapping
        Motor -> side, as the first split dealt them.
    classes : tuple of str
    normal : str
    test_reviewers : int
        Of each test recording, who have to agree.
    database : str or None
        Of PostgreSQL; None for SQLite in the loop's folder.
    recordings : tuple of str
        Tables of recordings, below the storage, one a delivery.
    """

    sides: Mapping[str, str]
    classes: tuple[str, ...]
    normal: str
    recordings: tuple[str, ...]
    database: str | None = None
    test_reviewers: int = 2


@dataclass(frozen=True)
class Loop:
    """An open loop.

    Attributes
    ----------
    storage : Path
    name : str
    facts : Facts
    database : Database
    """

    storage: Path
    name: str
    facts: Facts
    database: Database

    @property
    def folder(self) -> Path:
        return folder_of(self.storage, self.name)

    @property
    def config(self) -> Path:
        """The config that the loop began with."""
        return self.folder / CONFIG

    def config_of(self, number: int) -> Path:
        """Return the config of an iteration: the loop's, with its label set."""
        return self.folder / "iterations" / f"{number:04d}.yaml"

    @property
    def adapters(self) -> Path:
        """Where adapters lie of fine-tunes whose whole weights are gone, by key."""
        return self.folder / "adapters"

    def inferred(self, number: int) -> Path:
        """Return the table of what an iteration's model says of all recordings."""
        return self.folder / "inferred" / f"{number:04d}.csv"

    def held_out(self, number: int) -> Path:
        """Return the table of what an iteration's model says of held-out motors' recordings that nobody chose."""
        return self.folder / "inferred" / f"{number:04d}-held-out.csv"

    def label_set(self, digest: str) -> Path:
        """Return a sealed label set."""
        return self.folder / "label-sets" / f"{digest}.csv"

    def sides(self) -> dict[str, str]:
        """Return the side of every recording."""
        with self.database.reading() as connection:
            return {name: side for name, side in connection.execute(select(ITEM.c.name, ITEM.c.side))}  # noqa: C416

    def tables(self) -> list[Path]:
        """Return the folders of the loop's recordings."""
        return [self.storage / name for name in self.facts.recordings]


def deliver(loop: Loop, config: str, recordings: Sequence[str]) -> Loop:
    """Set a loop's config and its tables of recordings: those that it has, and delivered ones."""
    write_text(loop.config, config)
    facts = replace(loop.facts, recordings=tuple(recordings))
    write_json(loop.folder / FACTS, asdict(facts))
    return replace(loop, facts=facts)


def folder_of(storage: Path, name: str) -> Path:
    """Return where a loop lies, or would lie."""
    return storage / LOOPS / name


def begin_loop(storage: Path, name: str, config: str, facts: Facts) -> Loop:
    """Make a loop.

    Raises
    ------
    LoopError
        If its name cannot be, or is taken.
    """
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise LoopError(f"a loop cannot be called {name!r}; use letters, digits, _, . and -")
    folder = folder_of(storage, name)
    if (folder / FACTS).exists():
        raise LoopError(f"there is a loop {name!r} already, in {folder}; choose another name, or go on with it")
    write_text(folder / CONFIG, config)
    write_json(folder / FACTS, asdict(facts))  # last: what has it is whole
    return open_loop(storage, name)


def open_loop(storage: Path, name: str) -> Loop:
    """Open a loop.

    Raises
    ------
    LoopError
        If there is none of that name.
    """
    file = folder_of(storage, name) / FACTS
    if not file.is_file():
        there = ", ".join(loops(storage)) or "none"
        raise LoopError(f"there is no loop {name!r} in {storage}; there are: {there}; begin one: launch.py loop new")
    record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    lists = {field: tuple(record[field]) for field in ("classes", "recordings")}
    facts = Facts(**{**record, **lists})
    return Loop(storage, name, facts, open_database(facts.database or file.parent))


def loops(storage: Path) -> list[str]:
    """Return the names of a storage's loops."""
    return sorted(file.parent.name for file in (storage / LOOPS).glob(f"*/{FACTS}"))
