"""LoRA: small trainable factors beside frozen weights, merged into them before anything is saved.

Hu et al. 2022, "LoRA: Low-Rank Adaptation of Large Language Models", ICLR: a frozen W acts as W + (alpha / rank) B A.
"""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import Field

from motor.backbones.base import seeded
from motor.backbones.forecaster import Forecaster
from motor.registry import Record

if TYPE_CHECKING:
    from peft.tuners.lora import LoraLayer

ADAPTED = r".*\.(q|k|v|o|wi|wi_0|wi_1|wo)"
"""Attention's four projections and the feed-forward layers, by the names that both families give them."""
ADAPTER = "default"


class Lora(Record):
    """What LoRA adds to each projection of attention and each feed-forward layer; the head is trained whole."""

    rank: int = Field(default=8, ge=1, description="rows of the factors")
    alpha: float = Field(default=16.0, gt=0, description="their product counts alpha / rank times")
    dropout_rate: float = Field(default=0.0, ge=0, lt=1, description="of what goes into the factors, in training")


def adapt(forecaster: Forecaster, lora: Lora, seed: int) -> Forecaster:
    """Freeze a forecaster's weights, and put trainable factors beside those of attention and feed-forward layers.

    The model stays an object of the stock class and forecasts as before: the second factor starts at 0. The head
    (`output_patch_embedding`) stays trainable as it is, because one that was resized to a longer horizon has learned
    nothing of its new steps yet.

    Parameters
    ----------
    forecaster : Forecaster
        Of a Chronos family; changed in place.
    lora : Lora
    seed : int
        Of the first factor; the same on every device.

    Raises
    ------
    ValueError
        If it has factors already, or no layer that could have them.
    """
    from peft import LoraConfig, inject_adapter_in_model

    model = forecaster.model
    if has_adapters(model):
        raise ValueError("this forecaster has LoRA factors already; merge them first")
    if not _stacks(model):
        raise ValueError(f"{type(forecaster).__name__} has no attention for LoRA to adapt; leave finetune.lora out")
    config = LoraConfig(r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout_rate, target_modules=ADAPTED)
    was_training = model.training
    model.requires_grad_(False)
    seeded(lambda: [inject_adapter_in_model(config, blocks, ADAPTER) for blocks in _stacks(model)], seed)
    seeded(lambda: _draw(model), seed)
    model.train(was_training)  # the new layers came in training mode
    model.output_patch_embedding.requires_grad_(True)
    return forecaster


def merge(forecaster: Forecaster) -> Forecaster:
    """Add the factors' products to the weights that they stand beside, and take the factors out, in place.

    The model then has the tensors that it had before `adapt`, all trainable, and `Forecaster.save` writes a stock
    folder. A forecaster without factors is left as it is.
    """
    model = forecaster.model
    for name, layer in list(_layers(model)):
        layer.merge()
        parent, _, last = name.rpartition(".")
        setattr(model.get_submodule(parent), last, layer.get_base_layer())
    for blocks in _stacks(model):
        vars(blocks).pop("peft_config", None)  # peft takes it for a sign of factors
    model.requires_grad_(True)
    return forecaster


def has_adapters(model: Any) -> bool:
    """Tell whether LoRA factors stand beside weights of the model."""
    return any(".lora_A." in name for name, _ in model.named_parameters())


def _stacks(model: Any) -> list[Any]:
    """Return the blocks of the encoder and, where there is one, the decoder.

    They are what peft gets to see: it would ask a whole model for its token embeddings, which these have none of.
    """
    parts = (getattr(model, name, None) for name in ("encoder", "decoder"))
    return [part.block for part in parts if part is not None]


def _layers(model: Any) -> "Iterator[tuple[str, LoraLayer]]":
    """Yield the layers that have factors, by name."""
    from peft.tuners.lora import LoraLayer

    for name, module in model.named_modules():
        if isinstance(module, LoraLayer):
            yield name, module


def _draw(model: Any) -> None:
    """Fill the first factors as peft does, but from the CPU's generator wherever the model is."""
    import torch

    for _, layer in _layers(model):
        drawn = torch.empty(layer.lora_A[ADAPTER].weight.shape)
        torch.nn.init.kaiming_uniform_(drawn, a=math.sqrt(5))
        layer.lora_A[ADAPTER].weight.data.copy_(drawn)
