from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from motor.recordings.readers.parquet import Parquet
from motor.recordings.recording import DataError

ROWS = 20


def write(file: Path, signals: pyarrow.Array, prefix: str = "r") -> None:
    """Write signals with the other fields of a recording, in row groups of seven."""
    n_rows = len(signals)
    columns = {
        "item": [f"{prefix}{k}" for k in range(n_rows)],
        "motor": [k % 3 for k in range(n_rows)],
        "domain": pyarrow.array(["east"] * n_rows).dictionary_encode(),
        "label": ["normal"] * n_rows,
        "speed_rpm": [float("nan"), *[900.0] * (n_rows - 1)],
        "recorded_at": pyarrow.array([None, *[86400 * 10**9] * (n_rows - 1)], pyarrow.timestamp("ns")),
        "reference": [True, *[False] * (n_rows - 1)],
        "signal": signals,
    }
    pyarrow.parquet.write_table(pyarrow.table(columns), file, row_group_size=7)


@pytest.fixture
def signals(noise: Callable[..., np.ndarray]) -> list[np.ndarray]:
    return [noise(seed, 30) for seed in range(ROWS)]


TYPES: dict[str, Callable[[list[np.ndarray]], pyarrow.Array]] = {
    "list of float": lambda signals: pyarrow.array(signals, pyarrow.list_(pyarrow.float32())),
    "large list of double": lambda signals: pyarrow.array(signals, pyarrow.large_list(pyarrow.float64())),
    "fixed-size list": lambda signals: pyarrow.array(list(signals), pyarrow.list_(pyarrow.float32(), 30)),
    "binary": lambda signals: pyarrow.array([signal.tobytes() for signal in signals], pyarrow.binary()),
    "large binary": lambda signals: pyarrow.array([signal.tobytes() for signal in signals], pyarrow.large_binary()),
}


@pytest.mark.parametrize("name", TYPES)
def test_parquet_signals_of_every_type_are_read(
    name: str, signals: list[np.ndarray], known: dict[str, Any], tmp_path: Path
) -> None:
    write(tmp_path / "a.parquet", TYPES[name](signals))
    found = list(Parquet(path=str(tmp_path / "a.parquet"), **known).read())
    assert [one.item for one in found] == [f"r{k}" for k in range(ROWS)]
    assert all(np.array_equal(one.signal, signal) for one, signal in zip(found, signals, strict=True))
    assert (found[4].motor, found[4].speed_rpm, found[0].speed_rpm) == ("1", 900.0, None)
    assert [(one.recorded_at, one.reference) for one in found[:2]] == [(None, True), (86400.0, False)]


def test_parquet_folder_is_read_in_order(signals: list[np.ndarray], known: dict[str, Any], tmp_path: Path) -> None:
    for name in ("b", "a"):
        write(tmp_path / f"{name}.parquet", TYPES["binary"](signals[:2]), name)
    assert [one.item for one in Parquet(path=str(tmp_path), **known).read()] == ["a0", "a1", "b0", "b1"]


WHITE = np.random.default_rng(0).normal(0, 1, 200)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1000.0])
def test_parquet_binary_of_float32_is_taken_for_nothing_else(
    scale: float, known: dict[str, Any], tmp_path: Path
) -> None:
    signals = [
        scale * WHITE,
        np.round(scale * WHITE),
        scale * np.cumsum(WHITE),
        scale * WHITE * np.geomspace(1, 1e-9, 200),
    ]
    signals = [one.astype("<f4") for one in signals if one.any()]
    write(tmp_path / "a.parquet", pyarrow.array([one.tobytes() for one in signals]))
    for recording, signal in zip(Parquet(path=str(tmp_path), **known).read(), signals, strict=True):
        np.testing.assert_array_equal(recording.signal, signal)


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        (pyarrow.array([[1.0, 2.0]] * 12 + [None]), r"a\.parquet, row 12: the signal is null.*skip"),
        (pyarrow.array([[1.0, 2.0], [1.0, None]]), r"a\.parquet, row 1: sample 1 is nan.*skip"),
        (pyarrow.array([b"12345678", b"12345"]), r"a\.parquet, row 1: 5 bytes are no row of float32.*skip"),
        (pyarrow.array([WHITE.astype("<f2").tobytes()]), r"a\.parquet, row 0: they look like floats of 16 bits.*skip"),
        (pyarrow.array([1.0, 2.0]), r"a\.parquet: column 'signal' is double; allowed: a list.*columns\.signal"),
    ],
)
def test_parquet_bad_signal_raises(cells: pyarrow.Array, problem: str, known: dict[str, Any], tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", cells)
    with pytest.raises(DataError, match=problem):
        list(Parquet(path=str(tmp_path / "a.parquet"), **known).read())


def test_parquet_of_another_format_raises(known: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("item,signal\n")
    with pytest.raises(DataError, match=r"a\.parquet: this is no Parquet file"):
        list(Parquet(path=str(tmp_path), **known).read())
