"""Fine-tuning is shown to learn, at a smaller size than the figure in docs/."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

import launch


@pytest.fixture(scope="module")
def learning():
    """The benchmark, which is no part of the package."""
    file = Path(launch.__file__).parent / "benchmarks" / "learning.py"
    specification = importlib.util.spec_from_file_location("learning_benchmark", file)
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module  # where dataclasses look up their own module
    specification.loader.exec_module(module)
    yield module
    del sys.modules[specification.name]


@pytest.mark.slow
def test_fine_tuning_on_normal_motors_learns_what_holds_for_others(learning):
    torch.set_num_threads(1)
    setting = learning.SMALL
    learned = learning.learn(setting, learning.make_data(setting))
    mae, untrained, climatology = learned.mae, learned.untrained, learned.climatology
    assert mae["normal"] < 0.85 * climatology["normal"]
    assert mae["normal"] < 0.85 * untrained["normal"]
    assert min(mae["spark"], mae["vibrate"]) > 1.2 * mae["normal"]
    relative = {label: mae[label] / climatology[label] for label in mae}
    assert min(relative["spark"], relative["vibrate"]) > relative["normal"]


def test_learning_data_has_no_motor_on_two_sides(learning):
    setting = learning.Setting(motors_per_class=12, n_samples=512, sampling_rate_hz=4096.0, context=64, horizon=16)
    data = learning.make_data(setting)
    sides = [data.train, data.validation, data.test["normal"]]
    signals = [signal.tobytes() for side in sides for signal in side]
    assert [len(side) for side in sides] == [8, 2, 2]
    assert len(set(signals)) == 12
    assert {label: len(of_class) for label, of_class in data.test.items()} == {"normal": 2, "spark": 2, "vibrate": 2}
