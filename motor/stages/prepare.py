"""Stage `prepare`: split by motor, represent, and scale what training motors show."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from grid.stage import Context, Stage
from grid.store import write_json
from motor.recordings.recording import Recording
from motor.recordings.splits.base import Split
from motor.recordings.table import FILE_NAME, Recordings, open_recordings, write_recordings
from motor.stages.faults import input_faults
from motor.stages.recordings import ImportRecordings
from motor.windows.cutting import Series
from motor.windows.representations.base import Representation
from motor.windows.scaling import Scaler, Scaling

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Prepare(Stage):
    """Give every motor its side, every series its representation, every domain its scaler.

    Scalers are fitted for each fold, on the normal series of that fold's training motors alone.
    """

    KIND: ClassVar[str] = "prepare"

    recordings: ImportRecordings
    representation: Representation
    split: Split
    scaling: dict[str, Scaling]  # by domain
    normal: str
    seed: int

    def label(self) -> str:
        return self.representation.kind

    def build(self, folder: Path, context: Context) -> None:
        """Write ``recordings.arrow``, ``split.csv`` (fold, motor, side) and ``scalers.json`` (fold, domain)."""
        source = context.folder(self.recordings)
        with input_faults():
            sides = self.split.split(open_recordings(source).meta, self.seed, self.normal)
            self._represent(source, folder)
            scalers = self._fit_scalers(open_recordings(folder), sides)
        sides.to_csv(folder / "split.csv", index=False)
        write_json(folder / "scalers.json", scalers)

    def _represent(self, source: Path, folder: Path) -> None:
        if self.representation.kind == "raw":  # the same bytes: share them where the file system can
            _link(source / FILE_NAME, folder / FILE_NAME)
        else:
            write_recordings(self._represented(open_recordings(source)), folder)

    def _represented(self, recordings: Recordings) -> Iterator[Recording]:
        import pandas as pd

        names = [field.name for field in fields(Recording) if field.name not in ("signal", "sampling_rate_hz")]
        for index, row in recordings.meta.iterrows():
            known: dict[str, Any] = {name: None if pd.isna(row[name]) else row[name] for name in names}
            speed_rpm, rate = known["speed_rpm"], row["sampling_rate_hz"]
            signal, rate = self.representation.apply(recordings.signal(int(index)), rate, speed_rpm)
            yield Recording(**known, signal=signal, sampling_rate_hz=rate)

    def _fit_scalers(self, recordings: Recordings, sides: "pd.DataFrame") -> dict[str, dict[str, dict[str, float]]]:
        meta, fitted = recordings.meta, {}
        for fold, of_fold in sides.groupby("fold"):
            training = set(of_fold.loc[of_fold["side"] == "train", "motor"])
            healthy = meta[meta["motor"].isin(training) & (meta["label"] == self.normal)]
            fitted[str(fold)] = {
                domain: scaler.to_dict()
                for domain, scaling in self.scaling.items()
                for scaler in scaling.fit(
                    (domain, recordings.signal(i)) for i in healthy.index[healthy["domain"] == domain]
                ).values()
            }
        return fitted


@dataclass(frozen=True)
class Prepared:
    """A built `Prepare`, opened: what later stages read of one fold."""

    recordings: Recordings
    sides: "pd.DataFrame"
    scalers: dict[str, dict[str, Scaler]]
    scaling: dict[str, Scaling]

    @classmethod
    def open(cls, folder: Path, stage: Prepare) -> "Prepared":
        import pandas as pd

        stored = json.loads((folder / "scalers.json").read_text(encoding="utf-8"))
        scalers = {
            fold: {domain: Scaler.from_dict(values) for domain, values in of_fold.items()}
            for fold, of_fold in stored.items()
        }
        sides = pd.read_csv(folder / "split.csv", dtype=str, keep_default_na=False)
        return cls(open_recordings(folder), sides, scalers, stage.scaling)

    def meta(self, fold: str, domains: tuple[str, ...]) -> "pd.DataFrame":
        """Return the recordings of some domains, with the column `side` that a fold gives them."""
        meta = self.recordings.meta.drop(columns="fold", errors="ignore")
        of_fold = self.sides[self.sides["fold"] == fold].set_index("motor")["side"]
        meta = meta.assign(side=meta["motor"].map(of_fold))
        return meta[meta["domain"].isin(domains)]

    def series(self, meta: "pd.DataFrame", fold: str) -> tuple[Series, ...]:
        """Return the rows of `meta` as series to cut windows from, each with its scaler."""
        return tuple(
            Series(
                index=int(index),
                item=row["item"],
                domain=row["domain"],
                label=row["label"],
                sampling_rate_hz=row["sampling_rate_hz"],
                scaler=self._scaler(int(index), row["item"], row["domain"], fold),
            )
            for index, row in meta.iterrows()
        )

    def _scaler(self, index: int, item: str, domain: str, fold: str) -> Scaler:
        return self.scaling[domain].scaler(self.scalers[fold], item, domain, self.recordings.signal(index))


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
