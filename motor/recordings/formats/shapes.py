"""What the formats of signal files share: which array is a signal, which variable is meant, and their errors."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from motor.recordings.names import shown
from motor.recordings.recording import NEXT_STEP, SeriesError

NAMED = 20  # of the names in a message


def row_of(values: np.ndarray, place: str) -> np.ndarray:
    """Return the samples of an array of shape (n,), (n, 1) or (1, n)."""
    if values.ndim == 1:
        return values
    if values.ndim == 2 and 1 in values.shape:
        return values.reshape(-1)
    raise SeriesError(f"{place}: shape {values.shape}; allowed: (n,), (n, 1), (1, n); store one signal a file")


def chosen(names: Sequence[str], variable: str | None, what: str) -> str:
    """Return the named one of `names`, the one that a pattern matches, or the only one."""
    if variable is None and len(names) == 1:
        return names[0]
    if variable is not None and names.count(variable) == 1:
        return variable
    # A pattern, for names that differ from file to file (X097_DE_time, X098_DE_time, ...).
    matched = [name for name in names if variable is not None and fnmatchcase(name, variable)]
    if len(matched) == 1:
        return matched[0]
    given = "not set" if variable is None else shown(variable)
    there = ", ".join(map(str, names[:NAMED])) + (", ..." if len(names) > NAMED else "")
    step = "set variable to one of them"
    if len(matched) > 1:
        step = (
            f"it matches {', '.join(matched[:NAMED])}: narrow it, take this file out, or list the files in a manifest "
            "with a column variable"
        )
    raise SeriesError(f"{what} {given}, the file has {there or 'none'}; {step}")


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
