"""What recorders and public sets write: each format to the bit, and faulty files of each."""

import gzip
import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import nptdms
import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import scipy.io
import soundfile

from motor.recordings.readers.tree import Tree
from motor.recordings.recording import DataError, SeriesError
from motor.recordings.signals import read_signal

N, RATE = 64, 8000
DE, FE = (np.random.default_rng(0).integers(-100, 100, size=(2, N)) / 128).astype(np.float32)
BOTH = np.stack([DE, FE], axis=1)
KNOWN: dict[str, Any] = {"classes": ("normal",), "domains": ("DE", "FE"), "sampling_rate_hz": RATE}
KNOWN["constants"] = {"motor": "M1", "label": "normal"}


def tree(folder: Path, channels: Any, suffix: str, **settings: Any) -> Tree:
    return Tree(path=str(folder), **{**KNOWN, "channels": channels, "suffixes": (suffix,), **settings})


def text(sep: str = ",", decimal: str = ".", header: str = "") -> str:
    rows = [sep.join(str(float(one)).replace(".", decimal) for one in row) for row in BOTH]
    return "\n".join([*([header] if header else []), *rows]) + "\n"


def hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["rpm"] = 1500
        file["run/DE"] = DE
        file.create_dataset("run/all", data=BOTH, chunks=(16, 2), compression="gzip")
        file["run/name"] = "a"


def mat73(path: Path) -> None:
    with h5py.File(path, "w", userblock_size=512) as file:
        file["X097_DE_time"] = DE[None, :]  # MATLAB's columns are HDF5's rows
        file["X097_DE_time"].attrs["MATLAB_class"] = np.bytes_("double")
        file["bearing/gs"] = BOTH.T
        file["#refs#/a"] = FE[None, :]
        file.create_dataset("runs", data=[[file["#refs#/a"].ref]], dtype=h5py.ref_dtype)
        file["label"] = np.frombuffer("normal".encode("utf-16-le"), "<u2")[:, None]
        file["label"].attrs["MATLAB_class"] = np.bytes_("char")
    content = path.read_bytes()
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM".ljust(388, b"\0") + content[512:])


def tdms(path: Path) -> None:
    known = {"wf_increment": 1 / RATE}
    channels = [nptdms.ChannelObject("run", name, of, known) for name, of in (("DE", DE), ("FE", FE.astype("f8")))]
    with nptdms.TdmsWriter(path) as writer:
        writer.write_segment([nptdms.RootObject({"rpm": 1500}), *channels])
        writer.write_segment([nptdms.ChannelObject("run", "DE", DE, known)])


def audio(path: Path, subtype: str = "PCM_16", form: str | None = None, values: np.ndarray = BOTH) -> None:
    soundfile.write(path, values, RATE, subtype=subtype, format=form)


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("normal/a.csv", text())
        archive.writestr("__MACOSX/normal/._a.csv", "x")
        archive.writestr("README.txt", "x")


CASES: dict[str, tuple[str, Callable[[Path], Any], Any, dict[str, Any]]] = {
    "hdf5": ("a.h5", hdf5, {"DE": "run/DE", "FE": "run/all(:,2)"}, {}),
    "hdf5_rate": ("a.h5", hdf5, {"DE": "*/DE", "FE": "run/all(:,2)"}, {"fields": {"speed_rpm": "@rpm"}}),
    "mat73": ("a.mat", mat73, {"DE": "X*_DE_time", "FE": "bearing.gs(:,2)"}, {}),
    "mat73_cell": ("a.mat", mat73, {"DE": "bearing.gs(:,1)", "FE": "runs{1}"}, {}),
    "json": (
        "a.json",
        lambda path: path.write_text(json.dumps({"run": {"DE": DE.tolist()}, "m": BOTH.tolist()})),
        {"DE": "run.DE", "FE": "m(:,2)"},
        {},
    ),
    "flac": ("a.flac", audio, {"DE": 1, "FE": 2}, {}),
    "flac_24": ("a.flac", lambda path: audio(path, "PCM_24"), {"DE": 1, "FE": 2}, {}),
    "aiff": ("a.aiff", audio, {"DE": 1, "FE": 2}, {}),
    "au": ("a.au", audio, {"DE": 1, "FE": 2}, {}),
    "caf": ("a.caf", lambda path: audio(path, "FLOAT"), {"DE": 1, "FE": 2}, {}),
    "wav_u8": ("a.wav", lambda path: audio(path, "PCM_U8"), {"DE": 1, "FE": 2}, {}),
    "wav_24": ("a.wav", lambda path: audio(path, "PCM_24"), {"DE": 1, "FE": 2}, {}),
    "wav_float64": ("a.wav", lambda path: audio(path, "DOUBLE"), {"DE": 1, "FE": 2}, {}),
    "wav_extensible": ("a.wav", lambda path: audio(path, "PCM_16", "WAVEX"), {"DE": 1, "FE": 2}, {}),
    "wav_rf64": ("a.rf64", lambda path: audio(path, "PCM_16", "RF64"), {"DE": 1, "FE": 2}, {}),
    "txt": ("a.txt", lambda path: path.write_text(text("\t")), {"DE": 1, "FE": 2}, {}),
    "decimal": ("a.csv", lambda path: path.write_text(text(";", ",", "x;y")), {"DE": "x", "FE": 2}, {"decimal": ","}),
    "utf16": ("a.csv", lambda path: path.write_text(text(";", header="x;ÿ"), "utf-16"), {"DE": "x", "FE": "ÿ"}, {}),
    "bom": ("a.csv", lambda path: path.write_text(text(), "utf-8-sig"), {"DE": 1, "FE": 2}, {}),
    "gz": ("a.csv.gz", lambda path: path.write_bytes(gzip.compress(text().encode())), {"DE": 1, "FE": 2}, {}),
    "any_name": (
        "2003.10.22.12.06.24",
        lambda path: path.write_text(text("\t")),
        {"DE": 1, "FE": 2},
        {"suffixes": ("*",), "format": "table"},
    ),
}


@pytest.mark.parametrize("kind", CASES)
def test_format_of_the_field_is_read_to_the_bit(tmp_path: Path, kind: str) -> None:
    name, write, channels, settings = CASES[kind]
    write(tmp_path / name)
    suffix = ".csv.gz" if name.endswith(".gz") else Path(name).suffix
    first, second = tree(tmp_path, channels, suffix, **settings).read()
    np.testing.assert_array_equal(first.signal, np.round(DE * 128) / 128)
    np.testing.assert_array_equal(second.signal, FE)
    assert (first.item, first.moment, second.moment) == (f"{name}:DE", name, name)
    assert first.speed_rpm == (1500 if "fields" in settings else None)


def test_tdms_step_that_is_no_number_is_named(tmp_path: Path) -> None:
    with nptdms.TdmsWriter(tmp_path / "a.tdms") as writer:
        writer.write_segment([nptdms.ChannelObject("run", "x", DE, {"wf_increment": "0.001"})])
    with pytest.raises(SeriesError, match=r"a.tdms, 'run/x': wf_increment is '0.001', no number of seconds"):
        read_signal(tmp_path / "a.tdms")


def test_tdms_channels_rates_and_properties(tmp_path: Path) -> None:
    tdms(tmp_path / "a.tdms")
    fields: Any = {"speed_rpm": "@rpm"}
    read = tree(tmp_path, {"DE": "run/DE", "FE": "*FE"}, ".tdms", sampling_rate_hz=None, fields=fields).read()
    first, second = read
    np.testing.assert_array_equal(first.signal, np.concatenate([DE, DE]))
    np.testing.assert_array_equal(second.signal, FE)
    assert (first.sampling_rate_hz, first.speed_rpm) == (RATE, 1500)


def test_text_of_matlab_73_is_a_field(tmp_path: Path) -> None:
    mat73(tmp_path / "a.mat")
    fields: Any = {"label": "label"}
    reader = tree(tmp_path, {"DE": "X*"}, ".mat", fields=fields, constants={"motor": "M1"}, domains=("DE",))
    assert [one.label for one in reader.read()] == ["normal"]


@pytest.mark.parametrize("is_path", [True, False])
def test_zip_is_read_in_place(tmp_path: Path, is_path: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    zipped(tmp_path / "normal.zip")
    path = tmp_path / "normal.zip" if is_path else tmp_path
    reader = Tree(path=str(path), **{**KNOWN, "channels": {"DE": 1, "FE": 2}, "suffixes": (".csv", ".zip")})
    items = (
        ["normal/a.csv:DE", "normal/a.csv:FE"]
        if is_path
        else ["normal.zip/normal/a.csv:DE", "normal.zip/normal/a.csv:FE"]
    )
    read = list(reader.read())
    assert [one.item for one in read] == items
    np.testing.assert_array_equal(read[1].signal, FE)
    assert [file.name for file in reader.files()] == ["normal.zip"]


def cut(write: Callable[[Path], Any], share: float = 0.6) -> Callable[[Path], None]:
    def writes(path: Path) -> None:
        write(path)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])

    return writes


def h5(**made: Callable[[h5py.File], Any]) -> Callable[[Path], None]:
    def writes(path: Path) -> None:
        with h5py.File(path, "w") as file:
            for make in made.values():
                make(file)

    return writes


def text_of(content: str | bytes) -> Callable[[Path], Any]:
    return lambda path: path.write_bytes(content if isinstance(content, bytes) else content.encode())


def bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", b"0\n" * 500_000)


def locked(path: Path) -> None:
    zipped(path)
    content = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        begin = content.find(mark)
        content[begin + place] |= 1
    path.write_bytes(content)


def npz_lying(path: Path) -> None:
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": (10**7,)})  # type: ignore[arg-type]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", head.getvalue() + b"\0" * 64)


def flac_lying(path: Path) -> None:
    audio(path)
    content = bytearray(path.read_bytes())
    content[22:26] = struct.pack(">I", 10**6)  # the number of samples in its head
    path.write_bytes(content)


LINK = h5py.ExternalLink("other.h5", "x")
PAIR = np.zeros(4, dtype=[("t", "f8"), ("x", "f8")])
LAYOUT = h5py.VirtualLayout(shape=(N,), dtype="f4")
LAYOUT[:] = h5py.VirtualSource("other.h5", "x", shape=(N,))
ONE: Any = {"DE": "x"}
FAULTS: dict[str, tuple[str, Callable[[Path], Any], Any, str]] = {
    "hdf5_cut": ("a.h5", cut(hdf5), ONE, "cannot be read as .h5"),
    "hdf5_empty": ("a.h5", h5(), ONE, "the file has none"),
    "hdf5_no_hdf5": ("a.h5", text_of("no"), ONE, "cannot be read as .h5"),
    "hdf5_zero_bytes": ("a.h5", text_of(""), ONE, "the file is empty"),
    "hdf5_wrong_name": ("a.h5", hdf5, ONE, "'x', the file has run/DE, run/all, run/name"),
    "hdf5_matrix": ("a.h5", hdf5, {"DE": "run/all"}, "run/all(:,2)"),
    "hdf5_no_such_column": ("a.h5", hdf5, {"DE": "run/all(:,3)"}, "has no (:,3)"),
    "hdf5_cube": ("a.h5", h5(a=lambda file: file.create_dataset("x", data=np.ones((2, 3, 4)))), ONE, "(2, 3, 4)"),
    "hdf5_compound": ("a.h5", h5(a=lambda file: file.create_dataset("x", data=PAIR)), ONE, "a compound of t, x"),
    "hdf5_text": ("a.h5", h5(a=lambda file: file.create_dataset("x", data="a")), ONE, "this is text"),
    "hdf5_external_link": ("a.h5", h5(a=lambda file: file.__setitem__("x", LINK)), ONE, "a link to another file"),
    "hdf5_virtual": ("a.h5", h5(a=lambda file: file.create_virtual_dataset("x", LAYOUT)), ONE, "lie in other files"),
    "hdf5_external": (
        "a.h5",
        h5(a=lambda file: file.create_dataset("x", (N,), "f4", external=[("/etc/hostname", 0, 4 * N)])),
        ONE,
        "lie in other files",
    ),
    "hdf5_bomb": (
        "a.h5",
        h5(a=lambda file: file.create_dataset("x", (10**10,), "f4", chunks=(10**6,))),
        ONE,
        "allowed",
    ),
    "hdf5_unwritten": ("a.h5", h5(a=lambda file: file.create_dataset("x", (N,), "f4")), ONE, "was ever written"),
    "mat73_cut": ("a.mat", cut(mat73), {"DE": "X*"}, "cannot be read as .mat"),
    "mat73_no_cell": ("a.mat", mat73, {"DE": "runs{2}"}, "runs{1}"),
    "mat_cut": ("a.mat", cut(lambda path: scipy.io.savemat(path, {"x": DE})), ONE, "cannot be read as .mat"),
    "mat_wrong_field": ("a.mat", lambda path: scipy.io.savemat(path, {"b": {"x": DE}}), {"DE": "b.y"}, "b.x (1, 64)"),
    "mat_two_match": (
        "a.mat",
        lambda path: scipy.io.savemat(path, {"x1": DE, "x2": FE}),
        {"DE": "x*"},
        "it matches x1",
    ),
    "tdms_cut": ("a.tdms", cut(tdms), {"DE": "*DE"}, "cut off"),
    "tdms_no_tdms": ("a.tdms", text_of("nothing at all of that kind"), ONE, "begins no segment of TDMS"),
    "tdms_wrong_channel": ("a.tdms", tdms, ONE, "run/DE, run/FE"),
    "json_cut": ("a.json", text_of('{"x": [1, 2'), ONE, "cannot be read as .json"),
    "json_ragged": ("a.json", text_of('{"x": [[1, 2], [3]]}'), ONE, "unequal lengths"),
    "json_null": ("a.json", text_of('{"x": [1, null, 3]}'), ONE, "no number"),
    "json_nan": ("a.json", text_of('{"x": [1, NaN, 3]}'), ONE, "sample 1 is nan"),
    "json_twice": ("a.json", text_of('{"x": [1, 2], "x": [3, 4]}'), ONE, "comes twice"),
    "json_deep": ("a.json", text_of("[" * 100_000), ONE, "cannot be read as .json"),
    "flac_cut": ("a.flac", cut(audio, 0.8), {"DE": 1}, "a.flac"),
    "flac_lying": ("a.flac", flac_lying, {"DE": 1}, "a.flac"),
    "flac_is_wav": ("a.flac", lambda path: audio(path, form="WAV"), {"DE": 1}, "it begins with b'RIFF"),
    "flac_channel": ("a.flac", audio, {"DE": 3}, "the file has 2 channels"),
    "aiff_cut": ("a.aiff", cut(audio), {"DE": 1}, "cut off"),
    "au_cut": ("a.au", cut(audio), {"DE": 1}, "cut off"),
    "caf_cut": ("a.caf", cut(audio), {"DE": 1}, "cut off"),
    "ogg_cut": ("a.ogg", cut(lambda path: audio(path, "VORBIS"), 0.9), {"DE": 1}, "cut off"),
    "wav_cut": ("a.wav", cut(audio), {"DE": 1}, "cut off"),
    "npz_pickled": ("a.npz", lambda path: np.savez(path, x=np.array([{}], object)), ONE, "runs code"),
    "npz_lying": ("a.npz", npz_lying, ONE, "by its head"),
    "npz_cut": ("a.npz", cut(lambda path: np.savez(path, x=DE)), ONE, "cannot be read as .npz"),
    "parquet_cut": (
        "a.parquet",
        cut(lambda p: pyarrow.parquet.write_table(pyarrow.table({"x": DE}), p)),
        ONE,
        "a.parquet",
    ),
    "parquet_null": (
        "a.parquet",
        lambda p: pyarrow.parquet.write_table(pyarrow.table({"x": [1.0, None]}), p),
        ONE,
        "row 1: column 'x' has no value",
    ),
    "csv_ragged": ("a.csv", text_of("x,y\n1,2\n3\n"), ONE, "line 3"),
    "csv_text": ("a.csv", text_of("x,y\n1,2\nbad,4\n"), ONE, "'bad'"),
    "csv_no_column": ("a.csv", text_of("x,y\n1,2\n3,4\n"), {"DE": 3}, "'column 3'"),
    "gz_cut": ("a.csv.gz", text_of(gzip.compress(text().encode())[:60]), {"DE": 1}, "a.csv.gz"),
    "gz_no_gz": ("a.csv.gz", text_of("1\n2\n"), {"DE": 1}, "a.csv.gz"),
    "zip_cut": ("normal.zip", cut(zipped), {"DE": 1}, "cannot be read as .zip"),
    "zip_locked": ("normal.zip", locked, {"DE": 1}, "encrypted"),
    "zip_bomb": ("normal.zip", bomb, {"DE": 1}, "unpacks to more than"),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_faulty_file_is_one_clear_error(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("motor.recordings.packed.SMALL_BYTES", 2**16)  # so that a small bomb is one
    name, write, channels, words = FAULTS[kind]
    write(tmp_path / name)
    suffixes = (".csv", ".zip") if name.endswith(".zip") else (".csv.gz",) if name.endswith(".gz") else None
    reader = tree(
        tmp_path, channels, Path(name).suffix, domains=("DE",), **({"suffixes": suffixes} if suffixes else {})
    )
    with pytest.raises(DataError) as caught:
        list(reader.read())
    assert words in str(caught.value)
    assert name in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_text_of_octave_named_mat_says_how_to_save_it(tmp_path: Path) -> None:
    (tmp_path / "a.mat").write_text("# Created by Octave 8.4\n# name: DE\n# type: matrix\n 1\n 2\n")
    with pytest.raises(DataError, match=r"a\.mat: this is text, as Octave saves.*save -v7"):
        list(tree(tmp_path, {"DE": "DE"}, ".mat", domains=("DE",)).read())
