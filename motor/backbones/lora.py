"""LoRA: small trainable factors beside frozen weights, merged into them before anything is saved.

Hu et al. 2022, "LoRA: Low-Rank Adaptation of Large Language Models", ICLR: a frozen W acts as W + (alpha / rank) B A.
"""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import Field

from motor.backbones.base import seeded
from motor.backbones.forecaster import Forecaster
from motor.lazy import peft, torch
from motor.registry import Record

if TYPE_CHECKING:
    from peft.tuners.lora import LoraLayer

ADAPTER = "default"


class Lora(Record):
    """What LoRA adds to each linear layer of the blocks (attention's projections, feed-forward layers).

    The head is trained whole.
    """

    rank: int = Field(default=8, ge=1, description="rows of the factors")
    alpha: float = Field(default=16.0, gt=0, description="their product counts alpha / rank times")
    dropout_rate: float = Field(default=0.0, ge=0, lt=1, description="of what goes into the factors, in training")


def adapt(forecaster: Forecaster, lora: Lora, seed: int) -> Forecaster:
    """Freeze a forecaster's weights, and put trainable factors beside those of its blocks' linear layers.

    The model stays an object of its class and forecasts as before: the second factor starts at 0. The head stays
    trainable as it is, because one that was resized to a longer horizon has learned nothing of its new steps yet.

    Parameters
    ----------
    forecaster : Forecaster
        Changed in place.
    lora : Lora
    seed : int
        Of the first factor; the same on every device.

    Raises
    ------
    ValueError
        If it has factors already, or no layer that could have them.
    """
    model, blocks = forecaster.model, forecaster.blocks()
    if has_adapters(model):
        raise ValueError("this forecaster has LoRA factors already; merge them first")
    # blocks alone are what peft gets to see: it would ask a whole model for its token embeddings
    seen = torch.nn.ModuleList(blocks.repeated)
    adapted = _adaptable(seen)
    if not adapted:
        raise ValueError(
            f"{type(forecaster).__name__} has no linear layers in its blocks for LoRA to adapt; leave finetune.lora out"
        )
    config = peft.LoraConfig(r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout_rate, target_modules=adapted)
    was_training, learned = model.training, [weight for weight in model.parameters() if weight.requires_grad]
    model.requires_grad_(False)
    seeded(lambda: peft.inject_adapter_in_model(config, seen, ADAPTER), seed)
    seeded(lambda: _draw(model), seed)
    model.train(was_training)  # the new layers came in training mode
    for part in blocks.head:
        part.requires_grad_(True)
    forecaster.frozen_for_lora = learned
    return forecaster


def merge(forecaster: Forecaster) -> Forecaster:
    """Add the factors' products to the weights that they stand beside, and take the factors out, in place.

    The model then has the tensors that it had before `adapt`, as trainable as they were. A forecaster without factors
    is left as it is.
    """
    model = forecaster.model
    if has_adapters(model):
        learned = ((name, weight) for name, weight in model.named_parameters() if weight.requires_grad)
        forecaster.learned_beside = {name: weight.detach().cpu().clone().contiguous() for name, weight in learned}
    for name, layer in list(_layers(model)):
        layer.merge()
        parent, _, last = name.rpartition(".")
        setattr(model.get_submodule(parent), last, layer.get_base_layer())
    for weight in forecaster.frozen_for_lora:
        weight.requires_grad_(True)
    forecaster.frozen_for_lora = []
    return forecaster


def restored(forecaster: Forecaster, lora: Lora, seed: int, learned: "dict[str, torch.Tensor]") -> Forecaster:
    """Return a forecaster as `merge` left it, from what it was before `adapt` and what it learned; in place.

    Raises
    ------
    ValueError
        If what was learned is of another network.
    """
    adapt(forecaster, lora, seed)
    weights = {name: weight for name, weight in forecaster.model.named_parameters() if weight.requires_grad}
    shapes = [{name: tuple(one.shape) for name, one in tensors.items()} for tensors in (weights, learned)]
    if shapes[0] != shapes[1]:
        strange = sorted(set(shapes[0].items()) ^ set(shapes[1].items()))
        raise ValueError(
            f"the adapter is of another network: {strange[0][0]} has another shape, or stands in one alone"
        )
    for name, weight in weights.items():
        weight.data.copy_(learned[name])
    return merge(forecaster)


def has_adapters(model: Any) -> bool:
    """Tell whether LoRA factors stand beside weights of the model."""
    return any(".lora_A." in name for name, _ in model.named_parameters())


def _adaptable(blocks: "torch.nn.ModuleList") -> list[str]:
    """Return the names of the linear layers to adapt: not those whose weights torch's own attention reads past them."""
    closed = (torch.nn.MultiheadAttention, torch.nn.TransformerEncoderLayer)
    shut = tuple(f"{name}." for name, module in blocks.named_modules() if isinstance(module, closed))
    linear = (name for name, module in blocks.named_modules() if type(module) is torch.nn.Linear)
    return [name for name in linear if not (shut and name.startswith(shut))]


def _layers(model: Any) -> "Iterator[tuple[str, LoraLayer]]":
    """Yield the layers that have factors, by name."""
    for name, module in model.named_modules():
        if isinstance(module, peft.tuners.lora.LoraLayer):
            yield name, module


def _draw(model: Any) -> None:
    """Fill the first factors as peft does, but from the CPU's generator wherever the model is."""
    for _, layer in _layers(model):
        drawn = torch.empty(layer.lora_A[ADAPTER].weight.shape)
        torch.nn.init.kaiming_uniform_(drawn, a=math.sqrt(5))
        layer.lora_A[ADAPTER].weight.data.copy_(drawn)
