"""The dataset as one file, memory-mapped: what every later step reads."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from motor.recordings.recording import DataError, Recording

if TYPE_CHECKING:
    import pandas
    import pyarrow

FILE_NAME = "recordings.arrow"
BATCH_BYTES = 64 * 10**6
# Arrow's lists are addressed with 32 bits.
MOST_SAMPLES = 2**31 - 1


def write_recordings(recordings: Iterable[Recording], folder: Path) -> dict[str, Any]:
    """Write recordings to ``recordings.arrow`` in a folder, as a stream.

    The file is Arrow IPC, uncompressed, in record batches of at most 64 MB (a longer recording is a batch of its
    own), so that a signal can be used where it lies in the memory map.

    Parameters
    ----------
    recordings : iterable of Recording
        In the order that the table gets.
    folder : Path
        Existing or not; a failure leaves no table in it.

    Returns
    -------
    dict
        `n_recordings`, `n_motors`, `n_samples`; recordings by `domain`, by `label` and by `domain_label`; motors by
        `domain_label`; the recordings of each sampling rate (Hz) and of each length (samples), as text.

    Raises
    ------
    DataError
        If an item comes twice, has more samples than a list can hold, or if there is no recording at all.
    """
    import pyarrow

    folder.mkdir(parents=True, exist_ok=True)
    file, draft = folder / FILE_NAME, folder / f"{FILE_NAME}.draft"
    summary = _Summary()
    try:
        with pyarrow.ipc.new_file(draft, _schema()) as writer:
            for batch in _batches(map(summary.count, recordings)):
                writer.write_batch(_record_batch(batch))
        if not summary.items:
            raise DataError(f"{file}: the dataset holds no recording; if all were skipped, see why each was")
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return summary.as_dict()


def open_recordings(folder: Path) -> "Recordings":
    """Open a folder that `write_recordings` filled; signals are read only where they are used."""
    return Recordings(folder)


class Recordings:
    """The recordings of a folder: a table of what is known of each, and signals in a memory map.

    It is pickled as the folder's path, and opens it again where it is unpickled.

    Attributes
    ----------
    folder : Path
    meta : pandas.DataFrame
        One row a recording: item, motor, domain, label, sampling_rate_hz, speed_rpm, moment, fold, n_samples;
        the index is the recording's position.
    """

    def __init__(self, folder: Path) -> None:
        import pyarrow

        self.folder = Path(folder)
        file = self.folder / FILE_NAME
        if not file.is_file():
            raise FileNotFoundError(f"{file}: there is no table of recordings; prepare the dataset first")
        table = pyarrow.ipc.open_file(pyarrow.memory_map(str(file))).read_all()
        self._signals = [_Chunk(chunk) for chunk in table["signal"].chunks]
        self._starts = np.cumsum([0, *(len(chunk) for chunk in self._signals)])
        self.meta: pandas.DataFrame = table.drop_columns("signal").to_pandas()
        self.meta["n_samples"] = np.concatenate([chunk.lengths() for chunk in self._signals])

    def __reduce__(self) -> "tuple[type[Recordings], tuple[Path]]":
        return Recordings, (self.folder,)

    def __len__(self) -> int:
        return len(self.meta)

    def signal(self, i: int) -> np.ndarray:
        """Return signal `i` as float32 (n_samples,), read-only: a view of the memory map.

        Raises
        ------
        IndexError
            If there is no recording `i`.
        """
        if not 0 <= i < len(self):
            raise IndexError(f"no recording {i} in {self.folder}; there are 0 to {len(self) - 1}")
        chunk = int(np.searchsorted(self._starts, i, side="right")) - 1
        return self._signals[chunk].signal(i - int(self._starts[chunk]))


class _Chunk:
    """The signals of one record batch, as one array and where each begins."""

    def __init__(self, chunk: "pyarrow.ListArray") -> None:
        self.offsets = chunk.offsets.to_numpy()
        self.values = chunk.values.to_numpy(zero_copy_only=True)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def lengths(self) -> np.ndarray:
        return np.diff(self.offsets).astype(np.int64)

    def signal(self, i: int) -> np.ndarray:
        return self.values[self.offsets[i] : self.offsets[i + 1]]


class _Summary:
    """Counts recordings while they pass."""

    def __init__(self) -> None:
        self.items: set[str] = set()
        self.n_samples = 0
        self.cells: Counter[tuple[str, str]] = Counter()
        self.motors: dict[tuple[str, str], set[str]] = {}
        self.rates: Counter[float] = Counter()
        self.lengths: Counter[int] = Counter()

    def count(self, recording: Recording) -> Recording:
        """Count a recording and hand it on; raise if its item was there already."""
        if recording.item in self.items:
            raise DataError(
                f"duplicate item {recording.item!r}, now of motor {recording.motor!r} in domain {recording.domain!r}; "
                "give each recording (and each series cut from one) a name of its own"
            )
        if len(recording.signal) > MOST_SAMPLES:
            raise DataError(
                f"item {recording.item!r} has {len(recording.signal)} samples; allowed: {MOST_SAMPLES}; "
                "set series_length, to cut it"
            )
        self.items.add(recording.item)
        self.n_samples += len(recording.signal)
        self.cells[recording.domain, recording.label] += 1
        self.motors.setdefault((recording.domain, recording.label), set()).add(recording.motor)
        self.rates[recording.sampling_rate_hz] += 1
        self.lengths[len(recording.signal)] += 1
        return recording

    def as_dict(self) -> dict[str, Any]:
        """Return the counts, sorted, with text keys as JSON has them."""
        by_domain: Counter[str] = Counter()
        by_label: Counter[str] = Counter()
        for (domain, label), count in self.cells.items():
            by_domain[domain] += count
            by_label[label] += count
        return {
            "n_recordings": len(self.items),
            "n_motors": len(set().union(*self.motors.values())),
            "n_samples": self.n_samples,
            "recordings_by_domain": dict(sorted(by_domain.items())),
            "recordings_by_label": dict(sorted(by_label.items())),
            "recordings_by_domain_label": _nested(self.cells),
            "motors_by_domain_label": _nested({cell: len(motors) for cell, motors in self.motors.items()}),
            "recordings_by_sampling_rate_hz": {f"{rate:g}": count for rate, count in sorted(self.rates.items())},
            "recordings_by_n_samples": {str(length): count for length, count in sorted(self.lengths.items())},
        }


def _nested(cells: dict[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    """Return counts by domain and label as a dict of dicts."""
    nested: dict[str, dict[str, int]] = {}
    for (domain, label), count in sorted(cells.items()):
        nested.setdefault(domain, {})[label] = count
    return nested


def _schema() -> "pyarrow.Schema":
    import pyarrow

    text, number = pyarrow.string(), pyarrow.float64()
    needed = [pyarrow.field(name, text, nullable=False) for name in ("item", "motor", "domain", "label")]
    return pyarrow.schema(
        [
            *needed,
            pyarrow.field("sampling_rate_hz", number, nullable=False),
            pyarrow.field("speed_rpm", number),
            pyarrow.field("moment", text),
            pyarrow.field("fold", text),
            pyarrow.field("signal", pyarrow.list_(pyarrow.float32()), nullable=False),
        ]
    )


def _batches(recordings: Iterable[Recording]) -> Iterator[list[Recording]]:
    """Yield consecutive recordings of at most 64 MB together."""
    batch: list[Recording] = []
    size = 0
    for recording in recordings:
        if batch and size + recording.signal.nbytes > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(recording)
        size += recording.signal.nbytes
    if batch:
        yield batch


def _record_batch(batch: Sequence[Recording]) -> "pyarrow.RecordBatch":
    import pyarrow

    schema = _schema()
    offsets = np.cumsum([0, *(len(recording.signal) for recording in batch)], dtype=np.int32)
    values = pyarrow.array(np.concatenate([recording.signal for recording in batch]), pyarrow.float32())
    columns = [
        pyarrow.array([getattr(recording, name) for recording in batch], schema.field(name).type)
        for name in schema.names[:-1]
    ]
    signals = pyarrow.ListArray.from_arrays(pyarrow.array(offsets), values)
    return pyarrow.record_batch([*columns, signals], schema=schema)
