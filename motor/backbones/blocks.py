"""The parts of a network that are frozen, adapted, recomputed or compiled by themselves."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.nn import Module


@dataclass(frozen=True)
class Blocks:
    """Parts of a forecaster's network; what is named in none of them is trained whatever is frozen.

    Attributes
    ----------
    encoder : list of Module
        Repeated blocks, from the input on: ``finetune.trainable_blocks: n`` trains the last n of them. They are
        adapted (LoRA), recomputed (gradient checkpointing) and compiled.
    inputs : list of Module
        What comes before the encoder: frozen with its first blocks, and recomputed.
    decoder : list of Module
        Blocks after the encoder, as it is adapted, recomputed and compiled, but never frozen with it.
    head : list of Module
        What makes the forecast: trained whole beside LoRA's factors.
    tokens : Module or None
        What gives the tokens of a context, (B, L, D) from the oldest on, each time that it is called with one: modules
        (`motor.backbones.modules`) change them there. None: they act on the forecast alone.
    """

    encoder: "list[Module]" = field(default_factory=list)
    inputs: "list[Module]" = field(default_factory=list)
    decoder: "list[Module]" = field(default_factory=list)
    head: "list[Module]" = field(default_factory=list)
    tokens: "Module | None" = None

    @property
    def repeated(self) -> "list[Module]":
        """The blocks of encoder and decoder."""
        return [*self.encoder, *self.decoder]

    def freeze_all_but_last(self, n_blocks: int) -> None:
        """Freeze what comes before the last blocks of the encoder; what is frozen already stays so.

        Raises
        ------
        ValueError
            If the encoder has fewer blocks.
        """
        if not 0 <= n_blocks <= len(self.encoder):
            has = f"this model has {len(self.encoder)}"
            raise ValueError(f"cannot train the last {n_blocks} encoder blocks; {has}")
        _freeze([*self.inputs, *self.encoder[: len(self.encoder) - n_blocks]])


def _freeze(modules: "Iterable[Module]") -> None:
    for module in modules:
        module.requires_grad_(False)
