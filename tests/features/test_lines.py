import numpy as np
import pytest

from motor.features.lines import Lines
from motor.recordings.machines import Machine

RATE_HZ, SPEED_RPM = 25600.0, 1500.0
PARTS = Machine(bearing="6205-2RS JEM SKF", teeth=20, line_hz=50.0).components(SPEED_RPM)


def struck(order: float, seconds: float = 1.0) -> np.ndarray:
    """Return a resonance at 4 kHz that is struck `order` times a revolution, in noise."""
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    since = time % (60 / SPEED_RPM / order)
    ringing = np.exp(-800 * since) * np.sin(2 * np.pi * 4000 * since)
    return ringing + 0.1 * np.random.default_rng(0).normal(size=time.size)


def described(signal: np.ndarray, parts=PARTS) -> dict[str, float]:
    return Lines().from_machine(signal, RATE_HZ, SPEED_RPM, parts)


@pytest.mark.parametrize("slip", [0.99, 1.0, 1.015])
@pytest.mark.parametrize("part", ["outer_race", "inner_race", "ball"])
def test_lines_of_a_struck_part_stand_out_with_slip(part, slip):
    columns = described(struck(PARTS[part] * slip))
    envelopes = {name: value for name, value in columns.items() if name.endswith("_envelope")}
    assert max(envelopes, key=envelopes.__getitem__) == f"{part}_envelope"
    assert columns[f"{part}_envelope"] > 15.0


def test_lines_of_a_tone_at_the_mesh_stand_in_the_spectrum():
    time = np.arange(25600) / RATE_HZ
    noise = np.random.default_rng(0).normal(size=time.size)
    columns = described(noise + np.sin(2 * np.pi * 20 * SPEED_RPM / 60 * time))
    assert columns["mesh_spectrum"] - described(noise)["mesh_spectrum"] > 5.0


def test_lines_of_a_part_that_this_machine_has_not_are_nought():
    columns = described(struck(3.6), {"shaft": 1.0, "outer_race": None, "mesh": None})
    assert columns["outer_race_envelope"] == columns["outer_race_sidebands"] == columns["mesh_spectrum"] == 0.0


def test_lines_have_some_twenty_columns_in_any_case():
    assert list(described(struck(3.6))) == list(described(struck(5.4, 0.3)))
    assert 15 <= len(described(struck(3.6))) <= 30


@pytest.mark.parametrize("gain", [1e-3, 1e3])
def test_lines_under_another_gain_are_the_same(gain):
    assert described(struck(3.6) * gain) == pytest.approx(described(struck(3.6)), abs=1e-6)
