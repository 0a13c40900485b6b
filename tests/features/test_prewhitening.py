"""Strikes below strong harmonics of a shaft show in envelopes once every frequency is as strong as another."""

import numpy as np
import pytest

from motor.features.envelope_spectrum import whitened
from motor.features.found_lines import FoundLines
from motor.features.lines import Lines
from motor.features.order_lines import OrderLines
from motor.features.orders import Orders

RATE_HZ, SPEED_RPM, ORDER = 25600.0, 913.7, 3.6
TURN_HZ = SPEED_RPM / 60
BANDS = {
    OrderLines: {"bands_hz": ((3000.0, 5500.0),), "slip": 0.0, "ceiling_db": None},
    FoundLines: {"bands_hz": ((3000.0, 5500.0),)},
    Orders: {"bands": ((0.25, 0.43),)},
}


def under_harmonics(strikes: float = 1.0) -> np.ndarray:
    """Return jittered strikes and noise below a hundred harmonics of the shaft, 3 to 4.5 kHz: float64 of 2 s."""
    random = np.random.default_rng(0)
    time = np.arange(round(2 * RATE_HZ)) / RATE_HZ
    struck_s = np.cumsum((1 + 0.01 * random.normal(size=400)) / (ORDER * TURN_HZ))
    impulses = np.zeros(time.size)
    impulses[(struck_s[struck_s < 2] * RATE_HZ).astype(int)] = strikes
    since = time[:400]
    ringing = np.convolve(impulses, np.exp(-3000 * since) * np.sin(2 * np.pi * 4200 * since))[: time.size]
    phases = random.uniform(0, 2 * np.pi, 100)
    tones = sum(np.cos(2 * np.pi * (201 + k) * TURN_HZ * time + phase) for k, phase in enumerate(phases))
    return ringing + 0.1 * random.normal(size=time.size) + 0.3 * tones


@pytest.mark.parametrize("feature", BANDS)
def test_prewhitening_the_strikes_order_is_the_strongest_line_once_harmonics_are_no_stronger(feature):
    def strongest(prewhitening: str, strikes: float = 1.0) -> float:
        settings = {**BANDS[feature], "highest_order": 5.2, "prewhitening": prewhitening}
        columns = feature(**settings).from_recording(under_harmonics(strikes), RATE_HZ, SPEED_RPM)
        lines = {name: value for name, value in columns.items() if "order_" in name}
        return float(max(lines, key=lines.__getitem__).partition("order_")[2].partition("_")[0])

    assert strongest("none") == pytest.approx(round(strongest("none")), abs=0.051)  # a multiple of the shaft
    assert strongest("cepstrum") == pytest.approx(ORDER, abs=0.051)
    assert strongest("cepstrum", strikes=0.0) != pytest.approx(ORDER, abs=0.051)


def test_prewhitening_lines_of_the_struck_part_stand_out():
    def outer_race(prewhitening: str) -> dict[str, float]:
        feature = Lines(bands_hz=((3000.0, 5500.0),), slip=0.01, prewhitening=prewhitening)
        return feature.from_machine(under_harmonics(), RATE_HZ, SPEED_RPM, {"shaft": 1.0, "outer_race": ORDER})

    plain, after = outer_race("none"), outer_race("cepstrum")
    assert after["outer_race_envelope"] > plain["outer_race_envelope"] + 6
    assert after["shaft_1x_spectrum"] == plain["shaft_1x_spectrum"]  # of the signal as it is


def test_prewhitening_leaves_phases_alone_and_what_is_nothing_stays_nothing():
    spectrum = np.array([3 + 4j, 0, -1e-9j])
    assert whitened(spectrum, "cepstrum") == pytest.approx(np.array([0.6 + 0.8j, 0, -1j]))
    assert whitened(spectrum, "none") is spectrum


@pytest.mark.parametrize("feature", [*BANDS, Lines])
def test_prewhitening_of_none_stands_in_no_record(feature):
    assert "prewhitening" not in feature().model_dump()
    assert feature(prewhitening="cepstrum").model_dump()["prewhitening"] == "cepstrum"


@pytest.mark.parametrize("feature", BANDS)
def test_prewhitening_of_a_silent_band_raises_as_without(feature):
    tone = np.cos(2 * np.pi * 100 * np.arange(51200) / RATE_HZ)
    with pytest.raises(ValueError, match="is silent between"):
        feature(**BANDS[feature], prewhitening="cepstrum").from_recording(tone, RATE_HZ, SPEED_RPM)
