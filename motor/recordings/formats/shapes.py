"""What the formats of signal files share: which array is a signal, which variable is meant, and their errors."""

from pathlib import Path

import numpy as np

from motor.recordings.formats.choosing import Line
from motor.recordings.recording import NEXT_STEP, SeriesError


def row_of(values: np.ndarray, place: str) -> np.ndarray:
    """Return the samples of an array of shape (n,), (n, 1) or (1, n)."""
    if values.ndim == 1:
        return values
    if values.ndim == 2 and 1 in values.shape:
        return values.reshape(-1)
    raise SeriesError(f"{place}: shape {values.shape}; allowed: (n,), (n, 1), (1, n); store one signal a file")


def only_row(shape: tuple[int, ...], name: str, place: str) -> Line | None:
    """Return the line of a matrix with one row or column alone, None for what is a row already.

    Raises
    ------
    SeriesError
        If it has several, or is no matrix.
    """
    if len(shape) == 1:
        return None
    if len(shape) == 2 and 1 in shape:
        return Line(1, 1) if shape[1] == 1 else Line(0, 1)
    if len(shape) == 2:
        raise SeriesError(
            f"{place}: shape {shape}, a signal is one row or column; set variable to one of them, such as "
            f"{name}(:,2) or {name}(2,:), or name several in channels"
        )
    raise SeriesError(f"{place}: shape {shape}; allowed: (n,), (n, 1), (1, n); store one signal a file")


def check_length(n_samples: int, most: int, place: str) -> None:
    """Raise if a file declares more samples than allowed; nothing of them is read for it."""
    if n_samples > most:
        raise SeriesError(
            f"{place}: {n_samples} samples by its head; allowed: {most}; cut the recording, or raise max_samples"
        )


def unreadable(path: Path, error: Exception) -> SeriesError:
    """Return the error of a file that its own library cannot read."""
    reason = " ".join(str(error).split()) or type(error).__name__
    return SeriesError(f"{path}: cannot be read as {path.suffix}, damaged or cut off ({reason[:300]}); {NEXT_STEP}")
