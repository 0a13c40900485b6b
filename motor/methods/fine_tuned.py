"""Methods of a forecaster: which series it is fine-tuned on, and which features are taken of it."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal

from grid.config.document import Incompatibility
from motor.backbones.base import Backbone
from motor.backbones.training import Lora, Training
from motor.evaluation.axes.base import Concern
from motor.features.base import Feature, ForecastFeature
from motor.methods.base import Link, OfFeatures
from motor.methods.checks import (
    backbone_incompatibilities,
    block_incompatibilities,
    conformal_incompatibilities,
    dropout_incompatibilities,
    length_incompatibilities,
    module_incompatibilities,
    needs_incompatibilities,
    objective_incompatibilities,
)
from motor.registry import plugins
from motor.stages.features import Features
from motor.stages.finetune import Finetune
from motor.stages.training_series import ONLY

Labels = Literal["none", "normal", "all", "any", "each"]
"""What a forecaster is fine-tuned on: nothing, normal series, all that are labelled, all, or each class by its own."""


class FineTuned(OfFeatures):
    """A method of a forecaster, as data.

    Attributes
    ----------
    labels : {"none", "normal", "all", "any", "each"}
        Which series the backbone is fine-tuned on; ``any`` takes in those without a label, ``each`` is one forecaster
        a class.
    trainable_blocks, lora_rank : int, optional
        The last encoder blocks that are free, and the rank of adapters that are trained in the model's place, where
        the config says neither.
    backbone : {"config", "random", "linear"}
        The config's; the config's shapes with random weights; or a linear forecaster.
    """

    TAKES: ClassVar[type[Feature]] = ForecastFeature

    labels: Labels = "none"
    trainable_blocks: int | None = None
    lora_rank: int | None = None
    backbone: Literal["config", "random", "linear"] = "config"

    @property
    def has(self) -> frozenset[Concern]:
        found: set[Concern] = {"windows", "forecasts"}
        found |= {"networks"} if self.backbone != "linear" else set()
        found |= {"training"} if self.backbone != "linear" and self.labels != "none" else set()
        return frozenset(found)

    @property
    def family(self) -> Literal["forecaster", "plain"]:
        return "plain" if self.backbone == "linear" else "forecaster"

    def chained(self, at: Link, fold: str, features: tuple[Any, ...]) -> Features:
        settings = at.settings
        each = [f"{ONLY}{name}" for name in settings.dataset.classes]
        finetunes = tuple(self.finetune(at, fold, labels) for labels in (each if self.labels == "each" else [None]))
        prepared = at.prepare()  # of more labels than the fine-tune may know, perhaps
        return Features(
            finetunes=finetunes,
            prepared=None if finetunes[0].prepared.key == prepared.key else prepared,
            features=features,
            context_length=at.axes["context_length"],
            windows_per_series=settings.windows.per_series_features,
            classes=tuple(settings.dataset.classes),
            exports_memory=any(getattr(module, "in_export", False) for module in settings.modules.chosen),
            batch_size=settings.resources.batch_size,
        )

    def finetune(self, at: Link, fold: str, labels: str | None = None) -> Finetune:
        """Return the (last) fine-tune; on other series than the recipe says, where `labels` are given."""
        first = None if self.start is None else at.of(self.start)
        return at.finetune(
            fold,
            labels or self.labels,
            backbone=self.backbone_of(at.settings.backbone),
            training=self.training_of(at.settings.finetune),
            start=None if first is None else first.method.finetune(first, fold),
        )

    def backbone_of(self, configured: Backbone) -> Backbone:
        """Return the backbone that the recipe runs, where the config has `configured`."""
        if self.backbone == "linear" and configured.kind != "linear":
            return plugins("motor.backbones")["linear"].model_validate({})  # type: ignore[return-value]
        if self.backbone == "random" and configured.source is not None:
            return configured.model_copy(update={"initial": "random"})
        return configured

    def training_of(self, configured: Training) -> Training:
        """Return how it is trained: what the recipe says by itself holds where the config does not say."""
        if self.labels == "none":
            return configured.model_copy(update={"num_steps": 0})
        is_said = configured.trainable_blocks is not None or configured.lora is not None
        if is_said or (self.trainable_blocks is None and self.lora_rank is None):
            return configured
        lora = None if self.lora_rank is None else Lora(rank=self.lora_rank, alpha=2.0 * self.lora_rank)
        return configured.model_copy(update={"trainable_blocks": self.trainable_blocks, "lora": lora})

    def describe(self) -> str:
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
        return f"{tuned[self.labels]}{after}{blocks}{model}; {self.seen}"

    def incompatibilities(
        self, settings: Any, domains: tuple[str, ...], contexts: Sequence[tuple[int, int]]
    ) -> Iterator[Incompatibility]:
        backbone = self.backbone_of(settings.backbone)
        for index, context_length in contexts:
            place = ("axes", "context_length", index)
            yield from backbone_incompatibilities(settings, backbone, context_length, place, domains)
            yield from length_incompatibilities(settings, context_length, place, settings.windows.prediction_length)
        yield from dropout_incompatibilities(settings, backbone)
        own = None if self.labels == "none" else self.trainable_blocks
        yield from block_incompatibilities(settings, backbone, self.kind, own)
        if self.labels != "none":
            yield from conformal_incompatibilities(settings)
        if self.labels != "none" and not backbone.CLOSED_FORM:
            yield from objective_incompatibilities(settings, backbone, self.kind)
            yield from module_incompatibilities(settings, backbone, contexts)
        yield from needs_incompatibilities(settings, backbone, self.kind, self.features)
        yield from super().incompatibilities(settings, domains, contexts)
