"""The layouts that a store of recordings could have: written, read whole, and cut from, all on one thread."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow
import pyarrow.parquet

from motor.recordings.recording import Recording
from motor.recordings.table import Recordings, open_recordings, write_recordings

CROP, SECONDS = 5120, 2.0
Crop = Callable[[int, int], np.ndarray]


class Layout(Protocol):
    """One way to keep recordings in a folder."""

    name: str

    def write(self, recordings: Recordings, folder: Path) -> None:
        """Write all signals."""

    def signals(self, folder: Path) -> Iterator[np.ndarray]:
        """Yield all signals in order."""

    def open(self, folder: Path) -> Crop:
        """Return a function that cuts `CROP` samples out of signal i from a start."""


class Parquet:
    """One row and one row group a series, which is what favours crops; uncompressed, for noise does not compress."""

    def __init__(self, name: str, kind: Callable[[int], Any]) -> None:
        self.name, self.kind = f"Parquet, {name}", kind

    def write(self, recordings: Recordings, folder: Path) -> None:
        schema = pyarrow.schema([("signal", self.kind(len(recordings.signal(0))))])
        options: dict[str, Any] = {"compression": "none", "use_dictionary": False, "write_statistics": False}
        with pyarrow.parquet.ParquetWriter(folder / "x.parquet", schema, **options) as writer:
            for i in range(len(recordings)):
                signal = recordings.signal(i)
                if pyarrow.types.is_fixed_size_list(schema.field(0).type):
                    cells = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(signal), len(signal))
                else:
                    cells = pyarrow.array([signal.tobytes()], schema.field(0).type)
                writer.write_table(pyarrow.table([cells], schema=schema))

    def signals(self, folder: Path) -> Iterator[np.ndarray]:
        with pyarrow.parquet.ParquetFile(folder / "x.parquet") as file:
            for group in range(file.num_row_groups):
                yield self._signal(file, group)

    def open(self, folder: Path) -> Crop:
        file = pyarrow.parquet.ParquetFile(folder / "x.parquet")
        return lambda i, start: self._signal(file, i)[start : start + CROP]

    def _signal(self, file: "pyarrow.parquet.ParquetFile", group: int) -> np.ndarray:
        column = file.read_row_group(group, use_threads=False)["signal"].chunk(0)
        if pyarrow.types.is_fixed_size_list(column.type):
            return column.flatten().to_numpy()
        return np.frombuffer(column[0].as_buffer(), np.float32)


class ArrowZstd:
    """Arrow IPC, one batch a series, compressed."""

    name = "Arrow IPC, zstd"

    def write(self, recordings: Recordings, folder: Path) -> None:
        schema = pyarrow.schema([("signal", pyarrow.float32())])
        options = pyarrow.ipc.IpcWriteOptions(compression="zstd", use_threads=False)
        with pyarrow.ipc.new_file(folder / "x.arrow", schema, options=options) as writer:
            for i in range(len(recordings)):
                writer.write_batch(pyarrow.record_batch([recordings.signal(i)], schema=schema))

    def signals(self, folder: Path) -> Iterator[np.ndarray]:
        file = self._file(folder)
        return (file.get_batch(k)["signal"].to_numpy() for k in range(file.num_record_batches))

    def open(self, folder: Path) -> Crop:
        file = self._file(folder)
        return lambda i, start: file.get_batch(i)["signal"].to_numpy()[start : start + CROP]

    def _file(self, folder: Path) -> Any:
        options = pyarrow.ipc.IpcReadOptions(use_threads=False)
        return pyarrow.ipc.open_file(pyarrow.memory_map(str(folder / "x.arrow")), options=options)


class Npy:
    """One `.npy` array, memory-mapped: series of one length only, and what is known of them elsewhere."""

    name = ".npy, memory-mapped"

    def write(self, recordings: Recordings, folder: Path) -> None:
        shape = (len(recordings), len(recordings.signal(0)))
        array = np.lib.format.open_memmap(folder / "x.npy", "w+", np.float32, shape)
        for i in range(len(recordings)):
            array[i] = recordings.signal(i)
        array.flush()

    def signals(self, folder: Path) -> Iterator[np.ndarray]:
        return iter(np.load(folder / "x.npy", mmap_mode="r"))

    def open(self, folder: Path) -> Crop:
        array = np.load(folder / "x.npy", mmap_mode="r")
        return lambda i, start: array[i, start : start + CROP]


class Store:
    """What the import writes: Arrow IPC, uncompressed, series of any length beside what is known of them."""

    name = "Arrow IPC, memory-mapped (the store)"

    def write(self, recordings: Recordings, folder: Path) -> None:
        items = recordings.meta["item"]
        write_recordings(
            (Recording(item, "m", "d", "l", 1.0, recordings.signal(i)) for i, item in enumerate(items)), folder
        )

    def signals(self, folder: Path) -> Iterator[np.ndarray]:
        recordings = open_recordings(folder)
        return (recordings.signal(i) for i in range(len(recordings)))

    def open(self, folder: Path) -> Crop:
        recordings = open_recordings(folder)
        return lambda i, start: recordings.signal(i)[start : start + CROP]


LAYOUTS: tuple[Layout, ...] = (
    Parquet("fixed-size list", lambda n: pyarrow.list_(pyarrow.float32(), n)),
    Parquet("large binary", lambda n: pyarrow.large_binary()),
    Parquet("fixed-size binary", lambda n: pyarrow.binary(4 * n)),
    ArrowZstd(),
    Npy(),
    Store(),
)


@dataclass(frozen=True)
class LayoutRow:
    """What one layout gave."""

    name: str
    size_mb: float
    write_mb_s: float
    read_mb_s: float
    crops_s: float


def measure_layout(layout: Layout, store: Path, folder: Path) -> LayoutRow:
    """Write the recordings of a store in a layout, read them, and cut from them; what was written is removed."""
    recordings = open_recordings(store)
    signal_mb = 4 * recordings.n_samples.sum() / 1e6
    there = Path(tempfile.mkdtemp(dir=folder))
    try:
        began = time.perf_counter()
        layout.write(recordings, there)
        written = time.perf_counter()
        total = sum(float(signal.sum(dtype=np.float32)) for signal in layout.signals(there))
        read = time.perf_counter()
        assert np.isfinite(total)
        size_mb = sum(file.stat().st_size for file in there.iterdir()) / 1e6
        crops = _crops_a_second(layout.open(there), recordings)
        return LayoutRow(layout.name, size_mb, signal_mb / (written - began), signal_mb / (read - written), crops)
    finally:
        shutil.rmtree(there)


def _crops_a_second(crop: Crop, recordings: Recordings) -> float:
    """Cut at random for a while; each crop is summed, so that it is read."""
    random = np.random.default_rng(0)
    which = random.integers(len(recordings), size=100_000)
    starts = (random.random(100_000) * (recordings.n_samples[which] - CROP)).astype(int)
    began, number = time.perf_counter(), 0
    while time.perf_counter() - began < SECONDS:
        crop(int(which[number]), int(starts[number])).sum()
        number = (number + 1) % 100_000
    return number / (time.perf_counter() - began)
