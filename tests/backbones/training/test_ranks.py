import pytest
import torch

from motor.backbones.training.ranks import check_alike, everyones, of_each, summed
from motor.backbones.training.settings import ALONE

EXACT = {"num_steps": 50, "log_every": 1, "validate_every": 25, "dropout_rate": 0.0, "precision": "float32"}
UNEQUAL = {"ends": (0, 3, 4), "settings": EXACT}
SHORT = EXACT | {"num_steps": 5, "validate_every": 5}


def curve(result, name):
    return [row[name] for row in result["history"] if name in row]


def assert_same_curves(results, alone):
    for result in results:
        assert curve(result, "loss_mse") == pytest.approx(curve(alone, "loss_mse"), rel=1e-4)
        assert curve(result, "loss") == pytest.approx(curve(alone, "loss"), rel=1e-4)
        assert curve(result, "validation_wql") == pytest.approx(curve(alone, "validation_wql"), rel=1e-4)
        assert torch.equal(result["weights"], results[0]["weights"])


def test_two_workers_with_unequal_shares_follow_the_curve_of_one(tiny, two_workers):
    (results,) = two_workers(UNEQUAL | {"kind": "bolt"})
    assert_same_curves(results, tiny.fine_tune("bolt", EXACT))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "micro_batch", "domains"),
    [
        ({}, None, ("a", "b")),
        ({}, 1, ("one",)),  # alone in its group, a window of Chronos-2 leaves queries and keys without a gradient
        ({"trainable_blocks": 1}, 1, ("a", "b")),
        ({"lora": {"rank": 4}}, 1, ("one",)),
        ({"ema_decay": 0.9}, None, ("one",)),
        ({"objective": [{"kind": "quantile"}, {"kind": "mse", "weight": 0.1}]}, 1, ("one",)),
    ],
    ids=["whole", "in parts", "last block", "adapters", "average", "objectives"],
)
def test_two_workers_follow_the_curve_of_one_in_any_way(tiny, kind, two_workers, way, micro_batch, domains):
    training = {"kind": kind, "settings": EXACT | way, "domains": domains}
    (results,) = two_workers(training | {"ends": (0, 2, 4), "micro_batch": micro_batch})
    assert_same_curves(results, tiny.fine_tune(**training))


def test_two_workers_tell_alike_what_is_wrong(two_workers):
    broken, without_windows = two_workers(
        {"kind": "bolt", "settings": SHORT, "ends": (0, 2, 4), "broken_row": 3},
        {"kind": "bolt", "settings": SHORT, "ends": (0, 4, 4)},
    )
    for result in broken:
        assert result["error"].startswith("step 2: loss is nan")
        assert "on windows [202, 203] of worker 1;" in result["error"]
    assert all("worker 1 of 2 has none of its 4 windows" in result["error"] for result in without_windows)


def test_alone_exchanges_nothing():
    values = torch.arange(3.0)
    assert summed(values, ALONE) is values
    assert of_each(2.5, ALONE, "cpu") == [2.5]
    assert everyones("mine", ALONE) == ["mine"]
    check_alike("nothing", object(), ALONE)
