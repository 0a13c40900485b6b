"""Write TensorBoard's files: curves of a fine-tune, live while it trains and whole once it stands; rows of cells."""

import socket
import time
from collections.abc import Iterable, Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from motor.lazy import Lazy, tensorboard

hparams, event_pb2 = Lazy("tensorboard.plugins.hparams"), Lazy("tensorboard.compat.proto.event_pb2")

CURVES = "tensorboard"  # a folder of this name, in a fine-tune's work folder and then in its own
FLUSH_INTERVAL_S = 2  # what a kill may lose
PREFIX = "finetune/"
VERSION = "brain.Event:2"  # of the format of files of events
NOT_A_CURVE = ("step", "of")


class LiveCurves:
    """Writes rows of a training history as they come.

    A fine-tune that is taken up again tells steps that TensorBoard has seen already: what it has from the first of
    them on is purged, so that no point stands twice.

    Parameters
    ----------
    folder : Path
        Where to; files of an earlier run stay there.
    first_step : int, optional
        From which on earlier points are purged; by default the step of the first row.
    """

    def __init__(self, folder: Path, first_step: int | None = None) -> None:
        self.folder = folder
        self._first_step = first_step
        self._events: _Events | None = None

    def add(self, row: Mapping[str, float]) -> None:
        """Write one row, say ``{"step": 20, "loss": 0.4}``."""
        if self._events is None:
            self._events = self._open(int(row["step"]) if self._first_step is None else self._first_step)
        _write(self._events, row)

    def close(self) -> None:
        """Flush what is left; without a row nothing is written."""
        if self._events is not None:
            self._events.close()

    def __enter__(self) -> "LiveCurves":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(OSError) if error else nullcontext():  # the first fault is the one to be reported
            self.close()

    def _open(self, first_step: int) -> "_Events":
        earlier = len(list(self.folder.glob("events.*")))
        suffix = f".{earlier:04d}"  # else two that begin in one second would be one file
        return _Events(self.folder, first_step if earlier else None, suffix)


def write_curves(folder: Path, history: Iterable[Mapping[str, float]]) -> None:
    """Write a whole history as TensorBoard scalars."""
    with _Events(folder) as events:
        for row in history:
            _write(events, row)


def write_cell(folder: Path, axes: Mapping[str, Any], figures: Mapping[str, float]) -> None:
    """Write a cell's row of TensorBoard's HParams table, and its figures as scalars.

    The summary of the whole experiment is left out: TensorBoard would take any one cell's for the columns of all, and
    an axis that means nothing for that cell would be missing. Without one it takes the columns of all rows.

    Parameters
    ----------
    folder : Path
        Where to.
    axes : mapping
        Where the cell stands on each axis; None is left out.
    figures : mapping of str to float
        Columns to sort by, under the names that they are to have.
    """
    api_pb2, metadata, plugin_data_pb2 = hparams.api_pb2, hparams.metadata, hparams.plugin_data_pb2
    start = plugin_data_pb2.SessionStartInfo(start_time_secs=time.time())
    for axis, value in axes.items():
        if value is not None:
            _set(start.hparams[axis], value)
    end = plugin_data_pb2.SessionEndInfo(status=api_pb2.STATUS_SUCCESS, end_time_secs=time.time())
    session = {
        metadata.SESSION_START_INFO_TAG: plugin_data_pb2.HParamsPluginData(session_start_info=start),
        metadata.SESSION_END_INFO_TAG: plugin_data_pb2.HParamsPluginData(session_end_info=end),
    }
    with _Events(folder) as events:
        for tag, info in session.items():
            described = metadata.create_summary_metadata(info)
            events.add({"tag": tag, "metadata": described, "tensor": metadata.NULL_TENSOR})
        for name, value in figures.items():
            events.add({"tag": name, "simple_value": value}, 0)


def _set(hparam: Any, value: Any) -> None:
    """Give a column of the HParams table its value, as what TensorBoard can sort by."""
    if isinstance(value, bool):
        hparam.bool_value = value
    elif isinstance(value, int | float):
        hparam.number_value = value
    else:
        hparam.string_value = str(value)


class _Events:
    """A file of TensorBoard's events, written where they are added, by TensorBoard's own parts.

    The writers that libraries have (tensorboardX, torch) bring torch along, which costs each process seconds, and a
    thread with a queue: on a full disk the thread ends without a word, and the queue then takes ten events and blocks
    for ever. This one raises OSError.

    Parameters
    ----------
    folder : Path
        Where to.
    purge_step : int, optional
        From which on what stands in earlier files is not shown.
    suffix : str
        Of the file's name.
    """

    def __init__(self, folder: Path, purge_step: int | None = None, suffix: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}{suffix}"
        self._file = file.open("ab")
        self._records = tensorboard.summary.writer.record_writer.RecordWriter(self._file)
        self._flushed_at = 0.0
        self._write(file_version=VERSION)
        if purge_step is not None:
            self._write(step=purge_step, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START))

    def add(self, value: Mapping[str, Any], step: int | None = None) -> None:
        """Write one value of a summary, by the fields of TensorBoard's protocol."""
        self._write(summary={"value": [value]}, step=step)
        if time.monotonic() - self._flushed_at > FLUSH_INTERVAL_S:
            self._flushed_at = time.monotonic()
            self._file.flush()

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> "_Events":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, **fields: Any) -> None:
        self._records.write(event_pb2.Event(wall_time=time.time(), **fields).SerializeToString())


def _write(events: _Events, row: Mapping[str, float]) -> None:
    for name, value in row.items():
        if name not in NOT_A_CURVE:
            events.add({"tag": PREFIX + name, "simple_value": value}, int(row["step"]))
