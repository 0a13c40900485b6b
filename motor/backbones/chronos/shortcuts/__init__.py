"""Shortcuts through the stock models' training step: the same result, and less work for it.

What is replaced is the `forward` of single layers, and only while the context lasts; weights, names and what `save`
writes are untouched. The layers are torch's own, which takes seconds to import: so not before they are put in.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def shortened(model: Any, alone: bool) -> Iterator[None]:
    """Let a stock Chronos model train faster while the context lasts.

    - Chronos-2's group attention where every row is its own group: attention over one row is that row, so it is
      ``h + o(v(norm(h)))``, and the dropout of its one weight drops whole heads. Queries and keys get no gradient there
      (in the stock model it is 0), so weight decay does not shrink them; without weight decay the result is the same.
      On every device.

    On a CPU also:

    - Dropout draws 16 random bits a value instead of a float, from torch's generator as before: the same distribution
      (the rate is met to 1/131072), a function of the seed, but other draws than torch's.
    - Attention is computed in the dtype of its queries, scores and softmax in float32. torch's own, with dropout, falls
      back to float32 for all of it, and copies Bolt's position bias for each window and layer.
    - The root mean square norm hands on what the products want, instead of float32 that each of them casts.
    - ReLU and its dropout keep one tensor for the gradient instead of three: no faster, but smaller.

    Left out, one at a time, from steps of 8 windows of 4096 samples (tiny shapes, bfloat16, one CPU core): attention
    1.23 (Bolt) and 1.30 (Chronos-2) times as long, group attention 1.12, dropout 1.02 and 1.06, norm 1.02.

    With dropout 0 in float32, losses and gradients are the stock model's to 1e-5.

    Parameters
    ----------
    model : torch.nn.Module
        A stock Bolt or Chronos-2 model, on the device that it is trained on.
    alone : bool
        True promises that no row of a batch shares its group with another.
    """
    from motor.backbones.chronos.shortcuts.layers import short_forward

    is_cpu = next(model.parameters()).device.type == "cpu"
    with _replaced([(module, short_forward(module, alone, is_cpu)) for module in model.modules()]):
        yield


@contextmanager
def without_lone_groups(model: Any) -> Iterator[None]:
    """Skip Chronos-2's group attention alone while the context lasts, as `shortened` does where every row is alone."""
    from motor.backbones.chronos.shortcuts.layers import short_forward

    with _replaced([(module, short_forward(module, alone=True, is_cpu=False)) for module in model.modules()]):
        yield


@contextmanager
def _replaced(forwards: list[tuple[Any, Any]]) -> Iterator[None]:
    """Give modules another `forward` while the context lasts; None leaves a module as it is."""
    replaced = [(module, forward, vars(module).get("forward")) for module, forward in forwards if forward is not None]
    for module, forward, _ in replaced:
        module.forward = forward
    try:
        yield
    finally:
        for module, _, before in replaced:
            if before is None:
                del module.forward
            else:
                module.forward = before
