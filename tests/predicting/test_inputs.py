"""Recordings out of every documented format, and what is said of those that cannot be read."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.io
import soundfile

from motor.predicting.faults import Fault
from motor.predicting.inputs import InputOptions, Told, read_recordings
from motor.recordings.recording import DataError, Recording

OPTIONS = InputOptions(("sound", "vibration"), domain="sound", sampling_rate_hz=2000.0)
SIGNAL = np.random.default_rng(0).normal(0, 0.1, 300).astype(np.float32)


def test_options_by_their_old_name_are_the_same() -> None:
    assert Told(("sound", "vibration"), domain="sound", sampling_rate_hz=2000.0) == OPTIONS


def write(kind: str, folder: Path) -> Path:
    """Write one signal in some format."""
    file = folder / f"M01.{'csv' if kind in ('long', 'time') else kind}"
    if kind == "wav":
        soundfile.write(file, SIGNAL, 2000, subtype="FLOAT")
    elif kind == "npy":
        np.save(file, SIGNAL)
    elif kind == "mat":
        scipy.io.savemat(file, {"x": SIGNAL})
    elif kind == "csv":
        pd.DataFrame({"x": SIGNAL}).to_csv(file, index=False)
    elif kind == "time":
        pd.DataFrame({"t": np.arange(300) / 2000, "x": SIGNAL}).to_csv(file, index=False)
    elif kind == "long":
        pd.DataFrame({"item_id": "M01", "target": SIGNAL}).to_csv(file, index=False, sep=";")
    elif kind == "parquet":
        pd.DataFrame({"item": ["M01"], "signal": [SIGNAL]}).to_parquet(file)
    return file


def read(paths: list[Any], options: InputOptions = OPTIONS) -> list[Any]:
    return list(read_recordings(paths, options))


@pytest.mark.parametrize("kind", ["wav", "npy", "mat", "csv", "time", "long", "parquet"])
def test_inputs_each_format_same_recording(tmp_path: Path, kind: str) -> None:
    (found,) = read([write(kind, tmp_path)])
    assert isinstance(found, Recording), found
    np.testing.assert_allclose(found.signal, SIGNAL, rtol=1e-6)
    assert (found.domain, found.sampling_rate_hz) == ("sound", 2000.0)


@pytest.mark.parametrize("kind", ["csv", "time", "long"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_inputs_text_in_utf_16_or_with_a_mark_is_the_same_recording(tmp_path: Path, kind: str, encoding: str) -> None:
    file = write(kind, tmp_path)
    text = file.read_text(encoding="utf-8")
    file.write_bytes((b"\xfe\xff" if encoding == "utf-16-be" else b"") + text.encode(encoding))
    (found,) = read([file])
    assert isinstance(found, Recording), found
    np.testing.assert_allclose(found.signal, SIGNAL, rtol=1e-6)


def test_inputs_manifest_read_with_its_columns(tmp_path: Path) -> None:
    write("npy", tmp_path)
    row = {"file": ["M01.npy"], "domain": ["vibration"], "speed_rpm": [900], "motor": ["M01"], "sampling_rate_hz": 4e3}
    pd.DataFrame(row).to_csv(tmp_path / "manifest.csv", index=False)
    (found,) = read([tmp_path], InputOptions(OPTIONS.domains))  # the folder: its manifest counts
    assert (found.domain, found.speed_rpm, found.motor, found.sampling_rate_hz) == ("vibration", 900.0, "M01", 4000.0)


def test_inputs_folder_and_pattern_every_file_sorted(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        write("npy", tmp_path / name)
    (tmp_path / "notes.txt").write_text("no recording")
    names = [[Path(one.item).parent.name for one in read([given])] for given in (tmp_path, f"{tmp_path}/*/*.npy")]
    assert names == [["a", "b"], ["a", "b"]]


def test_inputs_domain_of_a_folder_told_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "vibration").mkdir()
    options = InputOptions(OPTIONS.domains, sampling_rate_hz=2000.0)
    assert read([write("npy", tmp_path / "vibration")], options)[0].domain == "vibration"


def test_inputs_domain_that_is_asked_for_comes_before_a_folder_of_such_a_name(tmp_path: Path) -> None:
    (tmp_path / "vibration").mkdir()
    assert read([write("npy", tmp_path / "vibration")])[0].domain == "sound"


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("wav", {"sampling_rate_hz": 4000.0, "domain": "sound"}, "sampling_rate_hz is 2000.0 by the recording itself"),
        ("long", {"domain": "vibration"}, "domain is 'sound' by the recording itself"),
        ("long", {"speed_rpm": 600.0}, "speed_rpm is '900' by the recording itself"),
    ],
)
def test_inputs_option_against_what_the_recording_tells_is_a_fault_with_both(
    tmp_path: Path, kind: str, options: dict[str, Any], words: str
) -> None:
    file = write(kind, tmp_path)
    if kind == "long":
        table = pd.DataFrame({"item_id": "M01", "target": SIGNAL, "domain": "sound", "speed_rpm": 900})
        table.to_csv(file, index=False)
    (found,) = read([file], InputOptions(OPTIONS.domains, **{"sampling_rate_hz": 2000.0, **options}))
    assert isinstance(found, Fault)
    assert words in found.reason
    assert f"{next(iter(options.values()))!r} was asked for" in found.reason


def test_inputs_linked_folder_and_capital_suffix_are_read_and_side_files_are_not(tmp_path: Path) -> None:
    for folder in ("elsewhere", "new/__MACOSX"):
        (tmp_path / folder).mkdir(parents=True)
    write("npy", tmp_path / "elsewhere").rename(tmp_path / "elsewhere" / "M01.NPY")
    (tmp_path / "new" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "new" / "elsewhere").symlink_to(tmp_path / "new")  # leads back to itself
    (tmp_path / "new" / "._M02.npy").write_bytes(b"\0\5\x16\7")
    write("npy", tmp_path / "new" / "__MACOSX")
    assert [Path(one.item).name for one in read([tmp_path / "new"])] == ["M01.NPY"]


def test_inputs_pattern_of_the_training_finds_motor_and_moment(tmp_path: Path) -> None:
    dataset = {"kind": "tree", "pattern": r"^(?P<motor>M\d+)", "constants": {"speed_rpm": 1200.0}}
    (found,) = read([write("wav", tmp_path)], InputOptions(("sound",), dataset))
    assert (found.motor, found.speed_rpm, found.domain) == ("M01", 1200.0, "sound")


def test_inputs_pattern_given_comes_before_that_of_the_training(tmp_path: Path) -> None:
    options = InputOptions(
        ("sound",), {"pattern": r"(?P<motor>M)"}, pattern=r"(?P<motor>\d+)\.npy", sampling_rate_hz=1.0
    )
    assert read([write("npy", tmp_path)], options)[0].motor == "01"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            InputOptions(("sound", "vibration"), sampling_rate_hz=1.0),
            "nothing tells the domain.*give --domain .*one of: sound",
        ),
        (InputOptions(("sound", "vibration"), domain="sound"), "tells no sampling rate; give --sampling-rate-hz"),
        (
            InputOptions(("sound",), pattern="(?P<domain>M01)", sampling_rate_hz=1.0),
            "unknown domain 'M01'.*judges: sound",
        ),
    ],
)
def test_inputs_field_that_nothing_tells_is_a_fault_with_the_next_step(
    tmp_path: Path, options: InputOptions, words: str
) -> None:
    file = write("npy", tmp_path)
    (found,) = read([file], options)
    assert isinstance(found, Fault)
    assert str(file) in found.reason
    assert re.search(words, found.reason), found.reason


def test_inputs_one_bad_file_does_not_lose_the_others(tmp_path: Path) -> None:
    good = write("wav", tmp_path)
    np.save(tmp_path / "nan.npy", np.r_[SIGNAL, np.nan])
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "words.csv").write_text("x\n1\ntwo\n")
    names = ["nan.npy", "empty.csv", "words.csv", "gone.wav", "what.xyz"]
    (tmp_path / "what.xyz").write_text("?")
    found = read([*(tmp_path / name for name in names), good])
    assert isinstance(found[-1], Recording)
    reasons = [fault.reason for fault in found[:-1]]
    for name, reason, word in zip(
        names, reasons, ["300 is nan", "empty", "line 3", "no such file", "format"], strict=True
    ):
        assert name in reason
        assert word in reason
        assert "on_bad_series" not in reason


def test_inputs_pickle_in_an_array_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "evil.npy", np.array([{"run": "me"}], dtype=object), allow_pickle=True)
    (found,) = read([tmp_path / "evil.npy"])
    assert "Object arrays cannot be loaded" in found.reason


def test_inputs_recording_given_twice_is_a_fault(tmp_path: Path) -> None:
    file = write("wav", tmp_path)
    _, second = read([file, file])
    assert "comes twice" in second.reason


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (InputOptions(("sound",), domain="sond"), "did you mean 'sound'"),
        (InputOptions(("sound",), pattern="(?P<engine>x)"), "engine"),
    ],
)
def test_inputs_option_that_can_be_of_no_recording_raises(tmp_path: Path, options: InputOptions, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read([tmp_path], options)


def test_inputs_pattern_without_a_file_named(tmp_path: Path) -> None:
    assert "no file matches" in read([f"{tmp_path}/*.wav"])[0].reason


def test_inputs_folder_without_a_recording_named(tmp_path: Path) -> None:
    assert "no recording in this folder" in read([tmp_path])[0].reason


def test_inputs_error_of_options_is_a_data_error() -> None:
    with pytest.raises(DataError, match="unknown domain"):
        read([], InputOptions(("a",), domain="b"))


def test_inputs_tables_are_read_as_the_training_read_them(tmp_path: Path) -> None:
    rows = [f"{k / 2000:.6f};{x:.6f}".replace(".", ",") for k, x in enumerate(SIGNAL)]
    (tmp_path / "M01.csv").write_text("\n".join(["recorder 7", "t;x", *rows]))
    settings = {"kind": "tree", "decimal": ",", "delimiter": ";", "skip_rows": 1}
    (found,) = read(
        [tmp_path / "M01.csv"], InputOptions(OPTIONS.domains, settings, domain="sound", sampling_rate_hz=2000.0)
    )
    np.testing.assert_allclose(found.signal, SIGNAL, atol=1e-6)
    table = pd.DataFrame({"item_id": "M01", "target": SIGNAL.astype(float)})
    table.to_csv(tmp_path / "long.csv", index=False, sep=";", decimal=",")
    options = InputOptions(
        OPTIONS.domains, {"kind": "long_csv", "decimal": ","}, domain="sound", sampling_rate_hz=2000.0
    )
    (found,) = read([tmp_path / "long.csv"], options)
    np.testing.assert_allclose(found.signal, SIGNAL, atol=1e-6)


def test_inputs_sent_recording_of_more_samples_than_a_request_may_have_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("motor.predicting.inputs.MOST_SENT", 299)
    (found,) = read([write("wav", tmp_path)], InputOptions(OPTIONS.domains, domain="sound", is_sent=True))
    assert "300 samples by its head; allowed: 299" in found.reason


@pytest.mark.parametrize("kind", ["tree", "manifest", "long_csv", "parquet"])
def test_inputs_layout_of_this_call_comes_before_the_training_s(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a.csv").write_text("".join(f"{value:.6f}\n".replace(".", ",") for value in SIGNAL.tolist()))
    long = "".join(f"a;{value:.6f}\n".replace(".", ",") for value in SIGNAL.tolist())
    (tmp_path / "b.csv").write_text("run 7\nitem_id;target\n" + long)
    told: dict[str, Any] = {"domain": "sound", "sampling_rate_hz": 2000.0, "decimal": ",", "delimiter": ";"}
    trained = {"kind": kind, "decimal": ".", "delimiter": ","} if kind != "parquet" else {"kind": kind}
    expected = np.round(SIGNAL.astype(np.float64), 6).astype(np.float32)
    (one,) = read([tmp_path / "a.csv"], InputOptions(OPTIONS.domains, trained, **told))
    (other,) = read([tmp_path / "b.csv"], InputOptions(OPTIONS.domains, trained, **told, skip_rows=1))
    assert isinstance(one, Recording), one
    assert isinstance(other, Recording), other
    np.testing.assert_array_equal(one.signal, expected)
    np.testing.assert_array_equal(other.signal, expected)


def test_inputs_channels_of_a_file_are_those_that_the_training_took(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "M01.wav", np.stack([SIGNAL, -SIGNAL], axis=1), 2000, subtype="FLOAT")
    dataset = {
        "kind": "tree",
        "domains": ["sound", "vibration"],
        "channels": {"sound": [1], "vibration": ["channel 2"]},
    }
    sound, vibration = read([tmp_path / "M01.wav"], InputOptions(("sound", "vibration"), dataset))
    np.testing.assert_array_equal(sound.signal, SIGNAL)
    np.testing.assert_array_equal(vibration.signal, -SIGNAL)
    assert sound.moment == vibration.moment is not None
    for options in (
        InputOptions(("vibration",), dataset),
        InputOptions(("sound", "vibration"), dataset, domain="vibration"),
    ):
        (found,) = read([tmp_path / "M01.wav"], options)
        np.testing.assert_array_equal(found.signal, -SIGNAL)
    (tmp_path / "manifest.csv").write_text("file,motor\nM01.wav,M01\n")
    (found,) = read([tmp_path / "manifest.csv"], InputOptions(("vibration",), {**dataset, "kind": "manifest"}))
    assert (found.domain, found.motor) == ("vibration", "M01")
