"""Signals that independent libraries write, in any of their variants: read to the bit, or refused with file and place.

`MOTOR_GRID_EXAMPLES` says how many examples each property gets: 25 by default, 10000 in the long form. No example may
take over 10 s, and no property's reader more than 1 GB.
"""

import gzip
import io
import json
import os
import resource
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import nptdms
import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest
import scipy.io
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as of_numpy

from motor.recordings.formats.layout import TableLayout
from motor.recordings.readers.jsonl import Jsonl
from motor.recordings.readers.long_csv import LongCsv
from motor.recordings.readers.parquet import Parquet
from motor.recordings.recording import DataError
from motor.recordings.signals import SignalOptions, finite_signal, read_signal

pytestmark = pytest.mark.hostile

EXAMPLES = int(os.environ.get("MOTOR_GRID_EXAMPLES", "25"))
SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=10_000,  # milliseconds an example: no input may hang a reader
    derandomize=EXAMPLES <= 25,  # the default form is the same each time
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    database=None,
)
NAMED: dict[str, Any] = {"classes": ("normal",), "domains": ("east",), "sampling_rate_hz": 1000.0}
FLOATS = st.floats(-1e6, 1e6, allow_nan=False, width=32)
SIGNALS = st.lists(FLOATS, min_size=2, max_size=40).filter(lambda values: len(set(values)) > 1)
TYPES = st.sampled_from(["<f4", ">f4", "<f8", ">f8", "<i2", ">i4", "<i8", "u1", "<u2", "<f2"])


MOST_BYTES = 1_000_000_000  # more than before, that a reader may hold


@pytest.fixture(autouse=True)
def within_memory() -> Iterator[None]:
    """Fail where a property's examples made this process hold 1 GB more than it ever had."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) < MOST_BYTES


def check_message(message: str, name: str) -> None:
    """Fail if a message does not name the file, or is too long to be read."""
    assert name in message
    assert len(message) < 2000


def read_or_refused(file: Path, **told: Any) -> np.ndarray | None:
    """Return a file's signal, None where it is refused by a message that names the file; nothing else may come."""
    try:
        signal, _ = read_signal(file, **told)
    except DataError as error:
        check_message(str(error), file.name)
        return None
    assert signal.dtype == np.float32
    assert signal.ndim == 1
    assert np.isfinite(signal).all()
    return signal


@SETTINGS
@given(
    values=of_numpy.arrays(np.float64, st.integers(1, 50), elements=st.floats(-1, 0.5, width=32)),
    form=st.sampled_from(["WAV", "WAVEX", "RF64", "W64"]),
    subtype=st.sampled_from(["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"]),
    endian=st.sampled_from(["FILE", "LITTLE", "BIG"]),
    rate=st.integers(1, 200_000),
)
def test_wav_is_what_its_library_reads(
    tmp_path: Path, values: np.ndarray, form: str, subtype: str, endian: str, rate: int
) -> None:
    if not soundfile.check_format(form, subtype, endian):
        return
    soundfile.write(tmp_path / "a.wav", values, rate, subtype, endian, form)
    expected, _ = soundfile.read(tmp_path / "a.wav", dtype="float32")
    signal = read_or_refused(tmp_path / "a.wav")
    assert signal is not None
    np.testing.assert_array_equal(signal, expected)


@SETTINGS
@given(kind=TYPES, values=SIGNALS, shape=st.sampled_from(["n", "n1", "1n", "n2"]), order=st.sampled_from("CF"))
def test_npy_is_what_was_saved(tmp_path: Path, kind: str, values: list[float], shape: str, order: str) -> None:
    with np.errstate(all="ignore"):
        array = np.array(values).astype(kind)
    array = np.asarray(
        {"n": array, "n1": array[:, None], "1n": array[None], "n2": np.stack([array] * 2, 1)}[shape], order=order
    )  # type: ignore[call-overload]
    np.save(tmp_path / "a.npy", array)
    signal = read_or_refused(tmp_path / "a.npy")
    if shape == "n2" or not np.isfinite(array.astype(np.float64)).all():
        assert signal is None
    else:
        assert signal is not None
        np.testing.assert_array_equal(signal, finite_signal(array.reshape(-1), "here"))


@SETTINGS
@given(
    kind=st.sampled_from(["<f8", "<f4", "<i2", "<i4", "u1"]),
    values=SIGNALS,
    as_column=st.booleans(),
    form=st.sampled_from(["4", "5"]),
    packed=st.booleans(),
    beside=st.booleans(),
)
def test_mat_is_what_was_saved(
    tmp_path: Path, kind: str, values: list[float], as_column: bool, form: str, packed: bool, beside: bool
) -> None:
    with np.errstate(all="ignore"):
        array = np.array(values).astype(kind)
    content = {"x": array[:, None] if as_column else array[None]} | ({"other": np.eye(3)} if beside else {})
    scipy.io.savemat(tmp_path / "a.mat", content, format=form, do_compression=packed and form == "5")
    assert (read_or_refused(tmp_path / "a.mat") is None) == beside
    signal = read_or_refused(tmp_path / "a.mat", variable="x")
    assert signal is not None
    np.testing.assert_array_equal(signal, finite_signal(array, "here"))


@SETTINGS
@given(
    values=SIGNALS,
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    decimal=st.sampled_from([".", ","]),
    names=st.sampled_from([None, ["t", "x"], ["", "0"], ["Zeit [s]", "a (m/s\u00b2)"]]),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    quoted=st.booleans(),
)
def test_table_is_what_was_written(
    tmp_path: Path, values: list[float], delimiter: str, decimal: str, names: Any, end: str, encoding: str, quoted: bool
) -> None:
    if delimiter == decimal:
        return
    frame = pd.DataFrame({"t": np.arange(len(values)) / 8 + 0.125, "x": values})
    told = {"sep": delimiter, "decimal": decimal, "lineterminator": end, "encoding": encoding, "quoting": int(quoted)}
    frame.to_csv(tmp_path / "a.csv", index=False, header=names or False, **told)
    signal = read_or_refused(tmp_path / "a.csv", options=SignalOptions(None, TableLayout(delimiter, decimal)))
    assert signal is not None
    np.testing.assert_array_equal(signal, finite_signal(np.array(values), "here"))
    guessed = read_or_refused(tmp_path / "a.csv")  # without being told: right, or refused
    if guessed is not None:
        np.testing.assert_array_equal(guessed, signal)


@SETTINGS
@given(
    signals=st.lists(SIGNALS, min_size=1, max_size=6),
    form=st.sampled_from(["float", "double", "int", "large", "fixed", "binary"]),
    rows=st.integers(1, 6),
    packing=st.sampled_from(["NONE", "SNAPPY", "ZSTD", "GZIP"]),
)
def test_parquet_is_what_was_written(
    tmp_path: Path, signals: list[list[float]], form: str, rows: int, packing: str
) -> None:
    if form == "fixed":
        signals = [(one * 20)[:40] for one in signals]
    arrays = [
        np.array(one, dtype=np.int32 if form == "int" else np.float32 if form != "double" else np.float64)
        for one in signals
    ]
    if any(len(set(array.tolist())) < 2 for array in arrays):
        return
    types = {
        "float": pyarrow.list_(pyarrow.float32()),
        "double": pyarrow.list_(pyarrow.float64()),
        "int": pyarrow.list_(pyarrow.int32()),
    }
    types |= {
        "large": pyarrow.large_list(pyarrow.float32()),
        "fixed": pyarrow.list_(pyarrow.float32(), 40),
        "binary": pyarrow.binary(),
    }
    cells = [array.tobytes() for array in arrays] if form == "binary" else arrays
    table = {"item": [str(k) for k in range(len(arrays))], "signal": pyarrow.array(cells, types[form])}
    table |= {name: [value] * len(arrays) for name, value in (("motor", "M1"), ("domain", "east"), ("label", "normal"))}
    pyarrow.parquet.write_table(pyarrow.table(table), tmp_path / "a.parquet", row_group_size=rows, compression=packing)
    try:
        found = list(Parquet(path=str(tmp_path / "a.parquet"), **NAMED).read())
    except DataError:
        if form != "binary":  # some bytes look like another type's
            raise
        return
    for array, recording in zip(arrays, found, strict=True):
        np.testing.assert_array_equal(recording.signal, finite_signal(array, "here"))


@SETTINGS
@given(
    signals=st.lists(SIGNALS, min_size=1, max_size=5),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    decimal=st.sampled_from([".", ","]),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_long_table_is_what_was_written(
    tmp_path: Path, signals: list[list[float]], delimiter: str, decimal: str, end: str, encoding: str
) -> None:
    if delimiter == decimal:
        return
    parts = [
        pd.DataFrame({"item_id": f"i{k}", "target": one, "motor": "M1", "label": "normal"})
        for k, one in enumerate(signals)
    ]
    told = {"sep": delimiter, "decimal": decimal, "lineterminator": end, "encoding": encoding}
    pd.concat(parts).to_csv(tmp_path / "a.csv", index=False, **told)
    reader = LongCsv(path=str(tmp_path / "a.csv"), constants={"domain": "east"}, decimal=decimal, **NAMED)
    for one, recording in zip(signals, reader.read(), strict=True):
        np.testing.assert_array_equal(recording.signal, finite_signal(np.array(one), "here"))


SAMPLES = np.round(np.random.default_rng(0).normal(0, 0.2, 60), 4)


@cache
def valid(kind: str) -> bytes:
    """Return a small valid file of a format, with the signal `SAMPLES`."""
    file, signal = io.BytesIO(), SAMPLES
    if kind == "npy":
        np.save(file, signal)
    elif kind == "npz":
        np.savez_compressed(file, x=signal, fs=8000)
    elif kind in ("wav", "rf64", "w64", "flac", "aiff", "au", "caf"):
        soundfile.write(file, signal, 8000, format=kind.upper(), subtype="PCM_16")
    elif kind == "json":
        file.write(json.dumps({"x": signal.tolist(), "fs": 8000}).encode())
    elif kind == "jsonl":
        row = {"signal_value": signal.tolist(), "motor": "M1", "domain": "east", "label": "normal"}
        file.write((json.dumps(row) + "\n").encode())
    elif kind in ("h5", "mat73"):
        with h5py.File(file, "w", userblock_size=512 if kind == "mat73" else 0) as opened:
            opened.create_dataset("x", data=signal, compression="gzip" if kind == "h5" else None)
            opened["s/y"] = signal
            opened.attrs["rpm"] = 1500
        head = b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM".ljust(388, b"\0")
        return head + file.getvalue()[512:] if kind == "mat73" else file.getvalue()
    elif kind == "tdms":
        with nptdms.TdmsWriter(file) as writer:
            writer.write_segment([nptdms.ChannelObject("run", "x", signal, {"wf_increment": 1 / 8000})])
    elif kind == "csv.gz":
        return gzip.compress(valid("csv"), mtime=0)
    elif kind == "mat":
        scipy.io.savemat(file, {"x": signal, "s": {"y": signal}}, do_compression=True)
    elif kind == "parquet":
        table = {"item": ["a"], "signal": [signal], "motor": ["M1"], "domain": ["east"], "label": ["normal"]}
        pd.DataFrame(table).to_parquet(file)
    elif kind == "long":
        table = {"item_id": "a", "target": signal, "motor": "M1", "domain": "east", "label": "normal"}
        pd.DataFrame(table).to_csv(file, index=False)
    else:
        pd.DataFrame({"t": np.arange(60) / 8000, "x": signal}).to_csv(file, index=False)
    return file.getvalue()


def mutated(content: bytes, kind: str, place: float, length: int, value: int) -> bytes:
    at = int(place * len(content))
    part = content[at : at + length]
    if kind == "cut":
        return content[:at]
    if kind == "drop":
        return content[:at] + content[at + length :]
    if kind == "double":
        return content[:at] + part + content[at:]
    if kind == "whole twice":
        return content + content
    return content[:at] + bytes(byte ^ (value or 1) for byte in part) + content[at + length :]


TABLES: dict[str, Any] = {"long": LongCsv, "parquet": Parquet, "jsonl": Jsonl}
FILES = ["npy", "npz", "wav", "rf64", "w64", "flac", "aiff", "au", "caf", "mat", "mat73", "h5", "tdms", "json"]
SUFFIXES = {"rf64": "wav", "w64": "wav", "long": "csv", "mat73": "mat"}
VARIABLES = {"mat": "x", "mat73": "x", "h5": "x", "npz": "x", "json": "x", "tdms": "run/x"}
TEXTS = ("csv", "long", "json", "jsonl")  # of which a part may be whole
SUMMED = ("flac", "npz", "mat", "csv.gz", "h5")  # that hold sums of what they hold


@pytest.mark.parametrize("form", [*FILES, "csv", "csv.gz", *TABLES])
@SETTINGS
@given(
    kind=st.sampled_from(["cut", "drop", "double", "flip", "flip", "whole twice"]),
    place=st.floats(0, 1, exclude_max=True),
    length=st.integers(1, 30),
    value=st.integers(0, 255),
)
def test_mutation_of_a_valid_file_is_refused_or_read_and_never_anything_else(
    tmp_path: Path, form: str, kind: str, place: float, length: int, value: int
) -> None:
    file = tmp_path / f"a.{SUFFIXES.get(form, form)}"
    file.write_bytes(mutated(valid(form), kind, place, length, value))
    if form in TABLES:
        try:
            found = [recording.signal for recording in TABLES[form](path=str(file), max_samples=10_000, **NAMED).read()]
        except DataError as error:
            check_message(str(error), file.name)
            return
        assert all(np.isfinite(signal).all() for signal in found)
    else:
        signal = read_or_refused(file, options=SignalOptions(VARIABLES.get(form), max_samples=10_000))
        found = [] if signal is None else [signal]
    if form in SUMMED:
        assert all(np.allclose(signal, SAMPLES, atol=1e-4) for signal in found if len(signal) == len(SAMPLES))
    if (kind == "cut" and form not in TEXTS) or form in SUMMED:  # what a container lacks, it says
        assert all(len(signal) == len(SAMPLES) for signal in found)


@pytest.mark.parametrize("form", [*FILES, "csv", "csv.gz"])
def test_valid_file_of_each_format_is_read(tmp_path: Path, form: str) -> None:
    (tmp_path / f"a.{SUFFIXES.get(form, form)}").write_bytes(valid(form))
    signal = read_or_refused(tmp_path / f"a.{SUFFIXES.get(form, form)}", options=SignalOptions(VARIABLES.get(form)))
    assert signal is not None
    np.testing.assert_allclose(signal, SAMPLES, atol=1e-4)
