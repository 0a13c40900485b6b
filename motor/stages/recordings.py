"""Stage `recordings`: from files of any documented format to one table of recordings."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from grid.canonical import digest
from grid.stage import Context, Stage, when_set
from grid.store.store import write_json
from motor.recordings.checks import check_dataset
from motor.recordings.readers.base import Reader
from motor.recordings.recording import DataError, Recording
from motor.recordings.table import open_recordings, write_recordings
from motor.recordings.validation import Validation
from motor.stages.faults import input_faults

SUMMARY, REPORT = "summary.json", "data-report.json"
SHOWN = 5  # skipped series in an error


@dataclass(frozen=True)
class ImportRecordings(Stage):
    """Read a data set once; its content's digest, not its path, decides the key."""

    KIND: ClassVar[str] = "recordings"
    VERSION: ClassVar[int] = 3
    IS_COMMON: ClassVar[bool] = True
    READ: ClassVar[tuple[str, ...] | None] = None

    reader: Reader
    content_digest: str
    is_later: bool = when_set(default=False)  # a delivery that came later: it need not have every class and sensor

    @property
    def parts(self) -> "tuple[ImportRecordings, ...]":
        """The imports that it is made of: itself, or a delivery each."""
        return (self,)

    def first(self, count: int) -> "ImportRecordings":
        """Return the recordings of so many deliveries, the oldest."""
        return self

    def label(self) -> str:
        return self.reader.kind

    def build(self, folder: Path, context: Context) -> None:
        """Write ``recordings.arrow``, ``summary.json`` (counts, skipped series) and ``data-report.json`` (findings)."""
        skipped: list[dict[str, str]] = []
        validation = Validation()
        with input_faults(), _skipped_named(skipped):
            has_tacho = getattr(self.reader, "tacho", None) is not None
            write_recordings(validation.watch(_counted(self.reader.read(skipped), context)), folder, has_tacho)
            come_later = self.reader.labels_file is not None or self.reader.life is not None
            classes = () if come_later else self.reader.classes
            meta = open_recordings(folder).meta
            domains = [name for name in self.reader.domains if not self.is_later or name in set(meta["domain"])]
            check_dataset(meta, () if self.is_later else classes, domains)
        write_json(folder / SUMMARY, {**validation.summary(), "skipped": skipped})
        write_json(folder / REPORT, validation.report())


@dataclass(frozen=True)
class Deliveries(ImportRecordings):
    """Recordings that came one delivery after another, each imported by itself, as one table.

    A new one changes no key of what was made of those before it.
    """

    KIND: ClassVar[str] = "deliveries"
    VERSION: ClassVar[int] = 1

    deliveries: tuple[ImportRecordings, ...] = ()

    @classmethod
    def of(cls, deliveries: Sequence[ImportRecordings]) -> ImportRecordings:
        """Return the table of some deliveries; of one, its import."""
        if len(deliveries) == 1:
            return deliveries[0]
        together = digest([one.content_digest for one in deliveries])
        return cls(deliveries[0].reader, together, deliveries=tuple(deliveries))

    @property
    def parts(self) -> tuple[ImportRecordings, ...]:
        return self.deliveries

    def first(self, count: int) -> ImportRecordings:
        return Deliveries.of(self.deliveries[:count])

    def build(self, folder: Path, context: Context) -> None:
        """Write what an import does, of all deliveries.

        Raises
        ------
        InputError
            If a recording came twice, or recordings contradict one another.
        """
        built = [context.folder(one) for one in self.deliveries]
        tables, validation = [open_recordings(one) for one in built], Validation()
        has_tacho = any(table.has_tacho for table in tables)
        every = (table.recording(place) for table in tables for place in range(len(table)))
        with input_faults():
            write_recordings(validation.watch(_counted(every, context)), folder, has_tacho)
            come_later = self.reader.labels_file is not None or self.reader.life is not None
            classes = () if come_later else self.reader.classes
            check_dataset(open_recordings(folder).meta, classes, self.reader.domains)
        skipped = [one for of in built for one in json.loads((of / SUMMARY).read_text(encoding="utf-8"))["skipped"]]
        write_json(folder / SUMMARY, {**validation.summary(), "skipped": skipped})
        write_json(folder / REPORT, validation.report())


@contextmanager
def _skipped_named(skipped: list[dict[str, str]]) -> Iterator[None]:
    """Say with a fault of the whole data set which series were skipped before, for it may come of that."""
    try:
        yield
    except DataError as error:
        if not skipped:
            raise
        reasons = "".join(f"\n- {bad['reason']}" for bad in skipped[:SHOWN])
        more = f"\n- and {len(skipped) - SHOWN} more" if len(skipped) > SHOWN else ""
        raise DataError(f"{error}\n{len(skipped)} series were skipped (on_bad_series):{reasons}{more}") from error


def _counted(recordings: Iterable[Recording], context: Context) -> Iterator[Recording]:
    """Yield the recordings, and say now and then how many there were."""
    for number, recording in enumerate(recordings, 1):
        context.report(recordings=number)
        yield recording
        del recording
