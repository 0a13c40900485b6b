"""Signals in .wav, .npy and .mat files: lengths against the file, what a name promises, and small files that grow."""

import io
import struct
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.sparse
import soundfile

from motor.recordings.recording import SeriesError
from motor.recordings.signals import LOST, SignalOptions, finite_signal, read_signal

pytestmark = pytest.mark.hostile

SIGNAL = (np.random.default_rng(0).integers(-100, 100, size=64) / 128).astype(np.float32)
KINDS = [
    ("WAV", "PCM_16"),
    ("WAV", "FLOAT"),
    ("WAV", "PCM_24"),
    ("RF64", "PCM_16"),
    ("W64", "PCM_16"),
    ("W64", "FLOAT"),
]


def wav(form: str = "WAV", subtype: str = "PCM_16") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, SIGNAL, 800, format=form, subtype=subtype)
    return file.getvalue()


def put(folder: Path, content: bytes, name: str = "a.wav") -> Path:
    (folder / name).write_bytes(content)
    return folder / name


@pytest.mark.parametrize(("form", "subtype"), KINDS)
def test_wav_of_every_form_is_read_and_refused_where_it_is_cut(tmp_path: Path, form: str, subtype: str) -> None:
    content = wav(form, subtype)
    np.testing.assert_array_equal(read_signal(put(tmp_path, content))[0], SIGNAL)
    for size in range(len(content) - 1, len(content) // 3, -7):
        with pytest.raises(SeriesError, match=r"a\.wav"):
            read_signal(put(tmp_path, content[:size]))


def test_wav_big_endian_is_read(tmp_path: Path) -> None:
    pcm = (SIGNAL * 32768).astype(">i2").tobytes()
    form = struct.pack(">IHHIIHH", 16, 1, 1, 800, 1600, 2, 16)
    head = b"WAVEfmt " + form + b"data" + struct.pack(">I", len(pcm))
    content = b"RIFX" + struct.pack(">I", len(head) + len(pcm)) + head + pcm
    np.testing.assert_array_equal(read_signal(put(tmp_path, content))[0], SIGNAL)
    with pytest.raises(SeriesError, match="cut off"):
        read_signal(put(tmp_path, content[:-40]))


def test_wav_body_that_is_shorter_than_its_chunk_is_cut_off_whatever_the_head_says(tmp_path: Path) -> None:
    content = bytearray(wav()[:-40])
    content[4:8] = struct.pack("<I", len(content) - 8)  # the head was mended, the chunk was not
    with pytest.raises(SeriesError, match="cut off"):
        read_signal(put(tmp_path, bytes(content)))


@pytest.mark.parametrize("unknown", [0, 0xFFFFFFFF])
def test_wav_written_to_a_pipe_is_read_to_the_end_of_the_file(tmp_path: Path, unknown: int) -> None:
    content = bytearray(wav())
    place = content.index(b"data")
    content[4:8] = content[place + 4 : place + 8] = struct.pack("<I", unknown)
    try:
        signal, _ = read_signal(put(tmp_path, bytes(content)))
    except SeriesError:
        return  # refused is right, too; fewer samples are not
    np.testing.assert_array_equal(signal, SIGNAL)


@pytest.mark.parametrize(
    ("form", "subtype"), [("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("AIFF", "PCM_16"), ("CAF", "PCM_16")]
)
def test_wav_that_is_another_container_is_refused_before_it_is_decoded(tmp_path: Path, form: str, subtype: str) -> None:
    file = io.BytesIO()
    soundfile.write(file, SIGNAL, 8000, format=form, subtype=subtype)
    with pytest.raises(SeriesError, match=r"cannot be read as \.wav: it (is|begins)"):
        read_signal(put(tmp_path, file.getvalue()))


@pytest.mark.parametrize("kind", ["wav", "npy", "mat"])
def test_container_of_more_samples_than_allowed_is_refused(tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"a.{kind}"
    if kind == "wav":
        soundfile.write(file, SIGNAL, 800)
    elif kind == "npy":
        np.save(file, SIGNAL)
    else:
        scipy.io.savemat(file, {"x": SIGNAL})
    with pytest.raises(
        SeriesError, match="64 samples by its head; allowed: 63; cut the recording, or raise max_samples"
    ):
        read_signal(file, options=SignalOptions(max_samples=63))


def test_npy_head_that_declares_more_than_the_file_holds_is_refused_unread(tmp_path: Path) -> None:
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": (10**7,)})  # type: ignore[arg-type]
    with pytest.raises(SeriesError, match=r"bytes, but 80000\d+ by its head"):
        read_signal(put(tmp_path, head.getvalue(), "a.npy"))


def test_npy_longer_than_its_head_says_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", SIGNAL)
    content = (tmp_path / "a.npy").read_bytes()
    with pytest.raises(SeriesError, match="by its head"):
        read_signal(put(tmp_path, content * 2, "a.npy"))


def struct_of(**fields: Any) -> dict[str, Any]:
    return {"bearing": {"sr": 800.0, "load": 270.0, **fields}}


def channels() -> dict[str, Any]:
    made = np.zeros((1, 3), dtype=[("Name", object), ("Data", object)])
    for place, name in enumerate(("force", "current", "vibration")):
        made[0, place] = (name, np.atleast_2d(SIGNAL if name == "vibration" else SIGNAL[::-1]))
    return {"N15_M07": {"X": np.arange(3.0), "Y": made}}


@pytest.mark.parametrize(
    ("content", "first", "variable"),
    [
        (struct_of(gs=SIGNAL[:, None]), "one of its fields: bearing.gs (64, 1)", "bearing.gs"),
        (channels(), "N15_M07.Y(3).Data (1, 64)", "N15_M07.Y(3).Data"),
        (channels(), "N15_M07.Y(3).Data (1, 64)", "N15*.Y(3).Data"),
        ({"data": np.stack([SIGNAL[::-1], SIGNAL], axis=1)}, "data(:,2)", "data(:,2)"),
        ({"data": np.stack([SIGNAL[::-1], SIGNAL])}, "data(2,:)", "data(2,:)"),
        ({"note": "by hand", "x": SIGNAL}, "the file has note, x", "x"),
    ],
)
def test_mat_variable_in_a_struct_or_matrix_is_named_and_read(
    tmp_path: Path, content: dict[str, Any], first: str, variable: str
) -> None:
    scipy.io.savemat(tmp_path / "a.mat", content)
    with pytest.raises(SeriesError) as caught:
        read_signal(tmp_path / "a.mat")
    assert first in str(caught.value)
    np.testing.assert_array_equal(read_signal(tmp_path / "a.mat", variable=variable)[0], SIGNAL)


@pytest.mark.parametrize(
    ("content", "variable", "words"),
    [
        ({"x": SIGNAL > 0}, None, "true and false are no signal"),
        ({"x": SIGNAL + 1j}, None, "complex"),
        ({"x": scipy.sparse.csc_matrix(SIGNAL[:, None])}, None, "sparse"),
        ({"x": np.array([[SIGNAL]], dtype=object)}, None, "cell array|shape"),
        (struct_of(gs=SIGNAL), "bearing.absent", r"no such field; set variable to one of: bearing\.gs"),
        ({"X1_DE": SIGNAL, "X2_DE": SIGNAL}, "*_DE", "it matches X1_DE, X2_DE"),
        ({"data": np.stack([SIGNAL, SIGNAL])}, "data(3,:)", r"has no \(3,:\)"),
    ],
)
def test_mat_that_holds_no_signal_under_the_name_says_what_it_holds(
    tmp_path: Path, content: dict[str, Any], variable: str | None, words: str
) -> None:
    scipy.io.savemat(tmp_path / "a.mat", content)
    with pytest.raises(SeriesError, match=words):
        read_signal(tmp_path / "a.mat", variable=variable)


def test_mat_small_file_that_unpacks_to_much_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"s": {"x": np.zeros((400_000, 1))}}, do_compression=True)
    assert (tmp_path / "a.mat").stat().st_size < 10_000
    with pytest.raises(SeriesError, match="unpacks to more than"):
        read_signal(tmp_path / "a.mat", "s.x", SignalOptions(max_samples=1000))


@pytest.mark.parametrize("offset", [2e7, -1e9, 4_000_000_000])
def test_signal_on_an_offset_that_float32_cannot_hold_keeps_its_samples(offset: float) -> None:
    true = np.random.default_rng(1).normal(0, 0.5, 500)
    signal = finite_signal(offset + true, "here")
    assert signal.dtype == np.float32
    assert np.abs(signal - (true - true.mean())).max() < LOST


@pytest.mark.parametrize(("subtype", "offset", "scale"), [("DOUBLE", 2e7, 1.0), ("PCM_32", 0.5, 1e-6)])
def test_wav_on_an_offset_that_float32_cannot_hold_keeps_its_samples(
    tmp_path: Path, subtype: str, offset: float, scale: float
) -> None:
    true = scale * SIGNAL.astype(np.float64)
    soundfile.write(tmp_path / "a.wav", offset + true, 8000, subtype)
    signal, _ = read_signal(tmp_path / "a.wav")
    assert np.abs(signal - (true - true.mean())).max() < 2e-3 * scale


def test_wav_that_goes_on_behind_what_its_head_tells_is_refused_and_chunks_and_tags_are_not(tmp_path: Path) -> None:
    signal = np.tile(SIGNAL, 4)
    soundfile.write(tmp_path / "a.wav", signal, 8000, "PCM_16")
    content = (tmp_path / "a.wav").read_bytes()
    begin = content.index(b"data") + 4
    early = content[:begin] + len(signal).to_bytes(4, "little") + content[begin + 4 :]
    (tmp_path / "early.wav").write_bytes(early)
    with pytest.raises(SeriesError, match="bytes come after the samples"):
        read_signal(tmp_path / "early.wav")
    for behind in (b"LIST\x80\0\0\0" + bytes(range(128)), b"\0" * 500, b"TAG by hand"):
        (tmp_path / "tagged.wav").write_bytes(content + behind)
        assert len(read_signal(tmp_path / "tagged.wav")[0]) == len(signal)


def test_hdf5_dataset_of_which_only_a_part_was_written_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        dataset = file.create_dataset("x", (400,), chunks=(100,), dtype="f4")
        dataset[:200] = 0.5
    with pytest.raises(SeriesError, match="only 2 of 4 blocks"):
        read_signal(tmp_path / "a.h5")


COUNTS = np.random.default_rng(2).integers(-30_000, 30_000, 400).astype(np.int16)


def packed_as(path: Path, values: Any = COUNTS, **attributes: Any) -> Path:
    with h5py.File(path, "w") as file:
        file["x"] = values
        file["x"].attrs.update(attributes)
    return path


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.uint8])
def test_hdf5_dataset_that_is_packed_is_scaled_as_its_attributes_say(tmp_path: Path, dtype: Any) -> None:
    values, scale = COUNTS.astype(dtype), np.float32(0.01)
    for attributes in ({"scale_factor": scale}, {"add_offset": 3}, {"scale_factor": [scale], "add_offset": -2.5}):
        signal, _ = read_signal(packed_as(tmp_path / "a.h5", values, **attributes))
        expected = values * np.float64(np.ravel(attributes.get("scale_factor", 1))[0]) + attributes.get("add_offset", 0)
        np.testing.assert_array_equal(signal, expected.astype(np.float32))


@pytest.mark.parametrize("name", ["_FillValue", "missing_value"])
def test_hdf5_dataset_with_samples_that_were_not_measured_names_the_first(tmp_path: Path, name: str) -> None:
    values = np.r_[COUNTS[:7], np.int16(-32_768), COUNTS]
    for attributes in ({name: np.int16(-32_768)}, {name: [np.int16(32_767), np.int16(-32_768)], "scale_factor": 0.5}):
        with pytest.raises(SeriesError, match="sample 7 is nan"):
            read_signal(packed_as(tmp_path / "a.h5", values, **attributes))
    assert len(read_signal(packed_as(tmp_path / "a.h5", COUNTS, **{name: np.int16(-32_768)}))[0]) == len(COUNTS)


@pytest.mark.parametrize("scale", [0, np.nan, [1.0, 2.0], "0.5"])
def test_hdf5_dataset_with_no_true_scale_is_refused(tmp_path: Path, scale: Any) -> None:
    with pytest.raises(SeriesError, match=r"a\.h5, variable 'x': its attribute 'scale_factor' is"):
        read_signal(packed_as(tmp_path / "a.h5", scale_factor=scale))


def test_signal_of_64_bit_counts_keeps_its_samples() -> None:
    counts = 2**62 + np.random.default_rng(1).integers(-50, 50, 500)
    assert len(np.unique(finite_signal(counts // 16, "here"))) == len(np.unique(counts // 16))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16, np.int32, np.uint8])
def test_signal_that_float32_holds_is_rounded_and_no_more(dtype: Any) -> None:
    values = (100 + 10 * np.random.default_rng(1).normal(size=500)).astype(dtype)
    np.testing.assert_array_equal(finite_signal(values, "here"), values.astype(np.float32))
    assert finite_signal(np.full(9, 16_777_217.0), "here").tolist() == [16_777_216.0] * 9  # constant: left to be seen


@pytest.mark.parametrize("code", [9.9e37, -9.91e37, 1e20, np.inf])
def test_signal_with_a_code_for_not_measured_names_its_sample(code: float) -> None:
    for dtype in (np.float32, np.float64):
        with pytest.raises(SeriesError, match=r"here: sample 2 is"):
            finite_signal(np.array([0.1, 0.2, code, 0.3], dtype=dtype), "here")


def resized(content: bytes, mark: bytes, change: int, form: str = ">I", beside: int = 4) -> bytes:
    """Return a file of which the number so far behind a mark is another."""
    place = content.index(mark) + beside
    size = struct.calcsize(form)
    (told,) = struct.unpack(form, content[place : place + size])
    return content[:place] + struct.pack(form, told + change) + content[place + size :]


@pytest.mark.parametrize("form", ["AIFF", "AU", "CAF", "WAV", "W64", "RF64"])
@pytest.mark.parametrize("change", [-2, -1, -50])
def test_sound_whose_head_tells_fewer_bytes_than_it_holds_is_refused(tmp_path: Path, form: str, change: int) -> None:
    told = {"AIFF": (b"SSND", change), "AU": (b".snd", change, ">I", 8), "CAF": (b"data", change, ">q")}
    told |= {
        "WAV": (b"data", change, "<I"),
        "W64": (b"data\xf3", change, "<Q", 16),
        "RF64": (b"ds64", change, "<Q", 16),
    }
    name = f"a.{form.lower() if form in ('AIFF', 'AU', 'CAF') else 'wav'}"
    np.testing.assert_array_equal(read_signal(put(tmp_path, wav(form), name))[0], SIGNAL)
    with pytest.raises(SeriesError, match=rf"{name}: .*(samples|bytes)"):
        read_signal(put(tmp_path, resized(wav(form), *told[form]), name))


@pytest.mark.parametrize(("beside", "change"), [(10, -30), (10, 30), (14, -8)])
def test_aiff_whose_chunks_tell_two_lengths_is_refused(tmp_path: Path, beside: int, change: int) -> None:
    form = ">I" if beside == 10 else ">H"
    with pytest.raises(SeriesError, match="samples by its head and size, but"):
        read_signal(put(tmp_path, resized(wav("AIFF"), b"COMM", change, form, beside), "a.aiff"))


@pytest.mark.parametrize(("form", "subtype"), [("OGG", "VORBIS"), ("FLAC", "PCM_16")])
def test_sound_of_two_streams_is_refused(tmp_path: Path, form: str, subtype: str) -> None:
    content, name = wav(form, subtype), f"a.{form.lower()}"
    assert len(read_signal(put(tmp_path, content, name))[0]) == len(SIGNAL)
    with pytest.raises(SeriesError, match="a second stream follows the first"):
        read_signal(put(tmp_path, content + content, name))


def test_ogg_of_which_a_page_is_missing_is_refused(tmp_path: Path) -> None:
    file = io.BytesIO()
    soundfile.write(file, np.tile(SIGNAL, 400), 800, format="OGG", subtype="VORBIS")
    content = file.getvalue()
    begin = content.index(b"OggS", content.index(b"OggS", 100) + 4)
    end = content.index(b"OggS", begin + 4)
    with pytest.raises(SeriesError, match=r"page \d+ of its stream is missing"):
        read_signal(put(tmp_path, content[:begin] + content[end:], "a.ogg"))


@pytest.mark.parametrize("form", ["AIFF", "AU", "CAF"])
def test_sound_of_every_kind_that_its_library_writes_is_read(tmp_path: Path, form: str) -> None:
    for subtype in {*soundfile.available_subtypes(form)} - {"DWVW_12", "DWVW_16", "DWVW_24", "GSM610"}:
        file = put(tmp_path, b"", f"a.{form.lower()}")
        try:
            soundfile.write(file, np.tile(SIGNAL, 20), 8000, format=form, subtype=subtype)
        except soundfile.SoundFileError:  # for this rate or number of channels
            continue
        np.testing.assert_array_equal(read_signal(file)[0], soundfile.read(file, dtype="float32")[0], subtype)
