import pytest
import torch

from motor.backbones.training import Training, precision_used
from motor.backbones.training.precision import products_in

MIXED, EXACT = Training(), Training(precision="float32")


def cpu_with(*names):
    return lambda: {name: name in names for name in ("avx2", "avx512_bf16", "amx_bf16", "bf16")}


@pytest.mark.parametrize("instructions", ["avx512_bf16", "amx_bf16", "bf16"])
def test_precision_is_mixed_where_the_cpu_multiplies_bfloat16(monkeypatch, instructions):
    monkeypatch.setattr(torch.cpu, "get_capabilities", cpu_with("avx2", instructions))
    assert precision_used(MIXED, "cpu") == "bfloat16"
    assert precision_used(EXACT, "cpu") == "float32"


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
