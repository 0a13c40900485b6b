"""Feature `neighbours`: distances to windows of other motors, by class."""

import numpy as np
import pandas as pd
import pytest

from motor.features.neighbours import Neighbours

T = 64


def planted(motors: str = "aabbcc") -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """One series a letter, of three windows: tones of a class's frequency in noise."""
    generator = np.random.default_rng(0)
    label = ["normal" if place < len(motors) // 2 else "spark" for place in range(len(motors))]
    names = {"item": [f"s{place}" for place in range(len(motors))], "motor": list(motors), "label": label}
    meta = pd.DataFrame(names | {"domain": "left"})
    position = np.repeat(np.arange(len(motors)), 3)
    rate = np.where(meta["label"] == "spark", 0.9, 0.3)[position, None]
    windows = np.sin(rate * np.arange(T) + generator.uniform(0, 6, (len(position), 1)))
    return (windows + 0.3 * generator.normal(size=windows.shape)).astype(np.float32), position, meta


def test_neighbours_are_nearer_in_the_own_class():
    windows, position, meta = planted("abcdefgh")
    table = Neighbours(keys=("power",)).fit(windows, position, meta, 0, 1).transform(windows, position, meta)
    nearest = table.to_numpy().argmin(axis=1)
    assert nearest.tolist() == [0] * 4 + [1] * 4
    assert list(table) == ["neighbours_power_normal", "neighbours_power_spark"]


def test_neighbours_never_of_the_own_motor():
    """A motor's own windows, planted as exact copies, would be at distance 0."""
    windows, position, meta = planted("aabbccdd")
    windows[position % 2 == 1] = windows[position % 2 == 0]  # the second series of each motor repeats the first
    table = Neighbours(n_nearest=1).fit(windows, position, meta, 0, 1).transform(windows, position, meta)
    assert table.to_numpy().min() > 0.01


def test_neighbours_class_of_one_motor_named():
    windows, position, meta = planted("aabccd")
    meta["label"] = ["normal"] * 5 + ["spark"]
    with pytest.raises(ValueError, match="class 'spark' has one training motor in domain 'left'"):
        Neighbours().fit(windows, position, meta, 0, 1)
