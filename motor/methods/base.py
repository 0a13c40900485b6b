"""What a recipe says."""

from typing import ClassVar, Literal

from motor.backbones.base import Backbone
from motor.features.base import Feature, FittedFeature, ForecastFeature, RecordingFeature
from motor.registry import Plugin, plugins

# The axes that mean nothing for a method without a forecaster, and for one that sees recordings as they are.
OF_FORECASTERS = ("prediction_length", "patch_length", "contexts")
OF_WINDOWS = ("representation", "scaling", "context_length")


class Recipe(Plugin):
    """A method, as data.

    `labels`: which series the backbone is fine-tuned on; ``any`` takes in those without a label, ``each`` is one
    forecaster a class.
    `features`: what the classifier sees, all of one kind. `start`: the method whose fine-tune this one goes on
    from. `trainable_blocks`: the last encoder blocks that are free, and `lora_rank`: the rank of adapters that are
    trained in the model's place, where the config says neither. `backbone`: the config's; the config's shapes with
    random weights; or a linear forecaster. `control`: the method that is this one without training. `folder`: its
    name in the results.
    """

    ROOM: ClassVar[str] = "motor.methods"

    kind: str
    folder: str
    labels: Literal["none", "normal", "all", "any", "each"] = "none"
    features: tuple[str, ...]
    start: str | None = None
    trainable_blocks: int | None = None
    lora_rank: int | None = None
    backbone: Literal["config", "random", "linear"] = "config"
    control: str | None = None

    @property
    def feature_kind(self) -> type[Feature]:
        """What its features are computed from: `ForecastFeature`, `FittedFeature` or `RecordingFeature`."""
        plugin = plugins("motor.features")[self.features[0]]
        return next(kind for kind in (ForecastFeature, FittedFeature, RecordingFeature) if issubclass(plugin, kind))

    @property
    def idle_axes(self) -> tuple[str, ...]:
        """The axes that mean nothing for it."""
        if self.feature_kind is RecordingFeature:
            return (*OF_WINDOWS, *OF_FORECASTERS)
        if self.feature_kind is FittedFeature:
            return OF_FORECASTERS
        if self.backbone == "linear":
            return ("patch_length", "contexts")
        return ("contexts",) if self.labels == "none" else ()

    @property
    def family(self) -> str:
        """``forecaster``, or ``plain`` for whatever needs no network that forecasts."""
        return "forecaster" if self.feature_kind is ForecastFeature and self.backbone != "linear" else "plain"

    def backbone_of(self, configured: Backbone) -> Backbone:
        """Return the backbone that the recipe runs, where the config has `configured`."""
        if self.backbone == "linear" and configured.kind != "linear":
            return plugins("motor.backbones")["linear"].model_validate({})  # type: ignore[return-value]
        if self.backbone == "random" and configured.source is not None:
            return configured.model_copy(update={"initial": "random"})
        return configured

    def describe(self) -> str:
        """Return the recipe in a few words."""
        classified = f"classifies {' and '.join(self.features)}"
        if self.feature_kind is not ForecastFeature:
            return f"no forecaster; {classified}"
        tuned = {
            "none": "no fine-tune",
            "normal": "fine-tuned on normal series",
            "all": "fine-tuned on all classes",
            "any": "fine-tuned on all series, with a label or without",
            "each": "one fine-tune for each class",
        }
        model = {"config": "", "random": ", random weights", "linear": ", a linear forecaster"}[self.backbone]
        blocks = f", last {self.trainable_blocks} blocks only" if self.trainable_blocks else ""
        blocks += f", by adapters of rank {self.lora_rank} (LoRA)" if self.lora_rank else ""
        after = f", after the fine-tune of {self.start}" if self.start else ""
        return f"{tuned[self.labels]}{after}{blocks}{model}; {classified}"
