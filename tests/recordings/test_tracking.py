"""A shaft of varying speed is followed, and its orders are then those of a steady one."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks.physics import macro_f1
from benchmarks.plants import CLASSES, FULL_RATE_HZ, PLANTS, SETTLING, Built
from motor.features.evidence import strongest_lines
from motor.features.orders import Orders
from motor.recordings.tracking import Turning, followed
from motor.windows.representations.order_envelope import OrderEnvelope

RATE_HZ, SECONDS, RANGE_RPM = 12800.0, 6.0, (400.0, 3600.0)


def run_up() -> np.ndarray:
    """Return the turns of a shaft that runs up from 600 to 3000 r/min."""
    time = np.arange(round(SECONDS * RATE_HZ)) / RATE_HZ
    return 10 * time + 40 / SECONDS * time**2 / 2


def struck(turns: np.ndarray, order: float = 3.58) -> np.ndarray:
    """Return a shaft's harmonics, and a resonance at 2 kHz that is struck so often a turn, in noise."""
    begins = np.flatnonzero(np.diff(np.floor(turns * order)) > 0)
    ringing = np.exp(-600 * np.arange(400) / RATE_HZ) * np.sin(2 * np.pi * 2000 * np.arange(400) / RATE_HZ)
    hits = np.convolve(np.bincount(begins, minlength=turns.size), ringing)[: turns.size]
    tones = sum(0.3 * np.cos(2 * np.pi * k * turns + k) for k in (1, 2, 3))
    return hits + tones + 0.3 * np.random.default_rng(0).normal(size=turns.size)


@pytest.fixture(scope="module")
def followed_run_up() -> Turning:
    return followed(struck(run_up()), RATE_HZ, RANGE_RPM)


def test_followed_run_up_has_its_speeds_and_its_angle(followed_run_up: Turning) -> None:
    middle_s = (followed_run_up.time_s_K[1:] + followed_run_up.time_s_K[:-1]) / 2
    error = followed_run_up.speeds_hz / (10 + 40 / SECONDS * middle_s) - 1
    assert np.median(np.abs(error)) < 0.005
    assert np.quantile(np.abs(error), 0.9) < 0.03  # its first turns are followed poorly
    assert followed_run_up.mean_rpm == pytest.approx(1800, rel=0.01)
    assert followed_run_up.fastest_hz == pytest.approx(50, rel=0.03)


def test_evidence_of_a_run_up_names_the_struck_part_only_where_the_shaft_is_followed(followed_run_up: Turning) -> None:
    parts = {"shaft": 1.0, "outer_race": 3.58, "inner_race": 5.42}
    first = strongest_lines(struck(run_up()), RATE_HZ, 1800.0, parts, followed_run_up)[0]
    assert (first.component, first.stands_out) == ("outer_race", True)
    smeared = strongest_lines(struck(run_up()), RATE_HZ, 1800.0, parts)
    assert not any(line.component == "outer_race" and line.stands_out for line in smeared)


def test_order_envelope_of_a_run_up_has_even_angle(followed_run_up: Turning) -> None:
    represent = OrderEnvelope(band=(1000.0, 3000.0), band_unit="hz", samples_per_revolution=32)
    envelope, rate_hz = represent.apply(struck(run_up()).astype(np.float32), RATE_HZ, None, followed_run_up)
    assert rate_hz == pytest.approx(32 * 30, rel=0.01)
    assert len(envelope) == pytest.approx(32 * 180, rel=0.01)
    order = np.argmax(np.abs(np.fft.rfft(envelope - envelope.mean()))[32:]) + 32
    assert order * 32 / len(envelope) == pytest.approx(3.58, rel=0.01)


def test_noise_is_not_followed() -> None:
    noise = np.random.default_rng(0).normal(size=round(SECONDS * RATE_HZ))
    with pytest.raises(ValueError, match=r"no shaft can be followed .* correct speed\.range_rpm"):
        followed(noise, RATE_HZ, RANGE_RPM)


def test_recording_of_a_few_turns_is_too_short_to_follow() -> None:
    with pytest.raises(ValueError, match=r"too short to follow .* speed\.turning: even"):
        followed(struck(run_up())[:9800], RATE_HZ, RANGE_RPM)


@pytest.mark.slow
def test_orders_of_a_run_up_tell_faults_as_those_of_the_steady_machine() -> None:
    from scipy.signal import resample_poly

    plant, rate_hz = replace(next(iter(PLANTS.values())), seconds=6.0), FULL_RATE_HZ * 3 / 16
    rows, known = {"steady": list[list[float]](), "run-up": [], "smeared": []}, []
    n_samples = round(plant.seconds * FULL_RATE_HZ) + SETTLING
    seconds = (np.arange(n_samples) - SETTLING) / FULL_RATE_HZ
    speeds = {"steady": np.full(n_samples, 30.0), "run-up": 10 + 40 / plant.seconds * seconds.clip(0)}
    for label in CLASSES:
        for number in range(plant.motors_per_class):
            seed = (plant.seed, CLASSES.index(label), number)
            built = Built.draw(np.random.default_rng(seed), plant)
            for kind, speed_hz in speeds.items():
                turns = np.cumsum(speed_hz) / FULL_RATE_HZ
                signal = built.signal_turning(np.random.default_rng((*seed, 9)), plant, label, turns)
                signal = resample_poly(signal.astype(np.float64), 3, 16)
                turning = followed(signal, rate_hz, RANGE_RPM) if kind == "run-up" else None
                rows[kind].append(list(Orders().from_recording(signal, rate_hz, 1800.0, turning).values()))
            rows["smeared"].append(list(Orders().from_recording(signal, rate_hz, 1800.0).values()))
            known.append({"label": label, "motor": f"{label}-{number}"})
    meta = pd.DataFrame(known)
    scores = {kind: macro_f1(np.array(X), meta["label"], meta["motor"]) for kind, X in rows.items()}
    assert abs(scores["run-up"] - scores["steady"]) <= 0.03
    assert scores["smeared"] < scores["steady"] - 0.1
