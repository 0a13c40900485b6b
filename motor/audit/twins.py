"""One machine under two names: names that are nearly one, and recordings that are one but for gain and offset."""

import re
from collections import defaultdict
from collections.abc import Callable
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from motor.audit.fingerprint import Fingerprint
from motor.audit.outcome import SHOWN, Finding, Outcome
from motor.recordings.names import alike

if TYPE_CHECKING:
    import pandas as pd

NAMES = "Are motors on different sides of the split called differently, beyond marks such as - and _?"
SIGNALS = "Is no recording of one motor a recording of another, but for gain and offset?"
FEWEST_LANDMARKS = 8
LEAST_CORRELATION = 1 - 1e-6
MOST_IN_GROUP = 20


def similar_motors(recordings: "pd.DataFrame") -> Outcome:
    """Find motors on different sides of a fold whose names differ in marks between words alone: ``M-01`` and ``M_1``.

    Parameters
    ----------
    recordings : DataFrame
        One row for each recording of each fold: fold, motor, side.
    """
    motors: dict[str, list[str]] = defaultdict(list)
    for motor in sorted(recordings["motor"].unique()):
        motors[without_marks(str(motor))].append(str(motor))
    sides = recordings.drop_duplicates(["fold", "motor"]).pivot(index="motor", columns="fold", values="side")
    found = [
        f"{one} = {other}"
        for names in motors.values()
        for one, other in combinations(names, 2)
        if (sides.loc[one] != sides.loc[other]).any()
    ]
    if not found:
        return Outcome.of("similar_motors", NAMES, ())
    finding = Finding(
        name="similar_motors",
        what=f"{len(found)} pairs of motors on different sides of the split have names that are nearly the same.",
        evidence={"n_pairs": len(found), "pairs": found[:SHOWN]},
        next_step="If they are one machine, write its name in one way.",
    )
    return Outcome.of("similar_motors", NAMES, (finding,))


def without_marks(name: str) -> str:
    """Return a name without the marks between its words; between two digits one stays, for 1-1 is not 11."""
    words = re.sub(r"(?!(?<=\d)[.,](?=\d))[\W_]", " ", alike(name)).strip()
    return alike(words)


def same_recordings(
    recordings: "pd.DataFrame", prints: list[Fingerprint], signal: Callable[[int], np.ndarray]
) -> Outcome:
    """Find recordings of two motors that are the same sample by sample, once mean and gain are taken off.

    Parameters
    ----------
    recordings : DataFrame
        One row a recording, in the order of `prints`: item, motor.
    prints : list of Fingerprint
        Landmarks do not know gain, sign and offset: candidates have the same.
    signal : callable
        Returns a recording's samples.
    """
    groups: dict[bytes, list[int]] = defaultdict(list)
    for number, found in enumerate(prints):
        sign = found.landmarks.tobytes() if len(found.landmarks) >= FEWEST_LANDMARKS else found.digest
        if sign:  # a short recording, of few landmarks, is known by its samples alone
            groups[sign].append(number)
    items, motors = recordings["item"].tolist(), recordings["motor"].tolist()
    pairs = [
        f"{items[one]} = {items[other]}"
        for group in groups.values()
        for one, other in combinations(group[:MOST_IN_GROUP], 2)
        if motors[one] != motors[other] and are_same(signal(one), signal(other))
    ]
    if not pairs:
        return Outcome.of("same_recordings", SIGNALS, ())
    finding = Finding(
        name="same_recordings",
        what=f"{len(pairs)} pairs of recordings of two motors are one recording, but for gain and offset.",
        evidence={"n_pairs": len(pairs), "pairs": pairs[:SHOWN]},
        next_step="Keep one of each under its true motor; if the motors are one machine, give both one name.",
    )
    return Outcome.of("same_recordings", SIGNALS, (finding,))


def are_same(one: np.ndarray, other: np.ndarray) -> bool:
    """Tell whether two signals are the same but for gain, sign and offset."""
    if len(one) != len(other):
        return False
    parts = [part.astype(np.float64) - part.mean(dtype=np.float64) for part in (one, other)]
    norms = float(np.linalg.norm(parts[0]) * np.linalg.norm(parts[1]))
    return norms > 0 and abs(float(np.dot(*parts))) / norms > LEAST_CORRELATION
