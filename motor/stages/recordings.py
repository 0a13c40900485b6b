"""Stage `recordings`: from files of any documented format to one table of recordings."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from grid.stage import Context, Stage
from grid.store import write_json
from motor.recordings.checks import check_dataset
from motor.recordings.readers.base import Reader
from motor.recordings.table import open_recordings, write_recordings
from motor.stages.faults import input_faults


@dataclass(frozen=True)
class ImportRecordings(Stage):
    """Read a data set once; its content's digest, not its path, decides the key."""

    KIND: ClassVar[str] = "recordings"

    reader: Reader
    content_digest: str

    def label(self) -> str:
        return self.reader.kind

    def build(self, folder: Path, context: Context) -> None:
        """Write ``recordings.arrow`` and ``summary.json`` (counts, and the series that were skipped)."""
        skipped: list[dict[str, str]] = []
        with input_faults():
            summary = write_recordings(self.reader.read(skipped), folder)
            check_dataset(open_recordings(folder).meta, self.reader.classes, self.reader.domains)
        write_json(folder / "summary.json", {**summary, "skipped": skipped})
