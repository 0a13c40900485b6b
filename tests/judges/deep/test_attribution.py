"""What a deep score is attributed to: a planted tone's band, and columns whose deletion moves the score."""

import numpy as np
import pytest

from motor.features.scalogram import PLUGIN as Scalogram
from motor.judges.deep_svdd import DeepSvdd
from motor.judges.estimators.deep.attribution import attributed, moved_by_deletion
from motor.judges.scoring import can_attribute
from motor.judges.trimmed_mahalanobis import TrimmedMahalanobis
from motor.judges.vae import Vae

RATE_HZ, N_SAMPLES, TONE_HZ, BURST = 4096.0, 2048, 700.0, slice(1024, 1536)
FEATURE = Scalogram(n_bands=16, n_frames=16)


def images(number, n_series, is_faulty):
    """Scalograms of noise; of a faulty one with a tone in its third quarter."""
    generator = np.random.default_rng([number, is_faulty])
    rows = []
    for _ in range(n_series):
        signal = generator.normal(size=N_SAMPLES)
        time_s = np.arange(N_SAMPLES)[BURST] / RATE_HZ
        signal[BURST] += is_faulty * 4 * np.sin(2 * np.pi * TONE_HZ * time_s + generator.uniform(0, 6))
        rows.append(list(FEATURE.from_recording(signal, RATE_HZ).values()))
    return np.array(rows)


DETECTORS = {"deep_svdd": DeepSvdd(n_pretrain_epochs=15, n_epochs=10), "vae": Vae(n_epochs=30)}


@pytest.fixture(scope="module")
def normal():
    return images(0, 80, False)


@pytest.fixture(scope="module", params=DETECTORS)
def detector(request, normal):
    return DETECTORS[request.param].estimator(0, 1).fit(normal)


@pytest.fixture(scope="module")
def faulty():
    return images(1, 10, True)


@pytest.fixture(scope="module")
def found_ND(detector, faulty, normal):
    return attributed(detector, faulty, normal)


def test_planted_tone_is_found_within_a_band_and_in_its_time(found_ND):
    centres_hz, seconds = FEATURE.places(N_SAMPLES, RATE_HZ)
    band, frame = np.unravel_index(found_ND.mean(axis=0).argmax(), (16, 16))
    assert abs(int(band) - int(np.abs(np.log(centres_hz / TONE_HZ)).argmin())) <= 1
    assert BURST.start / RATE_HZ <= seconds[frame] <= BURST.stop / RATE_HZ


def test_deleting_what_is_attributed_moves_scores_three_times_as_much_as_chance(detector, faulty, normal, found_ND):
    moved_N, by_chance_N = moved_by_deletion(detector, faulty, normal, found_ND)
    assert np.mean(moved_N >= 3 * by_chance_N) >= 0.9


def test_row_alone_is_attributed_as_among_others(detector, faulty, normal, found_ND):
    np.testing.assert_array_equal(attributed(detector, faulty[2:3], normal)[0], found_ND[2])


def test_plain_detectors_are_not_attributed(faulty):
    assert not can_attribute(TrimmedMahalanobis().estimator(0, 1).fit(faulty))
