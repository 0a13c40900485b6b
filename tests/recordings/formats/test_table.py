"""Signals in .csv files: the very samples, or the line, the value and a next step that leads to them."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motor.recordings.formats.layout import TableLayout
from motor.recordings.recording import SeriesError
from motor.recordings.signals import SignalOptions, read_signal

SIGNAL = np.round(np.random.default_rng(3).normal(0, 0.8, 40), 4)
TIME = np.arange(40) / 1000


def comma(value: float) -> str:
    return f"{value:.4f}".replace(".", ",")


def rows(form: str, *columns: Sequence[Any]) -> list[str]:
    return [form.format(*cells) for cells in zip(*columns, strict=True)]


# What is written, by lines; then the options by which it is read.
READ: dict[str, tuple[list[str], dict[str, Any]]] = {
    "fifth of six columns, no names": (rows("9;39;{};{};{};7", range(40), TIME, SIGNAL), {"variable": "column 5"}),
    "decimal commas": (
        ["Zeit;Weg", *rows("{};{}", map(comma, TIME), map(comma, SIGNAL))],
        {"decimal": ",", "delimiter": ";"},
    ),
    "decimal commas in one column": ([comma(x) for x in SIGNAL], {"decimal": ","}),
    "decimal commas and tabs": (["t\ta", *rows("{}\t{}", map(comma, TIME), map(comma, SIGNAL))], {"decimal": ","}),
    "a line for Excel": (["sep=;", "t;a", *rows("{};{}", TIME, SIGNAL)], {}),
    "comments at the top": (["# made by, some, program", "#", "n,a", *rows("{},{}", range(40), SIGNAL)], {}),
    "separators at the ends": (["a,", *rows("{},", SIGNAL)], {}),
    "a title": (["Export, from, recorder", "t,a", *rows("{},{}", TIME, SIGNAL)], {"skip_rows": 1}),
    "units": (["t,a", "(ms),(mV)", "", *rows("{},{}", TIME, SIGNAL)], {"skip_rows": 1}),
    "a column's number above": (["0", *map(str, SIGNAL)], {"skip_rows": 1}),
    "a time in words": (["when,a", *rows("2024-05-01 08:00:0{},{}", TIME, SIGNAL)], {"variable": "a"}),
    "bars": (["t|a", *rows("{}|{}", TIME, SIGNAL)], {"delimiter": "|"}),
    "quoted": (['"t","a"', *rows('"{}","{}"', TIME, SIGNAL)], {}),
    "quoted behind blanks": (['"t", "a"', *rows('"{}", "{}"', TIME, SIGNAL)], {}),
    "a line's end in a quoted name": (['"t', '[s]",a', *rows("{},{}", TIME, SIGNAL)], {"skip_rows": 2}),
    "a line's end in a title": (['"made by', 'hand"', "t,a", *rows("{},{}", TIME, SIGNAL)], {"skip_rows": 2}),
    "an inch in a title": (['a pump of 5"', "t,a", *rows('"{}","{}"', TIME, SIGNAL)], {"skip_rows": 1}),
    "a long preamble": ([*map("line {}".format, range(99)), "t,a", *rows("{},{}", TIME, SIGNAL)], {"skip_rows": 99}),
    "a rate above": (["25600", *map(str, SIGNAL)], {"skip_rows": 1}),
    "dates before samples, no names": (rows("2024-05-01 08:00:0{},{}", TIME, SIGNAL), {"variable": "column 2"}),
    "words behind samples, no names": (rows("{},normal", SIGNAL), {"variable": "column 1"}),
    "names composed in another way": (["t,Gera\u0308t", *rows("{},{}", TIME, SIGNAL)], {"variable": "Ger\u00e4t"}),
    "two columns of one name": (["a,a", *rows("{},{}", TIME, SIGNAL)], {"variable": "column 2"}),
    "a date above": (["2024-05-01 08:00:00", *map(str, SIGNAL)], {}),
}


def write(folder: Path, lines: list[str], encoding: str = "utf-8", end: str = "\n") -> Path:
    file = folder / "a.csv"
    file.write_bytes((end.join(lines) + end).encode(encoding))
    return file


def options(variable: str | None = None, **table: Any) -> SignalOptions:
    return SignalOptions(variable, TableLayout(**table))


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize(("encoding", "end"), [("utf-8", "\n"), ("utf-8-sig", "\r\n"), ("utf-16", "\n")])
def test_table_is_read_to_the_last_digit(tmp_path: Path, name: str, encoding: str, end: str) -> None:
    lines, told = READ[name]
    signal, _ = read_signal(write(tmp_path, lines, encoding, end), options=options(**told))
    np.testing.assert_array_equal(signal, SIGNAL.astype(np.float32))


# Of what cannot be read as it is: what the message has to say, and by which of its next steps it then is.
STEPS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "fifth of six columns, no names": ("column 5", "set variable", {"variable": "column 5"}),
    "decimal commas": ("line 2: column 1 is '0,0000'", "set decimal: ','", {"decimal": ","}),
    "decimal commas in one column": ("column 1, column 2", "set decimal: ','", {"decimal": ","}),
    "decimal commas and tabs": ("line 2: column 1 is '0,0000'", "set decimal: ','", {"decimal": ","}),
    "a title": ("line 2: 't,a'", "set skip_rows: 1", {"skip_rows": 1}),
    "units": ("line 2: '(ms),(mV)'", "set skip_rows: 1", {"skip_rows": 1}),
    "a column's number above": ("line 1: '0'", "skip_rows: 1", {"skip_rows": 1}),
    "a time in words": ("line 2: column 1 is '2024", "in variable (when or a)", {"variable": "a"}),
    "a long preamble": ("line 2: 'line 1'", "begin in line 101: set skip_rows: 99", {"skip_rows": 99}),
    "a rate above": ("line 1: '25600' may be", "skip_rows: 1", {"skip_rows": 1}),
    "a line's end in a title": ("line 2: ", "set skip_rows: 2", {"skip_rows": 2}),
}


@pytest.mark.parametrize("name", STEPS)
def test_table_that_needs_a_setting_names_the_place_and_a_setting_that_works(tmp_path: Path, name: str) -> None:
    place, step, told = STEPS[name]
    file = write(tmp_path, READ[name][0])
    with pytest.raises(SeriesError) as caught:
        read_signal(file)
    assert place in str(caught.value)
    assert step in str(caught.value)
    np.testing.assert_array_equal(read_signal(file, options=options(**told))[0], SIGNAL.astype(np.float32))


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["t,a", "0,1.5", "1,1,234.5", "2,3.5"], "line 3: '1,1,234.5' has 3 cells where the lines above have 2"),
        (["t,a", "0,1.5", '1,"1,234.5"'], "line 3: column 2 is '1,234.5'.*thousands"),
        (["a", "1.5", "1,234.5"], "line 3: column 1 is '1,234.5'.*thousands"),
        (["t,a,b", "0,1.5,2", "1,1.5"], "column not set"),
        (["t a", "0 1.5", "1 1.5 9"], "line 3: .* has 3 cells"),
        (["a", "1_000", "2_000"], "line 2: column 1 is '1_000'.*thousands"),
        (["a", "True", "False", "True"], "line 2: column 1 is 'True'"),
        (["a", "1.5D+00", "2.5D+00"], "Fortran"),
        (["a", "0x1F", "1"], "line 2: '0x1F' is no row of numbers"),
        (["a", "1.5", "9.9e37"], "sample 1 is 9.9.*, no measured value"),
        (["0,1", "0.1,0.5", "0.2,0.7"], "line 1: '0,1' may be the columns' numbers"),
        (["1.5", "2.5", "", "three"], "line 4: column 1 is 'three'"),
        (['"1,234.5"', "1.5", "2.5"], "line 1: column 1 is '1,234.5'.*thousands"),
        (["\u22121.5", "2.5", "3.5"], "line 1: column 1 is .*write - in front"),
        (["signal", "\u22121.5", "2.5", "3.5"], "line 2: column 1 is .*write - in front"),
        (["1.5", "\f", "2.5"], "line 2: column 1 is"),
        (["a,a", "0,1.5", "1,0.5", "0,2.5"], "the first does not only grow"),
        (["1,2", "0.1,0.5", "0.2,0.7", "0.3,0.9"], "line 1: '1,2' may be the columns' numbers"),
        (
            ["8", *map(str, range(20, 28))],
            "line 1: 8 may be a rate, or how many numbers follow .8.; say by skip_rows: 1",
        ),
        (["51200", *map(str, range(-9, 9))], "line 1: 51200 may be a rate, or how many numbers follow .18.; say by"),
        (["2048", "18", *map(str, range(-9, 9))], "line 1: 2048 and 18 may be a rate, or how many numbers follow"),
        (["x", "1.5\u00a0", "2.5\u00a0"], r"line 2: '1.5\\xa0' holds '\\xa0', a blank that is no space"),
        (["t^x", "0^1.5", "1^2.5"], "is '.' the separator. write commas"),
        (["x", "1.5g", "2.5g"], "line 2: column 1 is '1.5g', .*a unit behind the number"),
        (["t,x", "00:00:01,1.5", "00:00:02,2.5"], "column 1 is '00:00:01', no finite number; "),
        (["signal"], "no sample"),
    ],
)
def test_table_at_fault_names_line_value_and_cause(tmp_path: Path, lines: list[str], words: str) -> None:
    with pytest.raises(SeriesError, match=words):
        read_signal(write(tmp_path, lines))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("g\u00fcte\n1\n2\n".encode("cp1252"), r"line 1: byte 0xfc is not UTF-8"),
        (b"a\r1\r2\r", "carriage returns alone"),
        (b"a\n\0\0\n", "line 2: it holds NUL"),
        (b"\n\n", "no sample"),
    ],
)
def test_table_that_is_no_text_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(SeriesError, match=words):
        read_signal(tmp_path / "a.csv")


def test_table_first_line_of_numbers_is_a_sample_unless_it_may_be_a_column(tmp_path: Path) -> None:
    file = write(tmp_path, ["0", "1.5", "2.5"])
    assert read_signal(file, options=options(skip_rows=0))[0].tolist() == [0.0, 1.5, 2.5]
    assert read_signal(file, options=options(skip_rows=1))[0].tolist() == [1.5, 2.5]
    assert read_signal(write(tmp_path, ["0.0", "1.5", "2.5"]))[0].tolist() == [0.0, 1.5, 2.5]


def test_table_whole_numbers_first_are_samples_where_a_time_goes_on_or_others_are_whole(tmp_path: Path) -> None:
    file = write(tmp_path, ["0,0", *rows("{},{}", TIME[1:], SIGNAL[1:])])
    np.testing.assert_array_equal(read_signal(file)[0], np.array([0.0, *SIGNAL[1:]], np.float32))
    assert read_signal(write(tmp_path, ["3", "0", "1.5", "2.5", "1.5"]))[0].tolist() == [3.0, 0.0, 1.5, 2.5, 1.5]


def test_table_with_several_marks_of_utf_8_keeps_its_first_sample(tmp_path: Path) -> None:
    file = write(tmp_path, ["\ufeff\ufeff" + str(SIGNAL[0]), *map(str, SIGNAL[1:])])
    np.testing.assert_array_equal(read_signal(file)[0], SIGNAL.astype(np.float32))


WHOLE = np.random.default_rng(4).integers(-3000, 3000, 400)


@pytest.mark.parametrize(("mark", "told"), [(".", {}), (",", {"decimal": ","})])
def test_table_of_whole_numbers_whose_thousands_read_as_fractions_is_refused(
    tmp_path: Path, mark: str, told: dict[str, Any]
) -> None:
    file = write(tmp_path, rows("{};{}", range(400), [f"{x:,}".replace(",", mark) for x in WHOLE]))
    with pytest.raises(SeriesError, match="separators of thousands"):
        read_signal(file, options=options(**told))
    plain = write(tmp_path, [f"{x / 1000:.3f}" for x in 1000 * WHOLE + 600_000])  # "500.000": with its decimals
    assert len(read_signal(plain)[0]) == 400


def test_table_long_line_is_quoted_in_part(tmp_path: Path) -> None:
    with pytest.raises(SeriesError) as caught:
        read_signal(write(tmp_path, ["a", "1.5", "x" * 100_000]))
    assert len(str(caught.value)) < 600


def test_table_of_more_lines_than_allowed_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path, list(map(str, SIGNAL)))
    with pytest.raises(SeriesError, match="40 samples by its head; allowed: 39"):
        read_signal(file, options=SignalOptions(max_samples=39))


def test_table_fault_behind_the_first_block_names_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("motor.recordings.formats.lines.BLOCK", 64)
    lines = ["t,a", *rows("{},{}", TIME, SIGNAL)]
    lines[35] += ",9"
    with pytest.raises(SeriesError, match=re.escape("a.csv, line 36: ")):
        read_signal(write(tmp_path, lines))
    lines[35] = ""
    assert len(read_signal(write(tmp_path, lines))[0]) == 39


def test_table_without_names_keeps_its_first_line_where_lines_end_with_a_separator_or_a_cell_is_empty(tmp_path):
    file = write(tmp_path, ["1.5;2.5;", "3.5;4.5;", "5.5;6.5;"])
    assert read_signal(file, variable="column 2")[0].tolist() == [2.5, 4.5, 6.5]
    with pytest.raises(SeriesError, match="line 1: column 2 is ''"):
        read_signal(write(tmp_path, ["1.5;;2.5", "3.5;4.5;5.5"]), variable="column 2")


@pytest.mark.parametrize("cell", ["1\u00a0000", "1\x0b.5", "\ufeff1.5", '"1.5', "\u22121.5", "\u0661"])
def test_table_cell_with_what_nobody_sees_names_its_line(tmp_path, cell):
    with pytest.raises(SeriesError, match="line 4"):
        read_signal(write(tmp_path, ["signal", "0.5", "1.5", cell, "2.5"]))


def test_table_with_bars_between_its_cells_is_read(tmp_path):
    signal, _ = read_signal(write(tmp_path, ["t|s", "0|1.5", "1|2.5", "2|-1"]), variable="s")
    assert signal.tolist() == [1.5, 2.5, -1.0]


THOUSANDS = [f"{1000 * x:,.2f}" for x in SIGNAL]
# As people have them: what is written, the options, and what is wrong ("": it is read).
AS_THEY_COME: dict[str, tuple[list[str], dict[str, Any], str]] = {
    "two sensors": (["h,v", *rows("{},{}", SIGNAL, SIGNAL[::-1])], {}, "h, v"),
    "two sensors, one named": (["h,v", *rows("{},{}", SIGNAL, SIGNAL[::-1])], {"variable": "h"}, ""),
    "an index of pandas": ([",0", *rows("{},{}", range(40), SIGNAL)], {}, ""),
    "a comment": (["# sampling rate 1000", *map(str, SIGNAL)], {}, ""),
    "separators at the ends of rows": (["t,a", *rows("{},{},", TIME, SIGNAL)], {}, "column 2"),
    "separators at the ends of rows, one named": (
        ["t,a", *rows("{},{},", TIME, SIGNAL)],
        {"variable": "column 2"},
        "",
    ),
    "blank lines in the middle": (["a", *map(str, SIGNAL[:9]), "", "  ", *map(str, SIGNAL[9:])], {}, ""),
    "columns of blanks": (rows("{:10.5f}   {:9.5f}", TIME, SIGNAL), {}, ""),
    "a value with a thousands separator": (["a", *THOUSANDS], {}, "thousands"),
    "quoted thousands": (["t,a", *rows('{},"{}"', TIME, THOUSANDS)], {}, "thousands"),
    "a temperature that grows, and a signal": (["temp,acc", *rows("{},{}", 20 + TIME, SIGNAL)], {}, ""),
    "the time in the second column": (["a,t", *rows("{},{}", SIGNAL, TIME)], {}, "a, t"),
    "the time in the second column, one named": (["a,t", *rows("{},{}", SIGNAL, TIME)], {"variable": "a"}, ""),
    "true and false": (["a", *("True" if x > 0 else "False" for x in SIGNAL)], {}, "line 2"),
    "exponents of Fortran": (["a", *(f"{x:.5e}".replace("e", "D") for x in SIGNAL)], {}, "Fortran"),
    "digits in groups": (["a", *(f"{10000 * x:_.0f}" for x in SIGNAL)], {}, "_"),
}


@pytest.mark.parametrize("name", AS_THEY_COME)
def test_table_as_people_have_it(tmp_path: Path, name: str) -> None:
    lines, told, wrong = AS_THEY_COME[name]
    file = write(tmp_path, lines)
    if wrong:
        with pytest.raises(SeriesError, match=wrong):
            read_signal(file, options=options(**told))
        return
    np.testing.assert_array_equal(read_signal(file, options=options(**told))[0], SIGNAL.astype(np.float32))


def test_table_columns_that_differ_in_nothing_that_can_be_seen_are_not_chosen_between(tmp_path: Path) -> None:
    file = write(tmp_path, ["\u00e9,e\u0301", "1.5,2.5", "2.5,1.5"])
    with pytest.raises(SeriesError, match=r"'.xe9' and 'e.u0301' differ in nothing that can be seen"):
        read_signal(file, "\u00e9")
