"""Faulty datasets: each error names the file, the place, the value and the next step."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import soundfile

from motor.recordings.readers.base import Reader
from motor.recordings.readers.long_csv import LongCsv
from motor.recordings.readers.manifest import Manifest
from motor.recordings.readers.tree import Tree
from motor.recordings.recording import DataError

pytestmark = pytest.mark.hostile

KNOWN: dict[str, Any] = {"classes": ("normal", "spark"), "domains": ("east", "west"), "sampling_rate_hz": 1000.0}
PLACED: dict[str, Any] = {**KNOWN, "constants": {"motor": "M1", "domain": "east", "label": "normal"}}
GOOD = np.sin(np.arange(40.0))
SKIP = "on_bad_series: skip"

CASES: dict[str, tuple[Callable[[Path], Reader], tuple[str, ...]]] = {}


def fault(*expected: str) -> Callable[[Callable[[Path], Reader]], Callable[[Path], Reader]]:
    """Register what builds a faulty dataset, and what the error has to say."""

    def register(build: Callable[[Path], Reader]) -> Callable[[Path], Reader]:
        CASES[build.__name__] = (build, expected)
        return build

    return register


def long_csv(folder: Path, rows: Iterable[str], header: str = "item_id,target,label", **settings: Any) -> Reader:
    """Write a long table and return its reader."""
    file = folder / "x.csv"
    file.write_text("\n".join([header, *rows]) + "\n")
    return LongCsv(path=str(file), **{**KNOWN, "constants": {"motor": "M1", "domain": "east"}, **settings})


def one_file(folder: Path, name: str, **settings: Any) -> tuple[Path, Reader]:
    """Return the path of a file still to be written into a tree, and the tree's reader."""
    file = folder / "east" / "normal" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    return file, Tree(path=str(folder), **{**KNOWN, "constants": {"motor": "M1"}, **settings})


def manifest(folder: Path, rows: Iterable[str], header: str = "file,motor,domain,label", **settings: Any) -> Reader:
    """Write a manifest over one good signal, a.npy, and return its reader."""
    np.save(folder / "a.npy", GOOD)
    (folder / "manifest.csv").write_text("\n".join([header, *rows]) + "\n")
    return Manifest(path=str(folder), **{**KNOWN, **settings})


@fault("x.csv, line 4", "'NaN'", SKIP)
def nan_in_a_long_table(folder: Path) -> Reader:
    return long_csv(folder, ["a,1,normal", "a,2,normal", "a,NaN,normal", "a,4,normal"])


@fault("x.csv, line 5", "'broken'", SKIP)
def text_in_a_long_table_after_an_empty_line(folder: Path) -> Reader:
    return long_csv(folder, ["a,1,normal", "", "a,2,normal", "a,broken,normal"])


@fault("x.csv, line 3", "'1e39'", "beyond float32", SKIP)
def number_beyond_float32(folder: Path) -> Reader:
    return long_csv(folder, ["a,1,normal", "a,1e39,normal"])


@fault("x.csv, line 6", "'a'", "line 2", "sort the table by item")
def item_whose_rows_lie_apart(folder: Path) -> Reader:
    return long_csv(folder, ["a,1,normal", "a,2,normal", "b,1,normal", "b,2,normal", "a,3,normal", "a,4,normal"])


@fault("x.csv, line 3", "'spark'", "'normal'", "make it one value an item")
def item_with_two_labels(folder: Path) -> Reader:
    return long_csv(folder, ["a,1,normal", "a,2,spark"])


@fault("x.csv, line 3", "2 cells", "the header has 3", "correct the line")
def row_with_a_missing_cell(folder: Path) -> Reader:
    return long_csv(folder, ["a,1,normal", "a,2", "a,3,normal"])


@fault("x.csv, line 3", "'2'", "no item", "fill it in")
def row_without_an_item(folder: Path) -> Reader:
    return long_csv(folder, ["a,1,normal", ",2,normal", "a,3,normal"])


@fault("x.csv, line 1", "'target'", "did you mean 'targets'", "columns.target")
def missing_column(folder: Path) -> Reader:
    return long_csv(folder, ["a,1,normal"], header="item_id,targets,label")


@fault("x.csv, line 2", "'a1'", "no motor", "M\\\\d+", "does not match", "constants.motor")
def motor_that_the_pattern_does_not_find(folder: Path) -> Reader:
    return long_csv(folder, ["a1,1,normal", "a1,2,normal"], pattern=r"(?P<motor>M\d+)", constants={"domain": "east"})


@fault("x.csv, line 2", "'a'", "no label", "column 'label' (absent or empty)", "constants.label")
def no_column_of_labels(folder: Path) -> Reader:
    return long_csv(folder, ["a,1", "a,2"], header="item_id,target")


@fault(
    "x.csv, line 2", "'sparkk'", "did you mean 'spark'", "normal, spark", "map it in labels", "name it in unlabelled"
)
def unknown_label(folder: Path) -> Reader:
    return long_csv(folder, ["a,1,sparkk", "a,2,sparkk"])


@fault("x.csv, line 2", "no sampling_rate_hz", "absent or empty", "or sampling_rate_hz")
def no_sampling_rate(folder: Path) -> Reader:
    return long_csv(folder, ["a,1,normal", "a,2,normal"], sampling_rate_hz=None)


@fault("x.csv, line 2", "2 samples", "series_length asks for 4", SKIP)
def series_too_short(folder: Path) -> Reader:
    return long_csv(folder, ["a,1,normal", "a,2,normal"], series_length=4)


@fault("x.csv, line 2", "constant", "5.0", SKIP)
def constant_signal(folder: Path) -> Reader:
    return long_csv(folder, ["a,5,normal", "a,5,normal"])


@fault("x.csv, line 2", "no rows", "check how it was written")
def header_alone(folder: Path) -> Reader:
    return long_csv(folder, [])


@fault("x.csv, line 4", "'0.5'", "0.498 s", "set sampling_rate_hz")
def gap_in_the_timestamps(folder: Path) -> Reader:
    rows = ["a,0.001,1,normal", "a,0.002,2,normal", "a,0.5,3,normal"]
    return long_csv(folder, rows, header="item_id,timestamp,target,label", sampling_rate_hz=None)


@fault("a.mat", "damaged or cut off", SKIP)
def mat_cut_off(folder: Path) -> Reader:
    file, reader = one_file(folder, "a.mat")
    scipy.io.savemat(file, {"x": np.random.default_rng(0).normal(size=(400, 1))}, do_compression=True)
    file.write_bytes(file.read_bytes()[:900])
    return reader


@fault("a.mat", "x, y", "not set", "set variable")
def mat_with_two_variables(folder: Path) -> Reader:
    file, reader = one_file(folder, "a.mat")
    scipy.io.savemat(file, {"x": GOOD, "y": GOOD})
    return reader


@fault("a.mat", "damaged or cut off", SKIP)
def mat_that_says_7_3_and_is_none(folder: Path) -> Reader:
    file, reader = one_file(folder, "a.mat")
    file.write_bytes(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM" + bytes(400))
    return reader


@fault("a.npy", "empty (0 bytes)", SKIP)
def empty_file(folder: Path) -> Reader:
    file, reader = one_file(folder, "a.npy")
    file.touch()
    return reader


@fault("a.npy", "sample 7", "inf", SKIP)
def infinite_sample(folder: Path) -> Reader:
    file, reader = one_file(folder, "a.npy")
    np.save(file, np.where(np.arange(40) == 7, np.inf, GOOD))
    return reader


@fault("a.npy", "(20, 2)", "(:,2) or (2,:)", "name several in channels")
def two_signals_in_one_array(folder: Path) -> Reader:
    file, reader = one_file(folder, "a.npy")
    np.save(file, GOOD.reshape(20, 2))
    return reader


@fault("a.wav", "2 channels", "name them in channels")
def stereo(folder: Path) -> Reader:
    file, reader = one_file(folder, "a.wav")
    soundfile.write(file, GOOD.reshape(20, 2), 1000)
    return reader


@fault("a.wav", "74 bytes", "124", SKIP)
def wav_cut_off(folder: Path) -> Reader:
    file, reader = one_file(folder, "a.wav")
    soundfile.write(file, GOOD, 1000, subtype="PCM_16")
    file.write_bytes(file.read_bytes()[:-50])
    return reader


@fault("a.csv, line 3", "'1,5'", SKIP)
def text_in_a_signal_table(folder: Path) -> Reader:
    file, reader = one_file(folder, "a.csv")
    file.write_text("time;volt\n0;1\n1;1,5\n2;2\n")
    return reader


@fault("a.csv", "left, right", "no time", "variable")
def two_sensors_in_one_table(folder: Path) -> Reader:
    file, reader = one_file(folder, "a.csv")
    file.write_text("left,right\n3,1\n1,2\n2,3\n")
    return reader


@fault("eats/normal/a.npy", "unknown domain 'eats'", "did you mean 'east'", "east, west", "add it to domains")
def unknown_domain(folder: Path) -> Reader:
    file, reader = one_file(folder, "a.npy")
    np.save(file, GOOD)
    (folder / "east").rename(folder / "eats")
    return reader


@fault("no file to read", ".csv, .npy, .wav, .mat", "1 files (1 .txt)", "suffixes")
def tree_without_signals(folder: Path) -> Reader:
    (folder / "notes.txt").touch()
    return Tree(path=str(folder), **KNOWN)


@fault("absent", "does not exist", "correct the dataset's path")
def nothing_at_the_path(folder: Path) -> Reader:
    return Tree(path=str(folder / "absent"), **KNOWN)


@fault("manifest.csv, line 3", "'b.npy'", "1 of 2 files", "take out the row")
def file_that_is_not_there(folder: Path) -> Reader:
    return manifest(folder, ["a.npy,M1,east,normal", "b.npy,M1,east,normal"])


@fault("manifest.csv, line 2", "there is no file", "(5002 characters)", "take out the row")
def file_whose_name_is_too_long(folder: Path) -> Reader:
    return manifest(folder, [f"{'a' * 5000},M1,east,normal"])


@fault("a.00", "unknown format", "say by format")
def file_of_a_recorder_that_names_it_by_the_time(folder: Path) -> Reader:
    np.save(folder / "b.npy", GOOD)
    (folder / "b.npy").rename(folder / "a.00")
    return manifest(folder, ["a.00,M1,east,normal"])


@fault("manifest.csv, line 3", "'a.npy' stands already in line 2", "take one of the rows out")
def file_named_twice(folder: Path) -> Reader:
    return manifest(folder, ["a.npy,M1,east,normal", "a.npy,M2,west,normal"])


@fault("manifest.csv, line 2", "'fast'", "above 0", "correct it")
def speed_that_is_no_number(folder: Path) -> Reader:
    return manifest(folder, ["a.npy,M1,east,normal,fast"], header="file,motor,domain,label,speed_rpm")


@fault("manifest.csv, line 2", "'-5'", "above 0", "correct it")
def negative_sampling_rate(folder: Path) -> Reader:
    return manifest(folder, ["a.npy,M1,east,normal,-5"], header="file,motor,domain,label,sampling_rate_hz")


@fault("manifest.csv, line 2", "3 cells", "header has 4", "correct the line")
def manifest_row_with_a_missing_cell(folder: Path) -> Reader:
    return manifest(folder, ["a.npy,M1,east"])


@fault("manifest.csv, line 1", "'engine'", "there are: file, motor, domain, label", "columns.motor")
def column_that_the_settings_name_wrongly(folder: Path) -> Reader:
    return manifest(folder, ["a.npy,M1,east,normal"], columns={"motor": "engine"})


@pytest.mark.parametrize("name", CASES)
def test_reading_a_faulty_dataset_names_place_value_and_next_step(name: str, tmp_path: Path) -> None:
    build, expected = CASES[name]
    reader = build(tmp_path)
    with pytest.raises(DataError) as caught:
        list(reader.read())
    missing = [part for part in expected if part not in str(caught.value)]
    assert not missing, f"{missing} not in: {caught.value}"
