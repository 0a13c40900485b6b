"""Stages `audit` and `cleared`: find what could lift a score without a sign of a fault, and whether it is accepted."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from grid.stage import COST, Context, InputError, Stage, when_set
from grid.store.store import write_json
from motor.audit.cues import signal_cues
from motor.audit.duplicates import duplicates
from motor.audit.fingerprint import Fingerprint, fingerprint, reach_for
from motor.audit.metadata import values_of_classes
from motor.audit.names import FINDINGS
from motor.audit.order import file_order
from motor.audit.outcome import Check, Finding
from motor.audit.probe import Row, power, probe, probe_outcome
from motor.audit.statistics import Fitted, Moments, fitted_on_training_alone, moments
from motor.audit.twins import same_recordings, similar_motors
from motor.audit.units import shared_motors
from motor.audit.unmeasured import unmeasured_samples
from motor.features.base import RecordingFeature
from motor.lazy import pandas as pd
from motor.recordings.facts import outlier_of
from motor.recordings.table import Recordings, labelled, open_recordings
from motor.stages.computable import feature_faults
from motor.stages.lookups import Lookup
from motor.stages.prepare import ASIDE, Prepare, Prepared
from motor.stages.recordings import ImportRecordings
from motor.stages.scalers import is_healthy

FILE_NAME = "audit.json"


@dataclass(frozen=True)
class Audit(Stage):
    """Search the recordings and their split for leaks. It only measures: `Cleared` judges."""

    KIND: ClassVar[str] = "audit"
    VERSION: ClassVar[int] = 6
    IS_COMMON: ClassVar[bool] = True
    READ: ClassVar[tuple[str, ...] | None] = (FILE_NAME, COST)

    prepared: Prepare
    classes: tuple[str, ...]
    normal: str
    domains: tuple[str, ...]
    seed: int
    recordings: ImportRecordings = field(init=False)  # an input of its own: the raw signals are read, too

    def __post_init__(self) -> None:
        object.__setattr__(self, "recordings", self.prepared.recordings)

    def build(self, folder: Path, context: Context) -> None:
        """Write ``audit.json``: `findings`, `probe` (the trivial cues), `checks` and `seconds`."""
        began = time.monotonic()
        prepared = Prepared.open(context.folder(self.prepared), self.prepared)
        raw = open_recordings(context.folder(self.recordings))
        dealt = self._dealt(prepared)
        everything = self._dealt_with_unlabelled(prepared)
        meta = everything.drop_duplicates("item").set_index("position").sort_index()
        cues, prints, outliers = self._heard(raw, meta, context)
        items, positions = meta[["item", "motor"]].reset_index(drop=True), meta.index.tolist()
        copies = (
            duplicates(items, _crossing(everything, meta), prints, lambda place: raw.signal(positions[place])),
            same_recordings(items, prints, lambda place: raw.signal(positions[place])),
        )
        cues, meta = cues[meta["label"].notna().to_numpy()].reset_index(drop=True), labelled(meta)
        known = meta[["item", "motor", "domain", "label"]].reset_index(drop=True).join(cues)
        rows = probe(known, dealt[["fold", "item", "side"]], self.classes, self.seed)
        outcomes = [
            shared_motors(dealt),
            similar_motors(dealt),
            *copies,
            fitted_on_training_alone(self._fitted(prepared, dealt)),
            probe_outcome(rows),
            unmeasured_samples(items["item"].tolist(), outliers),
        ]
        findings = [finding for outcome in outcomes for finding in outcome.findings]
        findings += [
            finding
            for cue in ("sampling_rate", "length")
            for finding in values_of_classes(known, cue)
            if finding.name not in {found.name for found in findings}
        ]
        checks = [check for outcome in outcomes for check in outcome.checks]
        n_cues = len({row.cue for row in rows if row.cue in FINDINGS})
        checks.append(power(known, self.classes, n_cues, self.seed))
        write_json(folder / FILE_NAME, as_json(findings, rows, checks, time.monotonic() - began))

    def _dealt(self, prepared: Prepared) -> "pd.DataFrame":
        """Return one row for each labelled recording of each fold: fold, position, item, motor, domain, side, ..."""
        return _of_folds(prepared, lambda fold: prepared.meta(fold, self.domains))

    def _dealt_with_unlabelled(self, prepared: Prepared) -> "pd.DataFrame":
        """Return the same with what has no label and may be trained upon: a copy of it may be tested."""
        everything = _of_folds(prepared, lambda fold: prepared.meta_with_unlabelled(fold, self.domains))
        return everything.assign(side=everything["side"].where(everything["side"] != ASIDE))

    def _heard(
        self, raw: Recordings, meta: "pd.DataFrame", context: Context
    ) -> tuple["pd.DataFrame", list[Fingerprint], list[float | None]]:
        """Read each raw signal once; return its cues (one row a recording of `meta`), fingerprint and code, if any."""
        raw_meta = raw.meta.loc[meta.index]
        reach = reach_for(float(raw_meta["n_samples"].median()))
        cues, prints, outliers = [], [], []
        speeds_rpm = raw_meta["speed_rpm"].to_numpy(np.float64, na_value=np.nan)
        for place, rate_hz, speed_rpm in zip(meta.index, raw_meta["sampling_rate_hz"], speeds_rpm, strict=True):
            signal = raw.signal(int(place))
            cues.append(signal_cues(signal, float(rate_hz), float(speed_rpm)))
            prints.append(fingerprint(signal, reach))
            outliers.append(outlier_of(signal, float(signal.min()), float(signal.max())))
            context.report(recordings=len(prints), of=len(meta))
        table = pd.DataFrame(cues)
        table["sampling_rate"] = raw_meta["sampling_rate_hz"].to_numpy(np.float64)
        table["length"] = raw_meta["n_samples"].to_numpy(np.float64)
        table["recorded_at"] = raw_meta["recorded_at"].to_numpy(np.float64)
        table["file_order"] = 0.0
        for _, rows in raw_meta.reset_index(drop=True).groupby("domain"):
            table.loc[rows.index, "file_order"] = file_order(rows["item"])
        return table, prints, outliers

    def _fitted(self, prepared: Prepared, dealt: "pd.DataFrame") -> list[Fitted]:
        """Return the scalers that were fitted by domain, each with what it may have seen."""
        seen: dict[int, Moments] = {}

        def of(position: int) -> Moments:
            if position not in seen:
                seen[position] = moments(prepared.recordings.signal(position))
            return seen[position]

        healthy = dealt[(dealt["side"] == "train") & is_healthy(dealt["label"], self.normal)]
        fitted = []
        for fold, scalers in prepared.scalers.by_fold.items():
            for domain, scaler in scalers.items():
                rows = healthy[(healthy["fold"] == fold) & (healthy["domain"] == domain)]
                centred = self.prepared.scaling[domain].centre_by == "item"
                allowed = tuple(of(int(position)) for position in rows["position"])
                fitted.append(Fitted(fold, domain, scaler.loc, scaler.scale, centred, allowed))
        return fitted


def as_json(findings: list[Finding], rows: tuple[Row, ...], checks: list[Check], seconds: float) -> dict[str, Any]:
    """Return what `audit.json` holds; a check fails with the finding of its name."""
    found = {finding.name for finding in findings}
    return {
        "findings": [asdict(finding) for finding in findings],
        "probe": [asdict(row) for row in rows],
        "checks": [{**asdict(check), "passed": check.passed and check.name not in found} for check in checks],
        "seconds": round(seconds, 2),
    }


def _of_folds(prepared: Prepared, of_fold: "Callable[[str], pd.DataFrame]") -> "pd.DataFrame":
    folds = sorted(prepared.sides["fold"].unique())
    return pd.concat([of_fold(fold).assign(fold=fold) for fold in folds]).rename_axis("position").reset_index()


def _crossing(dealt: "pd.DataFrame", meta: "pd.DataFrame") -> Callable[[int, int], bool]:
    """Return a function that says whether two recordings of `meta` are on different sides in some fold."""
    sides = dealt.pivot(index="position", columns="fold", values="side").loc[meta.index]
    codes = np.stack([np.unique(sides[fold].fillna(""), return_inverse=True)[1] for fold in sides], axis=1)
    known = sides.notna().to_numpy()

    def crosses(one: int, other: int) -> bool:
        return bool((known[one] & known[other] & (codes[one] != codes[other])).any())

    return crosses


@dataclass(frozen=True)
class Cleared(Stage):
    """Let the grid begin where the audit found nothing, or nothing that the config does not accept by name.

    And where each series holds a window of the longest kind that the grid cuts from its domain: found here, it costs
    nothing; found by a fine-tune, others have been trained before.
    """

    KIND: ClassVar[str] = "cleared"
    IS_COMMON: ClassVar[bool] = True

    audit: Audit
    accepted: tuple[str, ...]
    windows: dict[str, int] = field(default_factory=dict)  # by domain, samples of the longest
    features: tuple[RecordingFeature, ...] = when_set(default=())  # that may not fit the recordings
    lookups: tuple[Lookup, ...] = when_set(default=())  # for which a fold may have too few training motors
    prepared: Prepare = field(init=False)  # an input of its own: the lengths are read

    def __post_init__(self) -> None:
        object.__setattr__(self, "prepared", self.audit.prepared)

    @cached_property
    def inputs(self) -> tuple[Stage, ...]:
        """See `grid.stage.Stage.inputs`: also the recordings as they came, which features of them describe."""
        return (*super().inputs, *((self.prepared.recordings,) if self.features else ()))

    def build(self, folder: Path, context: Context) -> None:
        """Write ``cleared.json``: the findings that were accepted.

        Raises
        ------
        InputError
            If a finding is not accepted, if what is accepted is no finding's name, if a series is too short, or if
            a fold's training motors are too few for what is looked up among them.
        """
        if unknown := sorted(set(self.accepted) - set(FINDINGS)):
            raise InputError(f"audit.accept: there is no finding {unknown[0]!r}; there are: {', '.join(FINDINGS)}")
        path = context.folder(self.audit) / FILE_NAME
        findings = json.loads(path.read_text(encoding="utf-8"))["findings"]
        refused = [finding for finding in findings if finding["name"] not in self.accepted]
        if refused:
            raise InputError(refusal(refused, self.accepted))
        prepared = Prepared.open(context.folder(self.prepared), self.prepared)
        for domain, n_samples in self.windows.items():
            check_lengths(prepared.meta(prepared.sides["fold"].iloc[0], (domain,)), n_samples, domain)
        if self.features:
            raw = open_recordings(context.folder(self.prepared.recordings))
            for fault in feature_faults(self.features, raw.meta, self.prepared.speed, raw.has_tacho):
                raise InputError(f"{fault}; or leave out the method that asks for it")
        if found := next((fault for lookup in self.lookups for fault in lookup.faults(prepared)), None):
            raise InputError(found)
        write_json(folder / "cleared.json", {"accepted": [finding["name"] for finding in findings]})


def check_lengths(meta: "pd.DataFrame", n_samples: int, domain: str) -> None:
    """Raise InputError if a series of a domain is shorter than a window."""
    short = meta[meta["n_samples"] < n_samples].sort_values("n_samples")
    if len(short):
        first = short.iloc[0]
        raise InputError(
            f"{first['item']}: its series has {first['n_samples']} samples, but a window (context_length + "
            f"prediction_length) needs {n_samples}, and so have {len(short) - 1} more of the {len(meta)} series of "
            f"{domain}; choose a shorter context_length or prediction_length, or leave these series out"
        )


def refusal(findings: list[dict[str, Any]], accepted: tuple[str, ...]) -> str:
    """Return the message that names every finding, its evidence, and what to do."""
    lines = ["the leak audit found what can lift the scores without a fault being heard:"]
    for finding in findings:
        evidence = json.dumps(finding["evidence"], ensure_ascii=False)
        lines.append(f"- {finding['name']}: {finding['what']} Evidence: {evidence}. {finding['next_step']}")
    names = ", ".join(sorted({*accepted, *(finding["name"] for finding in findings)}))
    lines.append(
        f"Correct the data or the split; or, if it cannot be helped, accept it by name in the config "
        f"(audit: {{accept: [{names}]}}), and every report begins with it."
    )
    return "\n".join(lines)
