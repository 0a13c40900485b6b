import pytest
import torch

from motor.backbones.training import Training, precision_used
from motor.backbones.training.precision import NARROWEST, chosen, faster_product, products_in

MIXED, EXACT = Training(), Training(precision="float32")


def cpu_with(*names):
    return lambda: {name: name in names for name in ("avx2", "avx512_bf16", "amx_bf16", "bf16")}


@pytest.mark.parametrize("instructions", ["avx512_bf16", "amx_bf16", "bf16"])
def test_precision_is_what_was_measured_where_the_cpu_multiplies_bfloat16(monkeypatch, instructions):
    monkeypatch.setattr(torch.cpu, "get_capabilities", cpu_with("avx2", instructions))
    assert precision_used(MIXED, "cpu") == faster_product(NARROWEST, NARROWEST)
    assert precision_used(EXACT, "cpu") == "float32"


def test_precision_is_measured_at_the_widest_layer_once_a_process():
    model, before = torch.nn.Sequential(torch.nn.Linear(8, 700), torch.nn.Linear(600, 640)), torch.get_rng_state()
    faster_product.cache_clear()
    found = [precision_used(MIXED, "cpu", model) for _ in range(3)]
    listed = any(torch.cpu.get_capabilities().get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    assert len(set(found)) == 1
    assert faster_product.cache_info().misses == listed
    assert not listed or found[0] == faster_product(600, 640)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("bfloat16_s", "float32_s", "expected"),
    [
        pytest.param(1 / 84, 1 / 166, "float32", id="instructions without a unit of their own"),
        pytest.param(1 / 171, 1 / 83, "bfloat16", id="a unit"),
        pytest.param(1.0, 0.95, "bfloat16", id="chance"),
    ],
)
def test_chosen_is_the_faster_one_unless_they_are_alike(bfloat16_s, float32_s, expected):
    assert chosen(bfloat16_s, float32_s) == expected


def test_train_goes_on_in_the_precision_that_it_began_with(tiny, monkeypatch, tmp_path):
    settings = {"num_steps": 6, "log_every": 1, "checkpoint_every": 2}
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(torch.cpu, "get_capabilities", cpu_with("avx2"))
        whole = tiny.fine_tune("bolt", settings)
        tiny.fine_tune("bolt", settings, folder=tmp_path)
    (tmp_path / "checkpoint.pt").unlink()  # as if killed after step 4
    (tmp_path / "checkpoint.previous.pt").rename(tmp_path / "checkpoint.pt")
    resumed = tiny.fine_tune("bolt", settings, folder=tmp_path)
    assert torch.equal(resumed["weights"], whole["weights"])
    assert (resumed["trained_in"], whole["trained_in"]) == ("float32", "float32")


def test_precision_is_float32_where_the_cpu_does_not(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", cpu_with("avx2"))
    assert precision_used(MIXED, "cpu") == "float32"


@pytest.mark.parametrize("can", [True, False])
def test_precision_on_a_gpu_asks_the_gpu_and_not_for_emulation(monkeypatch, can):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: can and not including_emulation)
    assert precision_used(MIXED, "cuda:1") == ("bfloat16" if can else "float32")


@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
def test_products_in_a_precision_are_of_it(precision):
    with products_in(precision, "cpu"):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == getattr(torch, precision)


def test_train_in_bfloat16_keeps_float32_weights_and_its_loss_close(tiny, kind):
    settings = {"num_steps": 5, "log_every": 1, "dropout_rate": 0.0}
    mixed, exact = (tiny.fine_tune(kind, settings | {"precision": precision}) for precision in ("mixed", "float32"))
    assert mixed["weights"].dtype == torch.float32
    losses = [[row["loss"] for row in result["history"] if "loss" in row] for result in (mixed, exact)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-2)
    assert (losses[0] == losses[1]) == (precision_used(MIXED, "cpu") == "float32")
