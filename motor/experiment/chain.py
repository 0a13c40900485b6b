"""From a method, a regime and values of the other axes to the stages that a cell needs, chained."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import product
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from grid.stage import Stage
from motor.backbones.base import Backbone
from motor.backbones.training import Training
from motor.experiment.settings import SEED
from motor.features.base import RecordingFeature
from motor.judges.base import Judge
from motor.recordings.splits.base import Split
from motor.recordings.splits.folds import Folds
from motor.stages.audit import Audit, Cleared
from motor.stages.classify import Classify
from motor.stages.described import Described
from motor.stages.finetune import Finetune
from motor.stages.heat import with_heats
from motor.stages.labels import LabelsBeside, LabelsByLife, LabelsTogether
from motor.stages.lookups import Lookup
from motor.stages.memory import Memorise
from motor.stages.prepare import Prepare, Represent
from motor.stages.recordings import ImportRecordings
from motor.stages.scored import ScoredSeries
from motor.stages.training_series import ANYONE
from motor.stages.unlabelled import UnlabelledSeries
from motor.windows.augmentations.base import RANDOM_NUMBERS, Augmentation

if TYPE_CHECKING:  # `motor.experiment.settings` reads this folder for the names of the methods
    from motor.experiment.reading import Experiment
    from motor.experiment.settings import Settings


T = TypeVar("T")
UNHEARD = "classifier", SEED  # axes on which neither windows nor what is looked up depends
BATCH_SIZE = 32  # windows a forward pass of validation and of forecasts for the skill


@dataclass(frozen=True)
class Chain:
    """Builds the stages of an experiment's cells; equal stages get equal keys.

    Attributes
    ----------
    weights_digest : callable
        From a folder or hub name of weights to the digest of their files.
    file_digest : callable
        From the path of a file that a setting names to the digest of its content.
    labels_of : callable
        From the path of a file of labels beside the data to the stage that reads it.
    unit : {"motor", "series"}
        What is dealt to the sides of a split; by series it leaks, and shows by how much.
    labels : Stage, optional
        The labels beside the data.
    of_test : LabelsBeside, optional
        Those of test motors, where they stand in a file of their own.
    """

    experiment: "Experiment"
    recordings: ImportRecordings
    folds: tuple[str, ...]
    weights_digest: Callable[[str], str]
    file_digest: Callable[[str], str]
    labels_of: Callable[[str], LabelsBeside]
    unit: str = "motor"
    cleared: tuple[Cleared, ...] = ()
    labels: LabelsBeside | LabelsByLife | None = None
    of_test: LabelsBeside | None = None

    def classify(self, axes: Mapping[str, Any]) -> Classify:
        """Return the stage that ends a cell."""
        cell = self._classify(axes)
        if not self.scores_later or self.of_test is None:
            return cell
        scored = tuple(ScoredSeries(of_fold, self.of_test) for of_fold in cell.features)
        return replace(cell, scored=scored, fitted=with_heats(cell).heats)

    def _classify(self, axes: Mapping[str, Any]) -> Classify:
        link, described, rates = self._described(axes)
        settings = link.settings
        judge: Judge = getattr(settings.classifiers, axes["classifier"])
        return Classify(
            features=described,
            classifier=judge,
            classes=self._classes,
            normal=settings.normal,
            false_alarm_rates=rates,
            seed=settings.seed,
            axes=dict(axes),
            metrics=self._measures,
            **_pseudo_labels(settings, axes.get("pseudo_labels"), described),
            cleared=self.cleared,
        )

    def _described(self, axes: Mapping[str, Any]) -> tuple["Link", tuple[Described, ...], dict[str, float]]:
        """Return a place, what describes the series of each fold there, and its rates of false alarms by domain.

        Cells that differ in their classifier alone share them.
        """
        place = _but_classifier(tuple(axes))(axes)
        if place not in self._known:
            link = Link(self, axes)
            described = tuple(link.method.described(link, fold) for fold in self.folds)
            rates = {domain: link.of_domain(domain).evaluation.false_alarm_rate for domain in link.domains}
            self._known[place] = link, described, rates
        return self._known[place]

    @cached_property
    def scores_later(self) -> bool:
        """Whether labels of test motors come in at the scoring alone.

        Not where a motor's own healthy recordings are its reference: what is healthy of a test motor is its label.
        """
        return self.of_test is not None and self.unit == "motor" and not self.references

    @cached_property
    def _classes(self) -> tuple[str, ...]:
        return tuple(self.experiment.base.dataset.classes)

    @cached_property
    def kept(self) -> dict[tuple[Any, ...], Any]:
        """What links made that others share, by name and place without the seed."""
        return {}

    @cached_property
    def _known(self) -> dict[Any, tuple["Link", tuple[Described, ...], dict[str, float]]]:
        return {}

    @cached_property
    def _measures(self) -> tuple[Any, ...]:
        return self.experiment.base.measures()

    def check(self, places: Sequence[Mapping[str, Any]] = ()) -> Cleared:
        """Return the stage that lets the grid begin: the data and the split, searched for leaks.

        `places` are the axes of the grid's cells: their windows must fit into the series.
        """
        base = self.experiment.base
        first = Link(self, {"method": base.axes.method[0], "domain": base.axes.domain[0]})
        prepared = first.prepare_whole()
        audit = Audit(
            prepared=prepared,
            classes=tuple(base.dataset.classes),
            normal=base.normal,
            domains=tuple(base.dataset.domains),
            seed=base.seed,
        )
        accepted = tuple(sorted(base.audit.accept))
        places = _unlike_places(places)
        found = self._windows(prepared, places), self._features(places), self._lookups(prepared, places)
        return Cleared(audit, accepted, *found)

    def _lookups(self, prepared: Prepare, places: Sequence[Mapping[str, Any]]) -> tuple[Lookup, ...]:
        """Return what the grid's cells look up in the training series of `prepared`, each once."""
        found: dict[str, Lookup] = {}
        for place in places:
            link = Link(self, place)
            if link.looks_up() and link.prepare_whole() == prepared:
                for stage in self._described(place)[1][0].walk():
                    found |= {one.model_dump_json(): one for one in getattr(stage, "lookups", ())}
        return tuple(found[text] for text in sorted(found))

    def _features(self, places: Sequence[Mapping[str, Any]]) -> tuple[RecordingFeature, ...]:
        """Return the features of the grid's cells that may not fit the recordings, each once."""
        found: dict[str, RecordingFeature] = {}
        for place in {place["method"]: place for place in places}.values():
            link = Link(self, place)
            names = getattr(link.method, "features", ()) if "recordings" in link.method.has else ()
            for feature in link.features(names):
                if type(feature).faults is not RecordingFeature.faults:
                    found[feature.model_dump_json()] = feature
        return tuple(found[name] for name in sorted(found))

    def _windows(self, prepared: Prepare, places: Sequence[Mapping[str, Any]]) -> dict[str, int]:
        """Return the samples of the longest window of each domain, of the cells that cut theirs from `prepared`."""
        longest: dict[str, int] = {}
        for place in _longest_contexts(places):
            link = Link(self, place)
            if link.prepare_whole() != prepared:
                continue
            is_forecast = "prediction_length" not in link.method.idle_axes
            n_samples = place["context_length"] + is_forecast * link.settings.windows.prediction_length
            longest |= {domain: max(longest.get(domain, 0), n_samples) for domain in link.domains}
        return longest

    @cached_property
    def references(self) -> dict[str, int]:
        """Return the domains in which some cell takes a motor's own reference, with how many first ones are such.

        It is the same for every cell of the grid: what one may not score, none does.
        """
        experiment, found = self.experiment, dict[str, int]()
        axes = experiment.base.axes
        for method, domain, variant in product(axes.method, experiment.base.dataset.domains, experiment.variants()):
            settings = experiment.settings(method, domain, variant)
            if settings.scaling.by == "reference":
                found[domain] = max(found.get(domain, 0), settings.scaling.earliest)
            if settings.own_reference.compares and "recordings" in experiment.method(method).has:
                found[domain] = max(found.get(domain, 0), settings.own_reference.earliest)
        return found

    @cached_property
    def needs_references(self) -> bool:
        """Whether some cell scales by reference, which nothing can stand for."""
        experiment = self.experiment
        axes = experiment.base.axes
        places = product(axes.method, experiment.base.dataset.domains, experiment.variants())
        return any(experiment.settings(*place).scaling.by == "reference" for place in places)


def _pseudo_labels(settings: "Settings", kind: str | None, described: Sequence[Described]) -> dict[str, Any]:
    """Return the fields of a cell that learns from series that nobody labelled; nothing for another."""
    if kind in (None, "none"):
        return {}
    labeller = getattr(settings.pseudo_labels, str(kind))
    detector, cut = getattr(labeller, "detector", None), getattr(labeller, "cut", None)
    return {
        "pseudo_labels": labeller,
        "scored_by": None if detector is None else getattr(settings.classifiers, detector),
        "cut": None if cut is None else getattr(settings.cuts, cut),
        "unlabelled": tuple(UnlabelledSeries(of_fold, settings.unlabelled.motors) for of_fold in described),
    }


@cache
def _but_classifier(axes: tuple[str, ...]) -> Callable[[Mapping[str, Any]], Any]:
    """Return what gives the values of a place on all axes but that of the judges."""
    return itemgetter(*(axis for axis in axes if axis != "classifier"))


def _unlike_places(places: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the first of the places that differ in nothing that a check of the data asks about."""
    if not places:
        return []
    others = itemgetter(*(axis for axis in places[0] if axis not in UNHEARD))
    return list({others(place): place for place in reversed(places)}.values())[::-1]


def _longest_contexts(places: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return places that cut windows, one for each combination of the other axes: the one with the longest context."""
    found: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for place in places:
        if place.get("context_length") is not None:
            of_others = tuple(place[axis] for axis in place if axis not in ("context_length", *UNHEARD))
            known = found.setdefault(of_others, place)
            if place["context_length"] > known["context_length"]:
                found[of_others] = place
    return list(found.values())


class Link:
    """One place of the grid, from which a method builds its chain; see `motor.methods.base.Link`."""

    def __init__(self, chain: Chain, axes: Mapping[str, Any]) -> None:
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
