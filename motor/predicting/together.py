"""Requests that came together, judged together: each gets its own answer and nothing of the others'."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from motor.predicting.faults import Fault, Outcome
from motor.predicting.predictor import Predictor
from motor.predicting.printing import as_rows
from motor.recordings.recording import Recording

APART = "\x1f"  # between a request's number and a name of its own


def judge_together(predictor: Predictor, requests: Sequence[Sequence[Recording]]) -> list[Outcome]:
    """Return what each of several requests would be answered alone."""
    whole = predictor.outcome([_apart(one, number) for number, own in enumerate(requests) for one in own])
    items = whole.predictions["item"].astype(str)
    outcomes = []
    for number in range(len(requests)):
        start = f"{number}{APART}"
        rows = whole.predictions[items.str.startswith(start)]
        own = [fault for fault in whole.faults if fault.item.startswith(start)]
        faults = [Fault(fault.item.removeprefix(start), fault.reason.replace(start, "")) for fault in own]
        outcomes.append(Outcome(rows.assign(item=rows["item"].astype(str).str.removeprefix(start)), faults))
    return outcomes


def _apart(one: Recording, number: int) -> Recording:
    """Keep names, and moments of a motor, of different requests apart."""
    moment = None if one.moment is None else f"{number}{APART}{one.moment}"
    return replace(one, item=f"{number}{APART}{one.item}", moment=moment)


def answer(outcome: Outcome) -> tuple[int, dict[str, Any]]:
    """Return a response's status and content: 422 where a recording is at fault, with the predictions of the others."""
    content: dict[str, Any] = {"predictions": as_rows(outcome.predictions)}
    if outcome.faults:
        content["faults"] = [{"item": fault.item, "reason": fault.reason} for fault in outcome.faults]
        content["error"] = "; ".join(fault.reason for fault in outcome.faults[:3])
    return (422 if outcome.faults else 200), content
