import numpy as np
import pytest

from motor.windows.representations.order_envelope import OrderEnvelope

RATE_HZ = 51200.0


def fault(speed_rpm: float, order: float, seconds: float = 2.0) -> np.ndarray:
    """A carrier of 9 kHz, modulated `order` times a revolution."""
    time_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    envelope = 1 + 0.5 * np.cos(2 * np.pi * order * speed_rpm / 60 * time_s)
    return (envelope * np.sin(2 * np.pi * 9000 * time_s)).astype(np.float32)


@pytest.mark.parametrize("speed_rpm", [600.0, 911.0, 1200.0])
def test_order_envelope_fault_has_the_same_order_at_every_speed(speed_rpm):
    represented, rate_hz = OrderEnvelope().apply(fault(speed_rpm, 5.4), RATE_HZ, speed_rpm)
    assert rate_hz == pytest.approx(64 * speed_rpm / 60)
    spectrum = np.abs(np.fft.rfft((represented - represented.mean()) * np.hanning(represented.size)))
    orders = np.fft.rfftfreq(represented.size, 1 / 64)
    assert orders[np.argmax(spectrum)] == pytest.approx(5.4, abs=2 * orders[1])


@pytest.mark.parametrize("amplitude", ["log", "linear"])
@pytest.mark.parametrize("samples_per_revolution", [32, 64, 128])
def test_order_envelope_samples_a_revolution_move_no_order(samples_per_revolution, amplitude):
    representation = OrderEnvelope(samples_per_revolution=samples_per_revolution, amplitude=amplitude)
    for speed_rpm in (600.0, 1797.0):
        represented, _ = representation.apply(fault(speed_rpm, 4.0), RATE_HZ, speed_rpm)
        spectrum = np.abs(np.fft.rfft((represented - represented.mean()) * np.hanning(represented.size)))
        orders = np.fft.rfftfreq(represented.size, 1 / samples_per_revolution)
        assert orders[np.argmax(spectrum)] == pytest.approx(4.0, abs=2 * orders[1])


def test_order_envelope_wrong_speed_moves_the_order_by_as_much():
    represented, _ = OrderEnvelope().apply(fault(1200.0, 5.0), RATE_HZ, 1.05 * 1200.0)
    spectrum = np.abs(np.fft.rfft((represented - represented.mean()) * np.hanning(represented.size)))
    orders = np.fft.rfftfreq(represented.size, 1 / 64)
    assert orders[np.argmax(spectrum)] == pytest.approx(5.0 / 1.05, abs=2 * orders[1])


def test_order_envelope_two_speeds_give_the_same_samples():
    slow, _ = OrderEnvelope().apply(fault(600.0, 3.0), RATE_HZ, 600.0)
    fast, _ = OrderEnvelope().apply(fault(1170.0, 3.0), RATE_HZ, 1170.0)
    np.testing.assert_allclose(slow[64:1000], fast[64:1000], atol=5e-3)


@pytest.mark.parametrize("speed_rpm", [None, 0.0, -5.0, float("nan")])
def test_order_envelope_without_a_speed_says_what_to_do(speed_rpm):
    with pytest.raises(
        ValueError, match=r"needs speed_rpm.*column.*set speed: {source: estimated}.*representation env"
    ):
        OrderEnvelope().apply(fault(600.0, 3.0, 0.1), RATE_HZ, speed_rpm)


def test_order_envelope_too_fast_for_the_rate_raises():
    with pytest.raises(ValueError, match="cannot be brought to 64000 Hz"):
        OrderEnvelope().apply(fault(600.0, 3.0, 0.1), RATE_HZ, 60000.0)
