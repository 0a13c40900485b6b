"""From a method, a regime and a context length to the stages that a cell needs, chained."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motor.backbones.base import Backbone
from motor.classifiers.base import Classifier
from motor.methods.base import Recipe
from motor.registry import plugins
from motor.stages.classify import Classify
from motor.stages.features import Features
from motor.stages.finetune import Finetune
from motor.stages.prepare import Prepare
from motor.stages.recordings import ImportRecordings
from motor.windows.augmentations.base import Augmentation

if TYPE_CHECKING:  # `motor.settings` reads this folder for the names of the methods
    from motor.settings import Experiment, Settings


@dataclass(frozen=True)
class Chain:
    """Builds the stages of an experiment's cells; equal stages get equal keys."""

    experiment: "Experiment"
    recordings: ImportRecordings
    folds: tuple[str, ...]
    weights_digest: dict[str, str]

    def classify(self, method: str, regime: str, context_length: int, classifier: str) -> Classify:
        """Return the stage that ends a cell."""
        settings = self.experiment.settings(method, regime)
        plugin: Classifier = getattr(settings.classifiers, classifier)
        domains = self.experiment.regime_domains(regime)
        return Classify(
            features=tuple(self.features(method, regime, context_length, fold) for fold in self.folds),
            classifier=plugin,
            classes=tuple(settings.dataset.classes),
            normal=settings.normal,
            false_alarm_rates={d: self._of_domain(method, d).evaluation.false_alarm_rate for d in domains},
            seed=settings.seed,
            axes={"method": method, "domain": regime, "context_length": context_length, "classifier": classifier},
        )

    def features(self, method: str, regime: str, context_length: int, fold: str) -> Features:
        """Return the stage that describes the series of one fold."""
        settings = self.experiment.settings(method, regime)
        return Features(
            finetune=self.finetune(method, regime, context_length, fold),
            feature=getattr(settings.features, recipe(method).feature),
            windows_per_series=settings.windows.per_series_features,
            classes=tuple(settings.dataset.classes),
            batch_size=settings.resources.batch_size,
        )

    def finetune(self, method: str, regime: str, context_length: int, fold: str) -> Finetune:
        """Return the (last) fine-tune of a method."""
        settings, made = self.experiment.settings(method, regime), recipe(method)
        domains = self.experiment.regime_domains(regime)
        return Finetune(
            prepared=self.prepare(method, regime),
            fold=fold,
            domains=domains,
            labels=made.labels,
            context_length=context_length,
            prediction_length=settings.windows.prediction_length,
            quantile_levels=settings.quantile_levels,
            backbone=_reachable(settings.backbone),
            weights_digest=self.weights_digest.get(settings.backbone.weights or ""),
            training=_training(settings, made),
            windows_per_series=settings.windows.per_series,
            augmentations={d: _augmentations(self._of_domain(method, d)) for d in domains},
            seed=settings.seed,
            start=self.finetune(made.start, regime, context_length, fold) if made.start else None,
            regime=regime,
            stream=settings.windows.stream,
            batch_size=settings.resources.batch_size,
        )

    def prepare(self, method: str, regime: str) -> Prepare:
        """Return the stage that splits, represents and scales.

        A regime's key knows the scaling of its own domains alone: what is set for another domain does not touch it.
        """
        settings, domains = self.experiment.settings(method, regime), self.experiment.regime_domains(regime)
        elsewhere = self.experiment.settings(method)
        scaling = {
            d: (self._of_domain(method, d) if d in domains else elsewhere).scaling for d in settings.dataset.domains
        }
        return Prepare(
            recordings=self.recordings,
            representation=settings.representation,
            split=settings.split,
            scaling=scaling,
            normal=settings.normal,
            seed=settings.seed,
        )

    def _of_domain(self, method: str, domain: str) -> "Settings":
        return self.experiment.settings(method, domain)


def recipe(method: str) -> Recipe:
    """Return a method's recipe."""
    return plugins("motor.methods")[method].model_validate({})  # type: ignore[return-value]


def _reachable(backbone: Backbone) -> Backbone:
    """Return the backbone with a folder of weights that means the same on a worker (a hub name stays as it is)."""
    folder = Path(backbone.weights or "").expanduser()
    if backbone.weights is None or not folder.is_dir():
        return backbone
    return backbone.model_copy(update={"weights": str(folder.absolute())})


def _training(settings: "Settings", made: Recipe) -> Any:
    training = settings.finetune
    if made.labels == "none":
        return training.model_copy(update={"num_steps": 0})
    if made.trainable_blocks is not None and training.trainable_blocks is None:
        return training.model_copy(update={"trainable_blocks": made.trainable_blocks})
    return training


def _augmentations(settings: "Settings") -> tuple[Augmentation, ...]:
    chosen = [getattr(settings.augmentation, name) for name in type(settings.augmentation).model_fields]
    return tuple(sorted((plugin for plugin in chosen if plugin is not None), key=lambda plugin: plugin.order))
