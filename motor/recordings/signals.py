"""One signal out of one file: .csv, .npy, .wav, .mat."""

import math
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from motor.recordings.recording import NEXT_STEP, DataError, SeriesError


def read_signal(path: Path, variable: str | None = None) -> tuple[np.ndarray, float | None]:
    """Read the one signal that a file holds.

    Parameters
    ----------
    path : Path
        - ``.csv``: one column of numbers, with or without a header; or two columns of which the first, a time, only
          grows (it is not used further: set the rate). Separated by comma, semicolon, tab or blanks. Any other
          table needs a header and `variable`.
        - ``.npy``: numbers of shape (n,), (n, 1) or (1, n); integers are not scaled.
        - ``.wav``: one channel; integer PCM is scaled to [-1, 1].
        - ``.mat`` up to version 7: one variable, of shape (n, 1) or (1, n).
    variable : str, optional
        Name of the ``.mat`` variable or ``.csv`` column, for files with several, or a pattern (``*_DE_time``)
        that just one of them matches.

    Returns
    -------
    signal : ndarray of shape (n_samples,), float32
    sampling_rate_hz : float or None
        From the head of a ``.wav``; the other formats tell none.

    Raises
    ------
    SeriesError
        If the file is empty, cut off or unreadable, holds another shape, or a sample is text, NaN or infinite.
    DataError
        If the file is missing or its format is not among the four.
    """
    read = _FORMATS.get(path.suffix.lower())
    if read is None:
        raise DataError(f"{path}: unknown format {path.suffix!r}; allowed: {', '.join(_FORMATS)}; convert the file")
    if not path.is_file():
        raise DataError(f"{path}: there is no such file; put it there, or take it out of the dataset")
    if path.stat().st_size == 0:
        raise SeriesError(f"{path}: the file is empty (0 bytes); {NEXT_STEP}")
    values, sampling_rate_hz = read(path, variable)
    return finite_signal(values, str(path)), sampling_rate_hz


def finite_signal(values: np.ndarray, place: str) -> np.ndarray:
    """Return a signal as float32 (n_samples,).

    Raises
    ------
    SeriesError
        If it is not one-dimensional, not real numbers, or if a sample is NaN, infinite or beyond float32.
    """
    if values.ndim != 1 or values.dtype.kind not in "fiu":
        raise SeriesError(
            f"{place}: a signal is one row of real numbers, not {values.dtype} {values.shape}; {NEXT_STEP}"
        )
    with np.errstate(over="ignore"):
        signal = values.astype(np.float32, copy=False)
    finite = np.isfinite(signal)
    if not finite.all():
        first = int(np.argmin(finite))
        fault = "is" if not np.isfinite(values[first]) else "is beyond the range of float32:"
        raise SeriesError(f"{place}: sample {first} {fault} {values[first]}; {NEXT_STEP}")
    return signal


def _read_npy(path: Path, variable: str | None) -> tuple[np.ndarray, None]:
    """Read an array; a pickled one is refused, for loading it could run code."""
    try:
        values = np.load(path, allow_pickle=False)
    except Exception as error:  # NumPy parses the head as Python, so a damaged one fails in many ways.
        raise _unreadable(path, error) from error
    if not isinstance(values, np.ndarray):
        raise SeriesError(f"{path}: this is an .npz archive under the name .npy; save one array with numpy.save")
    return _row(values, str(path)), None


def _read_wav(path: Path, variable: str | None) -> tuple[np.ndarray, float]:
    """Read one channel; integer PCM is scaled to [-1, 1] by libsndfile."""
    import soundfile

    _check_riff_length(path)
    try:
        values, sampling_rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        raise _unreadable(path, error) from error
    if values.shape[1] != 1:
        raise SeriesError(
            f"{path}: {values.shape[1]} channels, a recording has 1; write each channel to a file of its own"
        )
    return values[:, 0], float(sampling_rate_hz)


def _check_riff_length(path: Path) -> None:
    """Raise if the file is shorter than its head says: libsndfile would return the rest without a word."""
    with path.open("rb") as file:
        head = file.read(8)
    told = int.from_bytes(head[4:8], "little") + 8
    # Programs that write to a pipe leave 0 or 0xFFFFFFFF, which tells nothing.
    if head[:4] == b"RIFF" and 8 < told < 0xFFFFFFFF and path.stat().st_size < told:
        raise SeriesError(f"{path}: cut off, {path.stat().st_size} bytes of the {told} its head tells; {NEXT_STEP}")


def _read_mat(path: Path, variable: str | None) -> tuple[np.ndarray, None]:
    """Read the only variable, or the named one."""
    import scipy.io

    try:
        names = [name for name, _, _ in scipy.io.whosmat(path)]
        variable = _choose(names, variable, f"{path}: variable")
        values = scipy.io.loadmat(path, variable_names=[variable])[variable]
    except DataError:
        raise
    except NotImplementedError as error:
        message = f"{path}: MATLAB version 7.3 (HDF5) is not read; save it in MATLAB with save(file, name, '-v7')"
        raise SeriesError(message) from error
    except Exception as error:  # SciPy lets a cut-off file surface as almost any exception, MemoryError included.
        raise _unreadable(path, error) from error
    return _row(np.asarray(values), f"{path}, variable {variable!r}"), None


def _read_csv(path: Path, variable: str | None) -> tuple[np.ndarray, None]:
    """Read the only column, the second beside a time, or the named one."""
    import pandas

    separator, names, has_header = _csv_layout(path)
    if variable is not None and not has_header:
        raise SeriesError(f"{path}, line 1: no header, so no column {variable!r}; add one, or leave variable unset")
    beside_time = variable is None and len(names) == 2
    column = names[1] if beside_time else _choose(names, variable, f"{path}: column")
    columns = sorted({0 if beside_time else names.index(column), names.index(column)})
    try:
        table = pandas.read_csv(
            path, sep=separator, header=None, skiprows=int(has_header), usecols=columns, dtype=np.float64
        )
    except (ValueError, OSError) as error:
        raise _csv_fault(path, separator, columns, has_header) or _unreadable(path, error) from error
    values = table.to_numpy()
    if not len(values) or not np.isfinite(values).all():
        raise _csv_fault(path, separator, columns, has_header) or SeriesError(f"{path}: no sample; {NEXT_STEP}")
    if beside_time and not (np.diff(values[:, 0]) > 0).all():
        raise SeriesError(
            f"{path}: two columns ({', '.join(names)}), and the first does not only grow, so it is no time; "
            "name the signal's column in variable, or leave one column"
        )
    return values[:, -1], None


def _csv_layout(path: Path) -> tuple[str, list[str], bool]:
    """Return a table's separator, its columns' names, and whether its first line is a header."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            first, second = file.readline(), file.readline()
    except UnicodeDecodeError as error:
        raise _unreadable(path, error) from error
    # The second line decides, for a header of one column may hold blanks.
    line = second.strip() or first.strip()
    separator = next((mark for mark in (";", ",", "\t") if mark in line), r"\s+")
    cells = _cells(first, separator)
    has_header = not all(_is_number(cell) for cell in cells)
    width = len(_cells(line, separator))
    if has_header and len(cells) == width:
        return separator, cells, True
    return separator, [f"column {k + 1}" for k in range(width)], has_header


def _csv_fault(path: Path, separator: str, columns: list[int], has_header: bool) -> SeriesError | None:
    """Return the error of the first line that holds no number where it should, None if there is none."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if not line.strip() or (has_header and number == 1):
                continue
            cells = _cells(line, separator)
            for column in columns:
                value = cells[column] if column < len(cells) else ""
                if not _is_number(value) or not math.isfinite(float(value)):
                    return SeriesError(
                        f"{path}, line {number}: column {column + 1} is {value!r}, no finite number; {NEXT_STEP}"
                    )
    return None


def _cells(line: str, separator: str) -> list[str]:
    """Return the cells of a line, without blanks and quotes."""
    cells = line.split() if separator == r"\s+" else line.strip("\r\n").split(separator)
    return [cell.strip().strip('"') for cell in cells]


def _is_number(text: str) -> bool:
    """Say whether a text reads as a float, NaN and infinity included."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _choose(names: list[str], variable: str | None, what: str) -> str:
    """Return the named one of `names`, or the only one."""
    if variable is None and len(names) == 1:
        return names[0]
    if variable in names:
        return variable
    # A pattern, for names that differ from file to file (X097_DE_time, X098_DE_time, ...).
    matched = [name for name in names if variable is not None and fnmatchcase(name, variable)]
    if len(matched) == 1:
        return matched[0]
    given = "not set" if variable is None else repr(variable)
    raise SeriesError(f"{what} {given}, the file has {', '.join(names) or 'none'}; set variable to one of them")


def _row(values: np.ndarray, place: str) -> np.ndarray:
    """Return the samples of an array of shape (n,), (n, 1) or (1, n)."""
    if values.ndim == 1:
        return values
    if values.ndim == 2 and 1 in values.shape:
        return values.reshape(-1)
    raise SeriesError(f"{place}: shape {values.shape}; allowed: (n,), (n, 1), (1, n); store one signal a file")


def _unreadable(path: Path, error: Exception) -> SeriesError:
    """Return the error of a file that its own library cannot read."""
    reason = " ".join(str(error).split()) or type(error).__name__
    return SeriesError(f"{path}: cannot be read as {path.suffix}, damaged or cut off ({reason}); {NEXT_STEP}")


_FORMATS: dict[str, Callable[[Path, str | None], tuple[np.ndarray, float | None]]] = {
    ".csv": _read_csv,
    ".npy": _read_npy,
    ".wav": _read_wav,
    ".mat": _read_mat,
}
