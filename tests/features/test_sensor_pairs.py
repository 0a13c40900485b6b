import numpy as np
import pandas as pd
import pytest

from motor.features import sensor_pairs
from motor.features.sensor_pairs import partner_correlation


def recordings(*rows: tuple[str, str, str, str | None]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["item", "motor", "domain", "moment"])


def windows_of(meta: pd.DataFrame, n_windows: int) -> tuple[np.ndarray, pd.MultiIndex]:
    index = pd.MultiIndex.from_product([meta["item"], range(n_windows)], names=["item", "window"])
    return np.random.default_rng(0).normal(size=(len(index), 32)).astype(np.float32), index


PAIR = recordings(("a", "m1", "left", "t0"), ("b", "m1", "right", "t0"), ("c", "m2", "left", None))


def test_correlation_of_partners_agrees_with_numpy():
    residuals, index = windows_of(PAIR, 3)
    found = partner_correlation(residuals, index, PAIR)
    for window in range(3):
        expected = np.corrcoef(residuals[window], residuals[3 + window])[0, 1]
        assert found["a", window] == pytest.approx(expected, abs=1e-6)
        assert found["b", window] == pytest.approx(expected, abs=1e-6)


def test_correlation_without_partner_is_missing():
    residuals, index = windows_of(PAIR, 3)
    assert partner_correlation(residuals, index, PAIR)["c"].isna().all()


def test_correlation_of_three_sensors_is_the_mean_over_partners():
    meta = recordings(("a", "m", "x", "t"), ("b", "m", "y", "t"), ("c", "m", "z", "t"))
    residuals, index = windows_of(meta, 1)
    expected = np.corrcoef(residuals)[0, 1:].mean()
    assert partner_correlation(residuals, index, meta)["a", 0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "meta",
    [
        recordings(("a", "m", "x", None), ("b", "m", "y", None)),
        recordings(("a", "m", "x", "t0"), ("b", "m", "y", "t1")),
        recordings(("a", "m1", "x", "t0"), ("b", "m2", "y", "t0")),
    ],
    ids=["no moment", "other moment", "other motor"],
)
def test_correlation_where_nobody_has_a_partner_is_none(meta):
    assert partner_correlation(*windows_of(meta, 2), meta) is None


def test_correlation_of_a_still_residual_is_zero():
    residuals, index = windows_of(PAIR, 1)
    residuals[0] = 0.1
    assert partner_correlation(residuals, index, PAIR)["b", 0] == 0.0


def test_correlation_in_small_portions_is_the_same(monkeypatch):
    residuals, index = windows_of(PAIR, 5)
    whole = partner_correlation(residuals, index, PAIR)
    monkeypatch.setattr(sensor_pairs, "PAIRS_AT_ONCE", 3)
    pd.testing.assert_series_equal(partner_correlation(residuals, index, PAIR), whole)


def test_two_recordings_of_one_sensor_at_one_moment_raise():
    meta = recordings(("a", "m", "x", "t"), ("b", "m", "x", "t"), ("c", "m", "y", "t"))
    with pytest.raises(ValueError, match="more than one recording of moment 't' in domain 'x'"):
        partner_correlation(*windows_of(meta, 1), meta)
