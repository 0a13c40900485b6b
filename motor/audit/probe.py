"""The trivial-cue probe: does a cue that no fault explains tell the class?"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from motor.audit.blocks import Blocks
from motor.audit.cues import CUES
from motor.audit.guess import predict, score
from motor.audit.outcome import Check, Finding, Outcome
from motor.audit.permutation import Significance, holm_factors, significance
from motor.lazy import pandas as pd

ALL = "all"  # the row of all domains together
SAME = "It is the same for all recordings."
UNINFORMATIVE = {"file_order": "The recordings stand in the order of their names, which tells no order of recording."}
LEVEL = 0.01  # the chance of any finding on data without one


@dataclass(frozen=True)
class Row:
    """One cue in one domain, or in all together.

    Attributes
    ----------
    macro_f1, interval, chance
        See `motor.audit.guess.Score`.
    p_value : float
        Corrected for domains, classes and cues; see `motor.audit.permutation`.
    beats_chance : bool
        Whether macro-F1 is above chance and the p-value below `LEVEL`.
    n_motors : int
    """

    cue: str
    domain: str
    macro_f1: float | None
    interval: tuple[float, float] | None
    chance: float | None
    p_value: float
    beats_chance: bool
    n_motors: int


def probe(recordings: "pd.DataFrame", sides: "pd.DataFrame", classes: Sequence[str], seed: int) -> tuple[Row, ...]:
    """Try each cue alone.

    Parameters
    ----------
    recordings : DataFrame
        One row a recording: item, motor, domain, label, and a column for each cue of `CUES` that was measured. A
        cue that is the same for all of a domain's recordings tells nothing there; NaN counts as a value of its own,
        or leaves the recording out (`motor.audit.cues.Cue`).
    sides : DataFrame
        fold, item, side.
    classes : sequence of str
    seed : int

    Returns
    -------
    tuple of Row
        A row a cue and domain, and one for all domains together where there are several.
    """
    blocks = Blocks.of(recordings, classes, seed)
    trials = [_Trial.of(cue, recordings, blocks, classes, seed) for cue in CUES if cue in recordings]
    tested = [trial for trial in trials if trial.domains]
    factors: dict[str, float] = {}
    for by_fault in (False, True):  # what a fault may explain is no finding, and costs the others nothing
        family = [trial for trial in tested if CUES[trial.cue].by_fault == by_fault]
        factors |= dict(zip([t.cue for t in family], holm_factors([t.test.p_value for t in family]), strict=True))
    joined = sides.merge(recordings, on="item", validate="many_to_one")
    return tuple(row for trial in tested for row in trial.rows(joined, classes, factors[trial.cue], seed))


@dataclass(frozen=True)
class _Trial:
    """One cue, and its test in the domains where it varies."""

    cue: str
    values: "pd.Series"
    domains: tuple[str, ...]
    test: Significance

    @classmethod
    def of(cls, cue: str, recordings: "pd.DataFrame", blocks: Blocks, classes: Sequence[str], seed: int) -> "_Trial":
        measured = _measured(cue, recordings)
        if len(measured) < len(recordings):
            if measured["label"].nunique() < 2:
                return cls(cue, measured[cue], (), Significance(1.0, ()))
            recordings, blocks = measured, Blocks.of(measured, classes, seed)
        values = recordings[cue].astype(np.float64)
        values = values.fillna(values.min() - 1.0) if values.notna().any() else values.fillna(0.0)
        filled = recordings.assign(**{cue: values})
        medians = {str(name): blocks.medians(rows, cue) for name, rows in filled.groupby("domain")}
        varying = {name: found for name, found in medians.items() if found.nunique() > 1}
        test = (
            significance([blocks.statistics(found) for found in varying.values()]) if varying else Significance(1.0, ())
        )
        return cls(cue, values, tuple(varying), test)

    def rows(self, joined: "pd.DataFrame", classes: Sequence[str], factor: float, seed: int) -> list[Row]:
        joined = _measured(self.cue, joined)
        values = joined[self.cue].astype(np.float64)
        filled = joined.assign(**{self.cue: values.fillna(self.values.min())})
        predictions = {name: predict(self.cue, filled[filled["domain"] == name], seed) for name in self.domains}
        if len(self.domains) > 1:
            predictions[ALL] = pd.concat(predictions.values(), ignore_index=True)
        rows = []
        for (name, predicted), p in zip(predictions.items(), self.test.by_scope, strict=True):
            found, corrected = score(predicted, classes), min(1.0, p * factor)
            above = found.macro_f1 is not None and found.chance is not None and found.macro_f1 > found.chance
            rows.append(
                Row(
                    cue=self.cue,
                    domain=name,
                    macro_f1=found.macro_f1,
                    interval=found.interval,
                    chance=found.chance,
                    p_value=corrected,
                    beats_chance=above and corrected < LEVEL,
                    n_motors=int(predicted["motor"].nunique()),
                )
            )
        return rows


def _measured(cue: str, recordings: "pd.DataFrame") -> "pd.DataFrame":
    """Return the recordings that take part in the trial of a cue."""
    return recordings[recordings[cue].notna()] if CUES[cue].of_measured else recordings


def probe_outcome(rows: Sequence[Row]) -> Outcome:
    """Return a finding for each cue that beats chance and that no fault explains."""
    findings, checks = [], []
    for name, cue in CUES.items():
        of_cue = [row for row in rows if row.cue == name]
        telling = [row for row in of_cue if row.beats_chance]
        if not cue.by_fault:
            asked = f"Does {cue.what} tell the class?"
            checks.append(Check(name, not telling, asked if of_cue else f"{asked} {UNINFORMATIVE.get(name, SAME)}"))
        if telling and not cue.by_fault:
            findings.append(_finding(name, max(telling, key=lambda row: row.macro_f1 or 0.0)))
    return Outcome(tuple(checks), tuple(findings))


def _finding(name: str, row: Row) -> Finding:
    cue = CUES[name]
    where = "over all domains" if row.domain == ALL else f"in domain {row.domain}"
    return Finding(
        name=name,
        what=(
            f"{cue.what.capitalize()} alone tells the class: macro-F1 {row.macro_f1:.2f} {where}, where guessing gives "
            f"{row.chance:.2f}. No fault explains it."
        ),
        evidence=evidence(row),
        next_step=f"{cue.next_step}.",
    )


def evidence(row: Row) -> dict[str, Any]:
    """Return a row's numbers."""
    fields: Mapping[str, Any] = asdict(row)
    return {name: fields[name] for name in ("domain", "macro_f1", "interval", "chance", "p_value", "n_motors")}


def power(recordings: "pd.DataFrame", classes: Sequence[str], n_cues: int, seed: int) -> Check:
    """Say whether the probe could find a cue that tells the classes perfectly, with so few motors."""
    blocks = Blocks.of(recordings, classes, seed)
    perfect = recordings["label"].map({name: place for place, name in enumerate(classes)})
    marked = recordings.assign(perfect=perfect.astype(np.float64))
    medians = [blocks.medians(rows, "perfect") for _, rows in marked.groupby("domain")]
    floor = significance([blocks.statistics(found) for found in medians if found.nunique() > 1] or [_NOTHING]).p_value
    enough = floor * max(n_cues, 1) < LEVEL
    advice = "" if enough else "; too few motors: a cue that tells the class may go unnoticed, look at its macro-F1"
    what = f"Can {recordings['motor'].nunique()} motors show a cue? The least p-value they can give is {floor:.2g}"
    return Check("probe_power", enough, f"{what} before correction for {n_cues} cues{advice}.")


_NOTHING = np.zeros((2, 1))
