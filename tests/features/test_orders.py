import numpy as np
import pytest
from pydantic import ValidationError

from motor.features.envelope_spectrum import centred, harmonic_families, log_envelopes, order_power, prominence_db
from motor.features.orders import Orders

SAMPLING_RATE_HZ = 25600.0
WHOLE_BAND = Orders(bands=((0.02, 0.977),))


def struck(order: float, speed_rpm: float, seconds: float = 2.0, noise: float = 0.1) -> np.ndarray:
    """Return a resonance at 4 kHz that is struck `order` times a revolution, in noise: float32."""
    n_samples = round(seconds * SAMPLING_RATE_HZ)
    strikes = np.zeros(n_samples)
    strikes[(np.arange(0, seconds, 60 / speed_rpm / order) * SAMPLING_RATE_HZ).astype(int)] = 1.0
    decay = np.arange(400) / SAMPLING_RATE_HZ
    ringing = np.exp(-800 * decay) * np.sin(2 * np.pi * 4000 * decay)
    noises = noise * np.random.default_rng(0).normal(size=n_samples)
    return (np.convolve(strikes, ringing)[:n_samples] + noises).astype(np.float32)


def strongest_order(feature: Orders, signal: np.ndarray, speed_rpm: float, rate_hz: float = SAMPLING_RATE_HZ) -> float:
    columns = feature.from_recording(signal, rate_hz, speed_rpm)
    return float(max(columns, key=columns.__getitem__).split("_")[1])


@pytest.mark.parametrize("speed_rpm", [600.0, 1137.0, 1800.0])
@pytest.mark.parametrize("order", [3.5, 5.375, 8.0])
def test_orders_of_strikes_stand_out_at_every_speed(order, speed_rpm):
    columns = WHOLE_BAND.from_recording(struck(order, speed_rpm), SAMPLING_RATE_HZ, speed_rpm)
    assert columns[f"order_{order:06.3f}_band_1"] == pytest.approx(WHOLE_BAND.ceiling_db)
    assert np.mean(list(columns.values())) < WHOLE_BAND.ceiling_db / 2


def test_orders_without_ceiling_are_strongest_at_the_fault():
    feature = Orders(bands=((0.02, 0.977),), ceiling_db=100.0, lowest_order=2.5)
    assert strongest_order(feature, struck(5.375, 900.0), 900.0) == pytest.approx(5.375, abs=0.126)


def test_orders_told_double_the_speed_are_halved():
    feature = Orders(bands=((0.02, 0.977),), ceiling_db=100.0, lowest_order=1.5)
    assert strongest_order(feature, struck(4.0, 900.0), 1800.0) == pytest.approx(2.0, abs=0.126)


def test_orders_of_noise_stay_near_the_floor():
    noise = np.random.default_rng(1).normal(size=51200).astype(np.float32)
    values = np.array(list(Orders().from_recording(noise, SAMPLING_RATE_HZ, 900.0).values()))
    assert np.mean(values) < 4.0


@pytest.mark.parametrize("gain", [1e-3, 1e3])
def test_orders_under_another_gain_are_the_same(gain):
    signal = struck(3.5, 900.0).astype(np.float64)
    before = Orders().from_recording(signal, SAMPLING_RATE_HZ, 900.0)
    assert Orders().from_recording(signal * gain, SAMPLING_RATE_HZ, 900.0) == pytest.approx(before, abs=1e-6)


def test_orders_under_an_offset_are_the_same():
    signal = struck(3.5, 900.0).astype(np.float64)
    before = Orders().from_recording(signal, SAMPLING_RATE_HZ, 900.0)
    assert Orders().from_recording(signal + 5.0, SAMPLING_RATE_HZ, 900.0) == pytest.approx(before, abs=1e-6)


@pytest.mark.parametrize("speed_rpm", [None, np.nan, 0.0, -600.0])
def test_orders_without_a_speed_raise(speed_rpm):
    with pytest.raises(ValueError, match="needs speed_rpm > 0"):
        Orders().from_recording(struck(3.5, 900.0), SAMPLING_RATE_HZ, speed_rpm)


@pytest.mark.parametrize(
    ("seconds", "rate_hz", "message"),
    [
        (0.5, SAMPLING_RATE_HZ, "holds 7.50 revolutions"),
        (2.0, 500.0, "samples a revolution"),
        (2.0, 60.0, "set highest"),
    ],
)
def test_orders_of_what_cannot_hold_them_raise(seconds, rate_hz, message):
    with pytest.raises(ValueError, match=message):
        Orders().from_recording(struck(3.5, 900.0, seconds), rate_hz, 900.0)


@pytest.mark.parametrize(
    "settings", [{"bands": ((0.5, 0.2),)}, {"bands": ((0.5, 1.2),)}, {"lowest_order": 11.0}, {"bands": ()}]
)
def test_orders_with_impossible_settings_raise(settings):
    with pytest.raises(ValidationError):
        Orders(**settings)


def test_band_without_signal_raises():
    time = np.arange(51200) / SAMPLING_RATE_HZ
    with pytest.raises(ValueError, match=r"silent between 0\.5 and 0\.9"):
        log_envelopes(np.sin(2 * np.pi * 1000 * time), ((0.5, 0.9),))


@pytest.mark.parametrize(
    ("signal", "message"),
    [(np.full(8, 3.3), "no signal"), (np.array([1.0, np.nan]), "not finite"), (np.zeros((2, 2)), "shape")],
)
def test_centred_without_a_signal_raises(signal, message):
    with pytest.raises(ValueError, match=message):
        centred(signal.astype(np.float32))


def test_log_envelope_of_a_modulated_tone_is_its_modulation():
    time = np.arange(25600) / SAMPLING_RATE_HZ
    modulation = 1 + 0.5 * np.cos(2 * np.pi * 20 * time)
    (found,) = log_envelopes(modulation * np.sin(2 * np.pi * 4000 * time), ((0.2, 0.5),))
    np.testing.assert_allclose(found, np.log(modulation), atol=1e-9)


def test_order_power_of_a_cosine_lies_at_its_order():
    revolutions = np.arange(20000) / 1000.5
    power = order_power(np.cos(2 * np.pi * 2.5 * revolutions), 1000.5, 8, 60)
    assert np.argmax(power) == 20


def test_prominence_of_a_line_is_its_height():
    power = np.ones(101)
    power[50] = 100.0
    expected = np.zeros(101)
    expected[50] = 20.0
    np.testing.assert_allclose(prominence_db(power, 8), expected)


def test_harmonic_families_find_three_multiples_and_their_neighbours():
    prominence = np.zeros(100)
    prominence[[20, 41, 60]] = 9.0
    families = harmonic_families(prominence, 10, 30, 3)
    assert families[10] == 9.0
    assert families.max() == 9.0
    assert np.count_nonzero(families == 9.0) == 1


def test_harmonic_families_beyond_the_spectrum_raise():
    with pytest.raises(ValueError, match="multiple 3 of place 40"):
        harmonic_families(np.zeros(100), 10, 40, 3)
