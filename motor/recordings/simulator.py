"""Write a simulated data set to disk, as the plant's own would lie there: the command behind every trial at full size.

    python -m motor.recordings.simulator FOLDER [--format long_csv tree parquet] [--series 1868] [--workers 2]

One simulated motor after the other is written, so memory does not grow with the data set. Each format is read back by
the reader of its name; the command ends with the config's block for it.
"""

import argparse
import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from motor.lazy import pyarrow
from motor.recordings.ordered import ordered_map
from motor.recordings.readers.simulator import Simulator
from motor.recordings.recording import Recording

SEEDS_SERIES = 1868  # of the data that the seeds describe
PATTERN = r"(?P<moment>(?P<motor>motor_\d+)-\d+)"
ROW_GROUP = 64  # recordings of one second at 65536 Hz: 16 MB


class Writer(Protocol):
    """One data set on disk in one format."""

    def write(self, recording: Recording, rows: bytes) -> None:
        """Add a recording; `rows` is its text for a long table."""

    def close(self) -> None:
        """Write what is left."""

    def block(self) -> str:
        """Return the lines of a config's dataset that differ between formats."""


class LongCsvWriter:
    """`long.csv`: one row a sample, as the seeds' `processed_motor_data.csv`."""

    def __init__(self, folder: Path) -> None:
        self.path = _free(folder / "long.csv")
        self._file = self.path.open("wb")
        self._file.write(b"item_id,timestamp,target,label\n")

    def write(self, recording: Recording, rows: bytes) -> None:
        self._file.write(rows)

    def close(self) -> None:
        self._file.close()

    def block(self) -> str:
        return f"kind: long_csv\npath: {self.path}\npattern: {PATTERN}-(?P<domain>\\w+)$"


class TreeWriter:
    """`tree/<domain>/<label>/<motor>-<recording>.npy`, float32."""

    def __init__(self, folder: Path) -> None:
        self.path = _free(folder / "tree")

    def write(self, recording: Recording, rows: bytes) -> None:
        file = self.path / recording.domain / str(recording.label) / f"{recording.moment}.npy"
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, recording.signal)

    def close(self) -> None:
        pass

    def block(self) -> str:
        return f"kind: tree\npath: {self.path}\npattern: {PATTERN}\\.npy$"


class ParquetWriter:
    """`recordings.parquet`: one row a recording with all of its fields, signals as binary float32."""

    FIELDS = ("item", "motor", "domain", "label", "moment", "speed_rpm", "sampling_rate_hz")

    def __init__(self, folder: Path) -> None:
        self.path = _free(folder / "recordings.parquet")
        text, number = pyarrow.string(), pyarrow.float64()
        types = [number if name in ("speed_rpm", "sampling_rate_hz") else text for name in self.FIELDS]
        self._schema = pyarrow.schema([*zip(self.FIELDS, types, strict=True), ("signal", pyarrow.large_binary())])
        # Noise does not compress: zstd takes 6 to 8 times the time for 8 % of the size.
        options: dict[str, Any] = {"compression": "none", "use_dictionary": False}
        self._file = pyarrow.parquet.ParquetWriter(self.path, self._schema, **options)
        self._rows: list[dict[str, Any]] = []

    def write(self, recording: Recording, rows: bytes) -> None:
        row = {name: getattr(recording, name) for name in self.FIELDS}
        self._rows.append({**row, "signal": recording.signal.astype("<f4").tobytes()})
        if len(self._rows) == ROW_GROUP:
            self._flush()

    def close(self) -> None:
        if self._rows:
            self._flush()
        self._file.close()

    def block(self) -> str:
        return f"kind: parquet\npath: {self.path}"

    def _flush(self) -> None:
        self._file.write_table(pyarrow.Table.from_pylist(self._rows, schema=self._schema))
        self._rows = []


def _free(path: Path) -> Path:
    """Return a path at which nothing is: a mixture of two data sets would be taken for one."""
    if path.exists():
        raise FileExistsError(f"{path} is there already; delete it, or give another folder")
    return path


WRITERS: dict[str, Callable[[Path], Writer]] = {
    "long_csv": LongCsvWriter,
    "tree": TreeWriter,
    "parquet": ParquetWriter,
}


def write_plant(plant: Simulator, n_series: int, folder: Path, formats: Sequence[str], n_workers: int) -> list[Writer]:
    """Write the first series of a simulated plant in some formats, and return the closed writers.

    Parameters
    ----------
    plant : Simulator
    n_series : int
        At most those that the plant has.
    folder : Path
        Existing or not.
    formats : sequence of str
        Out of `WRITERS`.
    n_workers : int
        Processes that simulate. The files are the same for any number.

    Raises
    ------
    FileExistsError
        If something stands where a file or tree is to be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    writers = [WRITERS[name](folder) for name in formats]
    task = partial(_of_motor, plant, "long_csv" in formats)
    with ProcessPoolExecutor(n_workers, mp_context=get_context("spawn")) as executor:
        motors = ordered_map(task, range(plant.n_motors()), executor, 2 * n_workers)
        for recording, rows in islice(chain.from_iterable(motors), n_series):
            for writer in writers:
                writer.write(recording, rows)
    for writer in writers:
        writer.close()
    return writers


def _of_motor(plant: Simulator, with_rows: bool, motor: int) -> list[tuple[Recording, bytes]]:
    """Return one motor's recordings, and the text of each for a long table."""
    recordings = plant.checked(plant.sources_of(motor))
    return [(recording, _rows(recording) if with_rows else b"") for recording in recordings]


def _rows(recording: Recording) -> bytes:
    """Return `item_id,timestamp,target,label`, a line a sample; timestamps in seconds, as they come from a recorder."""
    n_samples = len(recording.signal)
    columns = {
        "item_id": pyarrow.repeat(recording.item, n_samples),
        "timestamp": _timestamps(n_samples, recording.sampling_rate_hz),
        "target": pyarrow.array(recording.signal),
        "label": pyarrow.repeat(recording.label, n_samples),
    }
    text = pyarrow.BufferOutputStream()
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")
    pyarrow.csv.write_csv(pyarrow.table(columns), text, options)
    return bytes(text.getvalue())


@cache
def _timestamps(n_samples: int, sampling_rate_hz: float) -> "pyarrow.Array":
    """Return seconds from the start with nine decimals, as text."""
    return pyarrow.array([f"{k / sampling_rate_hz:.9f}" for k in range(n_samples)])


def main(argv: Sequence[str] | None = None) -> None:
    """Write what the command line asks for, and print how to read it."""
    arguments = _parse(argv)
    series_per_motor = 2 * arguments.recordings_per_motor
    plant = Simulator(
        motors_per_class=math.ceil(arguments.series / (3 * series_per_motor)),
        recordings_per_motor=arguments.recordings_per_motor,
        n_samples=arguments.n_samples,
        sampling_rate_hz=arguments.sampling_rate_hz,
        difficulty=arguments.difficulty,
        seed=arguments.seed,
    )
    for writer in write_plant(
        plant, arguments.series, arguments.folder.absolute(), arguments.format, arguments.workers
    ):
        print(_config(writer, plant))


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--format", nargs="+", choices=list(WRITERS), default=["long_csv"])
    parser.add_argument("--series", type=int, default=SEEDS_SERIES, help=f"recordings (default: {SEEDS_SERIES})")
    parser.add_argument("--recordings-per-motor", type=int, default=4, help="moments; each gives one a sensor")
    parser.add_argument("--n-samples", type=int, default=65536)
    parser.add_argument("--sampling-rate-hz", type=float, default=65536.0)
    parser.add_argument("--difficulty", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)")
    return parser.parse_args(argv)


def _config(writer: Writer, plant: Simulator) -> str:
    """Return the block `dataset` of a config that reads the data set back."""
    names = [f"domains: [{', '.join(plant.domains)}]", f"classes: [{', '.join(plant.classes)}]"]
    lines = [*writer.block().split("\n"), f"sampling_rate_hz: {plant.sampling_rate_hz:g}", *names]
    return "\n".join(["dataset:", *(f"  {line}" for line in lines)])


if __name__ == "__main__":
    main()
