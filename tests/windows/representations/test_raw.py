import numpy as np

from motor.windows.representations.raw import Raw


def test_raw_returns_the_same_signal_without_a_copy():
    signal = np.array([1.5, -2.0, 3.25], dtype=np.float32)
    represented, rate_hz = Raw().apply(signal, 65536.0, None)
    assert np.shares_memory(represented, signal)
    np.testing.assert_array_equal(represented, [1.5, -2.0, 3.25])
    assert rate_hz == 65536.0
