"""Stages `describe`: features that are computed from recordings alone; nothing is fitted, no fold matters."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from grid.stage import Context, Stage, when_set
from grid.store.store import write_json
from motor.features.base import MachineFeature, RecordingFeature, domain_one_hot, side_by_side
from motor.features.evidence import Line, strongest_lines
from motor.features.severity import velocity_mm_s
from motor.lazy import pandas as pd
from motor.recordings.machines import Machine, components_of, machine_of, zone_of
from motor.recordings.recording import Recording
from motor.recordings.table import open_recordings
from motor.stages.described import Described
from motor.stages.describer import BuiltStages, Describer, InStorage, SeriesBatch
from motor.stages.faults import input_faults
from motor.stages.own_reference import FILE_NAME as FILE_OF_OWN
from motor.stages.own_reference import OwnReference, OwnReferences, without_reference
from motor.stages.prepare import Prepare, Prepared
from motor.stages.recordings import ImportRecordings
from motor.stages.speeds import Speed, speeds_rpm, turning_of

if TYPE_CHECKING:
    import numpy as np

FILE_NAME = "described.parquet"
LEFT_OUT = "left_out.json"  # the columns that a fold's training motors have shown to be of no use
SETTLED = "settled.json"  # the features with what the recordings' table decides of them
AT_ONCE = 2048  # recordings


@dataclass(frozen=True)
class Describe(Stage):
    """Describe every recording once, whatever its domain and side."""

    KIND: ClassVar[str] = "describe"

    recordings: ImportRecordings
    features: tuple[RecordingFeature, ...]
    speed: Speed
    machines: dict[str, Machine] | None = when_set(default=None)  # by motor, where a feature asks for them
    parts: "tuple[Describe, ...]" = when_set(default=())  # by delivery: then nothing is computed here

    @classmethod
    def of(
        cls,
        recordings: ImportRecordings,
        features: tuple[RecordingFeature, ...],
        speed: Speed,
        machines: dict[str, Machine] | None,
    ) -> "Describe":
        """Return the stage that describes recordings: each delivery by itself, unless the whole table is looked at."""
        whole = cls(recordings, features, speed, machines)
        if len(recordings.parts) == 1 or whole.settles:
            return whole
        return replace(whole, parts=tuple(cls(one, features, speed, machines) for one in recordings.parts))

    def label(self) -> str:
        return "_".join(feature.kind for feature in self.features)

    @property
    def settles(self) -> bool:
        """Whether the recordings' table decides something of the features."""
        return any(feature.settles for feature in self.features)

    def settled(self, folder: Path) -> tuple[RecordingFeature, ...]:
        """Return the features as the built stage's recordings were described by them."""
        if not self.settles:
            return self.features
        records = json.loads((folder / SETTLED).read_text(encoding="utf-8"))
        pairs = zip(self.features, records, strict=True)
        return tuple(feature.recorded(record) for feature, record in pairs)

    def build(self, folder: Path, context: Context) -> None:
        """Write ``described.parquet``, one row a recording, item first, and what the data decides of the features."""
        if self.parts:
            tables = [pd.read_parquet(context.folder(part) / FILE_NAME) for part in self.parts]
            pd.concat(tables, ignore_index=True).to_parquet(folder / FILE_NAME, index=False)
            return
        recordings = open_recordings(context.folder(self.recordings))
        meta = recordings.meta.assign(speed_rpm=speeds_rpm(recordings, self.speed))
        features = tuple(feature.settled(meta) for feature in self.features)
        if self.settles:
            write_json(folder / SETTLED, [feature.model_dump(mode="json") for feature in features])
        describer = RecordingDescriber(features, self.machines or {}, self.speed, frozenset())
        rows, frames = list[dict[str, Any]](), list[pd.DataFrame]()
        for place, row in enumerate(meta.itertuples()):
            speed_rpm = None if pd.isna(row.speed_rpm) else float(row.speed_rpm)
            with input_faults(), _of_item(str(row.item), speed_rpm, self.speed):
                measured = replace(recordings.recording(place), speed_rpm=speed_rpm)
                values = describer.values(measured)
            rows.append({"item": row.item, **values})
            if len(rows) == AT_ONCE:  # numbers in a table take a tenth of the memory
                frames.append(pd.DataFrame(rows))
                rows = []
            context.report(recordings=place + 1, of=len(meta))
        frames += [pd.DataFrame(rows)] if rows else []
        pd.concat(frames, ignore_index=True).to_parquet(folder / FILE_NAME, index=False)


@dataclass(frozen=True)
class DescribeFold(Described):
    """The described recordings of some domains, with the sides that a fold gives them."""

    KIND: ClassVar[str] = "describe"

    described: Describe
    prepared: Prepare
    fold: str
    domains: tuple[str, ...]
    classes: tuple[str, ...]
    seed: int
    own: OwnReference | None = when_set(default=None)  # what columns are compared with, if anything

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(feature.kind for feature in self.described.features)

    @property
    def looks_at_lines(self) -> bool:
        return any(feature.looks_at_lines for feature in self.described.features)

    @property
    def packages(self) -> tuple[str, ...]:
        return tuple(name for feature in self.described.features for name in feature.PACKAGES)

    @property
    def selects(self) -> bool:
        """Whether training motors decide which columns stay."""
        return any(feature.selects for feature in self.described.features)

    @property
    def compares(self) -> bool:
        """Whether columns are compared with a motor's own references."""
        return self.own is not None and self.own.compares

    @property
    def parts(self) -> tuple[tuple[Stage, str], ...]:
        settled = ((self.described, SETTLED),) if self.described.settles else ()
        selected = ((self, LEFT_OUT),) if self.selects else ()
        return (*settled, *selected, *(((self, FILE_OF_OWN),) if self.compares else ()))

    def open(self, built: BuiltStages, device: str) -> "RecordingDescriber":
        features = self.described.features
        if self.described.settles:
            features = self.described.settled(built.folder(self.described))
        left_out = frozenset(json.loads((built.folder(self) / LEFT_OUT).read_text())) if self.selects else frozenset()
        references = OwnReferences.read(built.folder(self)) if self.compares else None
        return self._describer(features, left_out, references)

    def _describer(
        self,
        features: tuple[RecordingFeature, ...],
        left_out: frozenset[str],
        references: OwnReferences | None,
    ) -> "RecordingDescriber":
        how = features, self.described.machines or {}, self.described.speed, left_out
        if references is None or self.own is None:
            return RecordingDescriber(*how)
        return ComparingDescriber(*how, self.own, references)

    @property
    def looked_at(self) -> tuple[Stage, ...]:
        return (self.prepared, self.described)

    def described_later(self, context: Context, prepared: Prepared, meta: "pd.DataFrame") -> "pd.DataFrame":
        """Return what was described already (see `Described.described_later`)."""
        described = pd.read_parquet(context.folder(self.described) / FILE_NAME).set_index("item")
        return self.open(InStorage(context, self.parts), "cpu").table([described.loc[meta["item"]]], meta)

    def label(self) -> str:
        return f"{self.described.label()}-{'+'.join(self.domains)}-fold{self.fold}"

    def build(self, folder: Path, context: Context) -> None:
        """Write ``features.parquet``, the files by side, ``figures/`` and ``summary.json``."""
        prepared = Prepared.open(context.folder(self.prepared), self.prepared)
        meta = prepared.meta(self.fold, self.domains)
        described = pd.read_parquet(context.folder(self.described) / FILE_NAME).set_index("item")
        looks = [described.loc[meta["item"]]]
        training = meta[meta["side"] == "train"]
        left_out = self._left_out(described.loc[training["item"]], training["motor"], folder)
        if not self.compares:
            self.write(folder, meta, self._describer((), left_out, None).table(looks, meta), {})
            return
        motors = set(training["motor"])
        with input_faults():
            references = OwnReferences.of(described, prepared.references(self.domains), motors, self.domains)
        references.write(folder)
        summary = {"without_reference": without_reference(references, meta)}
        self.write(folder, meta, self._describer((), left_out, references).table(looks, meta), summary)

    def _left_out(self, training: "pd.DataFrame", motors: "pd.Series", folder: Path) -> frozenset[str]:
        """Return the columns that training motors have shown to be of no use, and write them where some may be."""
        if not self.selects:
            return frozenset()
        found = sorted({name for feature in self.described.features for name in feature.left_out(training, motors)})
        write_json(folder / LEFT_OUT, found)
        return frozenset(found)


@dataclass(frozen=True)
class RecordingDescriber(Describer):
    """Describes recordings as they were measured, each by itself."""

    features: tuple[RecordingFeature, ...]
    machines: Mapping[str, Machine]
    speed: Speed
    left_out: frozenset[str]
    sees_measured: ClassVar[bool] = True

    def values(self, recording: Recording) -> dict[str, float]:
        """Return the features of one recording; see `RecordingFeature.from_recording`."""
        found: dict[str, float] = {}
        signal, sampling_rate_hz = recording.signal, recording.sampling_rate_hz
        turning = turning_of(signal, sampling_rate_hz, self.speed, recording.turned)
        speed_rpm = turning.mean_rpm if turning else recording.speed_rpm
        for feature in self.features:
            how: dict[str, Any] = {"turning": turning} if turning and feature.takes_turning else {}
            if isinstance(feature, MachineFeature):
                parts = self._components(recording.motor, speed_rpm)
                found |= feature.from_machine(signal, sampling_rate_hz, speed_rpm, parts, **how)
            else:
                found |= feature.from_recording(signal, sampling_rate_hz, speed_rpm, **how)
        return found

    def _components(self, motor: str, speed_rpm: float | None) -> dict[str, float | None]:
        """Return the order of each part that some machine of the data has, None where this one has it not."""
        if speed_rpm is None:
            raise ValueError(
                "a machine's parts show at orders of its shaft, but speed_rpm is not known; give the reader a column, "
                "a pattern or a constant for speed_rpm, or set speed: {source: either}"
            )
        own = machine_of(self.machines, motor).components(speed_rpm)
        return {part: own.get(part) for machine in self.machines.values() for part in machine.parts()}

    def look(self, batch: SeriesBatch) -> "pd.DataFrame":
        rows = [self.values(one) for one in batch.measured]
        return pd.DataFrame(rows, index=pd.Index([one.item for one in batch.measured], name="item"))

    def table(self, looks: Sequence["pd.DataFrame"], meta: "pd.DataFrame") -> "pd.DataFrame":
        return side_by_side([self.kept(pd.concat(looks)), domain_one_hot(meta)])

    def kept(self, values: "pd.DataFrame") -> "pd.DataFrame":
        """Return the columns that are not left out."""
        return values[[name for name in values if name not in self.left_out]] if self.left_out else values


@dataclass(frozen=True)
class ComparingDescriber(RecordingDescriber):
    """Describes recordings over what their motor's own healthy references said."""

    how: OwnReference
    references: OwnReferences
    takes_references: ClassVar[bool] = True

    def table(self, looks: Sequence["pd.DataFrame"], meta: "pd.DataFrame") -> "pd.DataFrame":
        values = self.kept(pd.concat(looks).loc[meta["item"]])
        return side_by_side([self.references.compared(values, meta, self.how), domain_one_hot(meta)])

    def referred(self, looks: Sequence["pd.DataFrame"], meta: "pd.DataFrame") -> "ComparingDescriber":
        return replace(self, references=self.references.joined(pd.concat(looks), meta))

    def has_reference(self, meta: "pd.DataFrame") -> "np.ndarray":
        return self.references.has(meta)


def evidence_of(recording: Recording, machines: Mapping[str, Machine], speed: Speed) -> tuple[Line, ...]:
    """Return the strongest lines of a recording, with the parts that they fit; none where its speed is not known.

    Parameters
    ----------
    recording : Recording
        As it was measured.
    machines : mapping of str to Machine
        By motor; see `motor.recordings.machines.components_of`.
    speed : Speed
        Whether its shaft is to be followed.
    """
    if recording.speed_rpm is None or not recording.speed_rpm > 0:
        return ()
    parts = components_of(machines, recording.motor, recording.speed_rpm)
    try:
        turning = turning_of(recording.signal, recording.sampling_rate_hz, speed, recording.turned)
        return strongest_lines(recording.signal, recording.sampling_rate_hz, recording.speed_rpm, parts, turning)
    except ValueError:  # a band is silent, which the method may not have looked at
        return ()


def severity_of(recording: Recording, unit: str | None, machines: Mapping[str, Machine]) -> dict[str, Any]:
    """Return a recording's ``velocity_mm_s``, where its unit allows it, and ``iso_zone``, where its class is known."""
    velocity = velocity_mm_s(recording.signal, recording.sampling_rate_hz, unit)
    if velocity is None:
        return {}
    zone = zone_of(machines, recording.motor, velocity)
    return {"velocity_mm_s": float(f"{velocity:.4g}")} | ({} if zone is None else {"iso_zone": zone})


@contextmanager
def _of_item(item: str, speed_rpm: float | None, speed: Speed) -> Iterator[None]:
    """Name the recording in a ValueError about it."""
    try:
        yield
    except ValueError as error:
        unsure = speed.estimate == "when_sure" and speed.source != "given" and speed_rpm is None
        why = f" (its signal does not tell its speed for sure within {speed.range_rpm} r/min)" if unsure else ""
        raise ValueError(f"{item}: {error}{why}") from error
