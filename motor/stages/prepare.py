"""Stage `prepare`: split by motor, represent, and scale what training motors show."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from grid.stage import COST, Context, Stage, after, when_set
from grid.store.store import write_json
from motor.lazy import pandas as pd
from motor.recordings.recording import Recording
from motor.recordings.shown_labels import hidden_motors
from motor.recordings.splits.base import Split
from motor.recordings.table import (
    FILE_NAME,
    LABELS,
    Recordings,
    labelled,
    open_recordings,
    read_labels,
    relabelled,
    unlabelled,
    write_recordings,
)
from motor.stages.describer import SeriesBatch, SideBySide
from motor.stages.faults import input_faults
from motor.stages.own_levels import SeriesScalers, read_own_levels, write_own_levels
from motor.stages.recordings import ImportRecordings
from motor.stages.scalers import Scalers, fit_domains, fit_references, is_healthy
from motor.stages.speeds import Speed, speeds_rpm, turning_of
from motor.windows.references import is_reference, scored
from motor.windows.representations.base import Representation
from motor.windows.scaling import Scaler, Scaling
from motor.windows.source import Series

if TYPE_CHECKING:
    import numpy as np

UNKNOWN_AT_TIMES = ("label", "moment", "speed_rpm")
HIDDEN = "hidden.csv"
EVERY_MOTOR = "all"  # the fold that holds no motor out
ASIDE = "aside"  # the side of what is neither trained upon nor scored


@dataclass(frozen=True)
class Represent(Stage):
    """Represent every series once, whatever labels they will have: label sets of the same recordings share it."""

    KIND: ClassVar[str] = "represent"
    IS_COMMON: ClassVar[bool] = True

    recordings: ImportRecordings
    representation: Representation
    speed: Speed
    parts: "tuple[Represent, ...]" = when_set(())  # by delivery: then nothing is computed here

    @classmethod
    def of(cls, recordings: ImportRecordings, representation: Representation, speed: Speed) -> "Represent":
        """Return the stage that represents recordings, each delivery by itself."""
        parts = tuple(cls(one, representation, speed) for one in recordings.parts)
        return parts[0] if len(parts) == 1 else cls(recordings, representation, speed, parts)

    def label(self) -> str:
        return self.representation.kind

    def build(self, folder: Path, context: Context) -> None:
        """Write ``recordings.arrow``, represented."""
        if self.parts:
            tables = [open_recordings(context.folder(part)) for part in self.parts]
            write_recordings((table.recording(place) for table in tables for place in range(len(table))), folder)
            return
        with input_faults():
            source = open_recordings(context.folder(self.recordings))
            write_recordings(_represented(source, self.representation, self.speed), folder)


@dataclass(frozen=True)
class Prepare(Stage):
    """Give every motor its side, every series its representation, every domain its scaler.

    Scalers are fitted for each fold, on the normal series of that fold's training motors alone, or for each motor on
    its own healthy references, which are then scored and trained upon nowhere (`motor.windows.references`).
    """

    KIND: ClassVar[str] = "prepare"
    IS_COMMON: ClassVar[bool] = True
    READ: ClassVar[tuple[str, ...] | None] = ("split.csv", COST)
    AHEAD: ClassVar[tuple[str, ...]] = ("pandas", "pyarrow", "scipy.signal")

    recordings: ImportRecordings
    representation: Representation
    speed: Speed
    split: Split
    unit: str  # what is dealt to the sides: "motor", or "series", which leaks and shows by how much
    scaling: dict[str, Scaling]  # by domain
    references: dict[str, int]  # by domain that some cell scales by reference: how many first recordings are such
    normal: str
    seed: int
    labels: Stage | None = when_set(None)  # writes `labels.csv`, which counts more than the recordings' own labels
    labelled_share: float = when_set(1.0)  # of training motors, of each class; those of the others are hidden
    keeps_unreferenced: bool = when_set(default=False)  # motors without a reference: features can do without one
    holds_out: bool = when_set(default=True)  # False: every motor trains, in the one fold `EVERY_MOTOR`
    shared: Represent | None = after(default=None)  # the same series, represented before; other labels share them

    def label(self) -> str:
        return self.representation.kind

    def build(self, folder: Path, context: Context) -> None:
        """Write ``recordings.arrow``, ``split.csv`` (fold, motor, side) and ``scalers.json`` (see `Scalers`).

        With scaling by item also ``own_levels.npy`` (see `write_own_levels`), with labels of their own ``labels.csv``,
        with hidden labels ``hidden.csv`` (fold, motor). Motors without any label train.
        """
        source = context.folder(self.recordings)
        with input_faults():
            meta = open_recordings(source).meta
            if self.labels is not None:
                shutil.copyfile(context.folder(self.labels) / LABELS, folder / LABELS)
                meta = relabelled(meta, read_labels(folder / LABELS))
            known = self._units(self.scored(meta))
            sides = self.split.split(known, self.seed, self.normal) if self.holds_out else every_motor_trains(known)
            hidden = self._hidden(known, sides)
            split = self.split if self.holds_out else None
            sides = with_unlabelled_motors(sides, self._units(meta), split, self.seed)
            self._represent(source, folder, context)
            recordings = open_recordings(folder)
            scalers = self._fit_scalers(recordings, without(sides, hidden))
            write_own_levels(recordings, self.scaling, folder)
        sides.to_csv(folder / "split.csv", index=False)
        if len(hidden):
            hidden.to_csv(folder / HIDDEN, index=False)
        write_json(folder / "scalers.json", scalers.to_json())

    def scored(self, meta: "pd.DataFrame") -> "pd.DataFrame":
        """Return the recordings that may be trained upon and scored; see `motor.windows.references`."""
        return scored(labelled(meta), self.references, self.normal, self.keeps_unreferenced)

    def reference_rows(self, meta: "pd.DataFrame") -> "pd.DataFrame":
        """Return the recordings that are their motor's own healthy reference."""
        known = labelled(meta)
        return known[is_reference(known, self.references, self.normal, self.keeps_unreferenced)]

    def _units(self, meta: "pd.DataFrame") -> "pd.DataFrame":
        """Return the recordings with what is dealt out in the place of the motor."""
        return meta.assign(motor=meta["item"]) if self.unit == "series" else meta

    def _hidden(self, known: "pd.DataFrame", sides: "pd.DataFrame") -> "pd.DataFrame":
        """Return the training motors of each fold whose labels are hidden: columns fold and motor."""
        rows = []
        for fold, of_fold in sides[sides["side"] == "train"].groupby("fold", sort=False):
            of_training = known[known["motor"].isin(of_fold["motor"])]
            rows += [(fold, motor) for motor in hidden_motors(of_training, self.labelled_share, self.seed)]
        return pd.DataFrame(rows, columns=["fold", "motor"], dtype=str)

    def _represent(self, source: Path, folder: Path, context: Context) -> None:
        if self.shared is not None:
            source = context.folder(self.shared)
        if self.shared is not None or self.representation.kind == "raw":
            _link(source / FILE_NAME, folder / FILE_NAME)  # the same bytes: share them where the file system can
        else:
            write_recordings(_represented(open_recordings(source), self.representation, self.speed), folder)

    def represented(self, recording: Recording) -> Recording:
        """Return a recording as it is represented.

        Raises
        ------
        ValueError
            If it cannot be represented so: too slow a rate, no speed, a signal that is not finite.
        """
        return _represent_one(recording, self.representation, self.speed)

    def batch(
        self, represented: Sequence[Recording], measured: Sequence[Recording], fitted: Mapping[Any, Scaler]
    ) -> SeriesBatch:
        """Return new recordings to look at, each with its scaler.

        Parameters
        ----------
        represented, measured : sequences of Recording
            The same recordings, as `represented` gives them and as they were.
        fitted : mapping
            As of `Scaling.scaler`.

        Raises
        ------
        ValueError
            If nothing was fitted for one's domain or motor.
        """
        series = []
        for index, one in enumerate(represented):
            scaler = self.scaling[one.domain].scaler(fitted, one.item, one.domain, one.signal, one.motor)
            known = one.item, index, one.domain, one.label, one.sampling_rate_hz, scaler, one.motor, one.moment
            series.append(Series(*known, speed_rpm=one.speed_rpm))
        return SeriesBatch(SideBySide.of([one.signal for one in represented]), tuple(series), measured)

    def _fit_scalers(self, recordings: Recordings, sides: "pd.DataFrame") -> Scalers:
        meta, by_fold = self._units(self.scored(recordings.meta)), {}
        for fold, of_fold in sides.groupby("fold"):
            training = set(of_fold.loc[of_fold["side"] == "train", "motor"])
            healthy = meta[meta["motor"].isin(training) & is_healthy(meta["label"], self.normal)]
            by_fold[str(fold)] = fit_domains(recordings, healthy, self.scaling)
        if self.keeps_unreferenced:
            return Scalers(by_fold, {})
        return Scalers(by_fold, fit_references(recordings, self.scaling, self.references, self.normal))


@dataclass(frozen=True)
class Prepared:
    """A built `Prepare`, opened: what later stages read of one fold."""

    recordings: Recordings
    sides: "pd.DataFrame"
    scalers: Scalers
    own_levels: "np.ndarray | None"  # see `write_own_levels`
    stage: Prepare
    hidden: Mapping[str, frozenset[str]] = field(default_factory=dict)  # by fold, the motors whose labels are hidden

    @classmethod
    def open(cls, folder: Path, stage: Prepare) -> "Prepared":
        scalers = Scalers.from_json(json.loads((folder / "scalers.json").read_text(encoding="utf-8")))
        sides = pd.read_csv(folder / "split.csv", dtype=str, keep_default_na=False)
        hidden: dict[str, frozenset[str]] = {}
        if (folder / HIDDEN).is_file():
            rows = pd.read_csv(folder / HIDDEN, dtype=str, keep_default_na=False)
            hidden = {str(fold): frozenset(of["motor"]) for fold, of in rows.groupby("fold")}
        return cls(open_recordings(folder), sides, scalers, read_own_levels(folder), stage, hidden)

    def meta(self, fold: str, domains: tuple[str, ...]) -> "pd.DataFrame":
        """Return the labelled recordings of some domains, with the column `side` that a fold gives them.

        References are not among them (see `motor.windows.references`).
        """
        return self._sided(self.stage.scored(self._known(fold)), fold, domains)

    def references(self, domains: tuple[str, ...]) -> "pd.DataFrame":
        """Return the recordings of some domains that are their motor's own healthy reference."""
        found = self.stage.reference_rows(self.recordings.meta)
        return found[found["domain"].isin(domains)]

    def meta_with_unlabelled(self, fold: str, domains: tuple[str, ...], of_tested: str = ASIDE) -> "pd.DataFrame":
        """Return what `meta` does, and the recordings without a label, or whose labels are hidden.

        Those are on their motor's side; where that is the test side, they are set aside (`ASIDE`), so that nothing of
        a test motor is trained upon, and nothing without a label is scored. With `of_tested` ``"train"`` they are
        trained upon: a transductive recipe, which knows the machines that it is asked about.
        """
        others = self._sided(unlabelled(self._known(fold)), fold, domains)
        others = others.assign(side=others["side"].replace("test", of_tested))
        return pd.concat([self.meta(fold, domains), others]).sort_index() if len(others) else self.meta(fold, domains)

    def tested(self, fold: str, domains: tuple[str, ...], labels: Mapping[str, str | None]) -> "pd.DataFrame":
        """Return the recordings of some domains on the test side of a fold that have one of these labels."""
        meta = self._sided(labelled(relabelled(self.recordings.meta, labels)), fold, domains)
        return meta[meta["side"] == "test"]

    def _known(self, fold: str) -> "pd.DataFrame":
        """Return the recordings as a fold's training may know them: without the labels that are hidden from it."""
        meta, hidden = self.recordings.meta, self.hidden.get(fold)
        if not hidden:
            return meta
        is_hidden = meta["item" if self.stage.unit == "series" else "motor"].isin(hidden)
        return meta.assign(label=meta["label"].astype(object).mask(is_hidden, None))

    def _sided(self, meta: "pd.DataFrame", fold: str, domains: tuple[str, ...]) -> "pd.DataFrame":
        meta = meta.drop(columns="fold", errors="ignore")
        of_fold = self.sides[self.sides["fold"] == fold].set_index("motor")["side"]
        side = meta["item" if self.stage.unit == "series" else "motor"].map(of_fold)
        if self.stage.split.trains_on == "normal":
            side = side.where((side == "test") | (meta["label"] == self.stage.normal), ASIDE)
        meta = meta.assign(side=side)
        return meta[meta["domain"].isin(domains)]

    def batch(self, meta: "pd.DataFrame", fold: str) -> SeriesBatch:
        """Return the rows of `meta` as series to look at."""
        return SeriesBatch(self.recordings, self.series(meta, fold))

    def series(self, meta: "pd.DataFrame", fold: str) -> tuple[Series, ...]:
        """Return the rows of `meta` as series to cut windows from, each with its scaler."""
        fitted = SeriesScalers(self.recordings, self.stage.scaling, self.scalers.of_fold(fold), self.own_levels)
        columns = ("item", "motor", "domain", "label", "sampling_rate_hz")
        known = meta.assign(
            **{name: meta[name].astype(object).where(meta[name].notna(), None) for name in UNKNOWN_AT_TIMES}
        )
        names = (*columns, "moment", "speed_rpm")
        rows = zip(meta.index.tolist(), *(known[column].tolist() for column in names), strict=True)
        return tuple(
            Series(item, index, domain, label, rate, fitted.scaler(index, item, domain, motor), motor, moment, speed)
            for index, item, motor, domain, label, rate, moment, speed in rows
        )


def _represented(recordings: Recordings, representation: Representation, speed: Speed) -> Iterator[Recording]:
    for place, speed_rpm in enumerate(speeds_rpm(recordings, speed)):
        known = None if pd.isna(speed_rpm) else speed_rpm
        yield _represent_one(replace(recordings.recording(place), speed_rpm=known), representation, speed)


def _represent_one(recording: Recording, representation: Representation, speed: Speed) -> Recording:
    known = recording.signal, recording.sampling_rate_hz
    turning = turning_of(*known, speed, recording.turned) if representation.takes_turning else None
    signal, rate_hz = representation.apply(*known, recording.speed_rpm, turning)
    return replace(recording, signal=signal, sampling_rate_hz=rate_hz, turned=None)


def every_motor_trains(meta: "pd.DataFrame") -> "pd.DataFrame":
    """Return the sides of the one fold that holds no motor out; see `motor.recordings.splits.base.Split.split`."""
    return pd.DataFrame({"fold": EVERY_MOTOR, "motor": sorted(meta["motor"].unique()), "side": "train"})


def with_unlabelled_motors(
    sides: "pd.DataFrame", meta: "pd.DataFrame", split: Split | None = None, seed: int = 0
) -> "pd.DataFrame":
    """Return a split's sides with the motors that no recording of has a label: they train, or as the split says."""
    motors = sorted(set(unlabelled(meta)["motor"]) - set(labelled(meta)["motor"]))
    of_motor = {motor: split.side_of_unlabelled(motor, seed) if split else "train" for motor in motors}
    rows = [(fold, motor, of_motor[motor]) for fold in sides["fold"].unique() for motor in motors]
    return pd.concat([sides, pd.DataFrame(rows, columns=list(sides))], ignore_index=True) if rows else sides


def without(sides: "pd.DataFrame", hidden: "pd.DataFrame") -> "pd.DataFrame":
    """Return a split's sides without the motors whose labels are hidden."""
    left_out = set(zip(hidden["fold"], hidden["motor"], strict=True))
    pairs = zip(sides["fold"], sides["motor"], strict=True)
    return sides[[pair not in left_out for pair in pairs]] if left_out else sides


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
