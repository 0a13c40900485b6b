"""Names: what they may be, and when two of them are one."""

import csv
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from grid.config.check import ConfigError
from motor.experiment.reading import read_experiment
from motor.recordings.names import LONGEST, alike, cleaned, fault_of, is_nothing, told_apart
from motor.recordings.readers.base import Reader
from motor.recordings.readers.jsonl import Jsonl
from motor.recordings.readers.long_csv import LongCsv
from motor.recordings.readers.manifest import Manifest
from motor.recordings.readers.parquet import Parquet
from motor.recordings.readers.tree import Tree
from motor.recordings.recording import DataError
from motor.recordings.splits.ratio import Ratio

pytestmark = pytest.mark.hostile

# Spellings of one machine that are taken for one, and such that only a person can tell.
ONE = [("M1 ", "M1"), ("\u00a0M1", "M1"), ("1.0", "1"), ("Lu\u0308fter", "L\u00fcfter"), ("12.00", "12")]
DOUBTFUL = [
    ("M1", "m1"),
    ("1", "1,0"),
    ("1", "\u0661"),  # Arabic-Indic
    ("M1", "\u200bM1"),
    ("M1", "\uff2d\uff11"),
    ("Pump 1", "Pump\u00a01"),
    ("Pump 1", "Pump1"),
    ("007", "7"),
    ("M01", "M1"),
    ("M01", "\u041c01"),  # Cyrillic
    ("A1", "\u03911"),  # Greek
    ("M-01", "M\u201301"),
    ("M-01", "M\u221201"),
    ("M-01", "M\u201101"),
    ("M1", "M1\u3164"),
    ("M1", "M1\u2800"),
    ("M1", "M\u034f1"),
    ("M1", "M1\ufe0f"),
    ("M'1", "M\u20191"),
    ("001", "'001"),  # a spreadsheet's mark of text
    ("MOT\u0130F", "motif"),
]


def test_names_that_look_the_same_are_told_apart_by_what_their_letters_are_called() -> None:
    told = told_apart("M01", "\u041c01")
    assert "CYRILLIC CAPITAL LETTER EM" in told
    assert "u041c" in told
    assert told_apart("M1", "m1") == ""


@pytest.mark.parametrize(("raw", "name"), ONE)
def test_names_blanks_forms_and_whole_floats_are_looked_up_as_one(raw: str, name: str) -> None:
    assert cleaned(raw) == cleaned(name) == name


def test_names_whole_float_is_its_integer() -> None:
    assert [cleaned(value) for value in (3.0, 3, "3.50", 3.5)] == ["3", "3", "3.50", "3.5"]


@pytest.mark.parametrize(("one", "other"), DOUBTFUL)
def test_names_that_differ_in_what_nobody_sees_are_alike(one: str, other: str) -> None:
    assert cleaned(one) != cleaned(other)
    assert alike(one) == alike(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("M1", "M2"), ("1 1", "11"), ("v1.05", "v1.5"), ("100", "10"), ("0", "00a"), ("\u0416", "\u0428"), ("-1", "1")],
)
def test_names_that_differ_are_not_alike(one: str, other: str) -> None:
    assert alike(one) != alike(other)


def test_names_words_for_nothing_tell_nothing() -> None:
    assert all(is_nothing(value) for value in (None, "", " ", "nan", "NaN", "NA", "n/a", "None", "null", float("nan")))
    assert not any(is_nothing(value) for value in (0, 0.0, "0", "normal", False, "nano"))


@pytest.mark.parametrize("name", ["", "a\nb", "a\0b", "\x1b[31mred", "a\tb", "\u202eabc", "\u2028", "\ud800", "x" * 81])
def test_names_that_cannot_be_say_why_in_few_characters(name: str) -> None:
    fault = fault_of(name)
    assert fault is not None
    assert len(fault) < 200
    assert fault.isprintable()


def test_names_of_any_alphabet_and_80_bytes_may_be() -> None:
    names = ("OR@6:00, 7 mil", "\u58f0\u97f3", "it's \U0001f525", "x" * LONGEST)
    assert [fault_of(name) for name in names] == [None] * 4


SETTINGS: dict[str, Any] = {"classes": ("normal", "spark"), "domains": ("east",), "sampling_rate_hz": 1000.0}


def in_manifest(folder: Path, motors: list[Any]) -> Reader:
    rows = [["file", "motor", "domain", "label"]]
    for number, motor in enumerate(motors):
        np.save(folder / f"{number}.npy", np.arange(9.0) + number)
        rows.append([f"{number}.npy", motor, "east", "normal"])
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return Manifest(path=str(folder), **SETTINGS)


def in_long_csv(folder: Path, motors: list[Any]) -> Reader:
    parts = [
        pd.DataFrame({"item_id": number, "target": np.arange(9.0), "motor": motor, "label": "normal", "domain": "east"})
        for number, motor in enumerate(motors)
    ]
    pd.concat(parts).to_csv(folder / "long.csv", index=False)
    return LongCsv(path=str(folder / "long.csv"), **SETTINGS)


def in_parquet(folder: Path, motors: list[Any]) -> Reader:
    signals = [np.arange(9.0) + number for number in range(len(motors))]
    table = {"item": [str(number) for number in range(len(motors))], "motor": motors, "signal": signals}
    pd.DataFrame({**table, "label": "normal", "domain": "east"}).to_parquet(folder / "table.parquet")
    return Parquet(path=str(folder), **SETTINGS)


def in_tree(folder: Path, motors: list[Any]) -> Reader:
    for number, motor in enumerate(motors):
        file = folder / "east" / "normal" / f"{motor}-{number}.npy"
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, np.arange(9.0) + number)
    return Tree(path=str(folder), pattern=r"(?P<motor>[^/]*)-\d+\.npy$", **SETTINGS)


def in_jsonl(folder: Path, motors: list[Any]) -> Reader:
    rows = [
        {
            "item": str(number),
            "motor": motor,
            "signal_value": [0.5, number, 1.5, 2, 3],
            "label": "normal",
            "domain": "east",
        }
        for number, motor in enumerate(motors)
    ]
    (folder / "table.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return Jsonl(path=str(folder), **SETTINGS)


READERS = pytest.mark.parametrize("written", [in_manifest, in_long_csv, in_parquet, in_tree, in_jsonl])


@pytest.mark.leak
@READERS
@pytest.mark.parametrize(("raw", "name"), ONE)
def test_motor_in_two_forms_is_one_motor(
    tmp_path: Path, written: Callable[[Path, list[Any]], Reader], raw: str, name: str
) -> None:
    assert {recording.motor for recording in written(tmp_path, [raw, name]).read()} == {name}


@pytest.mark.leak
@READERS
@pytest.mark.parametrize(("one", "other"), DOUBTFUL)
def test_motor_in_two_spellings_stops_with_both_and_their_places(
    tmp_path: Path, written: Callable[[Path, list[Any]], Reader], one: str, other: str
) -> None:
    with pytest.raises(DataError) as caught:
        list(written(tmp_path, [one, other]).read())
    message = str(caught.value)
    assert f"{unicodedata.normalize('NFC', one)!r}" in message
    assert f"{unicodedata.normalize('NFC', other)!r}" in message
    assert message.count(str(tmp_path)) >= 2


@pytest.mark.leak
@pytest.mark.parametrize("pair", [("Pump {}", "Pump {} "), ("{}", "{}.0"), ("L\u00fcfter {}", "Lu\u0308fter {}")])
@READERS
def test_motor_in_two_forms_stands_on_one_side_of_every_split(
    tmp_path: Path, written: Callable[[Path, list[Any]], Reader], pair: tuple[str, str]
) -> None:
    motors = [form.format(number) for number in range(11, 23) for form in pair]
    read = list(written(tmp_path, motors).read())
    meta = pd.DataFrame([{"motor": one.motor, "label": one.label, "domain": one.domain} for one in read])
    assert meta["motor"].nunique() == 12
    for seed in range(5):
        sides = Ratio(train=2, validation=1, test=1).split(meta, seed, "normal").set_index("motor")["side"]
        assert sides.index.is_unique
        assert set(sides) == {"train", "validation", "test"}


@READERS
@pytest.mark.parametrize("word", ["nan", "NA", " ", "None"])
def test_motor_that_is_a_word_for_nothing_is_missing(
    tmp_path: Path, written: Callable[[Path, list[Any]], Reader], word: str
) -> None:
    with pytest.raises(DataError, match="has no motor"):
        list(written(tmp_path, [word]).read())


@pytest.mark.parametrize(
    ("label", "domain", "words"),
    [
        ("normal ", "east", ""),
        ("Normal", "east", "unknown label 'Normal'.*did you mean 'normal'"),
        ("normal", " east", ""),
        ("normal", "East", "unknown domain 'East'"),
        ("normal", "Geha\u0308use", ""),
    ],
)
def test_label_and_domain_are_looked_up_in_one_form(tmp_path: Path, label: str, domain: str, words: str) -> None:
    reader = in_manifest(tmp_path, ["M1"]).model_copy(update={"domains": ("east", "Geh\u00e4use")})
    table = tmp_path / "manifest.csv"
    table.write_text(table.read_text().replace("east,normal", f"{domain},{label}"), encoding="utf-8")
    if words:
        with pytest.raises(DataError, match=words):
            list(reader.read())
        return
    (found,) = reader.read()
    assert (found.label, found.domain) == ("normal", unicodedata.normalize("NFC", domain.strip()))


@pytest.mark.parametrize("word", ["nan", "NA", "", "None"])
def test_speed_that_is_a_word_for_nothing_is_not_told(tmp_path: Path, word: str) -> None:
    reader = in_manifest(tmp_path, ["M1"])
    table = tmp_path / "manifest.csv"
    header, row = table.read_text().splitlines()
    table.write_text(f"{header},speed_rpm\n{row},{word}\n")
    assert [one.speed_rpm for one in reader.read()] == [None]


def test_motor_that_is_a_struct_is_no_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"which is no text but a dict; set columns\.motor"):
        list(in_parquet(tmp_path, [{"plant": 1, "number": 2}]).read())


def test_motor_with_a_control_character_is_no_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has a motor that cannot be: 'M\\x1b\[31m1' holds '\\x1b'"):
        list(in_parquet(tmp_path, ["M\x1b[31m1"]).read())


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("sound", "Sound"), "'sound' and 'Sound' differ only in case"),
        (("a\nb",), "a name that cannot be"),
        (("x" * 200,), "has 200 bytes"),
        (("a", "a "), "'a' comes twice"),
    ],
)
@pytest.mark.parametrize("field", ["domains", "classes"])
def test_settings_name_that_cannot_be_is_found_before_the_data_is_read(
    names: tuple[str, ...], words: str, field: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        Tree(path="nowhere", **{**SETTINGS, field: names})
    assert words in str(caught.value)


def test_class_that_is_a_word_for_nothing_may_be_named(tmp_path: Path) -> None:
    reader = in_manifest(tmp_path, ["M1"]).model_copy(update={"classes": ("normal", "none")})
    table = tmp_path / "manifest.csv"
    table.write_text(table.read_text().replace(",normal", ",none"))
    assert [recording.label for recording in reader.read()] == ["none"]


@pytest.mark.parametrize("name", ["x" * 81, "a\nb", "grid\n"])
def test_name_of_a_grid_that_cannot_be_is_found_in_the_config(tmp_path: Path, tiny_text: str, name: str) -> None:
    (tmp_path / "grid.yaml").write_text(tiny_text, encoding="utf-8")
    with pytest.raises(ConfigError, match="name"):
        read_experiment(tmp_path / "grid.yaml", [f"name={json.dumps(name)}"], {})
