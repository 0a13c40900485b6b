"""One place of a grid: its settings, and the stages that a method chains there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from grid.stage import Stage
from motor.backbones.base import Backbone
from motor.backbones.training import Training
from motor.experiment.settings import SEED
from motor.recordings.splits.base import Split
from motor.recordings.splits.folds import Folds
from motor.stages.finetune import Finetune
from motor.stages.labels import LabelsBeside, LabelsTogether
from motor.stages.memory import Memorise
from motor.stages.prepare import Prepare, Represent
from motor.stages.recordings import ImportRecordings
from motor.stages.training_series import ANYONE
from motor.windows.augmentations.base import RANDOM_NUMBERS, Augmentation

if TYPE_CHECKING:
    from motor.experiment.chain import Chain
    from motor.experiment.settings import Settings

T = TypeVar("T")
BATCH_SIZE = 32  # windows a forward pass of validation and of forecasts for the skill


class Link:
    """One place of the grid, from which a method builds its chain; see `motor.methods.base.Link`."""

    def __init__(self, chain: "Chain", axes: Mapping[str, Any]) -> None:
        self.chain, self.axes = chain, axes
        self.name, self.regime = axes["method"], axes["domain"]
        self.method = chain.experiment.method(self.name)
        of_settings = chain.experiment.of_settings()
        self._variant = tuple((axis, axes[axis]) for axis in of_settings if axes.get(axis) is not None)
        self._place = self.name, self.regime, tuple(pair for pair in self._variant if pair[0] != SEED)
        self.settings = self.of_domain(self.regime)
        self.domains = chain.experiment.regime_domains(self.regime)

    @property
    def recordings(self) -> ImportRecordings:
        return self.chain.recordings

    @property
    def cleared(self) -> tuple[Stage, ...]:
        return self.chain.cleared

    def of(self, method: str) -> "Link":
        return Link(self.chain, {**self.axes, "method": method})

    def of_domain(self, domain: str | None) -> "Settings":
        """Return the settings for a domain at this place on the other axes."""
        return self.chain.experiment.settings(self.name, domain, self._variant)

    def _once(self, name: str, make: Callable[[], T]) -> T:
        """Return what a place makes whatever the seed, made once."""
        at = name, *self._place
        if at not in self.chain.kept:
            self.chain.kept[at] = make()
        return self.chain.kept[at]

    def _same(self, name: str, value: T) -> T:
        """Return what was made of this name at this place before, where it is equal: its JSON is then made once."""
        known = self._once(name, lambda: value)
        return known if known is value or known == value else value

    def file(self, path: str) -> tuple[str, str]:
        return str(Path(path).expanduser().absolute()), self.chain.file_digest(path)

    def looks_up(self) -> bool:
        """Tell whether a stage of it may look something up in training series."""
        features = self.features(getattr(self.method, "features", ()))
        chosen = [*self.settings.modules.chosen, self.settings.backbone]
        named = any(one.LOOKS_UP for one in chosen) and "networks" in self.method.has
        return named or any(getattr(feature, "leaves_out_own_motor", False) for feature in features)

    def features(self, names: Sequence[str]) -> tuple[Any, ...]:
        return tuple(getattr(self.settings.features, name) for name in names)

    def finetune(
        self,
        fold: str,
        labels: str,
        *,
        backbone: Backbone | None = None,
        training: Training | None = None,
        start: Finetune | None = None,
        labels_file: str | None = None,
        n_deliveries: int | None = None,
        replay: float | None = None,
        is_branch: bool = False,
    ) -> Finetune:
        settings, backbone = self.settings, self._same("backbone", backbone or self.settings.backbone)
        training = self._same("training", training or settings.finetune)
        modules = () if labels == "none" or backbone.CLOSED_FORM or is_branch else settings.modules.chosen
        augmentations = self._once(
            "augmentations", lambda: {domain: _augmentations(self.of_domain(domain)) for domain in self.domains}
        )
        is_trained = labels != "none" and not backbone.CLOSED_FORM
        normals_file = settings.dataset.normals_file if labels == "normal" and self.chain.unit == "motor" else None
        at = {"labels_file": labels_file, "n_deliveries": n_deliveries}
        prepared = self._prepare_normals(normals_file) if normals_file else self.prepare(labels_file, n_deliveries)
        return Finetune(
            prepared=prepared,
            fold=fold,
            domains=self.domains,
            labels=ANYONE if labels == "any" and settings.unlabelled.motors == "all" else labels,
            modules=modules,
            memory=self._memory(prepared, fold, labels) if any(module.LOOKS_UP for module in modules) else None,
            context_lengths=self._context_lengths(),
            prediction_length=settings.windows.prediction_length,
            quantile_levels=settings.quantile_levels,
            backbone=self._same("reachable", _reachable(backbone)),
            weights_digest=backbone.source and self.chain.weights_digest(backbone.source),
            training=training,
            windows_per_series=settings.windows.per_series,
            augmentations=augmentations,
            seed=settings.seed,
            start=start,
            before=None if start is None or replay is None else start.prepared.labels,
            replay=0.0 if start is None or replay is None else replay,
            begins_with=self._begins_with(fold, labels, backbone, training, at) if start is None else (),
            augmented_by=RANDOM_NUMBERS if is_trained and any(augmentations.values()) else "",
            regime=self.regime,
            stream=settings.windows.stream,
            batch_size=settings.resources.batch_size or BATCH_SIZE,
            micro_batch=settings.resources.finetune.micro_batch,
            cleared=self.chain.cleared,
        )

    def _begins_with(
        self, fold: str, labels: str, backbone: Backbone, training: Training | None, at: Mapping[str, Any]
    ) -> tuple[Finetune, ...]:
        """Return the fine-tunes that one begins with; a forecaster that is not trained begins with none."""
        parts = backbone.begins_with if labels != "none" else ()
        given: dict[str, Any] = {"training": training, "is_branch": True, **at}
        return tuple(self.finetune(fold, labels, backbone=part, **given) for part in parts)

    def _memory(self, prepared: Prepare, fold: str, labels: str) -> Memorise:
        return Memorise(prepared, fold, self.domains, labels, self.chain.cleared)

    def _context_lengths(self) -> tuple[int, ...]:
        """Return the context lengths that the fine-tune is for: the cell's, or all that the grid compares."""
        own, axes = self.axes["context_length"], self.chain.experiment.base.axes
        if self.settings.finetune.contexts == "each" or "contexts" in self.method.idle_axes:
            return (own,)
        return tuple(sorted(n for n in axes.context_length if not axes.leaves_out({**self.axes, "context_length": n})))

    def prepare(self, labels_file: str | None = None, n_deliveries: int | None = None) -> Prepare:
        """Return the stage that splits, represents and scales; by labels of another file than the config's, if named.

        Of the recordings those of the first deliveries, if it is said how many.

        A regime's key knows the scaling of its own domains alone: what is set for another domain does not touch it.
        The split's seed is the config's: repeats with other seeds judge the same motors.
        """
        recordings = self.chain.recordings
        if n_deliveries is not None and n_deliveries < len(recordings.parts):
            recordings = recordings.first(n_deliveries)
        name = f"prepare {labels_file or ''} {n_deliveries or ''}"
        return self._once(name, lambda: self._prepare(recordings, labels_file))

    def prepare_whole(self) -> Prepare:
        """Return what `prepare` does, with the labels of test motors in any case: what the audit looks at."""
        prepared, own = self.prepare(), self.chain.labels
        if not self.chain.scores_later or self.chain.of_test is None or not isinstance(own, LabelsBeside):
            return prepared
        labels = LabelsTogether(own, self.chain.of_test)
        return self._once("whole", lambda: replace(prepared, labels=labels, split=self.settings.split))

    def _labels(self, recordings: ImportRecordings, labels_file: str | None, is_partial: bool = False) -> Stage | None:
        """Return the stage that says the labels: of the config's file, or of another."""
        own = self.chain.labels if labels_file is None else self.chain.labels_of(labels_file)
        if not isinstance(own, LabelsBeside):
            return own
        own, of_test = replace(own, recordings=recordings, is_partial=is_partial), self.chain.of_test
        if self.chain.scores_later or of_test is None:
            return own
        return LabelsTogether(own, replace(of_test, recordings=recordings))

    def _split(self, settings: "Settings") -> Split:
        if self.chain.unit != "motor":
            return leaky_split(settings.split)
        return settings.split.model_copy(update={"tests": "later"}) if self.chain.scores_later else settings.split

    def _prepare(self, recordings: ImportRecordings, labels_file: str | None) -> Prepare:
        settings = self.settings
        elsewhere = self.of_domain(None)
        scaling = {d: (self.of_domain(d) if d in self.domains else elsewhere).scaling for d in settings.dataset.domains}
        return Prepare(
            recordings=recordings,
            representation=settings.representation,
            speed=settings.speed,
            split=self._split(settings),
            unit=self.chain.unit,
            scaling=scaling,
            references=self.chain.references,
            keeps_unreferenced=bool(self.chain.references) and not self.chain.needs_references,
            normal=settings.normal,
            seed=self.chain.experiment.base.seed,
            labels=self._labels(recordings, labels_file),
            labelled_share=settings.unlabelled.labelled_share,
            shared=self._represent(recordings, settings),
        )

    def _prepare_normals(self, labels_file: str) -> Prepare:
        """Return what `prepare` does, for who may know no label of a faulty training series."""
        prepared = self.prepare(labels_file)
        split = prepared.split.model_copy(update={"needs": "normal"})
        return replace(
            prepared, split=split, labels=self._labels(prepared.recordings, labels_file, self.chain.of_test is not None)
        )

    def _represent(self, recordings: ImportRecordings, settings: "Settings") -> Represent | None:
        """Return the stage that represents whatever the labels are, where they come from beside and can change."""
        if self.chain.labels is None or settings.representation.kind == "raw":
            return None
        return Represent.of(recordings, settings.representation, settings.speed)


def leaky_split(split: Split) -> Folds:
    """Return as many folds, at random: dealt to series, they put every motor on both sides."""
    return Folds(k=max(2, len(split.fold_names())), validation="none")


def _reachable(backbone: Backbone) -> Backbone:
    """Return the backbone with a folder of weights that means the same on a worker (a hub name stays as it is)."""
    if backbone.source is None or not (folder := Path(backbone.source).expanduser()).is_dir():
        return backbone
    return backbone.model_copy(update={"weights": str(folder.absolute())})


def _augmentations(settings: "Settings") -> tuple[Augmentation, ...]:
    chosen = [getattr(settings.augmentation, name) for name in type(settings.augmentation).model_fields]
    return tuple(sorted((plugin for plugin in chosen if plugin is not None), key=lambda plugin: plugin.order))
