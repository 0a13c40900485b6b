import numpy as np
import pytest
from pydantic import ValidationError

from motor.windows.representations.decimated import Decimated

RATE_HZ = 16000.0
TIME_S = np.arange(16000) / RATE_HZ


def sine(frequency_hz: float) -> np.ndarray:
    return np.sin(2 * np.pi * frequency_hz * TIME_S).astype(np.float32)


def test_decimated_passes_low_frequencies_without_delay():
    decimated, rate_hz = Decimated(factor=4).apply(sine(300.0), RATE_HZ, None)
    assert rate_hz == 4000.0
    np.testing.assert_allclose(decimated[100:-100], sine(300.0)[::4][100:-100], atol=1e-3)


@pytest.mark.parametrize("factor", [2, 5, 8])
def test_decimated_suppresses_what_would_alias(factor):
    nyquist_hz = RATE_HZ / factor / 2
    decimated, _ = Decimated(factor=factor).apply(sine(1.02 * nyquist_hz), RATE_HZ, None)
    assert np.abs(decimated[100:-100]).max() < 1e-3


def test_decimated_keeps_the_level_up_to_both_ends():
    decimated, _ = Decimated().apply(np.full(4001, 5.0, dtype=np.float32), RATE_HZ, None)
    assert decimated.size == 1001
    np.testing.assert_allclose(decimated, 5.0, atol=1e-3)


def test_decimated_factor_one_is_refused():
    with pytest.raises(ValidationError, match="greater than or equal to 2"):
        Decimated(factor=1)
