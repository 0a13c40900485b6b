"""Label sets: the label of every recording at one moment, sealed under the digest of the content.

A set is a table that `dataset.labels_file` reads: item and label, and beside them who decided it, when, and by which
requests. Its digest is in the record of each stage that saw it, and so names the exact decisions.
"""

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from grid.store.store import write_json, write_text
from motor.lazy import pandas as pd
from motor.looping.loop import Loop, LoopError
from motor.recordings.recording import DataError
from motor.recordings.splits.growing import Growing
from motor.review.database.chain import head
from motor.review.database.decisions import ADJUDICATED
from motor.review.database.schema import ANSWER, DECISION, ITEM

COLUMNS = ("item", "label", "action", "reviewers", "decided_at", "requests")
DIGITS = 16


@dataclass(frozen=True)
class Held:
    """The label of one item, and where it came from.

    Attributes
    ----------
    label : str or None
        None where nobody knows it: nothing was decided, reviewers are unsure, or the recording is bad.
    action : str
        ``label``, ``unsure``, ``bad``; ``differ`` where reviewers do; "" where nothing was decided.
    reviewers, requests : tuple of str
    decided_at : str
        Of the newest decision.
    """

    label: str | None = None
    action: str = ""
    reviewers: tuple[str, ...] = ()
    decided_at: str = ""
    requests: tuple[str, ...] = ()


def decided_in(loop: Loop) -> dict[str, Held]:
    """Return the label of each item of a loop that people's answers add up to; see `resolved`."""
    with loop.database.reading() as connection:
        return resolved(connection, loop.facts.test_reviewers)


def resolved(connection: Connection, reviewers: int) -> dict[str, Held]:
    """Return the label that people's answers add up to, by item, of items that somebody has decided on.

    A training item has one answer. A test item has its reviewers', where as many as are asked agree, else what
    settled it.
    """
    holds = (DECISION.c.item_id == ANSWER.c.item_id) & (DECISION.c.seat == ANSWER.c.seat)
    columns = (ITEM.c.name, ITEM.c.side, ANSWER.c.seat, ANSWER.c.action, ANSWER.c.label, ANSWER.c.reviewer)
    rows = connection.execute(
        select(*columns, DECISION.c.request_id, DECISION.c.decided_at)
        .join(ANSWER, ANSWER.c.item_id == ITEM.c.id)
        .join(DECISION, holds & (DECISION.c.revision == ANSWER.c.effective))
        .where(ANSWER.c.action.is_not(None))
        .order_by(ITEM.c.id, ANSWER.c.seat)
    ).mappings()
    by_item: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_item.setdefault(row["name"], []).append(row)
    return {item: _held(answers, reviewers) for item, answers in by_item.items()}


def _held(answers: list[Mapping[str, Any]], reviewers: int) -> Held:
    settled = [one for one in answers if one["seat"] == ADJUDICATED] or answers
    said = {(one["action"], one["label"]) for one in settled}
    is_test, is_settled = answers[0]["side"] == "test", settled is not answers
    enough = not is_test or is_settled or len(answers) >= reviewers
    action, label = next(iter(said)) if len(said) == 1 and enough else ("differ" if enough else "", None)
    return Held(
        label=label if action == "label" else None,
        action=action,
        reviewers=tuple(sorted({one["reviewer"] for one in settled})),
        decided_at=max(one["decided_at"] for one in settled),
        requests=tuple(sorted(one["request_id"] for one in settled)),
    )


def agreement(connection: Connection) -> float | None:
    """Return Krippendorff's alpha (nominal) of test items that several have decided on; None where there are none.

    Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability".
    """
    rows = connection.execute(
        select(ANSWER.c.item_id, ANSWER.c.action, ANSWER.c.label)
        .join(ITEM, ITEM.c.id == ANSWER.c.item_id)
        .where(ITEM.c.side == "test", ANSWER.c.action.is_not(None), ANSWER.c.seat != ADJUDICATED)
    )
    by_item: dict[int, list[str]] = {}
    for item, action, label in rows:
        by_item.setdefault(item, []).append(label or action)
    return alpha([said for said in by_item.values() if len(said) > 1])


def alpha(units: Sequence[Sequence[str]]) -> float | None:
    """Return Krippendorff's alpha (nominal) of the values that each unit was given, two or more a unit."""
    totals = Counter(value for unit in units for value in unit)
    n = sum(totals.values())
    if n < 2 or len(totals) < 2:
        return None
    observed = sum(count * (len(unit) - count) / (len(unit) - 1) for unit in units for count in Counter(unit).values())
    expected = sum(count * (n - count) for count in totals.values()) / (n - 1)
    return 1 - observed / expected


def seal(loop: Loop, data: Mapping[str, str | None], parent: str | None, actor: str, seed: int) -> str:
    """Write the labels as they are now as a label set; return its digest, which the same labels and decisions repeat.

    Parameters
    ----------
    loop : Loop
    data : mapping
        Every recording, with the label that counts where nobody has decided.
    parent : str or None
        The set before it.
    actor : str
    seed : int
        Of the loop's split.

    Raises
    ------
    LoopError
        If what is labelled does not suffice to train and to score.
    """
    decided = decided_in(loop)
    with loop.database.reading() as connection:
        anchor, alike = head(connection), agreement(connection)
    held = {item: decided.get(item, Held(label)) for item, label in data.items()}
    if parent is not None:  # a test label that is corrected since trains nothing anew: models are scored by it alone
        before, sides = read_held(loop.label_set(parent)), loop.sides()
        held |= {item: one for item, one in before.items() if sides[item] == "test" and one.label is not None}
    check_labels(loop, labels_of(held), seed)
    _check_moments(loop, held)
    text = _table(held)
    digest = hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
    summary = {
        "parent": parent,
        "event": {"number": anchor[0], "digest": anchor[1]},
        "decided": len(decided),
        "labels": dict(sorted(Counter(one.label for one in held.values() if one.label).items())),
        "agreement": alike,
        "changes": difference(read_set(loop.label_set(parent)) if parent else {}, labels_of(held)),
    }
    write_text(loop.label_set(digest), text)
    write_json(loop.label_set(digest).with_suffix(".json"), summary)
    return digest


def check_labels(loop: Loop, labels: Mapping[str, str | None], seed: int) -> None:
    """Raise LoopError where labels do not suffice: each class trains, and each side has what its split promises."""
    columns = select(ITEM.c.name.label("item"), ITEM.c.motor, ITEM.c.domain, ITEM.c.side)
    with loop.database.reading() as connection:
        rows = [{**row, "label": labels.get(row["item"])} for row in connection.execute(columns).mappings()]
    known = [row for row in rows if row["label"] is not None]
    for side, asked, more in (("train", "training", "--more 8"), ("test", "test", "--test 8")):
        there = {row["label"] for row in known if row["side"] == side}
        if lacking := [name for name in loop.facts.classes if name not in there]:
            agreed = "" if side == "train" else f", by {loop.facts.test_reviewers} reviewers who agree,"
            raise LoopError(
                f"no {asked} recording has the label {lacking[0]!r}{agreed} yet, and nothing can be trained and scored "
                f"without; decide on more: launch.py review {loop.name}, or ask for more: launch.py loop queue "
                f"{loop.name} {more}"
            )
    try:
        sides = {row["motor"]: row["side"] for row in rows}
        Growing.model_validate({"frozen": sides}).split(pd.DataFrame(known), seed, loop.facts.normal)
    except DataError as error:
        raise LoopError(
            f"{error}: launch.py loop queue {loop.name} --more 8 (of the test side: --test 8); where a side has no "
            "motor of the class at all, begin a loop with more motors, or one without validation motors (split: "
            "{kind: growing, validation: 0})"
        ) from error


def _check_moments(loop: Loop, held: Mapping[str, Held]) -> None:
    """Raise LoopError where the sensors of one motor have two labels at one moment."""
    with loop.database.reading() as connection:
        rows = connection.execute(select(ITEM.c.motor, ITEM.c.moment, ITEM.c.name).where(ITEM.c.moment.is_not(None)))
        moments: dict[tuple[str, str], str] = {}
        for motor, moment, item in rows:
            label = held[item].label
            other = moments.setdefault((motor, moment), item) if label is not None else item
            if held[other].label != label:
                raise LoopError(
                    f"{other} has the label {held[other].label!r} and {item} {label!r}, which are of one moment of "
                    f"motor {motor}; decide again on one of them"
                )


def _table(held: Mapping[str, Held]) -> str:
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(COLUMNS)
    for item in sorted(held):
        one = held[item]
        many = (" ".join(one.reviewers), one.decided_at, " ".join(one.requests))
        rows.writerow((item, one.label or "", one.action, *many))
    return out.getvalue()


def labels_of(held: Mapping[str, Held]) -> dict[str, str | None]:
    """Return the labels alone."""
    return {item: one.label for item, one in held.items()}


def read_set(file: Path) -> dict[str, str | None]:
    """Return the labels of a sealed set; see `read_held`."""
    return labels_of(read_held(file))


def read_held(file: Path) -> dict[str, Held]:
    """Return what a sealed set holds.

    Raises
    ------
    LoopError
        If the file is not what was sealed.
    """
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest()[:DIGITS] != file.stem:
        raise LoopError(f"{file} is not the label set that was sealed; restore it from a backup")
    rows = csv.DictReader(io.StringIO(content.decode()))
    return {
        row["item"]: Held(
            row["label"] or None,
            row["action"],
            tuple(row["reviewers"].split()),
            row["decided_at"],
            tuple(row["requests"].split()),
        )
        for row in rows
    }


def about(loop: Loop, digest: str) -> dict[str, Any]:
    """Return the summary that was written beside a sealed label set."""
    summary: dict[str, Any] = json.loads(loop.label_set(digest).with_suffix(".json").read_text(encoding="utf-8"))
    return summary


def difference(before: Mapping[str, str | None], after: Mapping[str, str | None]) -> dict[str, int]:
    """Return how many labels are new, changed and gone."""
    pairs = [(before.get(item), after.get(item)) for item in before.keys() | after.keys()]
    return {
        "new": sum(old is None and new is not None for old, new in pairs),
        "changed": sum(old is not None and new is not None and old != new for old, new in pairs),
        "gone": sum(old is not None and new is None for old, new in pairs),
    }


def anchors(loop: Loop) -> dict[int, str]:
    """Return the events that sealed sets name: with them, `verify` finds a trail that was written anew."""
    files = (loop.folder / "label-sets").glob("*.json")
    events = [json.loads(file.read_text(encoding="utf-8"))["event"] for file in files]
    return {event["number"]: event["digest"] for event in events if event["number"]}
