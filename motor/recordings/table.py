"""The dataset as one file, memory-mapped: what every later step reads."""

import errno
import mmap
import os
import shutil
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from motor.lazy import pandas, pyarrow
from motor.recordings.recording import DataError, Recording

FILE_NAME = "recordings.arrow"
TURNED = "turned"  # the column of a tachometer's pulses, where one was read
LABELS = "labels.csv"  # beside the table: labels that count more than its own
BATCH_BYTES = 64 * 10**6
# Arrow's lists are addressed with 32 bits.
MOST_SAMPLES = 2**31 - 1
# No space on the device, over the user's quota, over the process's limit of a file's size.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write_recordings(recordings: Iterable[Recording], folder: Path, has_tacho: bool = False) -> None:
    """Write recordings to ``recordings.arrow`` in a folder, as a stream.

    The file is Arrow IPC, uncompressed, in record batches of at most 64 MB (a longer recording is a batch of its
    own), so that a signal can be used where it lies in the memory map, and memory does not grow with the dataset.

    Parameters
    ----------
    recordings : iterable of Recording
        In the order that the table gets.
    folder : Path
        Existing or not; a failure leaves no table in it, and a killed process none under its final name.
    has_tacho : bool
        Whether a tachometer's pulses are kept beside the signals.

    Raises
    ------
    DataError
        If an item comes twice, has more samples than a list can hold, or if there is no recording at all.
    OSError
        If the disk is full; the message says what it holds and what to do.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file, draft = folder / FILE_NAME, folder / f"{FILE_NAME}.draft"
    items: set[str] = set()
    schema = _schema(has_tacho)
    try:
        with _naming_the_space(draft), pyarrow.ipc.new_file(draft, schema) as writer:
            for batch in _batches(_checked(recordings, items)):
                writer.write_batch(_record_batch(batch, schema))
        if not items:
            raise DataError(f"{file}: the dataset holds no recording; correct its path, or its files")
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def open_recordings(folder: Path) -> "Recordings":
    """Open a folder that `write_recordings` filled; signals are read only where they are used."""
    return Recordings(folder)


def labelled(meta: "pandas.DataFrame") -> "pandas.DataFrame":
    """Return the recordings whose class is known: what is split by class, judged and scored."""
    return meta[meta["label"].notna()]


def unlabelled(meta: "pandas.DataFrame") -> "pandas.DataFrame":
    """Return the recordings whose class nobody knows: some trainings may take them, nothing else."""
    return meta[meta["label"].isna()]


def read_labels(file: Path) -> dict[str, str | None]:
    """Return a table of labels (columns item and label), an empty one as None: nobody knows it."""
    table = pandas.read_csv(file, dtype=str, keep_default_na=False)
    return {item: label or None for item, label in zip(table["item"], table["label"], strict=True)}


def write_labels(labels: Mapping[str, str | None], file: Path) -> None:
    """Write what `read_labels` reads."""
    table = pandas.DataFrame({"item": list(labels), "label": [label or "" for label in labels.values()]}, dtype=str)
    table.to_csv(file, index=False)


def relabelled(meta: "pandas.DataFrame", labels: Mapping[str, str | None]) -> "pandas.DataFrame":
    """Return the recordings with other labels, by item; those that `labels` does not name keep theirs."""
    known = [labels.get(item, own) for item, own in zip(meta["item"], meta["label"], strict=True)]
    return meta.assign(label=np.array(known, dtype=object))


class Recordings:
    """The recordings of a folder: a table of what is known of each, and signals in a memory map.

    It is pickled as the folder's path, and opens it again where it is unpickled.

    Attributes
    ----------
    folder : Path
    meta : pandas.DataFrame
        One row a recording: item, motor, domain, label, sampling_rate_hz, speed_rpm, moment, fold, recorded_at
        (seconds since 1970 UTC), reference, n_samples; the index is the recording's position. A label is None (or
        NaN) where nobody knows it; see `labelled`. Those of ``labels.csv``, if it is there, count more.
    samples : ndarray of float32, shape (n_file,)
        The whole file, read-only: signal `i` is ``samples[begins[i] : begins[i] + n_samples[i]]``.
    begins, n_samples : ndarray of int64, shape (n_recordings,)
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        file = self.folder / FILE_NAME
        if not file.is_file():
            raise FileNotFoundError(
                f"{file}: there is no table of recordings (seen from {socket.gethostname()}); prepare the dataset "
                "first, and on a cluster give --storage a folder that every node sees"
            )
        with file.open("rb") as opened:
            whole = pyarrow.py_buffer(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))
        # From a buffer: of its own memory maps Arrow asks the system for every page at once, all signals included.
        self._table = pyarrow.ipc.open_file(pyarrow.BufferReader(whole)).read_all()
        self.samples, self.begins, self.n_samples = _places(whole, self._table["signal"].chunks)

    @cached_property
    def meta(self) -> "pandas.DataFrame":
        """Return what is known of each recording; nothing of the signals is read for it."""
        known = self._table.select([name for name in self._table.column_names if name not in ("signal", TURNED)])
        known = known.to_pandas().assign(n_samples=self.n_samples)
        labels = self.folder / LABELS
        return relabelled(known, read_labels(labels)) if labels.is_file() else known

    def __reduce__(self) -> "tuple[type[Recordings], tuple[Path]]":
        return Recordings, (self.folder,)

    def __len__(self) -> int:
        return len(self.begins)

    def signal(self, i: int) -> np.ndarray:
        """Return signal `i` as float32 (n_samples,), read-only: a view of the memory map.

        Raises
        ------
        IndexError
            If there is no recording `i`.
        """
        if not 0 <= i < len(self):
            raise IndexError(f"no recording {i} in {self.folder}; there are 0 to {len(self) - 1}")
        begin = self.begins[i]
        return self.samples[begin : begin + self.n_samples[i]]

    @property
    def has_tacho(self) -> bool:
        """Whether a tachometer was read beside the signals."""
        return TURNED in self._table.column_names

    def turned(self, i: int) -> np.ndarray | None:
        """Return the tachometer's pulses of recording `i` (see `Recording.turned`); None where none was read."""
        known = self._table[TURNED][i].as_py() if self.has_tacho else None
        return None if known is None else np.array(known, dtype=np.float64).reshape(2, -1)

    def recording(self, i: int) -> Recording:
        """Return recording `i`, with all that is known of it; see `signal`."""
        row = self.meta.iloc[i]
        names = (one.name for one in fields(Recording) if one.name not in ("signal", TURNED))
        known: dict[str, Any] = {name: None if pandas.isna(row[name]) else row[name] for name in names}
        return Recording(**known, signal=self.signal(i), turned=self.turned(i))


def _places(
    whole: "pyarrow.Buffer", signals: "Sequence[pyarrow.ListArray]"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a file as one float32 array, and where in it each signal begins and how long it is.

    Arrow aligns what it writes to 8 bytes at least, and a float32 has 4.
    """
    samples = np.frombuffer(whole, np.float32, count=whole.size // 4)
    begins, n_samples = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for chunk in signals:
        offsets = chunk.offsets.to_numpy().astype(np.int64)
        begins.append((chunk.values.buffers()[1].address - whole.address) // 4 + offsets[:-1])
        n_samples.append(np.diff(offsets))
    return samples, np.concatenate(begins), np.concatenate(n_samples)


def _checked(recordings: Iterable[Recording], items: set[str]) -> Iterator[Recording]:
    """Yield the recordings and note their items; raise if one cannot stand in the table."""
    for recording in recordings:
        if recording.item in items:
            raise DataError(
                f"duplicate item {recording.item!r}, now of motor {recording.motor!r} in domain {recording.domain!r}; "
                "give each recording (and each series cut from one) a name of its own"
            )
        if len(recording.signal) > MOST_SAMPLES:
            raise DataError(
                f"item {recording.item!r} has {len(recording.signal)} samples; allowed: {MOST_SAMPLES}; "
                "set series_length, to cut it"
            )
        items.add(recording.item)
        yield recording
        del recording


@contextmanager
def _naming_the_space(file: Path) -> Iterator[None]:
    """Say of a full disk what it holds, and what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        written_mb, free_mb = file.stat().st_size / 1e6, shutil.disk_usage(file.parent).free / 1e6
        raise OSError(
            error.errno,
            f"{os.strerror(error.errno)}: {file} had {written_mb:.0f} MB of recordings (4 bytes a sample), and "
            f"{free_mb:.0f} MB are free on that disk; nothing of this import is kept: make room, or give --storage a "
            "folder on another disk, and launch again",
        ) from error


def _schema(has_tacho: bool = False) -> "pyarrow.Schema":
    text, number = pyarrow.string(), pyarrow.float64()
    needed = [pyarrow.field(name, text, nullable=False) for name in ("item", "motor", "domain")]
    return pyarrow.schema(
        [
            *needed,
            pyarrow.field("label", text),
            pyarrow.field("sampling_rate_hz", number, nullable=False),
            pyarrow.field("speed_rpm", number),
            pyarrow.field("moment", text),
            pyarrow.field("fold", text),
            pyarrow.field("recorded_at", number),
            pyarrow.field("reference", pyarrow.bool_(), nullable=False),
            *([pyarrow.field(TURNED, pyarrow.list_(number))] if has_tacho else []),
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
        del recording
        if size >= BATCH_BYTES:  # written before the next one is read
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _record_batch(batch: Sequence[Recording], schema: "pyarrow.Schema") -> "pyarrow.RecordBatch":
    offsets = np.cumsum([0, *(len(recording.signal) for recording in batch)], dtype=np.int32)
    signals_of = [recording.signal for recording in batch]
    values = pyarrow.array(signals_of[0] if len(batch) == 1 else np.concatenate(signals_of), pyarrow.float32())
    columns = [
        pyarrow.array([_value(recording, name) for recording in batch], schema.field(name).type)
        for name in schema.names[:-1]
    ]
    signals = pyarrow.ListArray.from_arrays(pyarrow.array(offsets), values)
    return pyarrow.record_batch([*columns, signals], schema=schema)


def _value(recording: Recording, name: str) -> Any:
    """Return a field as its column holds it."""
    value = getattr(recording, name)
    return value.ravel() if isinstance(value, np.ndarray) else value
