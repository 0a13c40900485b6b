"""The permutation test of a cue."""

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import brunnermunzel

from motor.audit.permutation import holm_factors, p_values, permuted_labels, rank_statistics, significance

LABELS = np.repeat([0, 1, 2], 4)


def test_permuted_labels_keep_strata_and_begin_as_they_are():
    labels = permuted_labels(LABELS, ["a"] * 6 + ["b"] * 6, 1, 50)
    assert (labels[0] == LABELS).all()
    assert (np.sort(labels[:, :6], axis=1) == np.sort(LABELS[:6])).all()
    assert len(np.unique(labels, axis=0)) > 10


def test_rank_statistics_agree_with_scipy():
    """SciPy's statistic lacks our least error, which matters near perfect separation alone."""
    random = np.random.default_rng(2)
    cue, labels = np.round(random.normal(size=40), 1), np.tile(np.repeat([0, 1], 20), (1, 1)).astype(np.int8)
    reference = brunnermunzel(cue[:20], cue[20:]).statistic
    assert rank_statistics(cue, labels, 2)[0] == pytest.approx([abs(reference)] * 2, rel=0.01)


def test_rank_statistics_are_largest_for_perfect_separation():
    labels = permuted_labels(LABELS, [0] * 12, 1, 2000)
    statistics = rank_statistics(np.arange(12.0), labels, 3)
    assert statistics[0, 0] == statistics[:, 0].max()


def test_p_values_of_all_arrangements_are_exact():
    """Two of three are above the third in one of three arrangements, and below it in another."""
    labels = np.array(list(permutations([0, 0, 1])), dtype=np.int8)
    statistics = rank_statistics(np.array([1.0, 2.0, 3.0]), labels, 2)
    assert p_values(statistics)[:, 1] == pytest.approx([2 / 3, 1, 2 / 3, 1, 2 / 3, 2 / 3], abs=0.4)
    assert p_values(statistics)[0, 1] == pytest.approx(2 / 3)


def test_significance_of_two_small_domains_is_what_neither_shows_alone():
    labels = permuted_labels(np.tile(np.repeat([0, 1, 2], 3), 2), ["one"] * 9 + ["other"] * 9, 1)
    cues = np.arange(9.0), np.array([8.0, 7, 6, 1, 2, 3, 4, 5, 0])
    halves = labels[:, :9], labels[:, 9:]
    found = significance([rank_statistics(cue, half, 3) for cue, half in zip(cues, halves, strict=True)])
    alone = significance([rank_statistics(cues[0], halves[0], 3)])
    assert found.p_value < 0.004 < 0.02 < alone.p_value
    assert found.by_scope[2] == found.p_value < found.by_scope[0]


def test_significance_of_noise_is_seldom_small():
    labels, random = permuted_labels(LABELS, [0] * 12, 1, 400), np.random.default_rng(8)
    p = [significance([rank_statistics(random.normal(size=12), labels, 3)]).p_value for _ in range(200)]
    assert np.mean(np.array(p) < 0.05) < 0.10
    assert np.mean(np.array(p) < 0.5) > 0.35


def test_significance_of_mere_scatter_is_seldom_small():
    """A cue that scatters ten times less where the motor is healthy lies nowhere else."""
    label_B = np.repeat([0, 1], [24, 8])
    labels, random = permuted_labels(label_B, [0] * 32, 1, 400), np.random.default_rng(8)
    scale = np.where(label_B == 0, 0.1, 1.0)
    p = [significance([rank_statistics(scale * random.normal(size=32), labels, 2)]).p_value for _ in range(200)]
    assert np.mean(np.array(p) < 0.01) < 0.06


def test_holm_factors_are_those_of_the_method():
    assert holm_factors([0.01, 0.001, 0.5]) == pytest.approx([2, 3, 1])
    assert holm_factors([]) == []
