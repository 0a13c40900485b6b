"""The simulator: reproducible, physical, learnable, without a leak, and as hard as its setting says."""

import importlib.util
import pickle
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from pydantic import ValidationError

from motor.recordings.readers.simulator import Simulator
from motor.recordings.readers.simulator.condition import Condition, draw_condition, draw_operation
from motor.recordings.readers.simulator.forces import arc_envelope, bearing_train, rotor_force, run
from motor.recordings.readers.simulator.machine import Machine, draw_machine
from motor.recordings.recording import Recording

RATE = 65536.0
HEALTHY = Condition(spark_db=0, imbalance_db=0, bearing_db=0, looseness_db=0, inner_race=False)
SMALL = {"motors_per_class": 2, "recordings_per_motor": 2, "n_samples": 2048}


@cache
def benchmark() -> ModuleType:
    """Return benchmarks/simulator.py, whose features and measures are those of docs/simulator.md."""
    place = Path(__file__).parents[2] / "benchmarks" / "simulator.py"
    spec = importlib.util.spec_from_file_location("benchmark_of_the_simulator", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def plant(difficulty: float) -> dict[str, list[Recording]]:
    """Return the recordings of 90 motors, by sensor."""
    simulator = Simulator(motors_per_class=30, recordings_per_motor=1, n_samples=16384, difficulty=difficulty)
    recordings = list(simulator.read())
    return {domain: [r for r in recordings if r.domain == domain] for domain in simulator.domains}


@cache
def learnt(difficulty: float) -> float:
    """Return the macro-F1 of physics features and LDA, split by motor, mean of both sensors."""
    bench = benchmark()
    return float(np.mean([bench.macro_f1(r, bench.physics_features, "lda") for r in plant(difficulty).values()]))


def machine(seed: int) -> Machine:
    return draw_machine(np.random.default_rng(seed), (3000.0, 12000.0), RATE)


def items(**settings: object) -> dict[str, Recording]:
    return {recording.item: recording for recording in Simulator(**{**SMALL, **settings}).read()}


def test_recordings_same_settings_are_equal() -> None:
    first, second = items(), items()
    assert list(first) == list(second)
    assert all(np.array_equal(first[item].signal, second[item].signal) for item in first)


def test_recordings_other_seed_differ() -> None:
    first, second = items(), items(seed=1)
    assert not any(np.array_equal(first[item].signal, second[item].signal) for item in first)


def test_recordings_more_motors_and_moments_keep_those_there_were() -> None:
    few, many = items(), items(motors_per_class=3, recordings_per_motor=3)
    assert set(few) < set(many)
    for item, recording in few.items():
        assert (many[item].label, many[item].speed_rpm) == (recording.label, recording.speed_rpm)
        assert np.array_equal(many[item].signal, recording.signal)


def test_recordings_loaded_alone_equal_those_of_a_whole_read() -> None:
    last = list(Simulator(**SMALL).sources())[-1]
    assert np.array_equal(last.load()[0], items()[last.item].signal)


def test_moment_two_sensors_share_all_but_the_signal() -> None:
    sound, vibration = list(items().values())[:2]
    assert (sound.domain, vibration.domain) == ("ShengYing", "ZhenDong")
    assert (sound.moment, sound.motor, sound.label, sound.speed_rpm) == (
        vibration.moment,
        vibration.motor,
        vibration.label,
        vibration.speed_rpm,
    )
    assert abs(np.corrcoef(sound.signal, vibration.signal)[0, 1]) < 0.9


def coherence(first: Recording, second: Recording) -> float:
    """Return the mean coherence of two signals over 16 windows (about 1/16 if they have nothing in common)."""
    a, b = (np.fft.rfft(r.signal.reshape(-1, 1024) * np.hanning(1024)) for r in (first, second))
    cross, powers = (a * b.conj()).sum(0), (np.abs(a) ** 2).sum(0) * (np.abs(b) ** 2).sum(0)
    return float(np.mean(np.abs(cross) ** 2 / powers))


def test_moment_two_sensors_hear_the_same_sources() -> None:
    sounds, vibrations = plant(0.5).values()
    together = [coherence(*pair) for pair in zip(sounds, vibrations, strict=True)]
    strangers = [coherence(*pair) for pair in zip(sounds, vibrations[1:] + vibrations[:1], strict=True)]
    assert np.median(together) > np.median(strangers) + 0.1
    assert np.median(strangers) < 0.1


def test_labels_one_a_motor_are_balanced_and_shuffled() -> None:
    simulator = Simulator(motors_per_class=40)
    labels = [simulator._labels(motor) for motor in range(120)]
    assert all(len(set(of_motor)) == 1 and len(of_motor) == 2 for of_motor in labels)
    first = np.array([of_motor[0] for of_motor in labels])
    assert all((first == label).sum() == 40 for label in simulator.classes)
    assert all(5 < (first[::3] == label).sum() < 22 for label in simulator.classes)


def test_labels_all_a_motor_records_each_condition() -> None:
    recordings = items(labels_per_motor="all", motors_per_class=1, recordings_per_motor=1).values()
    seen = {(r.motor, r.label, r.domain) for r in recordings}
    assert len(seen) == len(recordings) == 3 * 3 * 2


def test_names_of_classes_and_domains_come_from_the_settings() -> None:
    plain = items()
    named = items(classes=("gut", "feuert", "wackelt"), domains=("mic", "acc"))
    renamed = dict(zip(("normal", "spark", "vibrate"), ("gut", "feuert", "wackelt"), strict=True))
    assert {r.domain for r in named.values()} == {"mic", "acc"}
    assert [r.label for r in named.values()] == [renamed[r.label] for r in plain.values()]
    assert all(np.array_equal(a.signal, b.signal) for a, b in zip(plain.values(), named.values(), strict=True))


def test_settings_decide_all_and_no_file_does() -> None:
    simulator = Simulator(**SMALL)
    assert simulator.files() == []
    assert "path" not in simulator.model_dump()
    assert pickle.loads(pickle.dumps(simulator)) == simulator


def test_settings_speed_range_reversed_is_refused() -> None:
    with pytest.raises(ValidationError, match="speed_rpm"):
        Simulator(speed_rpm=(9000.0, 3000.0))


@pytest.mark.parametrize("sampling_rate_hz", [2000.0, 8192.0, 51200.0])
@pytest.mark.parametrize("n_samples", [64, 1001, 4096])
def test_signal_any_rate_and_length_is_finite(sampling_rate_hz: float, n_samples: int) -> None:
    for recording in items(sampling_rate_hz=sampling_rate_hz, n_samples=n_samples, motors_per_class=1).values():
        assert recording.sampling_rate_hz == sampling_rate_hz
        assert recording.signal.shape == (n_samples,)
        assert recording.signal.dtype == np.float32
        assert recording.signal.std() > 0


def test_series_length_cuts_recordings() -> None:
    assert {len(r.signal) for r in items(series_length=1024).values()} == {1024}
    assert len(items(series_length=1024)) == 2 * len(items())


@pytest.mark.parametrize("seed", range(4))
def test_rotor_slot_tone_stands_at_slots_times_speed(seed: int) -> None:
    motor = machine(seed)
    course = run(draw_operation(np.random.default_rng(seed), motor, 50.0), 65536, RATE)
    power = np.abs(np.fft.rfft(rotor_force(motor, HEALTHY, course) * np.hanning(65536)))
    expected = motor.n_slots * course.mean_speed_hz(65536)
    near = slice(int(expected * 0.98), int(expected * 1.02))
    assert near.start + np.argmax(power[near]) == pytest.approx(expected, rel=0.006)


@pytest.mark.parametrize("inner_race", [False, True])
def test_bearing_blows_come_at_the_defect_order(inner_race: bool) -> None:
    motor = machine(0)
    condition = Condition(spark_db=0, imbalance_db=0, bearing_db=0, looseness_db=0, inner_race=inner_race)
    course = run(draw_operation(np.random.default_rng(0), motor, 50.0), 65536, RATE)
    times, heights = bearing_train(np.random.default_rng(1), motor, condition, course)
    order = motor.bearing.inner_race if inner_race else motor.bearing.outer_race
    assert len(times) == pytest.approx(order * course.mean_speed_hz(65536), rel=0.02)
    turn = np.exp(2j * np.pi * np.interp(times, np.arange(65536), course.revolutions))
    swing = abs(np.sum(heights * turn)) / np.sum(heights)
    assert (swing > 0.25) == inner_race


def test_arcs_have_the_power_that_the_theory_of_shot_noise_tells() -> None:
    powers = []
    for seed in range(40):
        random, motor = np.random.default_rng(seed), machine(seed)
        course = run(draw_operation(random, motor, 50.0), 32768, RATE)
        powers.append(np.mean(arc_envelope(random, motor, HEALTHY, course) ** 2) / (np.mean(course.load) / 0.65) ** 2)
    assert np.median(powers) == pytest.approx(1, rel=0.4)


def test_condition_healthy_keeps_the_baseline_at_any_difficulty() -> None:
    motor = machine(0)
    drawn = [draw_condition(np.random.default_rng(0), motor, "healthy", d) for d in (0.0, 1.0)]
    assert drawn[0] == drawn[1]
    assert drawn[0].bearing_db == motor.baseline_db["bearing"]


def test_level_and_offset_alone_are_near_chance() -> None:
    bench = benchmark()
    for difficulty in (0.0, 0.5):
        for recordings in plant(difficulty).values():
            assert bench.macro_f1(recordings, bench.level_only, "lda") < 0.45


def test_difficulty_default_no_single_threshold_solves_it() -> None:
    assert Simulator().difficulty == 0.5
    for recordings in plant(0.5).values():
        accuracy, feature = benchmark().best_threshold(recordings, "normal")
        assert accuracy < 0.82, feature


def test_difficulty_default_is_learnable_from_physics() -> None:
    assert learnt(0.5) > 0.6


def test_difficulty_is_monotone_from_easy_to_near_hopeless() -> None:
    easy, default, hard = (learnt(difficulty) for difficulty in (0.0, 0.5, 1.0))
    assert easy > 0.8
    assert easy > default + 0.08
    assert default > hard + 0.15
    assert hard < 0.48


def test_difficulty_labels_shuffled_between_motors_teach_nothing() -> None:
    from dataclasses import replace

    bench = benchmark()
    recordings = plant(0.0)["ZhenDong"]
    labels = np.random.default_rng(0).permutation([recording.label for recording in recordings])
    shuffled = [replace(recording, label=str(label)) for recording, label in zip(recordings, labels, strict=True)]
    assert bench.macro_f1(shuffled, bench.physics_features, "lda") < 0.48
