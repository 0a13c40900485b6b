"""Export a loop's labels and import decisions: CSV, JSON lines, tasks of Label Studio with a model's suggestions."""

import csv
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from sqlalchemy import select

from grid.store.store import write_text
from motor.looping.label_sets import Held, decided_in
from motor.looping.loop import Loop, LoopError
from motor.review.database.decisions import Decision, decide
from motor.review.database.schema import ANSWER, ASKED, ITEM, SHARED

CHOICE, SIGNAL = "label", "signal"  # names in Label Studio's configuration
TEXTS = {SIGNAL: "item", "motor": "motor", "domain": "domain"}


def export(loop: Loop, file: Path) -> int:
    """Write the label that each recording has now to a file; return how many recordings.

    Raises
    ------
    LoopError
        If its suffix is of no form.
    """
    if file.suffix not in FORMS:
        raise LoopError(f"{file}: no form has the suffix {file.suffix!r}; there are: {', '.join(FORMS)}")
    held = decided_in(loop)
    with loop.database.reading() as connection:
        columns = select(ITEM.c.name, ITEM.c.motor, ITEM.c.domain, ITEM.c.side, ASKED.c.suggestion, ASKED.c.is_blind)
        found = connection.execute(columns.outerjoin(ASKED, ASKED.c.item_id == ITEM.c.id).order_by(ITEM.c.id))
        rows = [dict(row) for row in found.mappings()]
    once = {row["name"]: row for row in rows}
    write_text(file, FORMS[file.suffix](once, held))
    return len(once)


def _csv(rows: Mapping[str, Any], held: Mapping[str, Held]) -> str:
    lines = ["item,motor,domain,label,action"]
    for item, row in rows.items():
        one = held.get(item, Held())
        cells = (item, row["motor"], row["domain"], one.label or "", one.action)
        lines.append(",".join(_quoted(cell) for cell in cells))
    return "\n".join(lines) + "\n"


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if any(mark in cell for mark in ',"\n') else cell


def _json_lines(rows: Mapping[str, Any], held: Mapping[str, Held]) -> str:
    """Return a line a recording; of what has a label, in the form that trainers of text models read, too."""
    lines = []
    for item, row in rows.items():
        one = held.get(item, Held())
        fields = {
            "item": item,
            "motor": row["motor"],
            "domain": row["domain"],
            "label": one.label,
            "action": one.action,
        }
        asked = {"instruction": "Name the state of the motor.", "input": f"recording {item}", "output": one.label}
        lines.append(json.dumps({**fields, **(asked if one.label else {})}, ensure_ascii=False))
    return "\n".join(lines) + "\n"


def _label_studio(rows: Mapping[str, Any], held: Mapping[str, Held]) -> str:
    """Return tasks, with what holds as an annotation and what a model suggests, of those not blind, as a prediction."""
    tasks = []
    for item, row in rows.items():
        if row["side"] == "test":
            continue  # two reviewers who see nothing of each other are not for a tool without seats
        one, suggestion = held.get(item, Held()), json.loads(row["suggestion"] or "{}")
        task: dict[str, Any] = {"data": {"item": item, "motor": row["motor"], "domain": row["domain"]}}
        if one.label:
            task["annotations"] = [{"result": [_choice(one.label)]}]
        if suggestion.get("probabilities") and not row["is_blind"]:
            label, score = max(suggestion["probabilities"].items(), key=lambda pair: pair[1])
            task["predictions"] = [{"result": [_choice(label)], "score": score, "model_version": "loop"}]
        tasks.append(task)
    return json.dumps(tasks, indent=1, ensure_ascii=False) + "\n"


def labelling_config(classes: Sequence[str]) -> str:
    """Return the labelling configuration that a project of Label Studio needs to show the exported tasks."""
    choices = "".join(f"<Choice value={quoteattr(name)}/>" for name in classes)
    shown = "".join(f'<Text name="{name}" value="${key}"/>' for name, key in TEXTS.items())
    return f'<View>{shown}<Choices name="{CHOICE}" toName="{SIGNAL}" choice="single">{choices}</Choices></View>'


def _choice(label: str) -> dict[str, Any]:
    return {"from_name": CHOICE, "to_name": SIGNAL, "type": "choices", "value": {"choices": [label]}}


FORMS: dict[str, Callable[[Mapping[str, Any], Mapping[str, Held]], str]] = {
    ".csv": _csv,
    ".jsonl": _json_lines,
    ".json": _label_studio,
}


def take(loop: Loop, file: Path, reviewer: str) -> tuple[int, int]:
    """Import the decisions of a file; return how many were made, and how many recordings had that label already.

    The same file taken twice is taken once: a label that holds is no decision.

    Raises
    ------
    LoopError
        If a line names no recording, a test recording or no class; nothing of the file is taken then.
    """
    rows = list(_read(file))
    with loop.database.reading() as connection:
        columns = select(ITEM.c.name, ITEM.c.side, ANSWER.c.revision, ANSWER.c.label)
        seat = (ANSWER.c.item_id == ITEM.c.id) & (ANSWER.c.seat == SHARED)
        known = {row["name"]: row for row in connection.execute(columns.outerjoin(ANSWER, seat)).mappings()}
    for place, item, label in rows:
        _check(loop, known, place, item, label)
    taken = 0
    for _, item, label in rows:
        if known[item]["label"] == label:
            continue
        revision = known[item]["revision"]
        request = hashlib.sha256(f"{reviewer}/{item}/{revision}/{label}".encode()).hexdigest()[:32]
        seen = {"imported": file.name}
        decision = Decision(request, item, revision, "label", reviewer, label, seen)
        decide(loop.database, decision, loop.facts.classes)
        taken += 1
    return taken, len(rows) - taken


def _check(loop: Loop, known: Mapping[str, Any], place: str, item: str, label: str) -> None:
    if item not in known:
        raise LoopError(f"{place}: there is no recording {item!r} in the loop; take the line out")
    if known[item]["side"] == "test":
        raise LoopError(f"{place}: {item} is on the test side, which two people decide on in the queue of the page")
    if label not in loop.facts.classes:
        raise LoopError(f"{place}: unknown label {label!r}; there are: {', '.join(loop.facts.classes)}")


def _read(file: Path) -> Iterator[tuple[str, str, str]]:
    """Yield place, item and label of each line that has a label."""
    try:
        text = file.read_text(encoding="utf-8-sig")
        if file.suffix == ".csv":
            rows = [(n, row["item"], row["label"]) for n, row in enumerate(csv.DictReader(text.splitlines()), 2)]
        elif file.suffix == ".jsonl":
            lines = [(n, json.loads(line)) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
            rows = [(n, line["item"], line["label"]) for n, line in lines]
        else:
            rows = [(n, task["data"]["item"], _of_task(task)) for n, task in enumerate(json.loads(text), 1)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LoopError(f"{file} is no table of item and label, nor Label Studio's JSON: {error!r}") from error
    yield from ((f"{file}, line {n}", item, label) for n, item, label in rows if label)


def _of_task(task: Mapping[str, Any]) -> str | None:
    """Return the label of a task's newest annotation that was not cancelled."""
    kept = [one for one in task.get("annotations") or () if not one.get("was_cancelled")]
    for result in kept[-1]["result"] if kept else ():
        if result.get("from_name") == CHOICE:
            return str(result["value"]["choices"][0])
    return None
