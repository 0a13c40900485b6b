"""Settings of a model of neuralforecast."""

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, field_validator

from motor.backbones.base import Outline
from motor.backbones.torch_forecaster import Geometry, TorchBackbone

if TYPE_CHECKING:
    from motor.backbones.nixtla.network import Network

SLOW = "sees sample by sample what others see in patches: 2 s and more a step of 64 windows of 512, hours a fine-tune"
REFUSED = {
    "TimesNet": "takes its periods from the mean of the batch, so that a window's answer depends on the others",
    "Informer": "draws the keys that it looks at anew in each call, so that two calls answer differently",
    "StemGNN": "has two thousand million weights at a context of 512",
    "DeepAR": "refuses losses of quantiles",
    "DeepNPTS": "refuses losses of quantiles",
    "xLSTM": "needs packages beside neuralforecast that are built for GPUs",
    "HINT": "wraps another model; name that one",
    "TimeLLM": "fetches a language model by itself; take backbone time_llm",
    **dict.fromkeys(("Autoformer", "FEDformer", "GRU", "TFT", "TimeXer", "VanillaTransformer"), SLOW),
}


class Nixtla(TorchBackbone):
    """A model of the library neuralforecast: its network alone, normalised and trained as the forecasters here are.

    An extra (``pip install 'motor-grid[nixtla]'``). Rivals: they show no hidden states, so only what is made of their
    forecasts can be a feature. Refused by name are models whose rows mix and those that take hours.
    """

    PACKAGES: ClassVar[tuple[str, ...]] = ("neuralforecast",)

    kind: Literal["nixtla"] = "nixtla"
    model: str = Field(default="NHITS", description="class of ``neuralforecast.models``, say ``PatchTST``, ``TiDE``")
    settings: dict[str, Any] = Field(
        default={}, description="of the model, as its class takes them; how it is trained, ``finetune`` says"
    )

    @field_validator("model")
    @classmethod
    def _can_be_used(cls, model: str) -> str:
        if model in REFUSED:
            raise ValueError(f"{model} {REFUSED[model]}; choose another model, say NHITS, PatchTST, TiDE or TSMixer")
        return model

    def network(self, geometry: Geometry) -> "Network":
        from motor.backbones.nixtla.network import Network

        return Network(geometry, self.model, self.settings)

    def outline(self) -> Outline:
        """Return that a token is a sample, and that there are no encoder blocks; any levels can be forecast."""
        return Outline(patch=1, n_blocks=0, levels=(), head_length=None)
