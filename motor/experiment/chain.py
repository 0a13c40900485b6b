"""From a method, a regime and values of the other axes to the stages that a cell needs, chained."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motor.backbones.base import Backbone
from motor.backbones.training import Lora, Training
from motor.features.base import FittedFeature, RecordingFeature
from motor.judges.base import Classifier
from motor.methods.base import Recipe
from motor.recordings.splits.base import Split
from motor.recordings.splits.folds import Folds
from motor.registry import plugins
from motor.stages.audit import Audit, Cleared
from motor.stages.classify import Classify
from motor.stages.describe import Describe, DescribeFold
from motor.stages.features import Features
from motor.stages.finetune import ONLY, Finetune
from motor.stages.learn import Learn
from motor.stages.prepare import Prepare
from motor.stages.recordings import ImportRecordings
from motor.stages.series_features import SeriesFeatures
from motor.windows.augmentations.base import Augmentation

if TYPE_CHECKING:  # `motor.experiment.settings` reads this folder for the names of the methods
    from motor.experiment.reading import Experiment
    from motor.experiment.settings import Settings


BATCH_SIZE = 32  # windows a forward pass of validation and of forecasts for the skill


@dataclass(frozen=True)
class Chain:
    """Builds the stages of an experiment's cells; equal stages get equal keys.

    Attributes
    ----------
    unit : {"motor", "series"}
        What is dealt to the sides of a split; by series it leaks, and shows by how much.
    """

    experiment: "Experiment"
    recordings: ImportRecordings
    folds: tuple[str, ...]
    weights_digest: dict[str, str]
    unit: str = "motor"
    cleared: tuple[Cleared, ...] = ()

    def classify(self, axes: Mapping[str, Any]) -> Classify:
        """Return the stage that ends a cell."""
        link = Link(self, axes)
        settings, method = link.settings, link.method
        plugin: Classifier = getattr(settings.classifiers, axes["classifier"])
        return Classify(
            features=tuple(link.features(fold) for fold in self.folds),
            classifier=plugin,
            classes=tuple(settings.dataset.classes),
            normal=settings.normal,
            false_alarm_rates={d: link.of_domain(method, d).evaluation.false_alarm_rate for d in link.domains},
            seed=settings.seed,
            axes=dict(axes),
            cleared=self.cleared,
        )

    def check(self) -> Cleared:
        """Return the stage that lets the grid begin: the data and the split, searched for leaks."""
        base = self.experiment.base
        prepared = Link(self, {"method": base.axes.method[0], "domain": base.axes.domain[0]}).prepare()
        audit = Audit(
            prepared=prepared,
            classes=tuple(base.dataset.classes),
            normal=base.normal,
            domains=tuple(base.dataset.domains),
            seed=base.seed,
        )
        return Cleared(audit=audit, accepted=tuple(sorted(base.audit.accept)))

    @cached_property
    def references(self) -> dict[str, int]:
        """Return the domains that some cell scales by a motor's own reference, with how many first recordings are such.

        It is the same for every cell of the grid: what one may not score, none does.
        """
        experiment, found = self.experiment, dict[str, int]()
        axes = experiment.base.axes
        for method, domain, variant in product(axes.method, experiment.base.dataset.domains, experiment.variants()):
            scaling = experiment.settings(method, domain, variant).scaling
            if scaling.by == "reference":
                found[domain] = max(found.get(domain, 0), scaling.earliest)
        return found


class Link:
    """The stages of one method in one regime, at one place on the other axes."""

    def __init__(self, chain: Chain, axes: Mapping[str, Any]) -> None:
        self.chain, self.axes = chain, axes
        self.method, self.regime = axes["method"], axes["domain"]
        self.recipe = recipe(self.method)
        self.settings = self.of_domain(self.method, self.regime)
        self.domains = chain.experiment.regime_domains(self.regime)

    def of_domain(self, method: str | None, domain: str | None) -> "Settings":
        """Return the settings for a method and a domain at this place on the other axes."""
        grid_axes = self.chain.experiment.base.axes.of_settings()
        variant = tuple((axis, self.axes[axis]) for axis in grid_axes if self.axes.get(axis) is not None)
        return self.chain.experiment.settings(method, domain, variant)

    def features(self, fold: str) -> SeriesFeatures:
        """Return the stage that describes the series of one fold."""
        settings, kind = self.settings, self.recipe.feature_kind
        chosen: Any = tuple(getattr(settings.features, name) for name in self.recipe.features)
        if kind is RecordingFeature:
            return self._described(fold, chosen)
        if kind is FittedFeature:
            return self._learned(fold, chosen)
        labels = [f"{ONLY}{name}" for name in settings.dataset.classes] if self.recipe.labels == "each" else [None]
        return Features(
            finetunes=tuple(self.finetune(fold, of_labels) for of_labels in labels),
            features=chosen,
            context_length=self.axes["context_length"],
            windows_per_series=settings.windows.per_series_features,
            classes=tuple(settings.dataset.classes),
            batch_size=settings.resources.batch_size,
        )

    def _described(self, fold: str, features: tuple[RecordingFeature, ...]) -> DescribeFold:
        return DescribeFold(
            described=Describe(recordings=self.chain.recordings, features=features, speed=self.settings.speed),
            prepared=self.prepare(),
            fold=fold,
            domains=self.domains,
            classes=tuple(self.settings.dataset.classes),
            seed=self.settings.seed,
        )

    def _learned(self, fold: str, features: tuple[FittedFeature, ...]) -> Learn:
        return Learn(
            prepared=self.prepare(),
            fold=fold,
            domains=self.domains,
            features=features,
            context_length=self.axes["context_length"],
            windows_per_series=self.settings.windows.per_series_features,
            classes=tuple(self.settings.dataset.classes),
            seed=self.settings.seed,
            regime=self.regime,
            cleared=self.chain.cleared,
        )

    def finetune(self, fold: str, labels: str | None = None) -> Finetune:
        """Return the (last) fine-tune of the method; on other series than the recipe says, where `labels` are given."""
        settings, made = self.settings, self.recipe
        backbone = made.backbone_of(settings.backbone)
        return Finetune(
            prepared=self.prepare(),
            fold=fold,
            domains=self.domains,
            labels=labels or made.labels,
            context_lengths=self._context_lengths(),
            prediction_length=settings.windows.prediction_length,
            quantile_levels=settings.quantile_levels,
            backbone=_reachable(backbone),
            weights_digest=self.chain.weights_digest.get(backbone.source or ""),
            training=_training(settings, made),
            windows_per_series=settings.windows.per_series,
            augmentations={d: _augmentations(self.of_domain(self.method, d)) for d in self.domains},
            seed=settings.seed,
            start=Link(self.chain, {**self.axes, "method": made.start}).finetune(fold) if made.start else None,
            regime=self.regime,
            stream=settings.windows.stream,
            batch_size=settings.resources.batch_size or BATCH_SIZE,
            micro_batch=settings.resources.finetune.micro_batch,
            cleared=self.chain.cleared,
        )

    def _context_lengths(self) -> tuple[int, ...]:
        """Return the context lengths that the fine-tune is for: the cell's, or all that the grid compares."""
        own, axes = self.axes["context_length"], self.chain.experiment.base.axes
        if self.settings.finetune.contexts == "each" or "contexts" in self.recipe.idle_axes:
            return (own,)
        return tuple(sorted(n for n in axes.context_length if not axes.leaves_out({**self.axes, "context_length": n})))

    def prepare(self) -> Prepare:
        """Return the stage that splits, represents and scales.

        A regime's key knows the scaling of its own domains alone: what is set for another domain does not touch it.
        The split's seed is the config's: repeats with other seeds judge the same motors.
        """
        settings = self.settings
        elsewhere = self.of_domain(self.method, None)
        scaling = {
            d: (self.of_domain(self.method, d) if d in self.domains else elsewhere).scaling
            for d in settings.dataset.domains
        }
        return Prepare(
            recordings=self.chain.recordings,
            representation=settings.representation,
            speed=settings.speed,
            split=settings.split if self.chain.unit == "motor" else leaky_split(settings.split),
            unit=self.chain.unit,
            scaling=scaling,
            references=self.chain.references,
            normal=settings.normal,
            seed=self.chain.experiment.base.seed,
        )


def recipe(method: str) -> Recipe:
    """Return a method's recipe."""
    return plugins("motor.methods")[method].model_validate({})  # type: ignore[return-value]


def leaky_split(split: Split) -> Folds:
    """Return as many folds, at random: dealt to series, they put every motor on both sides."""
    return Folds(k=max(2, len(split.fold_names())), validation="none")


def _reachable(backbone: Backbone) -> Backbone:
    """Return the backbone with a folder of weights that means the same on a worker (a hub name stays as it is)."""
    folder = Path(backbone.source or "").expanduser()
    if backbone.source is None or not folder.is_dir():
        return backbone
    return backbone.model_copy(update={"weights": str(folder.absolute())})


def _training(settings: "Settings", made: Recipe) -> Training:
    """Return how the fine-tune is trained: what the recipe says by itself holds where the config does not say."""
    training = settings.finetune
    if made.labels == "none":
        return training.model_copy(update={"num_steps": 0})
    if training.trainable_blocks is not None or training.lora is not None:
        return training
    lora = None if made.lora_rank is None else Lora(rank=made.lora_rank, alpha=2.0 * made.lora_rank)
    return training.model_copy(update={"trainable_blocks": made.trainable_blocks, "lora": lora})


def _augmentations(settings: "Settings") -> tuple[Augmentation, ...]:
    chosen = [getattr(settings.augmentation, name) for name in type(settings.augmentation).model_fields]
    return tuple(sorted((plugin for plugin in chosen if plugin is not None), key=lambda plugin: plugin.order))
