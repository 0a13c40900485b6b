"""Settings against what the data tells by itself, and rates that no recorder has."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest
import soundfile

from motor.recordings.readers.long_csv import LongCsv
from motor.recordings.readers.manifest import Manifest
from motor.recordings.readers.parquet import Parquet
from motor.recordings.readers.tree import Tree
from motor.recordings.recording import DataError

SIGNAL = np.round(np.random.default_rng(0).normal(size=60), 3)
NAMED: dict[str, Any] = {"classes": ("normal", "spark"), "domains": ("east", "west")}


def tree(folder: Path, **settings: Any) -> Tree:
    file = folder / "east" / "normal" / "M1.wav"
    file.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(file, 0.1 * SIGNAL, 8000)
    return Tree(path=str(folder), pattern=r"(?P<motor>M\d)", **{**NAMED, **settings})


def long_csv(folder: Path, timestamps: Any = None, **settings: Any) -> LongCsv:
    table = pd.DataFrame({"item_id": "a", "target": SIGNAL, "motor": "M1", "domain": "east", "label": "normal"})
    table = table if timestamps is None else table.assign(timestamp=timestamps)
    table.to_csv(folder / "long.csv", index=False)
    return LongCsv(path=str(folder / "long.csv"), **{**NAMED, **settings})


def parquet(folder: Path, **columns: Any) -> Parquet:
    table = {"item": ["a"], "motor": ["M1"], "domain": ["east"], "label": ["normal"], "signal": [SIGNAL], **columns}
    folder.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({name: value for name, value in table.items() if value is not None}).to_parquet(folder / "a.parquet")
    return Parquet(path=str(folder), sampling_rate_hz=1000.0, **NAMED)


def test_rate_of_the_head_against_the_settings_is_a_fault_with_both(tmp_path: Path) -> None:
    assert next(tree(tmp_path).read()).sampling_rate_hz == 8000
    assert next(tree(tmp_path, sampling_rate_hz=8000.0).read()).sampling_rate_hz == 8000
    with pytest.raises(DataError, match="8000 Hz by its file, and 4000 Hz by the settings"):
        next(tree(tmp_path, sampling_rate_hz=4000.0).read())


@pytest.mark.parametrize(
    ("constant", "words"),
    [({"domain": "west"}, "'east' by its folder, and 'west' by constants"), ({"label": "spark"}, "label 'normal'")],
)
def test_constant_against_a_folder_is_a_fault_with_both(tmp_path: Path, constant: dict[str, str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        next(tree(tmp_path, constants=constant).read())


@pytest.mark.parametrize("timestamps", [np.arange(60) * 0.5 + 0.25, 1714550400000.5 + np.arange(60) * 0.5])
def test_rate_of_timestamps_in_milliseconds_is_refused(tmp_path: Path, timestamps: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"sampling rate 2 Hz, which no recorder.*set sampling_rate_hz"):
        next(long_csv(tmp_path, timestamps).read())
    assert next(long_csv(tmp_path, timestamps, sampling_rate_hz=2000.0).read()).sampling_rate_hz == 2000


def test_rate_in_a_column_in_khz_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", SIGNAL)
    (tmp_path / "manifest.csv").write_text("file;motor;domain;label;khz\na.npy;M1;east;normal;2.0\n")
    with pytest.raises(DataError, match=r"2 Hz, which no recorder.*is it in kHz"):
        next(Manifest(path=str(tmp_path), columns={"sampling_rate_hz": "khz"}, **NAMED).read())


def test_timestamps_that_go_back_are_refused_though_the_rate_is_known(tmp_path: Path) -> None:
    order = np.r_[0:20, 30:40, 20:30, 40:60]
    with pytest.raises(
        DataError, match=r"long\.csv, line 32: timestamp .* comes before the last.*ignore_timestamps: true"
    ):
        next(long_csv(tmp_path, order / 1000, sampling_rate_hz=1000.0).read())
    ignored = next(long_csv(tmp_path, order / 1000, sampling_rate_hz=1000.0, ignore_timestamps=True).read())
    np.testing.assert_array_equal(ignored.signal, SIGNAL.astype(np.float32))


@pytest.mark.parametrize("value", ["1714550400000", "45413.3333", "01.05.2024 08:00"])
def test_time_in_another_unit_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(DataError, match="recorded_at"):
        next(parquet(tmp_path, recorded_at=[value]).read())


def test_time_of_eight_digits_is_a_date(tmp_path: Path) -> None:
    assert next(parquet(tmp_path, recorded_at=["20240501"]).read()).recorded_at == 1714521600
    assert next(parquet(tmp_path, recorded_at=[20240501]).read()).recorded_at == 1714521600


@pytest.mark.parametrize("kind", ["<f8", "<i2", "<i4", ">f4"])
def test_parquet_binary_of_another_type_is_refused(tmp_path: Path, kind: str) -> None:
    with pytest.raises(DataError, match=r"a\.parquet, row 0"):
        next(parquet(tmp_path, signal=[(100 * np.abs(SIGNAL)).astype(kind).tobytes()]).read())
    signal = next(parquet(tmp_path, signal=[SIGNAL.astype("<f4").tobytes()]).read()).signal
    np.testing.assert_array_equal(signal, SIGNAL.astype(np.float32))


def test_parquet_folders_tell_a_field(tmp_path: Path) -> None:
    parquet(tmp_path / "label=spark", label=None)
    reader = Parquet(path=str(tmp_path), sampling_rate_hz=1000.0, **NAMED)
    assert next(reader.read()).label == "spark"


def test_parquet_that_declares_more_samples_than_allowed_is_refused_unread(tmp_path: Path) -> None:
    table = pyarrow.table(
        {"item": ["a"], "motor": ["M1"], "domain": ["east"], "label": ["normal"], "signal": [np.zeros(200_000)]}
    )
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet", compression="ZSTD")
    assert (tmp_path / "a.parquet").stat().st_size < 5000
    reader = Parquet(path=str(tmp_path), max_samples=1000, **NAMED)
    with pytest.raises(DataError, match="row group 0: 200000 samples in 1 rows; allowed: 1000 a row"):
        next(reader.read())


def test_parquet_damaged_page_names_file_and_row_group(tmp_path: Path) -> None:
    reader = parquet(tmp_path)
    content = bytearray((tmp_path / "a.parquet").read_bytes())
    content[4:60] = bytes(56)
    (tmp_path / "a.parquet").write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"a\.parquet, row group 0: damaged|a\.parquet"):
        list(reader.read())


def test_series_longer_than_allowed_is_a_bad_series(tmp_path: Path) -> None:
    skipped: list[dict[str, str]] = []
    reader = long_csv(tmp_path, sampling_rate_hz=1000.0, max_samples=59, on_bad_series="skip")
    assert list(reader.read(skipped)) == []
    assert "60 samples by its head; allowed: 59" in skipped[0]["reason"]


def test_manifest_of_spreadsheets_is_read(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    np.save(tmp_path / "sub" / "a.npy", SIGNAL)
    for text, encoding in (
        (" file; motor;domain;label\n sub/a.npy ;M1;east;normal\n;;;\n", "utf-8-sig"),
        ("file\tmotor\tdomain\tlabel\nsub\\a.npy\tM1\teast\tnormal\n", "utf-16"),
    ):
        (tmp_path / "manifest.csv").write_text(text, encoding=encoding)
        (found,) = Manifest(path=str(tmp_path), sampling_rate_hz=1000.0, **NAMED).read()
        np.testing.assert_array_equal(found.signal, SIGNAL.astype(np.float32))


def test_manifest_column_variable_names_the_signal_of_each_file(tmp_path: Path) -> None:
    pd.DataFrame({"left": SIGNAL[::-1], "right": SIGNAL}).to_csv(tmp_path / "a.csv", index=False)
    rows = ["a.csv,l,M1,east,normal,left", "a.csv,r,M2,east,normal,right"]
    (tmp_path / "manifest.csv").write_text("\n".join(["file,item,motor,domain,label,variable", *rows]) + "\n")
    left, right = Manifest(path=str(tmp_path), sampling_rate_hz=1000.0, **NAMED).read()
    np.testing.assert_array_equal(left.signal, right.signal[::-1])
