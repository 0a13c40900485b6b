"""Sound, HDF5, TDMS and JSON Lines that independent libraries write, in any of their variants: read to the bit.

`test_properties` says how many examples each gets.
"""

import json
from pathlib import Path
from typing import Any

import h5py
import nptdms
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as of_numpy

from motor.recordings.readers.jsonl import Jsonl
from motor.recordings.signals import finite_signal, read_signal
from tests.recordings.test_properties import NAMED, SETTINGS, SIGNALS, TYPES, read_or_refused, within_memory

pytestmark = [pytest.mark.hostile, pytest.mark.usefixtures(within_memory.__name__)]


@SETTINGS
@given(
    values=of_numpy.arrays(np.float64, st.integers(1, 50), elements=st.floats(-1, 0.5, width=32)),
    form=st.sampled_from(["FLAC", "AIFF", "AU", "CAF"]),
    subtype=st.sampled_from(["PCM_S8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"]),
    endian=st.sampled_from(["FILE", "LITTLE", "BIG"]),
    rate=st.sampled_from([8000, 25_600, 44_100, 51_200, 96_000]),
)
def test_sound_is_what_its_library_reads(
    tmp_path: Path, values: np.ndarray, form: str, subtype: str, endian: str, rate: int
) -> None:
    if not soundfile.check_format(form, subtype, endian):
        return
    file = tmp_path / f"a.{form.lower()}"
    soundfile.write(file, values, rate, subtype, endian, form)
    expected, _ = soundfile.read(file, dtype="float32")
    signal = read_or_refused(file)
    assert signal is not None
    np.testing.assert_array_equal(signal, expected)


@SETTINGS
@given(
    kind=TYPES,
    values=SIGNALS,
    as_column=st.booleans(),
    packing=st.sampled_from([None, "gzip", "lzf"]),
    chunk=st.sampled_from([None, 1, 7]),
    folder=st.sampled_from(["", "rig/", "rig/run 1/"]),
    version=st.sampled_from(["earliest", "latest"]),
)
def test_hdf5_is_what_was_written(
    tmp_path: Path,
    kind: str,
    values: list[float],
    as_column: bool,
    packing: str | None,
    chunk: int | None,
    folder: str,
    version: str,
) -> None:
    with np.errstate(all="ignore"):
        array = np.array(values).astype(kind)
    array = array[:, None] if as_column else array
    size = (min(chunk or len(array), len(array)), *array.shape[1:]) if chunk or packing else None
    with h5py.File(tmp_path / "a.h5", "w", libver=version) as file:
        file.create_dataset(f"{folder}x", data=array, compression=packing, chunks=size, shuffle=packing is not None)
    signal = read_or_refused(tmp_path / "a.h5", variable=f"{folder}x")
    assert (signal is None) == (not np.isfinite(array.astype(np.float64)).all())
    if signal is not None:
        np.testing.assert_array_equal(signal, finite_signal(array.reshape(-1), "here"))


@SETTINGS
@given(
    kind=st.sampled_from(["f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4"]),
    signals=st.lists(SIGNALS, min_size=1, max_size=4),
    name=st.sampled_from(["x", "Kanal 1", "a/b"]),
    rate=st.sampled_from([None, 1000.0, 51200.0]),
)
def test_tdms_is_what_was_written(
    tmp_path: Path, kind: str, signals: list[list[float]], name: str, rate: float | None
) -> None:
    with np.errstate(all="ignore"):
        parts = [np.array(one).astype(kind) for one in signals]  # one segment each
    known = {"wf_increment": 1 / rate} if rate else {}
    with nptdms.TdmsWriter(tmp_path / "a.tdms") as writer:
        for part in parts:
            writer.write_segment([nptdms.ChannelObject("run", name, part, known)])
    signal, found_rate = read_signal(tmp_path / "a.tdms", variable=f"run/{name}")
    np.testing.assert_array_equal(signal, finite_signal(np.concatenate(parts), "here"))
    assert found_rate == rate


@SETTINGS
@given(
    signals=st.lists(SIGNALS, min_size=1, max_size=5),
    form=st.sampled_from(["list", "texts", "text", "brackets"]),
    end=st.sampled_from(["\n", "\r\n", "\n\n"]),
    mark=st.booleans(),
    ascii_alone=st.booleans(),
)
def test_json_lines_are_what_was_written(
    tmp_path: Path, signals: list[list[float]], form: str, end: str, mark: bool, ascii_alone: bool
) -> None:
    def cell(values: list[float]) -> Any:
        texts = [repr(value) for value in values]
        return {"list": values, "texts": texts, "text": ",".join(texts), "brackets": str(values)}[form]

    rows = [
        {"item": f"\u00fc{k}", "signal_value": cell(one), "motor": "M1", "domain": "east", "label": "normal"}
        for k, one in enumerate(signals)
    ]
    text = "".join(json.dumps(row, ensure_ascii=ascii_alone) + end for row in rows)
    (tmp_path / "a.jsonl").write_bytes(text.encode("utf-8-sig" if mark else "utf-8"))
    found = Jsonl(path=str(tmp_path / "a.jsonl"), **NAMED).read()
    for one, recording in zip(signals, found, strict=True):
        np.testing.assert_array_equal(recording.signal, finite_signal(np.array(one), "here"))
