"""Keep recordings that a served model and its shadow judge differently, in the loop's folder, to ask people about."""

import hashlib
import json
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from grid.store.store import write_json
from motor.looping.loop import SERVED, Loop, LoopError, open_loop
from motor.recordings.recording import Recording
from motor.recordings.table import write_recordings
from motor.review.database.items import Item, add_items
from motor.review.database.queues import DISAGREEMENTS, Question, ask
from motor.review.database.schema import ANSWER, ASKED, ITEM

SHADOW = "shadow"  # why such a recording is asked for, and who asks
SAID, COUNTS = "said.json", "counts-"
DIGITS = 16


@dataclass(frozen=True)
class ServedPair:
    """A served model and its shadow, which is another model of a loop; it is pickled on the way to the endpoint.

    Attributes
    ----------
    storage : Path
    loop : str
    champion, challenger : str
        Keys of their cells.
    iteration : int
        Of the shadow.
    most : int
        Recordings that wait for a decision, at most.
    most_bytes : int
        Of all kept signals.
    session : str
        Names the file of what this endpoint has counted.
    """

    storage: Path
    loop: str
    champion: str
    challenger: str
    iteration: int
    most: int
    most_bytes: int
    session: str = field(default_factory=lambda: uuid.uuid4().hex[:12])

    def count(self, **numbers: int) -> None:
        """Add to what was counted: ``judged``, ``differ``, ``kept``, ``missed`` and so on."""
        self._counts.update(numbers)
        record = {"champion": self.champion, "challenger": self.challenger, **self._counts}
        write_json(self._opened.folder / SERVED / f"{COUNTS}{self.session}.json", record)

    def keep(self, recording: Recording, champion: Mapping[str, Any], challenger: Mapping[str, Any]) -> str:
        """Keep a recording that the two judge differently; return whether it was kept, and if not why not.

        Parameters
        ----------
        recording : Recording
            As it was sent.
        champion, challenger : mapping
            The row of each.

        Returns
        -------
        str
            ``kept``; ``again`` where it was before; ``over`` where no more is kept; ``of_test`` where its motor is a
            test motor, of which people see no model's answer.
        """
        loop, name = self._opened, _name(recording)
        with loop.database.reading() as connection:
            if connection.scalar(select(ITEM.c.id).where(ITEM.c.name == name)) is not None:
                return "again"
            side = connection.scalar(select(ITEM.c.side).where(ITEM.c.motor == recording.motor).limit(1))
            waiting = (ASKED.c.queue == DISAGREEMENTS, ASKED.c.is_open)
            n_waiting = connection.scalar(select(func.count()).select_from(ASKED).where(*waiting)) or 0
        if side == "test":
            return "of_test"
        n_bytes = sum(file.stat().st_size for file in (loop.folder / SERVED).glob("*/*"))
        if n_waiting >= self.most or n_bytes + recording.signal.nbytes > self.most_bytes:
            return "over"
        motor = recording.motor if side else name  # nobody knows which side another motor will have
        folder, now = loop.folder / SERVED / name, time.time()
        write_recordings([replace(recording, item=name, motor=motor, label=None, recorded_at=now)], folder)
        sent = {"item": recording.item, "motor": recording.motor, "moment": recording.moment, "received_at": now}
        models = {self.champion: dict(champion), self.challenger: dict(challenger)}
        write_json(folder / SAID, {**sent, "champion": self.champion, "challenger": self.challenger, "said": models})
        source = str(folder.relative_to(self.storage))
        add_items(loop.database, [Item(name, motor, recording.domain, side or "train", source, None, now)], SHADOW)
        answers = dict(zip("AB", sorted([champion["label"], challenger["label"]]), strict=True))  # not whose they are
        question = Question(name, SHADOW, suggestion={"answers": answers})
        ask(loop.database, DISAGREEMENTS, self.iteration, [question], SHADOW)
        return "kept"

    @cached_property
    def _opened(self) -> Loop:
        return open_loop(self.storage, self.loop)

    @cached_property
    def _counts(self) -> Counter[str]:
        file = self._opened.folder / SERVED / f"{COUNTS}{self.session}.json"
        record = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        return Counter({name: value for name, value in record.items() if isinstance(value, int)})


def pair_of(loop: Loop, champion: str, alias: Mapping[str, Any], most: int, most_mb: float) -> ServedPair:
    """Return a served model (its cell's key) and its shadow, a version of a loop's models.

    Raises
    ------
    LoopError
        If both are one.
    """
    if champion == alias["cell"]:
        raise LoopError(f"the shadow is the served model itself ({champion}); there is nothing to compare")
    limits = (most, int(most_mb * 1e6))
    return ServedPair(loop.storage, loop.name, champion, alias["cell"], alias["iteration"], *limits)


@dataclass(frozen=True)
class Seen:
    """Counts of a champion and its shadow, over all endpoints that served both.

    Attributes
    ----------
    champion, challenger : str
        Keys of their cells.
    counts : mapping
        As of `ServedPair.count`.
    decided, champion_right, challenger_right : int
        Of the recordings that were kept.
    """

    champion: str
    challenger: str
    counts: Mapping[str, int]
    decided: int
    champion_right: int
    challenger_right: int


def seen(loop: Loop) -> Iterator[Seen]:
    """Yield the counts of each pair of served model and shadow of a loop."""
    counts = dict[tuple[str, str], Counter[str]]()
    for record in _read(loop, f"{COUNTS}*.json"):
        pair = record.pop("champion"), record.pop("challenger")
        counts.setdefault(pair, Counter()).update(record)
    labels = _decided(loop)
    right = dict[tuple[str, str], Counter[str]]()
    for record in _read(loop, f"*/{SAID}"):
        pair = record["champion"], record["challenger"]
        label = labels.get(record["name"])
        said = [record["said"][key]["label"] == label for key in pair]
        found = {"decided": label is not None, "champion_right": said[0], "challenger_right": said[1]}
        right.setdefault(pair, Counter()).update({name: int(value) for name, value in found.items()})
    names = ("decided", "champion_right", "challenger_right")
    for pair in sorted(counts):
        yield Seen(*pair, counts[pair], *(right.get(pair, Counter())[name] for name in names))


def _read(loop: Loop, pattern: str) -> Iterator[dict[str, Any]]:
    for file in sorted((loop.folder / SERVED).glob(pattern)):
        record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        yield record | ({"name": file.parent.name} if file.name == SAID else {})


def _decided(loop: Loop) -> dict[str, str]:
    """Return the labels that people gave, by item, of what shadows asked for."""
    asked = select(ASKED.c.item_id).where(ASKED.c.queue == DISAGREEMENTS)
    with loop.database.reading() as connection:
        rows = connection.execute(
            select(ITEM.c.name, ANSWER.c.label)
            .join(ANSWER, ANSWER.c.item_id == ITEM.c.id)
            .where(ITEM.c.id.in_(asked), ANSWER.c.label.is_not(None))
        )
        return {name: label for name, label in rows}  # noqa: C416 (dict() takes rows for a mapping)


def _name(recording: Recording) -> str:
    """Return a name by content: a recording that is sent twice is one."""
    known = [recording.motor, recording.domain, recording.sampling_rate_hz, recording.speed_rpm]
    content = json.dumps(known).encode() + recording.signal.tobytes()
    return f"served-{hashlib.sha256(content).hexdigest()[:DIGITS]}"
