import json

import numpy as np
import pytest
from pydantic import ValidationError

from motor.windows.scaling import Scaler, Scaling

GENERATOR = np.random.default_rng(0)
SIGNALS = [
    (domain, (offset + spread * GENERATOR.standard_normal(size)).astype(np.float32))
    for domain, offset, spread, size in [("a", 1e4, 1, 500), ("b", 0, 3, 10), ("a", -50, 1e-3, 7000), ("a", 3, 20, 1)]
]


def samples(domain: str) -> np.ndarray:
    return np.concatenate([signal for name, signal in SIGNALS if name == domain]).astype(np.float64)


def test_fit_agrees_with_all_samples_at_once():
    fitted = Scaling().fit(iter(SIGNALS))
    assert list(fitted) == ["a", "b"]
    for domain, scaler in fitted.items():
        assert scaler.loc == pytest.approx(samples(domain).mean(), rel=1e-12)
        assert scaler.scale == pytest.approx(samples(domain).std(), rel=1e-12)


def test_fit_large_offset_keeps_the_small_deviation():
    signal = (1e4 + GENERATOR.standard_normal(100_000)).astype(np.float32)
    scaler = Scaling().fit([("a", signal)])["a"]
    assert scaler.scale == pytest.approx(signal.astype(np.longdouble).std(), rel=1e-10)


def test_fit_order_of_signals_changes_no_bit():
    signals = [("a", (10.0**power * GENERATOR.standard_normal(50)).astype(np.float32)) for power in range(-9, 9)]
    reference = Scaling().fit(signals)
    for seed in range(20):
        order = np.random.default_rng(seed).permutation(len(signals))
        assert Scaling().fit([signals[place] for place in order]) == reference


def test_fit_another_domain_changes_nothing():
    alone = Scaling().fit([pair for pair in SIGNALS if pair[0] == "a"])
    assert Scaling().fit(SIGNALS)["a"] == alone["a"]


def test_fit_by_item_reads_nothing():
    def unreadable():
        raise AssertionError("read")
        yield

    assert Scaling(by="item").fit(unreadable()) == {}


@pytest.mark.parametrize("level", [0.0, 0.1, -12345.678])
def test_fit_constant_domain_raises_with_its_name(level):
    with pytest.raises(ValueError, match=r"domain 'a': all 3000 samples are .* scale is 0.*drop the series"):
        Scaling().fit([("a", np.full(1000, level, dtype=np.float32)), ("a", np.full(2000, level, dtype=np.float32))])


@pytest.mark.parametrize(("signal", "message"), [([], "no samples"), ([1, np.nan], "NaN"), ([1, np.inf], "infinite")])
def test_fit_unusable_signal_raises(signal, message):
    with pytest.raises(ValueError, match=f"domain 'a'.*{message}"):
        Scaling().fit([("a", np.array(signal, dtype=np.float32))])


def test_scaler_by_domain_ignores_the_items_own_level():
    fitted = Scaling().fit(SIGNALS)
    assert Scaling().scaler(fitted, "m1", "b", SIGNALS[0][1]) is fitted["b"]


def test_scaler_by_item_gives_zero_mean_and_unit_deviation():
    signal = SIGNALS[2][1]
    scaled = Scaling(by="item").scaler({}, "m1", "a", signal).apply(signal)
    assert scaled.dtype == np.float32
    assert scaled.mean() == pytest.approx(0, abs=1e-3)
    assert scaled.std() == pytest.approx(1, rel=1e-3)


def test_scaler_by_item_constant_raises_with_the_item():
    with pytest.raises(ValueError, match="m1: all 5 samples are 2"):
        Scaling(by="item").scaler({}, "m1", "a", np.full(5, 2.0, dtype=np.float32))


def test_scaler_centred_by_item_keeps_relative_strength():
    scaling = Scaling(centre_by="item")
    weak, strong = (
        (offset + GENERATOR.standard_normal(4000) * s).astype(np.float32) for offset, s in [(50, 1), (-9, 3)]
    )
    fitted = scaling.fit([("a", weak), ("a", strong)])
    scaled = [scaling.scaler(fitted, "m", "a", signal).apply(signal) for signal in (weak, strong)]
    assert [signal.mean() for signal in scaled] == pytest.approx([0, 0], abs=1e-4)
    assert scaled[1].std() / scaled[0].std() == pytest.approx(strong.std() / weak.std(), rel=1e-4)
    assert np.mean([signal.var() for signal in scaled]) == pytest.approx(1, rel=1e-4)


def test_fit_by_reference_has_a_scaler_for_each_motor_and_domain():
    signals = [(("m1", "a"), SIGNALS[0][1]), (("m2", "a"), SIGNALS[2][1]), (("m1", "b"), SIGNALS[1][1])]
    scaling = Scaling(by="reference")
    fitted = scaling.fit(signals)
    assert list(fitted) == [("m1", "a"), ("m1", "b"), ("m2", "a")]
    own = scaling.scaler(fitted, "m2/7", "a", SIGNALS[0][1], "m2")
    assert own.scale == pytest.approx(SIGNALS[2][1].astype(np.float64).std(), rel=1e-9)


def test_scaler_by_reference_keeps_how_a_motor_changed_and_not_how_machines_differ():
    scaling = Scaling(by="reference")
    quiet, loud = ((s * GENERATOR.standard_normal(4000)).astype(np.float32) for s in (1, 50))
    fitted = scaling.fit([(("m1", "a"), quiet), (("m2", "a"), loud)])
    worn = [
        scaling.scaler(fitted, "later", "a", 3 * signal, motor).apply(3 * signal).std()
        for motor, signal in (("m1", quiet), ("m2", loud))
    ]
    assert worn == pytest.approx([3, 3], rel=1e-5)


def test_scaler_by_reference_centred_by_item_has_the_references_scale():
    scaling = Scaling(by="reference", centre_by="item")
    fitted = scaling.fit([(("m1", "a"), SIGNALS[0][1])])
    scaler = scaling.scaler(fitted, "m1/2", "a", np.array([5, 7], dtype=np.float32), "m1")
    assert (scaler.loc, scaler.scale) == (6.0, fitted["m1", "a"].scale)


def test_scaler_by_reference_of_a_motor_without_one_raises():
    fitted = Scaling(by="reference").fit([(("m1", "a"), SIGNALS[0][1])])
    with pytest.raises(ValueError, match=r"m2/7: motor 'm2' in domain 'a' has no scaler.*needs a healthy reference"):
        Scaling(by="reference").scaler(fitted, "m2/7", "a", SIGNALS[0][1], "m2")


def test_fit_by_reference_constant_raises_with_motor_and_domain():
    with pytest.raises(ValueError, match=r"motor 'm1' in domain 'a': all 5 samples are 2"):
        Scaling(by="reference").fit([(("m1", "a"), np.full(5, 2.0, dtype=np.float32))])


def test_scaler_unknown_domain_raises_with_the_known():
    with pytest.raises(ValueError, match=r"m1: domain 'c' has no scaler; fitted were: a, b"):
        Scaling().scaler(Scaling().fit(SIGNALS), "m1", "c", SIGNALS[0][1])


def test_scaler_apply_leaves_its_input():
    signal = np.array([1, 3], dtype=np.float32)
    signal.setflags(write=False)
    np.testing.assert_array_equal(Scaler(1.0, 2.0).apply(signal), [0, 1])


def test_scaler_survives_json_to_the_last_bit():
    scaler = Scaling().fit(SIGNALS)["a"]
    assert Scaler.from_dict(json.loads(json.dumps(scaler.to_dict()))) == scaler


@pytest.mark.parametrize(("loc", "scale"), [(0, 0), (0, -1), (0, float("nan")), (float("inf"), 1)])
def test_scaler_impossible_values_raise(loc, scale):
    with pytest.raises(ValueError, match="scale > 0"):
        Scaler(loc, scale)


def test_scaling_unknown_choice_is_refused():
    with pytest.raises(ValidationError, match="'domain', 'item' or 'reference'"):
        Scaling(by="motor")
