from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import soundfile

from motor.recordings.recording import DataError, SeriesError
from motor.recordings.signals import SignalOptions, finite_signal, read_signal

SIGNAL = (np.random.default_rng(0).integers(-100, 100, size=64) / 128).astype(np.float32)

WRITERS: dict[str, Callable[[Path], object]] = {
    "column.csv": lambda file: file.write_text("\n".join(map(str, SIGNAL))),
    "header.csv": lambda file: file.write_text("acceleration (g)\n" + "\n".join(map(str, SIGNAL)) + "\n"),
    "windows.csv": lambda file: file.write_bytes(b"\xef\xbb\xbfvolt\r\n" + "\r\n".join(map(str, SIGNAL)).encode()),
    "mark.csv": lambda file: file.write_bytes(b"\xef\xbb\xbf" + "\n".join(map(str, SIGNAL)).encode()),
    "time.csv": lambda file: file.write_text("\n".join(f"{k / 10},{x}" for k, x in enumerate(SIGNAL))),
    "blanks.csv": lambda file: file.write_text("\n".join(f"{k}   {x}" for k, x in enumerate(SIGNAL))),
    "semicolon.csv": lambda file: file.write_text("t;x\n" + "\n".join(f"{k};{x}" for k, x in enumerate(SIGNAL))),
    "flat.npy": lambda file: np.save(file, SIGNAL.astype(np.float64)),
    "column.npy": lambda file: np.save(file, SIGNAL[:, None]),
    "row.npy": lambda file: np.save(file, SIGNAL[None]),
    "pcm.wav": lambda file: soundfile.write(file, SIGNAL, 800, subtype="PCM_16"),
    "float.WAV": lambda file: soundfile.write(file, SIGNAL, 800, subtype="FLOAT"),
    "column.mat": lambda file: scipy.io.savemat(file, {"VarName7": SIGNAL[:, None]}),
    "row.mat": lambda file: scipy.io.savemat(file, {"x": SIGNAL}, do_compression=True),
}


@pytest.mark.parametrize("name", WRITERS)
def test_signal_written_is_read_again(name: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path / name)
    signal, sampling_rate_hz = read_signal(tmp_path / name)
    assert signal.dtype == np.float32
    np.testing.assert_array_equal(signal, SIGNAL)
    assert sampling_rate_hz == (800.0 if name.lower().endswith(".wav") else None)


def test_csv_variable_names_the_column(tmp_path: Path) -> None:
    rows = [f"2024-01-01 00:00:0{k},{k * k},{x}" for k, x in enumerate(SIGNAL[:9])]
    (tmp_path / "a.csv").write_text("date,left,right\n" + "\n".join(rows))
    signal, _ = read_signal(tmp_path / "a.csv", variable="right")
    np.testing.assert_array_equal(signal, SIGNAL[:9])


@pytest.mark.parametrize("name", ["flat.npy", "pcm.wav"])
def test_name_in_the_settings_means_nothing_to_a_file_whose_signals_have_none(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path / name)
    signal, _ = read_signal(tmp_path / name, options=SignalOptions(variable="acc"))
    np.testing.assert_array_equal(signal, SIGNAL)
    with pytest.raises(SeriesError, match=r"channel 2|has no \(:,2\)"):
        read_signal(tmp_path / name, options=SignalOptions(variable="channel 2"))


def test_mat_pattern_of_a_variable_finds_the_only_match(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"X097_DE_time": [[1.0, 2.0]], "X097_FE_time": [[3.0, 4.0]]})
    signal, _ = read_signal(tmp_path / "a.mat", variable="*_DE_time")
    assert signal.tolist() == [1.0, 2.0]
    with pytest.raises(SeriesError, match=r"'X097\*' *, the file has X097_DE_time, X097_FE_time"):
        read_signal(tmp_path / "a.mat", variable="X097*")


def test_mat_variable_names_the_array(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"time": np.arange(64.0), "x": SIGNAL})
    signal, _ = read_signal(tmp_path / "a.mat", variable="x")
    np.testing.assert_array_equal(signal, SIGNAL)


def test_npy_integers_are_not_scaled(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([1, -2, 300], dtype=np.int16))
    assert read_signal(tmp_path / "a.npy")[0].tolist() == [1.0, -2.0, 300.0]


def test_npy_pickled_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(SeriesError, match=r"a\.npy: cannot be read"):
        read_signal(tmp_path / "a.npy")


@pytest.mark.parametrize("content", ["1\n2\n\n\nabc\n4\n", "volt\n1\n2\n\nNaN\n4\n", "1\n2\n3\n4\n1e999\n"])
def test_csv_no_number_names_its_line(content: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(SeriesError, match=r"a\.csv, line 5: column 1 is '(abc|NaN|1e999)'"):
        read_signal(tmp_path / "a.csv")


@pytest.mark.parametrize("suffix", [".npy", ".wav", ".mat"])  # A table cut off is a shorter table.
def test_file_cut_off_at_any_byte_raises_series_error(suffix: str, tmp_path: Path) -> None:
    writer = next(write for name, write in WRITERS.items() if name.lower().endswith(suffix))
    file = tmp_path / f"a{suffix}"
    writer(file)
    content = file.read_bytes()
    for size in range(0, len(content) - 1, 7):
        file.write_bytes(content[:size])
        with pytest.raises(SeriesError, match=f"a{suffix}"):
            read_signal(file)


@pytest.mark.parametrize(("name", "problem"), [("a.xyz", "unknown format '.xyz'"), ("a.npy", "no such file")])
def test_file_unknown_or_absent_raises_data_error(name: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=problem):
        read_signal(tmp_path / name)


@pytest.mark.parametrize("values", [np.zeros((3, 2)), np.zeros(3, dtype=complex), np.array(["1"]), np.array([1e39])])
def test_finite_signal_of_another_kind_raises_series_error(values: np.ndarray) -> None:
    with pytest.raises(SeriesError, match="here"):
        finite_signal(values, "here")
