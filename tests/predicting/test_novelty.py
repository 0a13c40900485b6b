"""What is unlike training is told apart from new series of the kind that was trained on."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import kstest

from motor.predicting import novelty
from motor.predicting.novelty import Novelty

N_COLUMNS = 30


def series(n_motors: int, seed: int) -> tuple[np.ndarray, list[str]]:
    """Six series a motor in a space of a few directions, each motor in a place of its own."""
    random = np.random.default_rng(seed)
    directions = np.random.default_rng(0).normal(size=(5, N_COLUMNS))
    place = np.repeat(random.normal(size=(n_motors, 5)), 6, axis=0) + 0.3 * random.normal(size=(6 * n_motors, 5))
    X = place @ directions + 0.1 * random.normal(size=(6 * n_motors, N_COLUMNS))
    return X, [f"m{motor}" for motor in np.repeat(np.arange(n_motors), 6)]


@pytest.fixture(scope="module")
def fitted() -> Novelty:
    return Novelty.fit(*series(60, seed=1), series(20, seed=2)[0])


def test_novelty_series_of_new_motors_uniform(fitted: Novelty) -> None:
    one_a_motor = series(200, seed=3)[0][::6]
    assert kstest(fitted.unlike(one_a_motor), "uniform").statistic < 0.15


def test_novelty_far_along_known_directions_is_one(fitted: Novelty) -> None:
    assert fitted.unlike(8 * series(5, seed=4)[0]).min() == 1.0


def test_novelty_off_the_directions_that_training_shows_is_high(fitted: Novelty) -> None:
    strange = np.random.default_rng(5).normal(size=(20, N_COLUMNS)) * 3
    assert fitted.unlike(strange).min() > 0.99


def test_novelty_training_series_itself_is_near(fitted: Novelty) -> None:
    assert fitted.unlike(series(60, seed=1)[0]).mean() < 0.4


def test_novelty_feature_that_is_no_number_is_one(fitted: Novelty) -> None:
    X = series(1, seed=6)[0]
    X[0, 3] = np.nan
    assert fitted.unlike(X)[0] == 1.0


def test_novelty_column_that_never_varied_and_now_does_is_one(fitted: Novelty) -> None:
    X, motors = series(30, seed=1)
    still = Novelty.fit(np.c_[X, np.full(len(X), 2.0)], motors, np.empty((0, N_COLUMNS + 1)))
    assert still.unlike(np.c_[X[:1], [[500.0]]])[0] == 1.0


@pytest.mark.parametrize("n_motors", [1, 2, 3])
def test_novelty_few_motors_between_zero_and_one(n_motors: int) -> None:
    X, motors = series(n_motors, seed=1)
    unlike = Novelty.fit(X, motors, np.empty((0, N_COLUMNS))).unlike(series(3, seed=2)[0])
    assert ((unlike >= 0) & (unlike <= 1)).all()


def test_novelty_more_columns_than_series_new_motors_not_all_strange() -> None:
    X, motors = series(8, seed=1)
    wide, new = (np.tile(one, (1, 10)) for one in (X, series(20, seed=2)[0]))
    unlike = Novelty.fit(wide, motors, np.empty((0, wide.shape[1]))).unlike(new)
    assert 0.2 < unlike.mean() < 0.9


def test_novelty_written_and_read_same_bits(fitted: Novelty, tmp_path: Path) -> None:
    novelty.write(tmp_path / "novelty.npz", {"a": fitted, "b/ä": fitted}, ["a", "b/ä"])
    read = novelty.read(tmp_path / "novelty.npz", ["a", "b/ä"])
    X = series(3, seed=7)[0]
    np.testing.assert_array_equal(read["b/ä"].unlike(X), fitted.unlike(X))


@pytest.mark.parametrize("kind", ["far", "hum", "loud noise"])
def test_unlike_signal_of_another_world_is_high(joint: Any, kind: str) -> None:
    from motor.predicting import recording

    time_s, random = np.arange(512) / 4096, np.random.default_rng(0)
    signals = {
        "far": 1e4 + 1e3 * random.normal(size=512),
        "hum": 100 * np.sin(2 * np.pi * 50 * time_s),
        "loud noise": 1e3 * random.normal(size=512),
    }
    found = joint.predict([recording(signals[kind], 4096.0, domain, domain) for domain in joint.domains])
    assert found["unlike"].min() >= 0.9
