"""A tachometer's channel is read beside the others: it tells the angle and the speed, and is no recording."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from motor.features.evidence import strongest_lines
from motor.predicting.inputs import InputOptions, read_recordings
from motor.recordings.readers.tree import Tree
from motor.recordings.recording import Recording, SeriesError, cut
from motor.recordings.stated_speeds import contradicted_speeds
from motor.recordings.table import open_recordings, write_recordings
from motor.recordings.tacho import Tacho, mean_rpm, pulses_s, turning_by

RATE_HZ, SECONDS = 6400, 4.0
TIME_S = np.arange(round(SECONDS * RATE_HZ)) / RATE_HZ
RUN_UP = 10 * TIME_S + 40 / SECONDS * TIME_S**2 / 2  # turns: from 600 to 3000 r/min
TACHO = Tacho(channel=("column 1",))


def pulses(turns: np.ndarray, per_turn: int = 1, seed: int = 0) -> np.ndarray:
    """Return a tachometer's voltage: a pulse of a tenth of a turn, some noise."""
    noise = 0.05 * np.random.default_rng(seed).normal(size=turns.size)
    return 5.0 * ((turns * per_turn + 0.3) % 1 < 0.1 * per_turn) + noise


def struck(turns: np.ndarray, order: float = 3.58) -> np.ndarray:
    """Return a resonance at 1.5 kHz that is struck so often a turn, in noise."""
    begins = np.flatnonzero(np.diff(np.floor(turns * order)) > 0)
    ringing = np.exp(-600 * TIME_S[:300]) * np.sin(2 * np.pi * 1500 * TIME_S[:300])
    hits = np.convolve(np.bincount(begins, minlength=turns.size), ringing)[: turns.size]
    return hits + 0.2 * np.random.default_rng(0).normal(size=turns.size)


def tree(folder: Path, turns: np.ndarray, **settings: Any) -> Tree:
    """Write a CSV of a tachometer and two sensors, and return what reads it."""
    (folder / "normal").mkdir(parents=True)
    columns = np.stack([pulses(turns), struck(turns), struck(turns, 5.4)], axis=1)
    np.savetxt(folder / "normal" / "M1_1.csv", columns, delimiter=",", fmt="%.5g")
    known: dict[str, Any] = {"classes": ("normal",), "domains": ("x", "y"), "sampling_rate_hz": float(RATE_HZ)}
    known |= {"channels": {"x": 2, "y": 3}, "tacho": {"channel": 1}, "pattern": r"(?P<motor>M\d)"}
    return Tree.model_validate({"path": str(folder), **known, **settings})


def test_pulses_are_found_between_samples_and_noise_makes_none() -> None:
    turns = 25.0 * TIME_S
    expected = np.arange(0.7, turns[-1], 1.0) / 25
    assert pulses_s(pulses(turns), RATE_HZ) == pytest.approx(expected, abs=1 / RATE_HZ)
    assert len(pulses_s(0.01 * np.ones(100), RATE_HZ)) == 0


def test_tacho_of_a_run_up_tells_its_speeds_and_its_angle() -> None:
    turned = TACHO.turned(pulses(RUN_UP), RATE_HZ, "here")
    turning = turning_by(turned, SECONDS)
    middle_s = (turning.time_s_K[1:] + turning.time_s_K[:-1]) / 2
    error = turning.speeds_hz / (10 + 40 / SECONDS * middle_s) - 1
    assert np.quantile(np.abs(error), 0.9) < 0.02
    off = np.interp(TIME_S, turning.time_s_K, turning.turns_K) - RUN_UP
    assert off - np.median(off) == pytest.approx(np.zeros(off.size), abs=0.03)
    assert mean_rpm(turned) == pytest.approx(1800, rel=0.02)


def test_tacho_of_several_pulses_a_turn_counts_turns() -> None:
    turned = Tacho(channel=("a",), pulses_per_turn=4).turned(pulses(25.0 * TIME_S, 4), RATE_HZ, "here")
    assert mean_rpm(turned) == pytest.approx(1500, rel=1e-3)


def test_tacho_without_pulses_is_a_fault_of_the_series() -> None:
    with pytest.raises(SeriesError, match=r"place 7: the tachometer .* 0 pulses.*dataset\.tacho"):
        TACHO.turned(np.zeros(100), RATE_HZ, "place 7")


def test_reader_takes_the_tacho_for_no_recording_and_for_the_speed_of_all(tmp_path: Path) -> None:
    read = list(tree(tmp_path, RUN_UP).read())
    assert [one.domain for one in read] == ["x", "y"]
    for one in read:
        assert one.speed_rpm == pytest.approx(1800, rel=0.02)
        assert one.turned is not None
        assert np.diff(one.turned[1]) == pytest.approx(1.0)


def test_told_speed_stays_and_the_check_says_what_the_tacho_tells(tmp_path: Path) -> None:
    read = list(tree(tmp_path / "data", 25.0 * TIME_S, constants={"speed_rpm": 1250.0}).read())
    assert {one.speed_rpm for one in read} == {1250.0}
    write_recordings(read, tmp_path / "table", has_tacho=True)
    (finding,) = contradicted_speeds(open_recordings(tmp_path / "table"))
    assert finding.evidence["ratio_by_motor"] == {"M1": pytest.approx(1.2, abs=0.001)}


def test_table_keeps_pulses_to_the_bit_and_out_of_what_is_known_of_recordings(tmp_path: Path) -> None:
    read = list(tree(tmp_path / "data", RUN_UP).read())
    write_recordings(read, tmp_path / "table", has_tacho=True)
    table = open_recordings(tmp_path / "table")
    assert "turned" not in table.meta
    for place, one in enumerate(read):
        assert np.array_equal(table.recording(place).turned, one.turned)
        assert np.array_equal(table.signal(place), one.signal)


def test_table_without_a_tacho_has_none(tmp_path: Path) -> None:
    write_recordings([Recording("a", "M", "x", "normal", 100.0, np.ones(4, np.float32))], tmp_path)
    table = open_recordings(tmp_path)
    assert (table.has_tacho, table.recording(0).turned) == (False, None)


def test_series_cut_from_a_recording_have_the_angle_of_their_own_time() -> None:
    turned = TACHO.turned(pulses(RUN_UP), RATE_HZ, "here")
    whole = Recording("a", "M", "x", "normal", RATE_HZ, np.ones(RUN_UP.size, np.float32), turned=turned)
    for number, piece in enumerate(cut(whole, RATE_HZ)):
        assert piece.turned is not None
        own = turning_by(piece.turned, 1.0)
        assert own.mean_rpm == pytest.approx(
            60 * (RUN_UP[(number + 1) * RATE_HZ - 1] - RUN_UP[number * RATE_HZ]), rel=0.01
        )


def test_evidence_of_a_run_up_names_the_struck_part_by_its_tacho() -> None:
    turning = turning_by(TACHO.turned(pulses(RUN_UP), RATE_HZ, "here"), SECONDS)
    parts = {"shaft": 1.0, "outer_race": 3.58, "inner_race": 5.42}
    first = strongest_lines(struck(RUN_UP), RATE_HZ, turning.mean_rpm, parts, turning)[0]
    assert (first.component, first.stands_out) == ("outer_race", True)


def test_tacho_without_channels_is_a_fault_of_the_config() -> None:
    with pytest.raises(ValidationError, match="tacho is set, and no channels"):
        Tree(path=".", classes=("normal",), domains=("x",), tacho=TACHO)


def test_prediction_reads_the_tacho_as_the_training_did(tmp_path: Path) -> None:
    reader = tree(tmp_path, RUN_UP)
    options = InputOptions(("x", "y"), dataset=reader.model_dump(mode="json"), domain="y")
    (one,) = read_recordings([tmp_path / "normal" / "M1_1.csv"], options)
    assert isinstance(one, Recording)
    (trained,) = [other for other in reader.read() if other.domain == "y"]
    assert one.turned == pytest.approx(trained.turned)
    assert one.speed_rpm == trained.speed_rpm
