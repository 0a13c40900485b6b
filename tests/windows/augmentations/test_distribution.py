"""Windows changed in batches have the distribution of windows that are changed one by one, as the settings say it."""

import numpy as np
import pytest

from motor.registry import plugins
from tests.windows.augmentations.changed import changed

PLUGINS = plugins("motor.windows.augmentations")
RATE_HZ, SIZE, COUNT, BANDS = 2000.0, 600, 10_000, 8
WINDOW_T = np.random.default_rng(2).standard_normal(SIZE, dtype=np.float32)


def amplitude(one, generator):
    return WINDOW_T * generator.uniform(*one.factor)


def jitter(one, generator):
    return WINDOW_T + one.sigma * WINDOW_T.std() * generator.standard_normal(SIZE)


def shift(one, generator):
    return np.roll(WINDOW_T, generator.integers(int(one.largest_share * SIZE), endpoint=True))


def spectral(one, generator):
    spectrum = np.fft.rfft(WINDOW_T)
    spectrum[int(np.ceil(one.above_nyquist_share * SIZE / 2)) :] *= 1 + generator.choice([-1, 1]) * generator.uniform(
        *one.gain
    )
    return np.fft.irfft(spectrum, SIZE)


def tone(one, generator):
    phase_T = 2 * np.pi * generator.uniform(*one.frequency_hz) * np.arange(SIZE) / RATE_HZ
    peak = generator.uniform(*one.amplitude) * WINDOW_T.std()
    return WINDOW_T + peak * np.sin(phase_T + generator.uniform(0, 2 * np.pi))


def spikes(one, generator):
    changed_T = WINDOW_T.copy()
    count = generator.integers(1, int(one.largest_share * SIZE), endpoint=True)
    places = generator.choice(SIZE, count, replace=False)
    changed_T[places] += generator.uniform(*one.size, count) * generator.choice([-1, 1], count) * WINDOW_T.std()
    return changed_T


def masking(one, generator):
    n_masked = round(generator.uniform(*one.share) * SIZE)
    n_spans = min(generator.integers(*one.spans, endpoint=True), n_masked, SIZE - n_masked + 1)
    cuts = np.sort(generator.choice(n_masked - 1, n_spans - 1, replace=False)) + 1
    free_before = np.sort(generator.choice(SIZE - n_masked + 1, n_spans, replace=False))
    changed_T = WINDOW_T.copy()
    for free, first, end in zip(free_before, [0, *cuts], [*cuts, n_masked], strict=True):
        changed_T[free + first : free + end] = WINDOW_T.mean()
    return changed_T


ONE_BY_ONE = {
    "amplitude": (amplitude, {}),
    "jitter": (jitter, {}),
    "masking": (masking, {"fill": "mean", "share": (0.02, 0.06)}),
    "shift": (shift, {"largest_share": 0.05}),
    "spectral": (spectral, {}),
    "spikes": (spikes, {"largest_share": 0.009}),
    "tone": (tone, {}),
}


def facts(window_BN):
    """Of each window's change: four moments, its power in bands, and where its power lies in time."""
    change_BN = window_BN.astype(np.float64) - WINDOW_T
    moments = [(change_BN**power).mean(axis=1) for power in (1, 2, 3, 4)]
    power_BF = np.abs(np.fft.rfft(change_BN)) ** 2
    bands = [band.mean(axis=1) for band in np.array_split(power_BF, BANDS, axis=1)]
    places = [part.mean(axis=1) for part in np.array_split(change_BN**2, BANDS, axis=1)]
    return np.stack([*moments, *bands, *places])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ONE_BY_ONE)
def test_augmentation_has_the_distribution_of_windows_one_by_one(kind):
    of_one, settings = ONE_BY_ONE[kind]
    augmentation = PLUGINS[kind](classes=None, **settings)
    generator = np.random.default_rng(0)
    expected = facts(np.stack([of_one(augmentation, generator) for _ in range(COUNT)]))
    keys = np.random.default_rng(1).integers(2**63, size=COUNT)
    found = facts(changed(np.tile(WINDOW_T, (COUNT, 1)), [augmentation], keys, RATE_HZ))
    for power in (1, 2):  # of the facts over the windows: their means and their spreads
        difference = (found**power).mean(axis=1) - (expected**power).mean(axis=1)
        error = np.sqrt(((found**power).var(axis=1) + (expected**power).var(axis=1)) / COUNT)
        rounding = 1e-9 * np.abs(expected**power).mean(axis=1).max()
        assert (np.abs(difference) <= 4.5 * error + rounding).all(), difference / error
