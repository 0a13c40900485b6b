"""Layers of the stock models done with less work (see `motor.backbones.chronos.shortcuts`); imported only to train.

Shapes: B windows, L tokens, D embedding, N heads, K width of a head.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from chronos.chronos2.layers import (
    MHA,
    MLP,
    AttentionOutput,
    Chronos2LayerNorm,
    Chronos2RotaryEmbedding,
    GroupSelfAttention,
)
from torch import Tensor
from transformers.models.t5.modeling_t5 import T5Attention, T5DenseActDense, T5LayerNorm

from motor.backbones.chronos.shortcuts.functions import Attention, ReluDropout, RootMeanSquareNorm, dropout, keep_noise


def short_forward(module: torch.nn.Module, alone: bool, is_cpu: bool) -> Callable[..., Any] | None:
    """Return what is to stand for a module's `forward`, or None where the stock one is as good."""
    if alone and isinstance(module, GroupSelfAttention):
        return partial(group_attention_alone, module)
    if not is_cpu:
        return None
    if isinstance(module, MLP | T5DenseActDense):
        return partial(feed_forward, module) if isinstance(module.act, torch.nn.ReLU) else None
    found = (short for kinds, short in SHORT.items() if type(module) in kinds)
    return next((partial(short, module) for short in found), None)


def dropout_layer(module: torch.nn.Dropout, x: Tensor) -> Tensor:
    """Stand for `torch.nn.Dropout.forward`."""
    return dropout(x, module.p) if module.training else x


def norm(module: T5LayerNorm | Chronos2LayerNorm, x: Tensor) -> Tensor:
    """Stand for `T5LayerNorm.forward`: computed in float32, handed on in the dtype of the products that follow."""
    dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype
    return RootMeanSquareNorm.apply(x, module.weight, module.variance_epsilon, dtype)


def feed_forward(module: MLP | T5DenseActDense, hidden_states: Tensor) -> Tensor:
    """Stand for the `forward` of both families' feed-forward layers with ReLU."""
    rate = module.dropout.p if module.training else 0.0
    return module.wo(ReluDropout.apply(module.wi(hidden_states), rate))


def group_attention_alone(
    module: GroupSelfAttention, hidden_states: Tensor, attention_mask: Tensor, output_attentions: bool = False
) -> AttentionOutput:
    """Stand for `GroupSelfAttention.forward` where every row is a group of its own."""
    attention = module.self_attention
    value_BLD = attention.v(module.layer_norm(hidden_states))
    if module.training and attention.dropout:  # of one row's weights: a dropped one drops the whole head
        value_BLNK = value_BLD.unflatten(-1, (attention.n_heads, attention.kv_proj_dim))
        value_BLD = (value_BLNK * _head_noise(value_BLNK, attention.dropout)).flatten(-2)
    return AttentionOutput(hidden_states=hidden_states + module.dropout(attention.o(value_BLD)))


def _head_noise(value_BLNK: Tensor, rate: float) -> Tensor:
    noise_BLN1 = torch.ones_like(value_BLNK[..., :1])
    return keep_noise(noise_BLN1, rate) if noise_BLN1.is_cpu else torch.nn.functional.dropout(noise_BLN1, rate)


def chronos2_attention(
    module: MHA,
    hidden_states: Tensor,
    mask: Tensor,
    encoder_states: Tensor | None = None,
    position_ids: Tensor | None = None,
    output_attentions: bool = False,
) -> AttentionOutput:
    """Stand for `MHA.forward` of Chronos-2's self-attention, over time or over the rows of groups."""
    q, k, v = (_heads(project(hidden_states), module.n_heads) for project in (module.q, module.k, module.v))
    if module.use_rope:
        cos, sin = module.rope_embed(v, position_ids)
        q, k = Chronos2RotaryEmbedding.apply_rotary_pos_emb(q, k, cos, sin)
    seen = Attention.apply(q, k, v, None, _additive(mask), module.dropout if module.training else 0.0)
    return AttentionOutput(hidden_states=module.o(seen.transpose(1, 2).flatten(2)))


def bolt_attention(
    module: T5Attention,
    hidden_states: Tensor,
    mask: Tensor | None = None,
    key_value_states: Tensor | None = None,
    position_bias: Tensor | None = None,
    past_key_values: Any = None,
    **_: Any,
) -> tuple[Tensor, Tensor | None, None]:
    """Stand for `T5Attention.forward`; the cache is left alone, since Bolt's decoder has one step."""
    others = hidden_states if key_value_states is None else key_value_states
    q = _heads(module.q(hidden_states), module.n_heads)
    k, v = (_heads(project(others), module.n_heads) for project in (module.k, module.v))
    if position_bias is None and module.has_relative_attention_bias:
        position_bias = module.compute_bias(q.shape[2], k.shape[2], device=q.device)
    rate = module.dropout if module.training else 0.0
    seen = Attention.apply(q, k, v, position_bias, _additive(mask), rate)
    return module.o(seen.transpose(1, 2).flatten(2)), position_bias, None


def _heads(x_BLD: Tensor, n_heads: int) -> Tensor:
    return x_BLD.unflatten(-1, (n_heads, -1)).transpose(1, 2)


def _additive(mask: Tensor | None) -> Tensor | None:
    """Return a mask as what is added to scores; None where nothing is masked."""
    if mask is not None and mask.dtype is torch.bool:
        mask = torch.zeros(mask.shape).masked_fill_(~mask, torch.finfo(torch.float32).min)
    return mask if mask is not None and mask.any() else None


SHORT: dict[tuple[type, ...], Callable[..., Any]] = {
    (torch.nn.Dropout,): dropout_layer,
    (T5LayerNorm, Chronos2LayerNorm): norm,
    (T5Attention,): bolt_attention,
    (MHA,): chronos2_attention,
}
