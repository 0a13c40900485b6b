"""Tables out of spreadsheets and recorders, one variant each: the very samples, or an error that says what to do."""

import csv
import datetime
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import scipy.io
import scipy.sparse

from motor.recordings.readers.base import Reader
from motor.recordings.readers.long_csv import LongCsv
from motor.recordings.readers.manifest import Manifest
from motor.recordings.readers.parquet import Parquet
from motor.recordings.readers.tree import Tree
from motor.recordings.recording import DataError

pytestmark = pytest.mark.hostile

N, RATE = 60, 2000
MOTORS = ("M00", "M01", "M02", "M03")
LABELS = dict(zip(MOTORS, ("normal", "spark") * 2, strict=True))
SIGNALS = {motor: np.round(np.random.default_rng(number).normal(0, 0.7, N), 5) for number, motor in enumerate(MOTORS)}
TIME = np.arange(N) / RATE
START = datetime.datetime(2024, 5, 1, 8)
KNOWN: dict[str, Any] = {"classes": ("normal", "spark"), "domains": ("vibration",)}
# What is written, the settings beside those that are known, and what is wrong with it ("": it is read).
Case = tuple[Callable[[Path], Any], dict[str, Any], str]


def check(reader: Reader, wrong: str, rate: float = RATE, scale: float = 1.0) -> None:
    """Assert that a reader gives the signals by motor, or says what is wrong."""
    if wrong:
        with pytest.raises(DataError, match=wrong):
            list(reader.read())
        return
    found = {one.motor.removeprefix("\u7535\u673a"): one for one in reader.read()}
    assert sorted(found) == list(MOTORS)
    for motor, signal in SIGNALS.items():
        np.testing.assert_allclose(found[motor].signal, (scale * signal).astype(np.float32), rtol=1e-6)
        assert found[motor].sampling_rate_hz == pytest.approx(rate, rel=1e-6)
        assert (found[motor].label, found[motor].domain) == (LABELS[motor], "vibration")


def manifest(
    column: str = "",
    told: str = "",
    *,
    named: Callable[[str], str] = lambda motor: f"{motor}.npy",
    stored: Callable[[str], str] = lambda motor: f"{motor}.npy",
    rows: Callable[[list[list[str]]], list[list[str]]] = lambda rows: rows,
    motors: str = "",
    delimiter: str = ",",
    encoding: str = "utf-8",
) -> Callable[[Path], None]:
    """Return what writes signals and a manifest of them, with a further column that tells the same of each."""

    def write(folder: Path) -> None:
        for motor, signal in SIGNALS.items():
            file = folder / stored(motor)
            file.parent.mkdir(exist_ok=True)
            with file.open("wb") as stream:
                np.save(stream, signal)
        header = ["file", "motor", "domain", "label", *([column] if column else [])]
        told_of = dict.fromkeys(MOTORS, told if column else None)
        table = [
            [named(motor), motors + motor, "vibration", LABELS[motor], *([told_of[motor] or ""] if column else [])]
            for motor in MOTORS
        ]
        with (folder / "manifest.csv").open("w", newline="", encoding=encoding) as stream:
            csv.writer(stream, delimiter=delimiter).writerows(rows([header, *table]))

    return write


def absolute(folder: Path) -> None:
    manifest(named=lambda motor: str(folder / f"{motor}.npy"))(folder)


def spreadsheet(folder: Path) -> None:
    manifest()(folder)
    (folder / "manifest.csv").write_bytes(b"PK\x03\x04\x14\x00\x06\x00" + bytes(range(256)))


def twice(folder: Path) -> None:
    manifest(rows=lambda rows: [*rows, [str(folder / "M00.npy"), *rows[1][1:]]])(folder)


MANIFESTS: dict[str, Case] = {
    "plain": (manifest(), {}, ""),
    "semicolon": (manifest(delimiter=";"), {}, ""),
    "tab": (manifest(delimiter="\t"), {}, ""),
    "utf16": (manifest(encoding="utf-16"), {}, ""),
    "bom": (manifest(encoding="utf-8-sig"), {}, ""),
    "gbk": (manifest(motors="\u7535\u673a", encoding="gbk"), {}, "no CSV table in UTF-8"),
    "gbk_as_utf8": (manifest(motors="\u7535\u673a"), {}, ""),
    "backslash": (manifest(named=lambda m: f"sub\\{m}.npy", stored=lambda m: f"sub/{m}.npy"), {}, ""),
    "subfolder": (manifest(named=lambda m: f"sub/{m}.npy", stored=lambda m: f"sub/{m}.npy"), {}, ""),
    "absolute": (absolute, {}, ""),
    "cell_blanks": (manifest(named=lambda m: f" {m}.npy "), {}, ""),
    "other_case": (manifest(named=lambda m: f"{m}.npy".lower()), {}, "m00.npy"),
    "no_suffix": (manifest(named=lambda m: m), {}, "M00"),
    "named_by_the_time": (
        manifest(named=lambda m: f"2004.02.12.10.3{m[-1]}", stored=lambda m: f"2004.02.12.10.3{m[-1]}"),
        {},
        "format",
    ),
    "rate_units": (manifest("sampling_rate_hz", "2 kHz"), {}, "without unit"),
    "rate_comma": (manifest("sampling_rate_hz", "2,000"), {}, "commas"),
    "rate_decimal_comma": (manifest("sampling_rate_hz", "2000,0"), {}, "commas"),
    "rate_khz": (manifest("sampling_rate_hz", "2.0"), {}, "kHz"),
    "rate_decimal": (manifest("sampling_rate_hz", "2000.0"), {}, ""),
    "date_german": (manifest("recorded_at", "01.05.2024 08:00"), {}, "ISO 8601"),
    "date_us": (manifest("recorded_at", "5/1/2024 8:00 AM"), {}, "ISO 8601"),
    "date_epoch_ms": (manifest("recorded_at", "1714550400000"), {}, "milliseconds"),
    "date_excel": (manifest("recorded_at", "45413.3333"), {}, "days"),
    "speed_units": (manifest("speed_rpm", "1500 rpm"), {}, "without unit"),
    "reference_word": (manifest("reference", "ja"), {}, "allowed: true"),
    "same_file_twice": (
        manifest(rows=lambda rows: [*rows, ["M00.npy", "M50", "vibration", "spark"]]),
        {},
        "stands already",
    ),
    "duplicate_row": (manifest(rows=lambda rows: [*rows, rows[1]]), {}, "stands already"),
    "trailing_empty_rows": (manifest(rows=lambda rows: [*rows, [""] * 4, [""] * 4]), {}, ""),
    "trailing_note": (manifest(rows=lambda rows: [*rows, ["recorded by hand", "", "", ""]]), {}, "line 6"),
    "header_blank": (manifest(rows=lambda rows: [[f" {cell}" for cell in rows[0]], *rows[1:]]), {}, ""),
    "extra_columns_unnamed": (
        manifest(rows=lambda rows: [[*rows[0], "", ""], *([*r, "", "x"] for r in rows[1:])]),
        {},
        "",
    ),
    "header_twice": (manifest(rows=lambda rows: [[*row, row[3]] for row in rows]), {}, "label"),
    "xlsx": (spreadsheet, {}, "manifest.csv"),
    "speed_hz": (manifest("speed_rpm", "25"), {}, ""),
    "rate_khz_of_many": (manifest("sampling_rate_hz", "25.6"), {}, "25.6 Hz, which no recorder.*kHz"),
    "date_year": (manifest("recorded_at", "2024"), {}, "looks like a year"),
    "sep_line": (manifest(rows=lambda rows: [["sep=,"], *rows]), {}, ""),
    "comment": (manifest(rows=lambda rows: [["# by hand"], [], *rows]), {}, ""),
    "title": (manifest(rows=lambda rows: [["Recordings"], *rows]), {}, "stand in line 2; take out"),
    "marks_of_utf8": (manifest(rows=lambda rows: [["\ufeff\ufefffile", *rows[0][1:]], *rows[1:]]), {}, ""),
    "name_composed": (
        manifest(
            named=lambda m: unicodedata.normalize("NFD", f"\u00fc{m}.npy"),
            stored=lambda m: unicodedata.normalize("NFC", f"\u00fc{m}.npy"),
        ),
        {},
        "",
    ),
    "one_file_by_two_paths": (twice, {}, "line 6: .* stands already in line 2"),
    "failed_formula": (
        manifest(rows=lambda rows: [rows[0], *([r[0], "#REF!", *r[2:]] for r in rows[1:])]),
        {},
        "#REF!",
    ),
    "column_composed": (
        manifest(rows=lambda rows: [["file", "Gera\u0308t", *rows[0][2:]], *rows[1:]]),
        {"columns": {"motor": "Ger\u00e4t"}},
        "",
    ),
}


@pytest.mark.parametrize("kind", MANIFESTS)
def test_manifest_as_it_comes(tmp_path: Path, kind: str) -> None:
    write, settings, wrong = MANIFESTS[kind]
    write(tmp_path)
    rate = {} if kind.startswith("rate") else {"sampling_rate_hz": RATE}
    check(Manifest(path=str(tmp_path / "manifest.csv"), **KNOWN, **rate, **settings), wrong)


@pytest.mark.parametrize("told", ["20240501", "20240501T080000", "2024-05-01"])
def test_manifest_compact_dates_are_dates(tmp_path: Path, told: str) -> None:
    manifest("recorded_at", told)(tmp_path)
    found = list(Manifest(path=str(tmp_path / "manifest.csv"), sampling_rate_hz=RATE, **KNOWN).read())
    seconds = START.replace(tzinfo=datetime.UTC, hour=8 if "T" in told else 0).timestamp()
    assert [one.recorded_at for one in found] == [seconds] * len(MOTORS)


@pytest.mark.parametrize(("told", "is_reference"), [("x", None), ("yes", True), ("0", False)])
def test_manifest_marks_of_references_are_understood_or_refused(
    tmp_path: Path, told: str, is_reference: bool | None
) -> None:
    manifest("reference", told)(tmp_path)
    reader = Manifest(path=str(tmp_path / "manifest.csv"), sampling_rate_hz=RATE, **KNOWN)
    if is_reference is None:
        check(reader, "reference 'x'")
    else:
        assert {one.reference for one in reader.read()} == {is_reference}


def stamps(of: Callable[[int, float], str]) -> list[str]:
    return [of(place, seconds) for place, seconds in enumerate(TIME)]


def iso(seconds: float, zone: str = "") -> str:
    return (START + datetime.timedelta(seconds=seconds)).isoformat(timespec="microseconds") + zone


def long(
    of: Callable[[int, float], str] = lambda place, seconds: f"{seconds:.6f}",
    *,
    value: Callable[[float], str] = str,
    item: Callable[[str], str] = lambda motor: motor,
    label: Callable[[str, int], str] = lambda label, place: label,
    lines: Callable[[list[str]], list[str]] = lambda lines: lines,
    body: Callable[[list[str]], list[str]] = lambda body: body,
    header: str = "item_id,timestamp,target,label",
    delimiter: str = ",",
    end: str = "\n",
    encoding: str = "utf-8",
) -> Callable[[Path], None]:
    """Return what writes a long table; `body` changes the rows of each item, `lines` all of them."""

    def write(folder: Path) -> None:
        rows = [header]
        for motor, signal in SIGNALS.items():
            cells = zip(stamps(of), signal.tolist(), strict=True)
            rows += body(
                [
                    delimiter.join([item(motor), stamp, value(one), label(LABELS[motor], place)])
                    for place, (stamp, one) in enumerate(cells)
                ]
            )
        (folder / "long.csv").write_bytes((end.join(lines(rows)) + end).encode(encoding))

    return write


def comma(value: Any) -> str:
    return str(value).replace(".", ",")


def late(body: list[str]) -> list[str]:
    return [*body[:20], *body[30:40], *body[20:30], *body[40:]]


def interleaved(lines: list[str]) -> list[str]:
    parts = [lines[1 + start * N : 1 + (start + 1) * N] for start in range(len(MOTORS))]
    return [lines[0], *(line for rows in zip(*parts, strict=True) for line in rows)]


SET_RATE = {"sampling_rate_hz": RATE}
LONG: dict[str, Case] = {
    "exact": (long(), {}, ""),
    "bom_crlf_quoted": (
        long(lambda _, s: f'"{s:.6f}"', value=lambda v: f'"{v}"', end="\r\n", encoding="utf-8-sig"),
        {},
        "",
    ),
    "semicolon": (long(delimiter=";", header="item_id;timestamp;target;label"), {}, ""),
    "semicolon_decimal_comma": (
        long(lambda _, s: comma(f"{s:.6f}"), value=comma, delimiter=";", header="item_id;timestamp;target;label"),
        {"delimiter": ";"},
        "decimal",
    ),
    "semicolon_decimal_comma_rate_set": (
        long(lambda _, s: comma(f"{s:.6f}"), value=comma, delimiter=";", header="item_id;timestamp;target;label"),
        {"delimiter": ";", "decimal": ",", **SET_RATE},
        "",
    ),
    "epoch_ms_integer": (long(lambda k, _: str(1714550400000 + k)), {}, "milliseconds|timestamp"),
    "epoch_ms_float": (long(lambda k, _: f"{1714550400000 + k * 0.5:.1f}"), {}, "milliseconds|timestamp"),
    "ms_from_zero": (long(lambda k, _: f"{k * 0.5:.1f}"), {}, "milliseconds"),
    "epoch_s": (long(lambda _, s: f"{1714550400 + s:.6f}"), {}, ""),
    "zone_offset": (long(lambda _, s: iso(s, "+08:00")), {}, ""),
    "zone_z": (long(lambda _, s: iso(s, "Z")), {}, ""),
    "zone_mixed": (long(lambda k, s: iso(s, "+08:00" if k < 30 else "")), {}, "timestamp|zone"),
    "iso_mixed_fraction": (long(lambda _, s: iso(s).replace(".000000", "")), {}, ""),
    "slashes": (long(lambda _, s: iso(s).replace("-", "/").replace("T", " ")), {}, "line 2"),
    "duplicate_stamp": (long(lambda k, s: f"{TIME[29 if k == 30 else k]:.6f}"), {}, "sampling_rate_hz"),
    "ms_resolution": (long(lambda _, s: f"{s:.3f}"), {}, "sampling_rate_hz"),
    "not_monotonic": (long(body=late), {}, "line"),
    "not_monotonic_rate_set": (long(body=late), SET_RATE, "line"),
    "clock_set_back": (long(lambda k, s: iso(s - 3600 * (k >= 30))), {}, "line"),
    "blank_lines": (long(body=lambda rows: [*rows[:9], "", *rows[9:20], "", *rows[20:]]), {}, ""),
    "lines_of_commas": (long(body=lambda rows: [*rows[:9], ",,,", *rows[9:]]), {}, ""),
    "comment_lines": (long(body=lambda rows: ["# motor", *rows]), {}, "line 2"),
    "index_column": (
        long(lines=lambda lines: ["," + lines[0], *(f"{k},{line}" for k, line in enumerate(lines[1:]))]),
        {},
        "",
    ),
    "item_chinese": (long(item=lambda m: f"\u58f0\u97f3/\u7535\u673a {m}#1\uff08\u590d\u6d4b\uff09"), {}, ""),
    "item_long": (long(item=lambda m: m + "_" + "x" * 400), {}, ""),
    "item_comma_quote": (long(item=lambda m: f'"{m}, bay ""2"""'), {}, ""),
    "thousands": (long(value=lambda v: f'"{10000 * v:,.2f}"'), {}, "thousands|,"),
    "header_spaces": (
        long(
            lambda _, s: f" {s:.6f}",
            value=lambda v: f" {v}",
            label=lambda label, _: f" {label}",
            header="item_id, timestamp, target, label",
        ),
        {},
        "",
    ),
    "header_case": (long(header="Item_ID,Timestamp,Target,Label"), {}, "did you mean|columns"),
    "utf16": (long(encoding="utf-16"), {}, ""),
    "excel_sep_line": (long(lines=lambda lines: ["sep=,", *lines]), {}, "set skip_rows: 1"),
    "excel_sep_line_skipped": (long(lines=lambda lines: ["sep=,", *lines]), {"skip_rows": 1}, ""),
    "null_words": (
        long(body=lambda rows: [*rows[:9], rows[9].replace(rows[9].split(",")[2], "NULL"), *rows[10:]]),
        {},
        "'NULL'",
    ),
    "label_in_the_first_row": (long(label=lambda label, place: label if place == 0 else ""), {}, "label"),
    "interleaved": (long(lines=interleaved), {}, "line 6: duplicate item 'M00'.* line 2; sort the table by item"),
    "exponents": (long(value=lambda v: f"{v:.8E}"), {}, ""),
    "title": (long(lines=lambda lines: ["by hand", "", *lines]), {}, "those stand in line 3: set skip_rows: 2"),
    "title_skipped": (long(lines=lambda lines: ["by hand", "", *lines]), {"skip_rows": 2}, ""),
    "marks_of_utf8": (long(lines=lambda lines: ["\ufeff\ufeff" + lines[0], *lines[1:]]), {}, ""),
    "item_blank_in_some": (
        long(body=lambda rows: [*rows[:30], *(row.replace(",", " ,", 1) for row in rows[30:])]),
        {},
        "line 32: item 'M00 ' differs from 'M00' .* only in blanks",
    ),
    "thousands_by_points": (
        long(
            value=lambda v: f"{round(4000 * v):,}".replace(",", "."),
            delimiter=";",
            header="item_id;timestamp;target;label",
        ),
        {},
        "separators of thousands",
    ),
    "stamps_contradict_the_rate": (
        long(lambda _, s: iso(s)),
        {"sampling_rate_hz": 2 * RATE},
        "some 2000 Hz by the timestamps, and 4000 Hz by the settings",
    ),
    "seconds_contradict_the_rate": (long(), {"sampling_rate_hz": RATE / 2}, "2000 Hz .*1000 Hz"),
    "contradiction_resolved": (long(), {"sampling_rate_hz": RATE, "ignore_timestamps": True}, ""),
    "milliseconds_with_the_rate": (long(lambda k, _: f"{k * 0.5:.1f}"), SET_RATE, ""),
    "pause_with_the_rate": (long(lambda k, s: f"{s + 60 * (k > 30):.6f}"), SET_RATE, ""),
    "coarse_stamps_with_the_rate": (long(lambda _, s: f"{s:.3f}"), SET_RATE, ""),
    "days": (long(lambda _, s: f"{45000 + s / 86400:.12f}"), {}, "are they in days"),
    "plus_sign": (long(value=lambda v: f"{v:+.5f}"), {}, ""),
    "leading_dot": (long(value=lambda v: f"{v:.5f}".replace("0.", ".", 1) if abs(v) < 1 else f"{v:.5f}"), {}, ""),
}


@pytest.mark.parametrize("kind", LONG)
def test_long_table_as_it_comes(tmp_path: Path, kind: str) -> None:
    write, settings, wrong = LONG[kind]
    write(tmp_path)
    placed = {"constants": {"domain": "vibration"}, "pattern": r"(?P<motor>M\d+)"}
    check(LongCsv(path=str(tmp_path / "long.csv"), **{**KNOWN, **placed, **settings}), wrong)


@pytest.mark.parametrize(("form", "motors"), [("0{}", ["00", "01", "02", "03"]), ("{}.0", ["0", "1", "2", "3"])])
def test_long_table_items_that_are_numbers_are_motors_under_one_name(
    tmp_path: Path, form: str, motors: list[str]
) -> None:
    long(item=lambda motor: form.format(int(motor[1:])))(tmp_path)
    placed = {"constants": {"domain": "vibration"}, "pattern": r"^(?P<motor>\d+)"}
    found = list(LongCsv(path=str(tmp_path / "long.csv"), **KNOWN, **placed).read())
    assert sorted(one.motor for one in found) == motors


def tree(
    name: Callable[[str], str] = lambda motor: f"vibration/{LABELS[motor]}/{motor}.npy",
    then: Callable[[Path], None] = lambda folder: None,
) -> Callable[[Path], None]:
    """Return what writes a tree of signals in ``tree``, and then changes what lies there."""

    def write(folder: Path) -> None:
        for motor, signal in SIGNALS.items():
            file = folder / "tree" / name(motor)
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("wb") as stream:
                np.save(stream, signal)
        then(folder)

    return write


def elsewhere(part: str) -> Callable[[Path], None]:
    """Return what moves a part of the tree, and leaves a link to it."""

    def move(folder: Path) -> None:
        (folder / "elsewhere").mkdir()
        for path in sorted((folder / "tree").glob(part)):
            target = folder / "elsewhere" / path.name
            path.rename(target)
            path.symlink_to(target.absolute())

    return move


def side_files(folder: Path) -> None:
    for part in ("normal", "spark"):
        place = folder / "tree/vibration" / part
        (place / "._M00.npy").write_bytes(b"\0\5\x16\7Mac OS X")
        (place / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
        (place / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
        (place / "__MACOSX").mkdir()
        (place / "__MACOSX" / "._M00.npy").write_bytes(b"\0\5")


def stray(name: str) -> Callable[[Path], None]:
    def leave(folder: Path) -> None:
        (folder / "tree" / name).parent.mkdir(exist_ok=True)
        np.save(folder / "tree" / name, SIGNALS["M00"][::-1])

    return leave


TREES: dict[str, Case] = {
    "plain": (tree(), {}, ""),
    "capital_suffix": (tree(lambda m: f"vibration/{LABELS[m]}/{m}.{'NPY' if m > 'M01' else 'npy'}"), {}, ""),
    "linked_class": (tree(then=elsewhere("vibration/spark")), {}, ""),
    "linked_motors": (tree(lambda m: f"vibration/{LABELS[m]}/{m}/a.npy", elsewhere("vibration/*/M0[23]")), {}, ""),
    "linked_files": (tree(then=elsewhere("vibration/*/*.npy")), {}, ""),
    "side_files": (tree(then=side_files), {}, ""),
    "chinese": (
        tree(lambda m: f"\u632f\u52a8/{LABELS[m]}/{m}.npy", lambda folder: None),
        {"domains": ("\u632f\u52a8",)},
        "",
    ),
    "stray_top": (tree(then=stray("M99.npy")), {}, "M99.npy"),
}


@pytest.mark.parametrize("kind", TREES)
def test_tree_as_it_comes(tmp_path: Path, kind: str) -> None:
    write, settings, wrong = TREES[kind]
    write(tmp_path)
    reader = Tree(
        path=str(tmp_path / "tree"), pattern=r"(?P<motor>M\d+)", sampling_rate_hz=RATE, **{**KNOWN, **settings}
    )
    if kind == "chinese":
        assert sorted((one.motor, one.domain) for one in reader.read()) == [(m, "\u632f\u52a8") for m in MOTORS]
        return
    check(reader, wrong)


def test_tree_with_a_folder_left_in_a_class_reads_what_lies_there_too(tmp_path: Path) -> None:
    tree(then=stray("vibration/normal/old copies/M00.npy"))(tmp_path)
    (tmp_path / "tree/vibration/normal/old copies").mkdir(exist_ok=True)
    found = Tree(path=str(tmp_path / "tree"), pattern=r"(?P<motor>M\d+)", sampling_rate_hz=RATE, **KNOWN).read()
    assert sorted(one.item for one in found)[:2] == ["vibration/normal/M00.npy", "vibration/normal/M02.npy"]


def tables(
    name: Callable[[str], str], then: Callable[[Path], None] = lambda folder: None, has_label: bool = True
) -> Callable[[Path], None]:
    """Return what writes a table a motor into ``tables``, as CSV or Parquet by its name, and then changes them."""

    def write(folder: Path) -> None:
        for motor, signal in SIGNALS.items():
            file = folder / "tables" / name(motor)
            file.parent.mkdir(parents=True, exist_ok=True)
            if "par" in file.suffix.lower():
                told = {"item": [motor], "signal": [signal.astype(np.float32)]}
                pyarrow.parquet.write_table(
                    pyarrow.table({**told, **({"label": [LABELS[motor]]} if has_label else {})}), file
                )
            else:
                rows = [f"{motor},{value},{LABELS[motor]}" for value in signal.tolist()]
                file.write_text("\n".join(["item_id,target,label", *rows]) + "\n")
        then(folder / "tables")

    return write


def notes(folder: Path) -> None:
    for motor in MOTORS:
        for suffix in (".csv", ".parquet"):
            (folder / f"._{motor}{suffix}").write_bytes(b"\0\5\x16\7\xb0Mac OS X")
    (folder / "_SUCCESS").touch()
    (folder / ".x.crc").write_bytes(b"crc")


def metadata(folder: Path) -> None:
    schema = pyarrow.parquet.read_schema(folder / "M00.parquet")
    pyarrow.parquet.write_metadata(schema, folder / "_common_metadata")
    pyarrow.parquet.write_metadata(schema, folder / "_metadata.parquet")


FOLDERS: dict[str, tuple[Any, Callable[[Path], None]]] = {
    "csv": (LongCsv, tables(lambda m: f"{m}.csv")),
    "csv_capital": (LongCsv, tables(lambda m: f"{m}.{'CSV' if m > 'M01' else 'csv'}")),
    "csv_side": (LongCsv, tables(lambda m: f"{m}.csv", notes)),
    "csv_subfolder": (LongCsv, tables(lambda m: f"sub/{m}.csv" if m > "M01" else f"{m}.csv")),
    "parquet": (Parquet, tables(lambda m: f"{m}.parquet")),
    "parquet_capital": (Parquet, tables(lambda m: f"{m}.{'PARQUET' if m > 'M01' else 'parquet'}")),
    "parquet_parq": (Parquet, tables(lambda m: f"{m}.{'parq' if m > 'M01' else 'parquet'}")),
    "parquet_side": (Parquet, tables(lambda m: f"{m}.parquet", notes)),
    "parquet_metadata": (Parquet, tables(lambda m: f"{m}.parquet", metadata)),
    "parquet_hive": (Parquet, tables(lambda m: f"label={LABELS[m]}/{m}.parquet", has_label=False)),
}


@pytest.mark.parametrize("kind", FOLDERS)
def test_folder_of_tables_as_it_comes(tmp_path: Path, kind: str) -> None:
    made, write = FOLDERS[kind]
    write(tmp_path)
    placed = {"constants": {"domain": "vibration"}, "pattern": r"(?P<motor>M\d+)", **SET_RATE}
    check(made(path=str(tmp_path / "tables"), **KNOWN, **placed), "")


def test_folder_of_tables_says_what_it_passes_over(tmp_path: Path) -> None:
    tables(lambda motor: f"{motor}.{'txt' if motor > 'M01' else 'csv'}")(tmp_path)
    placed = {"constants": {"domain": "vibration"}, "pattern": r"(?P<motor>M\d+)", **SET_RATE}
    reader = LongCsv(path=str(tmp_path / "tables"), **KNOWN, **placed)
    assert sorted({one.motor for one in reader.read()}) == ["M00", "M01"]
    assert "2 .txt" in str(reader.passed_over())


def structs(signal: np.ndarray) -> np.ndarray:
    channels = np.zeros((1, 2), dtype=[("Name", object), ("Data", object)])
    channels[0, 0], channels[0, 1] = ("force", signal[::-1]), ("vibration_1", signal.reshape(1, -1))
    return channels


def cell(signal: np.ndarray) -> np.ndarray:
    made = np.empty((1, 1), dtype=object)
    made[0, 0] = signal.reshape(-1, 1)
    return made


# What is stored of a signal and its motor's number; the variable that is named; what is wrong, and how it is scaled.
MATS: dict[str, tuple[Callable[[np.ndarray, int], dict[str, Any]], str | None, str, dict[str, Any]]] = {
    "two_signals_by_a_star": (
        lambda x, n: {f"X{n:03d}_DE_time": x, f"X{n:03d}_FE_time": x[::-1], f"X{n:03d}RPM": [[1796]]},
        "*_DE_time",
        "",
        {},
    ),
    "star_that_means_two": (lambda x, n: {"X1_DE_time": x, "X2_DE_time": x}, "*_DE_time", "X1_DE_time, X2_DE_time", {}),
    "question_marks": (lambda x, n: {f"X{n:03d}_DE_time": x, "y": x}, "X???_DE_time", "", {}),
    "struct_named_by_the_file": (
        lambda x, n: {f"N15_{n}": {"X": np.arange(3.0), "Y": structs(x)}},
        None,
        "Y",
        {},
    ),
    "struct": (lambda x, n: {"bearing": {"sr": 2000.0, "gs": x, "load": 270.0}}, None, "bearing.gs", {}),
    "struct_named": (lambda x, n: {"bearing": {"sr": 2000.0, "gs": x, "load": 270.0}}, "bearing.gs", "", {}),
    "cell": (lambda x, n: {"data": cell(x)}, None, "data", {}),
    "text_beside": (lambda x, n: {"note": "recorded by hand", "x": x}, None, "note, x; set variable", {}),
    "text_beside_named": (lambda x, n: {"note": "recorded by hand", "x": x}, "x", "", {}),
    "three_rows": (lambda x, n: {"m": np.vstack([x[::-1], x, x])}, None, r"\(2,:\)", {}),
    "three_rows_named": (lambda x, n: {"m": np.vstack([x[::-1], x, x[::-1]])}, "m(2,:)", "", {}),
    "int16": (lambda x, n: {"x": np.round(x * 1e4).astype("i2")}, None, "", {"scale": 1e4}),
    "complex": (lambda x, n: {"x": x + 1j}, None, "complex", {}),
    "logical": (lambda x, n: {"x": x > 0}, None, "bool|logical|uint8", {}),
    "sparse": (lambda x, n: {"x": scipy.sparse.csc_matrix(x.reshape(-1, 1))}, None, "sparse", {}),
    "version_4": (lambda x, n: {"x": x}, None, "", {"format": "4"}),
    "single": (lambda x, n: {"x": x.astype("f4")}, None, "", {}),
    "empty_beside": (lambda x, n: {"x": x, "y": np.zeros((0, 0))}, None, "x, y; set variable", {}),
    "empty_beside_named": (lambda x, n: {"x": x, "y": np.zeros((0, 0))}, "x", "", {}),
    "variable_that_is_not_there": (lambda x, n: {"x": x}, "\u632f\u52a8", "x", {}),
    "compressed": (lambda x, n: {"x": x}, None, "", {"do_compression": True}),
    "time_and_signal": (lambda x, n: {"data": np.column_stack([TIME, x])}, None, r"\(:,2\)", {}),
    "time_and_signal_named": (lambda x, n: {"data": np.column_stack([TIME, x])}, "data(:,2)", "", {}),
    "nan_at_the_end": (lambda x, n: {"x": np.append(x[:-1], np.nan)}, None, f"sample {N - 1}", {}),
}


@pytest.mark.parametrize("kind", MATS)
def test_mat_as_it_comes(tmp_path: Path, kind: str) -> None:
    content, variable, wrong, options = MATS[kind]
    scale = options.get("scale", 1.0)
    for number, (motor, signal) in enumerate(SIGNALS.items()):
        file = tmp_path / f"tree/vibration/{LABELS[motor]}/{motor}.mat"
        file.parent.mkdir(parents=True, exist_ok=True)
        stored = {name: value for name, value in options.items() if name != "scale"}
        scipy.io.savemat(file, content(signal, number), oned_as="column", **stored)
    reader = Tree(path=str(tmp_path / "tree"), pattern=r"(?P<motor>M\d+)\.mat$", variable=variable, **SET_RATE, **KNOWN)
    if scale != 1.0:
        for one in reader.read():
            np.testing.assert_array_equal(one.signal, np.round(SIGNALS[one.motor] * scale))
        return
    check(reader, wrong)


FAR = {  # what stands in the faulty line, by its cells; what the message has to say
    "text": (lambda a, b, c: f"{a},oops,{c}", "'oops'"),
    "cells": (lambda a, b, c: f"{a},{b},{c},9", "4 cells"),
    "nan": (lambda a, b, c: f"{a},nan,{c}", "'nan'"),
    "label_changes": (lambda a, b, c: f"{a},{b},{'spark' if c == 'normal' else 'normal'}", "make it one value"),
    "nul": (lambda a, b, c: f"{a},0.5\0,{c}", ""),
    "quote_unclosed": (lambda a, b, c: f'"{a},0.5,{c}', ""),
    "inf": (lambda a, b, c: f"{a},Infinity,{c}", "Infinity"),
    "hexadecimal": (lambda a, b, c: f"{a},0x1F,{c}", "0x1F"),
    "underscore": (lambda a, b, c: f"{a},1_000,{c}", "1_000"),
}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("kind", FAR)
def test_long_table_names_the_faulty_line_behind_many_blocks(
    tmp_path: Path, kind: str, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("motor.recordings.csv_blocks.BLOCK_BYTES", 256)
    change, words = FAR[kind]
    rows = ["item_id,target,label"]
    for motor, signal in SIGNALS.items():
        rows += [*(f"{motor},{value},{LABELS[motor]}" for value in signal.tolist()), ""]
    at = len(rows) - 21
    rows[at] = change(*rows[at].split(","))
    (tmp_path / "long.csv").write_text(end.join(rows) + end, newline="")
    placed = {"constants": {"domain": "vibration"}, "pattern": r"(?P<motor>M\d+)", **SET_RATE}
    check(LongCsv(path=str(tmp_path / "long.csv"), **KNOWN, **placed), f"long.csv, line {at + 1}.*{words}")


def test_long_table_whose_last_line_is_cut_or_has_no_end(tmp_path: Path) -> None:
    long()(tmp_path)
    file = tmp_path / "long.csv"
    whole = file.read_text()
    placed = {"constants": {"domain": "vibration"}, "pattern": r"(?P<motor>M\d+)"}
    file.write_text(whole.removesuffix("\n"))
    check(LongCsv(path=str(file), **KNOWN, **placed), "")
    file.write_text(whole[:-12])
    check(LongCsv(path=str(file), **KNOWN, **placed), f"line {1 + N * len(MOTORS)}")
