"""Many short files of a motor as one recording: in order, to the bit, and with the other sensors' pieces."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from motor.recordings.readers.tree import Tree
from motor.recordings.recording import DataError, Recording

RANDOM = np.random.default_rng(0)
NUMBERS = (9, 10, 2, 1)
SETTINGS: dict[str, Any] = {
    "pattern": r"(?P<motor>M\d)_(?P<recorded_at>\d*)",
    "recorded_at_format": "%Y%m%d%H%M",
    "constants": {"label": "normal", "domain": "x"},
    "classes": ("normal",),
    "domains": ("x",),
    "sampling_rate_hz": 800,
    "join": "by motor",
}


def pieces(folder: Path, names: list[str], n_columns: int = 1, n_samples: int = 20) -> dict[str, np.ndarray]:
    made = {name: RANDOM.normal(size=(n_samples, n_columns)).astype(np.float32) for name in names}
    for name, values in made.items():
        np.save(folder / f"{name}.npy", values)
    return made


def read(folder: Path, skipped: list[dict[str, str]] | None = None, **settings: Any) -> list[Recording]:
    reader: Any = Tree.model_validate({"path": str(folder), **SETTINGS, **settings})
    return list(reader.read(skipped))


def by_names(folder: Path, **settings: Any) -> list[Recording]:
    return read(folder, **{"pattern": r"(?P<motor>M\d)", "recorded_at_format": None, **settings})


def test_pieces_without_times_are_joined_by_the_numbers_in_their_names(tmp_path: Path) -> None:
    made = pieces(tmp_path, [f"M1_{number}" for number in NUMBERS])
    (whole,) = by_names(tmp_path)
    assert whole.item == "M1_1.npy+3"
    assert np.array_equal(whole.signal, np.concatenate([made[f"M1_{k}"][:, 0] for k in sorted(NUMBERS)]))


def test_pieces_with_times_are_joined_by_them(tmp_path: Path) -> None:
    made = pieces(tmp_path, ["M1_202401020000_a", "M1_202401010000_b"])
    (whole,) = read(tmp_path)
    assert np.array_equal(whole.signal, np.concatenate([made["M1_202401010000_b"], made["M1_202401020000_a"]])[:, 0])
    assert whole.recorded_at == 1704067200


def test_each_motor_and_speed_is_a_recording(tmp_path: Path) -> None:
    pieces(tmp_path, ["M1_10_a", "M1_10_b", "M1_20_a", "M2_10_a"])
    found = by_names(tmp_path, pattern=r"(?P<motor>M\d)_(?P<speed_rpm>\d+)")
    assert {(one.item, one.speed_rpm) for one in found} == {
        ("M1_10_a.npy+1", 10),
        ("M1_20_a.npy", 20),
        ("M2_10_a.npy", 10),
    }


def test_channels_of_joined_files_share_a_moment_where_all_pieces_do(tmp_path: Path) -> None:
    made = pieces(tmp_path, ["M1_1", "M1_2", "M2_1", "M2_2"], n_columns=2)
    channels = {"x": "column 1", "y": "column 2"}
    settings: dict[str, Any] = {"constants": {"label": "normal"}, "domains": ("x", "y"), "channels": channels}
    found = {(one.motor, one.domain): one for one in by_names(tmp_path, **settings)}
    assert found["M1", "x"].moment == found["M1", "y"].moment != found["M2", "x"].moment
    assert np.array_equal(found["M2", "y"].signal, np.concatenate([made["M2_1"], made["M2_2"]])[:, 1])


def test_series_of_a_joined_recording_have_no_time(tmp_path: Path) -> None:
    pieces(tmp_path, ["M1_202401020000", "M1_202401010000"])
    found = read(tmp_path, series_length=30)
    assert [(one.item, one.recorded_at) for one in found] == [("M1_202401010000.npy+1#0", None)]


@pytest.mark.parametrize(
    ("names", "said"),
    [(["M1_202401010000", "M1_"], "M1_.npy"), (["M1_202401010000a", "M1_202401010000b"], "the same recorded_at")],
    ids=["one without time", "two of one time"],
)
def test_pieces_of_unknown_order_are_refused(tmp_path: Path, names: list[str], said: str) -> None:
    pieces(tmp_path, names)
    with pytest.raises(DataError, match=said):
        read(tmp_path, pattern=r"(?P<motor>M\d)_(?P<recorded_at>\d+)?")


def test_pieces_of_two_rates_are_refused(tmp_path: Path) -> None:
    pieces(tmp_path, ["M1_800", "M1_900"])
    with pytest.raises(DataError, match=r"M1_900.npy.*900.*800"):
        by_names(tmp_path, pattern=r"(?P<motor>M\d)_(?P<sampling_rate_hz>\d+)", sampling_rate_hz=None)


def test_a_bad_piece_is_a_fault_of_the_whole(tmp_path: Path) -> None:
    pieces(tmp_path, ["M1_1", "M2_1", "M2_2"])
    np.save(tmp_path / "M1_2.npy", np.ones(20))
    skipped: list[dict[str, str]] = []
    found = read(tmp_path, skipped, pattern=r"(?P<motor>M\d)", recorded_at_format=None, on_bad_series="skip")
    assert [one.motor for one in found] == ["M2"]
    assert "M1_2.npy" in skipped[0]["reason"]


def test_a_joined_recording_over_the_limit_is_refused(tmp_path: Path) -> None:
    pieces(tmp_path, ["M1_1", "M1_2"])
    with pytest.raises(DataError, match="max_samples"):
        by_names(tmp_path, max_samples=30)


def test_labels_by_life_and_join_contradict_one_another(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="join"):
        Tree.model_validate({"path": str(tmp_path), **SETTINGS, "labels": {"by": "life", "normal": [0, 1]}})


def test_join_that_is_not_set_is_in_no_record() -> None:
    reader = Tree.model_validate({"path": "p", **SETTINGS, "join": None})
    assert "join" not in reader.model_dump()
