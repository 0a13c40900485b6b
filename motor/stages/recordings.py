"""Stage `recordings`: from files of any documented format to one table of recordings."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from grid.stage import Context, Stage
from grid.store.store import write_json
from motor.recordings.checks import check_dataset
from motor.recordings.readers.base import Reader
from motor.recordings.recording import Recording
from motor.recordings.table import open_recordings, write_recordings
from motor.recordings.validation import Validation
from motor.stages.faults import input_faults

SUMMARY, REPORT = "summary.json", "data-report.json"


@dataclass(frozen=True)
class ImportRecordings(Stage):
    """Read a data set once; its content's digest, not its path, decides the key."""

    KIND: ClassVar[str] = "recordings"
    VERSION: ClassVar[int] = 2

    reader: Reader
    content_digest: str

    def label(self) -> str:
        return self.reader.kind

    def build(self, folder: Path, context: Context) -> None:
        """Write ``recordings.arrow``, ``summary.json`` (counts, skipped series) and ``data-report.json`` (findings)."""
        skipped: list[dict[str, str]] = []
        validation = Validation()
        with input_faults():
            write_recordings(validation.watch(_counted(self.reader.read(skipped), context)), folder)
            check_dataset(open_recordings(folder).meta, self.reader.classes, self.reader.domains)
        write_json(folder / SUMMARY, {**validation.summary(), "skipped": skipped})
        write_json(folder / REPORT, validation.report())


def _counted(recordings: Iterable[Recording], context: Context) -> Iterator[Recording]:
    """Yield the recordings, and say now and then how many there were."""
    for number, recording in enumerate(recordings, 1):
        context.report(recordings=number)
        yield recording
