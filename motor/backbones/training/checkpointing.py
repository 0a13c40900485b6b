"""Less memory for a training step: a block's inner values are computed again in the backward pass, not kept.

Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost" (arXiv 1604.06174). What is kept is the input of each
block; the price is one more forward pass. Loss and gradients are the same to the bit, with dropout, too: the graph has
the same nodes in the same order, and each block draws the same random numbers the second time.

Measured with Chronos-Bolt and Chronos-2 at 8192 samples: `python -m benchmarks.memory`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from motor.backbones.forecaster import Forecaster
from motor.lazy import torch

if TYPE_CHECKING:
    from torch.nn import Module


class Checkpointing:
    """Some modules of a model, checkpointed until `remove` is called or the ``with`` block ends."""

    def __init__(self, modules: "list[Module]") -> None:
        self._own = [(module, vars(module).get("forward")) for module in modules]
        for module in modules:
            module.forward = _recomputed(module.forward)

    def remove(self) -> None:
        """Give the modules back the forward that they had; a second call does nothing."""
        for module, own in self._own:
            if own is None:  # it was its class's
                vars(module).pop("forward", None)
            else:
                module.forward = own
        self._own = []

    def __enter__(self) -> "Checkpointing":
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def checkpoint_gradients(forecaster: Forecaster) -> Checkpointing:
    """Checkpoint every block of a forecaster, and what comes before them, in place.

    Names of weights do not change, and without gradients nothing does. (`gradient_checkpointing_enable` of the library
    raises for Chronos-2, and leaves the embedding of patches out.)

    Returns
    -------
    Checkpointing
        To undo it, by `remove` or as a context manager.

    Raises
    ------
    ValueError
        If the forecaster has no blocks.
    """
    blocks = forecaster.blocks()
    if not blocks.repeated:
        raise ValueError(
            f"gradient checkpointing computes blocks again, and {type(forecaster).__name__} names none in `blocks`: "
            "set finetune.gradient_checkpointing to false"
        )
    return Checkpointing([*blocks.inputs, *blocks.repeated])


def _recomputed(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Return a forward that keeps its inputs alone where gradients are due."""

    def checkpointed(*arguments: Any, **keywords: Any) -> Any:
        if not torch.is_grad_enabled():
            return forward(*arguments, **keywords)
        if "past_key_values" in keywords:  # a cache would grow the second time; Bolt's one decoder step reads none
            keywords["past_key_values"] = None
        return torch.utils.checkpoint.checkpoint(
            forward, *arguments, use_reentrant=False, preserve_rng_state=True, **keywords
        )

    return checkpointed
