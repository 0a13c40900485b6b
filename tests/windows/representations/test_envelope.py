import numpy as np
import pytest
from pydantic import ValidationError
from scipy.signal import hilbert

from motor.windows.representations.band import BandEnvelope
from motor.windows.representations.envelope import Envelope

RATE_HZ = 51200.0
TIME_S = np.arange(51200) / RATE_HZ


class WholeBand(BandEnvelope):
    kind: str = "whole_band"

    """A band envelope alone, to look at it before it is resampled."""

    def represent(self, signal, sampling_rate_hz, speed_rpm):
        return self.envelope(signal, sampling_rate_hz), sampling_rate_hz


def modulated(modulation_hz: float, carrier_hz: float) -> tuple[np.ndarray, np.ndarray]:
    envelope = 1 + 0.5 * np.sin(2 * np.pi * modulation_hz * TIME_S)
    return (envelope * np.sin(2 * np.pi * carrier_hz * TIME_S)).astype(np.float32), envelope


@pytest.mark.parametrize("size", [4000, 4001])
def test_log_envelope_whole_band_agrees_with_scipy(size):
    signal = np.random.default_rng(0).standard_normal(size).astype(np.float32)
    represented, _ = WholeBand(band=(0.0, 1.0)).apply(signal, RATE_HZ, None)
    reference = np.abs(hilbert(signal.astype(np.float64) - signal.astype(np.float64).mean()))
    np.testing.assert_allclose(np.exp(represented), reference, rtol=1e-4)


def test_envelope_recovers_the_modulation_without_delay():
    signal, envelope = modulated(37.0, 9000.0)
    represented, rate_hz = Envelope(rate_hz=3200.0).apply(signal, RATE_HZ, None)
    assert rate_hz == 3200.0
    np.testing.assert_allclose(np.exp(represented)[50:-50], envelope[::16][50:-50], rtol=2e-3)


def test_envelope_does_not_hear_outside_its_band():
    signal, _ = modulated(37.0, 9000.0)
    hum = (3 + 5 * np.sin(2 * np.pi * 50 * TIME_S)).astype(np.float32)
    envelope = Envelope(band=(5000.0, 12000.0), band_unit="hz")
    with_hum, _ = envelope.apply(signal + hum, RATE_HZ, None)
    without, _ = envelope.apply(signal, RATE_HZ, None)
    np.testing.assert_allclose(with_hum, without, atol=1e-4)


def test_envelope_gain_is_an_offset():
    signal, _ = modulated(37.0, 9000.0)
    loud, _ = Envelope().apply(1000 * signal, RATE_HZ, None)
    quiet, _ = Envelope().apply(signal, RATE_HZ, None)
    np.testing.assert_allclose(loud - quiet, np.log(1000), atol=1e-4)


def test_envelope_linear_is_the_modulation_itself_and_scales_with_the_gain():
    signal, envelope = modulated(37.0, 9000.0)
    linear, _ = Envelope(amplitude="linear").apply(signal, RATE_HZ, None)
    np.testing.assert_allclose(linear[50:-50], envelope[::16][50:-50], atol=4e-3)
    loud, _ = Envelope(amplitude="linear").apply(1000 * signal, RATE_HZ, None)
    np.testing.assert_allclose(loud, 1000 * linear, rtol=1e-4)


def test_envelope_rate_that_does_not_divide_gives_that_many_samples():
    signal = np.random.default_rng(0).standard_normal(65536).astype(np.float32)
    represented, rate_hz = Envelope(rate_hz=3200.0).apply(signal, 65536.0, None)
    assert (represented.size, rate_hz) == (3200, 3200.0)


def test_envelope_band_above_nyquist_raises_with_rate_and_band():
    with pytest.raises(ValueError, match=r"500 to 25000 Hz.*Nyquist frequency 6000 Hz.*12000 Hz"):
        Envelope(band=(500.0, 25000.0), band_unit="hz").apply(np.ones(100, dtype=np.float32), 12000.0, None)


def test_envelope_rate_above_the_recordings_raises_with_both():
    with pytest.raises(ValueError, match=r"at 1000 Hz cannot be brought to 3200 Hz"):
        Envelope().apply(np.random.default_rng(0).standard_normal(500), 1000.0, None)


@pytest.mark.parametrize("silence", [np.zeros(5000), np.full(5000, 3.0), np.sin(2 * np.pi * 100 * TIME_S)[:5120]])
def test_envelope_silent_band_raises(silence):
    with pytest.raises(ValueError, match="silent between 10000 and 20000 Hz"):
        Envelope(band=(10000.0, 20000.0), band_unit="hz").apply(silence, RATE_HZ, None)


def test_envelope_lone_zeros_stay_finite():
    signal = np.zeros(51200, dtype=np.float32)
    signal[20000] = 1
    represented, _ = Envelope().apply(signal, RATE_HZ, None)
    assert np.isfinite(represented).all()


@pytest.mark.parametrize(("band", "unit"), [((0.5, 0.2), "nyquist"), ((-1.0, 5.0), "hz"), ((0.1, 1.2), "nyquist")])
def test_envelope_impossible_band_is_refused(band, unit):
    with pytest.raises(ValidationError, match="band is"):
        Envelope(band=band, band_unit=unit)
