"""From a method, a regime and values of the other axes to the stages that a cell needs, chained."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import product
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from motor.experiment.link import Link
from motor.experiment.settings import SEED
from motor.features.base import RecordingFeature
from motor.judges.base import Judge
from motor.stages.audit import Audit, Cleared
from motor.stages.classify import Classify
from motor.stages.described import Described
from motor.stages.heat import with_heats
from motor.stages.labels import LabelsBeside, LabelsByLife
from motor.stages.lookups import Lookup
from motor.stages.prepare import Prepare
from motor.stages.recordings import ImportRecordings
from motor.stages.scored import ScoredSeries
from motor.stages.unlabelled import UnlabelledSeries

if TYPE_CHECKING:  # `motor.experiment.settings` reads this folder for the names of the methods
    from motor.experiment.reading import Experiment
    from motor.experiment.settings import Settings

UNHEARD = "classifier", SEED  # axes on which neither windows nor what is looked up depends


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

    def _described(self, axes: Mapping[str, Any]) -> tuple[Link, tuple[Described, ...], dict[str, float]]:
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
        """Parts that several links share, by name and place without the seed."""
        return {}

    @cached_property
    def _known(self) -> dict[Any, tuple[Link, tuple[Described, ...], dict[str, float]]]:
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
