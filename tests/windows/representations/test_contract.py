import pickle
import subprocess
import sys

import numpy as np
import pytest
from pydantic import ValidationError

from motor.registry import plugins

PLUGINS = plugins("motor.windows.representations")
RATE_HZ = 51200.0
SPEED_RPM = 1200.0
every_plugin = pytest.mark.parametrize("plugin", PLUGINS.values(), ids=PLUGINS)


def recording(seconds: float = 0.5) -> np.ndarray:
    signal = (2 + np.random.default_rng(0).standard_normal(int(seconds * RATE_HZ))).astype(np.float32)
    signal.setflags(write=False)
    return signal


@every_plugin
def test_representation_gives_float32_at_the_rate_it_says(plugin):
    signal = recording()
    represented, rate_hz = plugin().apply(signal, RATE_HZ, SPEED_RPM)
    assert represented.dtype == np.float32
    assert np.isfinite(represented).all()
    assert represented.size == pytest.approx(rate_hz * signal.size / RATE_HZ, abs=1)
    assert isinstance(rate_hz, float)


@every_plugin
def test_representation_twice_is_identical(plugin):
    first, _ = plugin().apply(recording(), RATE_HZ, SPEED_RPM)
    second, _ = plugin().apply(recording(), RATE_HZ, SPEED_RPM)
    np.testing.assert_array_equal(first, second)


@every_plugin
@pytest.mark.parametrize("fault", [np.nan, np.inf])
def test_representation_not_finite_raises_with_its_place(plugin, fault):
    signal = recording().copy()
    signal[17] = fault
    with pytest.raises(ValueError, match=f"sample 17 of the signal is {fault}"):
        plugin().apply(signal, RATE_HZ, SPEED_RPM)


@every_plugin
@pytest.mark.parametrize("shape", [(0,), (2, 100)])
def test_representation_wrong_shape_raises(plugin, shape):
    with pytest.raises(ValueError, match="shape"):
        plugin().apply(np.zeros(shape, dtype=np.float32), RATE_HZ, SPEED_RPM)


@every_plugin
def test_representation_impossible_rate_raises(plugin):
    with pytest.raises(ValueError, match="sampling_rate_hz is 0"):
        plugin().apply(recording(), 0.0, SPEED_RPM)


@every_plugin
def test_representation_settings_survive_pickle_and_dump(plugin):
    assert pickle.loads(pickle.dumps(plugin())) == plugin()
    assert plugin(**plugin().model_dump()) == plugin()


@every_plugin
def test_representation_unknown_setting_raises(plugin):
    with pytest.raises(ValidationError, match="bandd"):
        plugin(bandd=1)


def test_plugins_of_the_room_import_nothing_heavy():
    code = (
        "import sys; from motor.registry import plugins; import motor.windows.cutting\n"
        "plugins('motor.windows.representations'); plugins('motor.windows.augmentations')\n"
        "print(sorted({'scipy', 'torch', 'pandas', 'sklearn'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
