"""Cuts of scores: what holds for every rule, and what each is for."""

import numpy as np
import pytest

from motor.cuts.base import CutError
from motor.cuts.pot import Pot, fit_tail, tail_reach
from motor.cuts.two_groups import TwoGroups
from motor.registry import plugins

CUTS = plugins("motor.cuts")
CLEAN = {
    "chi2(32)": lambda random, n: random.chisquare(32, n),
    "chi2(3)": lambda random, n: random.chisquare(3, n),
    "exponential": lambda random, n: random.exponential(size=n),
    "lognormal(1)": lambda random, n: random.lognormal(sigma=1, size=n),
    "lognormal(2)": lambda random, n: random.lognormal(sigma=2, size=n),
    "normal": lambda random, n: random.normal(size=n),
}


@pytest.fixture(params=CUTS)
def cut(request):
    return CUTS[request.param]()


@pytest.mark.parametrize("name", CLEAN)
def test_cut_of_clean_skewed_scores_calls_some_normal_and_hardly_any_strange(cut, name):
    shares = []
    for seed in range(10):
        random = np.random.default_rng(seed)
        score_n, normal_m = CLEAN[name](random, 3000), CLEAN[name](random, 200)
        division = cut.divide(score_n, normal_m)
        shares.append([division.normal(score_n).mean(), division.strange(score_n).mean()])
    normal, strange = np.mean(shares, axis=0)
    assert normal > 0.01
    assert strange == pytest.approx(0.01, abs=1e-3) if cut.kind == "percentile" else strange < 0.01


@pytest.mark.parametrize("factor", [1e-24, 1e12])
def test_cut_follows_the_scale_of_the_scores(cut, factor):
    random = np.random.default_rng(0)
    score_n, normal_m = random.lognormal(size=1000), random.lognormal(size=200)
    one, other = cut.divide(score_n, normal_m), cut.divide(score_n * factor, normal_m * factor)
    assert [other.below, other.above] == pytest.approx([one.below * factor, one.above * factor], rel=1e-6)


@pytest.mark.parametrize("score_n", [np.ones(100), np.arange(100) % 3, np.arange(5.0), np.array([np.nan] * 50)])
def test_cut_of_constant_tied_few_or_missing_scores_is_an_error_that_says_so(cut, score_n):
    with pytest.raises(CutError, match=rf"cut {cut.kind}: .*(same|tied|needed|finite)"):
        cut.divide(score_n.astype(float), np.arange(200.0))


@pytest.mark.parametrize("shape", [0.0, 1e-15, -1e-15, 1e-6, -1e-6])
def test_pot_reach_is_exact_near_shape_zero(shape):
    share = 0.01
    log_share = -np.log(share)
    exact = log_share * (1 + shape * log_share / 2 + (shape * log_share) ** 2 / 6)
    assert tail_reach(shape, 1.0, share) == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.4])
def test_pot_fit_agrees_with_scipy(shape):
    from scipy.stats import genpareto

    sample = genpareto.rvs(shape, scale=2.0, size=2000, random_state=1)
    expected_shape, _, expected_scale = genpareto.fit(sample, floc=0)
    assert fit_tail(sample) == pytest.approx((expected_shape, expected_scale), abs=2e-3)


def test_pot_calls_the_share_strange_that_it_risks():
    random = np.random.default_rng(3)
    score_n = random.exponential(size=20_000)
    assert np.exp(-Pot(risk=1e-3).divide(score_n, score_n[:0]).above) == pytest.approx(1e-3, rel=0.3)


def plant(seed, faulty, n_known=200, distance=3.0):
    """Return scores of a plant, which of them are faulty, and scores of known normal series."""
    random = np.random.default_rng(seed)
    is_faulty = random.random(3000) < faulty
    return random.normal(size=3000) + distance * is_faulty, is_faulty, random.normal(size=n_known)


@pytest.mark.parametrize("faulty", [0.05, 0.1, 0.3])
def test_two_groups_hold_the_false_discoveries_over_100_plants(faulty):
    false, found = [], []
    for seed in range(100):
        score_n, is_faulty, normal_m = plant(seed, faulty)
        strange = TwoGroups().divide(score_n, normal_m).strange(score_n)
        false.append((strange & ~is_faulty).sum() / max(1, strange.sum()))
        found.append((strange & is_faulty).sum() / is_faulty.sum())
    assert np.mean(false) <= 0.1
    assert np.mean(found) > (0.05 if faulty == 0.05 else 0.5)


def test_two_groups_know_the_share_of_normal_series():
    score_n, _, normal_m = plant(0, 0.3)
    assert TwoGroups().divide(score_n, normal_m).estimates["normal_share"] == pytest.approx(0.7, abs=0.1)


def test_two_groups_with_few_known_normal_series_say_that_they_are_too_few():
    score_n, _, normal_m = plant(0, 0.1, n_known=10)
    with pytest.raises(CutError, match=r"too few known normal series, 10; .* 50 are needed"):
        TwoGroups().divide(score_n, normal_m)
