"""What TensorBoard shows: curves of a fine-tune, live while it trains and whole once it stands, and rows of cells."""

import time
from collections.abc import Iterable, Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

WRITTEN_FOR = "2.6.5"  # tensorboardX, whose private parts `_Direct` and `write_cell` use; constraints.txt pins it
CURVES = "tensorboard"  # a folder of this name, in a fine-tune's work folder and then in its own
FLUSH_INTERVAL_S = 2  # what a kill may lose
PREFIX = "finetune/"
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
        self._writer: Any = None

    def add(self, row: Mapping[str, float]) -> None:
        """Write one row, say ``{"step": 20, "loss": 0.4}``."""
        if self._writer is None:
            self._writer = self._open(int(row["step"]) if self._first_step is None else self._first_step)
        _write(self._writer, row)

    def close(self) -> None:
        """Flush what is left; without a row nothing is written."""
        if self._writer is not None:
            self._writer.close()

    def __enter__(self) -> "LiveCurves":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(OSError) if error else nullcontext():  # the first fault is the one to be told
            self.close()

    def _open(self, first_step: int) -> Any:
        earlier = len(list(self.folder.glob("events.*")))
        suffix = f".{earlier:04d}"  # else two that begin in one second would be one file
        return _writer(self.folder, purge_step=first_step if earlier else None, filename_suffix=suffix)


def write_curves(folder: Path, history: Iterable[Mapping[str, float]]) -> None:
    """Write a whole history as TensorBoard scalars."""
    with _writer(folder) as writer:
        for row in history:
            _write(writer, row)


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
    from tensorboardX.summary import hparams

    with _writer(folder) as writer:
        _, *session = hparams({axis: value for axis, value in axes.items() if value is not None}, dict(figures))
        for summary in session:
            writer.file_writer.add_summary(summary)
        for name, value in figures.items():
            writer.add_scalar(name, value, 0)


class _Direct:
    """Writes events where they are added, in place of tensorboardX's own thread and queue.

    On a full disk that thread ends without a word, and the queue then takes ten events and blocks for ever.
    """

    def __init__(self, threaded: Any) -> None:
        self._file, self._folder = threaded._ev_writer, threaded.get_logdir()
        threaded._worker.stop()  # once it has written what was added already
        self._flushed_at = 0.0
        self._is_closed = False

    def get_logdir(self) -> str:
        return self._folder

    def add_event(self, event: Any) -> None:
        self._file.write_event(event)
        if time.monotonic() - self._flushed_at > FLUSH_INTERVAL_S:
            self.flush()

    def flush(self) -> None:
        self._flushed_at = time.monotonic()
        self._file.flush()

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._file.close()


def _writer(folder: Path, **settings: Any) -> Any:
    """Return a writer of TensorBoard's files; on a full disk it raises OSError."""
    from tensorboardX import SummaryWriter

    writer = SummaryWriter(str(folder), write_to_disk=True, **settings)
    assert writer.file_writer is not None
    writer.file_writer.event_writer = _Direct(writer.file_writer.event_writer)
    return writer


def _write(writer: Any, row: Mapping[str, float]) -> None:
    for name, value in row.items():
        if name not in NOT_A_CURVE:
            writer.add_scalar(PREFIX + name, value, int(row["step"]))
