"""The retrieving forecaster: what followed similar windows of other motors."""

import numpy as np
import pytest
import torch

from motor.backbones.batch import Batch
from motor.backbones.forecast import loc_scale
from motor.backbones.retrieval import PLUGIN as Retrieval
from motor.backbones.training import Trainer, Training, TrainingData

CONTEXT, HORIZON, LEVELS = 32, 8, (0.1, 0.5, 0.9)
LENGTH = CONTEXT + HORIZON


class Motors(TrainingData):
    """Series of a pattern that no line of lags can follow, and one motor that repeats itself exactly."""

    def __init__(self, n_motors: int) -> None:
        self.n_motors = n_motors

    def batches(self, first_step):
        raise AssertionError("nothing is trained by steps")

    def validation(self):
        return None

    def even(self, windows_per_series):
        for motor in range(self.n_motors):
            window_BN = chirps(motor, windows_per_series)
            motor_B = np.full(windows_per_series, f"m{motor}")
            domain_B = np.zeros(windows_per_series, dtype=int)
            yield Batch(window_BN[:, :CONTEXT], window_BN[:, CONTEXT:], domain_B, motor_B=motor_B)


def chirps(motor: int, n_windows: int) -> np.ndarray:
    """Windows of the sign of a sine of one of three frequencies, at any phase, with noise of the motor."""
    generator = np.random.default_rng([3, motor])
    rate = np.array([0.21, 0.34, 0.55])[generator.integers(3, size=(n_windows, 1))]
    wave = np.sign(np.sin(rate * np.arange(LENGTH) + generator.uniform(0, 6.28, (n_windows, 1))))
    return (wave + 0.05 * generator.normal(size=wave.shape)).astype(np.float32)


def fitted(n_motors: int = 6, **settings):
    forecaster = Retrieval(**({"top_k": 3} | settings)).create(CONTEXT, HORIZON, LEVELS, 0.0, ("one",), 0)
    forecaster.fit(Motors(n_motors), Trainer(Training(), 0, None, lambda row: None))
    return forecaster


def error(forecaster) -> float:
    window_BN = chirps(99, 200)
    batch = Batch(window_BN[:, :CONTEXT], None, np.zeros(200, dtype=int))
    median_BH = forecaster.predict_quantiles(batch)[..., 1].numpy()
    return float(np.abs(median_BH - window_BN[:, CONTEXT:]).mean())


@pytest.mark.parametrize("blend", ["errors", "linear"])
def test_blend_is_better_than_the_linear_forecast_where_neighbours_know_more(blend):
    forecaster = fitted(blend=blend)
    blended = error(forecaster)
    forecaster.model["weight_NHF"].copy_(torch.tensor([1.0, 0.0]).expand_as(forecaster.model["weight_NHF"]))
    assert blended < 0.8 * error(forecaster)


def test_neighbours_alone_forecast_the_mean_of_their_futures():
    forecaster = fitted(blend="none")
    window_BN = chirps(99, 4)
    batch = Batch(window_BN[:, :CONTEXT], None, np.zeros(4, dtype=int)).tensors()
    parts_BHF, loc_B1, scale_B1 = forecaster._parts(batch)
    torch.testing.assert_close(parts_BHF[..., 1] * scale_B1 + loc_B1, forecaster.retrieved(batch))
    assert (forecaster.model["weight_NHF"] == torch.tensor([0.0, 1.0])).all()


@pytest.mark.parametrize("key_length", [CONTEXT, 16])  # as many as there are lags, and fewer
def test_what_the_linear_forecast_misses_after_neighbours_is_their_futures_less_it(key_length):
    forecaster = fitted(key_length=key_length)
    coefficient_NLH = forecaster.model["coefficient_NLH"].zero_()  # it says the mean
    coefficient_NLH[:, -1] = 0.25  # and a quarter of a deviation more
    window_BN = chirps(99, 4)
    batch = Batch(window_BN[:, :CONTEXT], None, np.zeros(4, dtype=int)).tensors()
    loc_B1, scale_B1 = loc_scale(batch.context_BT[:, -key_length:])
    told_BH = (forecaster.retrieved(batch) - loc_B1) / scale_B1
    torch.testing.assert_close(forecaster._missed(batch), told_BH - 0.25)


def test_training_windows_without_their_motor_are_refused():
    forecaster = fitted()
    with pytest.raises(ValueError, match="do not say whose they are"):
        forecaster.weigh(lambda: [next(Motors(1).even(4))._replace(motor_B=None)])


def test_top_k_above_the_memory_named():
    with pytest.raises(ValueError, match=r"400 neighbours are asked for, .*set top_k lower"):
        fitted(top_k=400)


def test_memory_with_no_other_motor_named():
    with pytest.raises(ValueError, match="two motors or more"):
        fitted(n_motors=1)


def test_what_is_saved_forecasts_the_same_bits(tmp_path):
    forecaster = fitted()
    forecaster.save(tmp_path)
    loaded = Retrieval().load(tmp_path, ("one",))
    window_BN = chirps(99, 5)
    batch = Batch(window_BN[:, :CONTEXT], None, np.zeros(5, dtype=int))
    assert torch.equal(loaded.predict_quantiles(batch), forecaster.predict_quantiles(batch))
