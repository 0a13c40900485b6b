"""Stages `describe`: features that are computed from recordings alone; nothing is fitted, no fold matters."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from grid.stage import Context, Stage
from motor.features.base import RecordingFeature, domain_one_hot, side_by_side
from motor.recordings.table import open_recordings
from motor.stages.described import Described
from motor.stages.faults import input_faults
from motor.stages.prepare import Prepare, Prepared
from motor.stages.recordings import ImportRecordings
from motor.stages.speeds import Speed, speeds_rpm

FILE_NAME = "described.parquet"


@dataclass(frozen=True)
class Describe(Stage):
    """Describe every recording once, whatever its domain and side."""

    KIND: ClassVar[str] = "describe"

    recordings: ImportRecordings
    features: tuple[RecordingFeature, ...]
    speed: Speed

    def label(self) -> str:
        return "_".join(feature.kind for feature in self.features)

    def build(self, folder: Path, context: Context) -> None:
        """Write ``described.parquet``: one row a recording, item first."""
        import pandas as pd

        recordings = open_recordings(context.folder(self.recordings))
        meta = recordings.meta.assign(speed_rpm=speeds_rpm(recordings, self.speed))
        rows = []
        for place, row in enumerate(meta.itertuples()):
            speed_rpm = None if pd.isna(row.speed_rpm) else float(row.speed_rpm)
            signal, rate_hz = recordings.signal(place), float(row.sampling_rate_hz)
            values: dict[str, float] = {}
            with input_faults(), _of_item(str(row.item)):
                for feature in self.features:
                    values |= feature.from_recording(signal, rate_hz, speed_rpm)
            rows.append({"item": row.item, **values})
            context.report(recordings=len(rows), of=len(meta))
        pd.DataFrame(rows).to_parquet(folder / FILE_NAME, index=False)


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

    @property
    def of_fold(self) -> tuple[Prepare, str, tuple[str, ...], int]:
        return self.prepared, self.fold, self.domains, self.seed

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(feature.kind for feature in self.described.features)

    def label(self) -> str:
        return f"{self.described.label()}-{'+'.join(self.domains)}-fold{self.fold}"

    def build(self, folder: Path, context: Context) -> None:
        """Write ``features.parquet``, the files by side, ``figures/`` and ``summary.json``."""
        import pandas as pd

        prepared = Prepared.open(context.folder(self.prepared), self.prepared)
        meta = prepared.meta(self.fold, self.domains)
        described = pd.read_parquet(context.folder(self.described) / FILE_NAME).set_index("item")
        frame = side_by_side([described.loc[meta["item"]], domain_one_hot(meta)])
        self.write(folder, meta, frame, {})


@contextmanager
def _of_item(item: str) -> Iterator[None]:
    """Name the recording in a ValueError about it."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{item}: {error}") from error
