from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motor.recordings import csv_blocks
from motor.recordings.readers.long_csv import LongCsv
from motor.recordings.recording import DataError, Recording

PATTERN = r"^(?P<domain>\w+)_(?P<motor>M\d+)_"


@pytest.fixture
def signals(noise: Callable[..., np.ndarray]) -> dict[str, np.ndarray]:
    """Return signals by item, of different lengths."""
    return {f"{domain}_M{k}_0": noise(k, 100 + 7 * k) for k in range(5) for domain in ("east", "west")}


@pytest.fixture
def table(signals: dict[str, np.ndarray], tmp_path: Path) -> Path:
    """Return the signals as a long table, with Windows line ends and an empty line."""
    rows = [
        f"{item},{k / 1024:.9f},{sample!r},{'spark' if 'M4' in item else 'normal'}"
        for item, signal in signals.items()
        for k, sample in enumerate(signal.tolist())
    ]
    rows.insert(30, "")
    file = tmp_path / "x.csv"
    file.write_text("\r\n".join(["item_id,timestamp,target,label", *rows, "", ""]), newline="")
    return file


def read(path: Path, known: dict[str, Any], **settings: Any) -> dict[str, Recording]:
    reader = LongCsv(path=str(path), **{**known, "pattern": PATTERN, **settings})
    return {recording.item: recording for recording in reader.read()}


@pytest.mark.parametrize("block_bytes", [300, 2**21])
def test_items_across_blocks_are_read_whole(
    block_bytes: int,
    table: Path,
    signals: dict[str, np.ndarray],
    known: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", block_bytes)
    found = read(table, known)
    assert list(found) == list(signals)
    assert all(np.array_equal(found[item].signal, signal) for item, signal in signals.items())
    assert (found["west_M4_0"].motor, found["west_M4_0"].domain, found["west_M4_0"].label) == ("M4", "west", "spark")


def test_timestamps_tell_the_rate_only_if_nothing_else_does(table: Path, known: dict[str, Any]) -> None:
    assert read(table, known)["east_M0_0"].sampling_rate_hz == 1000
    assert read(table, {**known, "sampling_rate_hz": None})["east_M0_0"].sampling_rate_hz == 1024


def test_timestamps_not_needed_are_not_looked_at(table: Path, known: dict[str, Any]) -> None:
    table.write_text(table.read_text().replace("0.0009", "noon"))
    assert len(read(table, known)) == 10


def test_columns_extra_are_taken(known: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("name;value;motor;sensor;label\n" + "a;1;7;east;spark\n" + "a;2;7;east;spark\n")
    columns = {"item": "name", "target": "value", "domain": "sensor"}
    found = read(tmp_path / "x.csv", known, columns=columns, delimiter=";", pattern=None)["a"]
    assert (found.motor, found.domain, found.label, found.signal.tolist()) == ("7", "east", "spark", [1.0, 2.0])


def test_one_column_may_tell_two_fields(known: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("item_id,target,label\nM1,1,normal\nM1,2,normal\n")
    found = read(tmp_path / "x.csv", known, columns={"motor": "item_id"}, constants={"domain": "east"}, pattern=None)
    assert found["M1"].motor == "M1"


def test_folder_of_tables_is_read_in_order(table: Path, known: dict[str, Any]) -> None:
    (table.parent / "a.csv").write_text("item_id,target,label\neast_M9_0,1,normal\neast_M9_0,2,normal\n")
    assert list(read(table.parent, known))[:2] == ["east_M9_0", "east_M0_0"]


@pytest.mark.parametrize("value", ["NaN", "", "abc", "-inf"])
def test_bad_item_is_skipped_alone_with_its_line(
    value: str, table: Path, known: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", 300)
    lines = table.read_text().split("\n")
    cells = lines[150].split(",")
    lines[150] = ",".join([*cells[:2], value, cells[3]])
    table.write_text("\n".join(lines))
    skipped: list[dict[str, str]] = []
    reader = LongCsv(path=str(table), **known, pattern=PATTERN, on_bad_series="skip")
    assert len(list(reader.read(skipped))) == 9
    assert [bad["item"] for bad in skipped] == [cells[0]]
    assert f"line 151: target is {value!r}" in skipped[0]["reason"]


def test_label_that_changes_between_blocks_raises(
    table: Path, known: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = table.read_text().split("\n")
    changed = [line.replace("normal", "spark") if 60 <= k < 102 else line for k, line in enumerate(lines)]
    table.write_text("\n".join(changed))
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", len("\n".join(lines[:60])) + 1)
    with pytest.raises(DataError, match=r"x\.csv, line 61: label is 'spark' where item 'east_M0_0' has 'normal'"):
        read(table, known)


@pytest.mark.parametrize("nothing", ["nan", "NA", "None", " "])
def test_item_that_programs_write_where_there_is_none_is_refused(
    nothing: str, tmp_path: Path, known: dict[str, Any]
) -> None:
    (tmp_path / "a.csv").write_text(f"item_id,target\n{nothing},1\n{nothing},2\n")
    with pytest.raises(DataError, match=r"a.csv, line 2: target 1.0 has no item"):
        read(tmp_path / "a.csv", known)
