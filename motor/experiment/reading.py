"""One experiment: a config that was checked whole, as it holds for each method, domain and value of an axis."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from itertools import product
from pathlib import Path
from typing import Any

from grid.config.check import ConfigError, Document, Fault, check, read_document
from grid.config.document import Incompatibility, Node, shortened
from motor.evaluation.axes.base import Axis, is_varied
from motor.evaluation.axes.base import axis as axis_called
from motor.evaluation.cells import JOINT
from motor.evaluation.metrics.base import Metric
from motor.evaluation.sheet import DECISIONS
from motor.experiment.consistency import (
    augmentation_incompatibilities,
    healthy_training_incompatibilities,
    inheritance_incompatibilities,
    no_normal_incompatibilities,
    ranking_incompatibilities,
)
from motor.experiment.public_sets import used, with_public_set
from motor.experiment.settings import (
    BY_DOMAIN,
    NAMED,
    OVERLAYS,
    RANKING,
    SEED,
    SHARED,
    Settings,
    Variant,
    schema,
)
from motor.experiment.sizes import count_faults, emptiness_faults, grid_faults
from motor.experiment.varied import Varying, has, varied_faults
from motor.registry import Outside, installed, load, plugins, using
from motor.registry.sources import PluginError


class Experiment:
    """A config that was checked whole: its settings, as they hold for each method and domain.

    Parameters
    ----------
    document : Document
    name : str
        Of the grid, where the config does not say it.
    folder : Path
        Of the config, which its relative ``plugins`` are seen from.
    """

    def __init__(self, document: Document, name: str, folder: Path = Path()) -> None:
        self.public_set = used(document)
        document = with_public_set(document)
        self.document = document
        self.plugins = plugins_of(document, folder)
        with using(self.plugins):
            self._check(name)

    def _check(self, name: str) -> None:
        """Check everything, and keep the settings."""
        document = self.document
        faults = self._schema_faults()
        base, _ = check(document, schema())
        faulty = {fault.place for fault in faults}
        uncountable = [fault for fault in count_faults(document) if fault.place not in faulty]
        if base is None or uncountable:
            raise ConfigError([*faults, *uncountable])
        self.base = base
        self.name = document.data.get("name", name)
        self.settings = cache(self._settings)
        faults += self._grid_faults()
        faults = faults or list(grid_faults(document, self._axes_of_methods(), len(base.split.fold_names())))
        faults = faults or list(emptiness_faults(document, self.places()))
        if faults := faults or list(self._incompatibilities()):
            raise ConfigError(faults)

    def _settings(self, method: str | None = None, domain: str | None = None, variant: Variant = ()) -> Settings:
        """Return the settings for a method, a domain (or Joint) and values of setting axes: the axes count last."""
        seed, others = _parted(variant)
        if seed:
            return self.settings(method, domain, others).model_copy(update=seed)
        with using(self.plugins):
            settings, faults = check(self._overlaid(method, domain, variant), schema())
        if settings is None:
            raise ConfigError(faults)
        return settings

    def ranking(self) -> Metric:
        """Return the metric that recipes are ranked by."""
        return self.base.ranking()

    def variants(self) -> Iterator[Variant]:
        """Yield each combination of values of the axes that stand for a setting."""
        given = self.of_settings()
        for values in product(*given.values()):
            yield tuple(zip(given, values, strict=True))

    def of_settings(self) -> dict[str, tuple[Any, ...]]:
        """Return the axes of this grid that stand for a setting, with their values."""
        return self._of_settings

    @cached_property
    def _of_settings(self) -> dict[str, tuple[Any, ...]]:
        with using(self.plugins):
            return self.base.axes.of_settings()

    def places(self) -> Iterator[dict[str, Any]]:
        """Yield each combination of the axes once; an axis that means nothing for a method or a judge is None there."""
        reading = Varying(self) if self.base.axes.vary or self.base.axes.modules else None
        for of_method in self._axes_of_methods():
            conditional = _conditional(of_method)
            for values in product(*of_method.values()):
                place = dict(zip(of_method, values, strict=True))
                idle = _idle_axes(place, conditional) if conditional else []
                idle += reading.unread(place) if reading else []
                is_first = not idle or all(place[axis] == of_method[axis][0] for axis in idle)
                place |= dict.fromkeys(idle)
                if is_first and not self._lacks_normal(place) and not self.base.axes.leaves_out(place):
                    yield place

    def _lacks_normal(self, place: Mapping[str, Any]) -> bool:
        """Tell whether a place's judge is a detector where no class is healthy: there is nothing to compare with."""
        return not self.base.normal and DECISIONS not in _gives(place)

    def _axes_of_methods(self) -> Iterator[dict[str, tuple[Any, ...]]]:
        """Yield the axes as they are for each method."""
        given = self.base.axes.given()
        for method in given["method"]:
            idle = self.method(method).idle_axes
            yield {axis: (None,) if axis in idle else of_axis for axis, of_axis in given.items()} | {
                "method": (method,)
            }

    def _overlaid(self, method: str | None, domain: str | None, variant: Variant = ()) -> Document:
        """Return the document as it holds for a method, a domain and a variant; without overlays nothing changes."""
        document, values = self.document, dict(variant)
        for axis in NAMED.keys() & values.keys():  # kinds first: what is said by kind are settings of that kind
            document = _on_axis(document, axis, values.pop(axis))
        of_axes = ((f"by_{axis}", dict(variant).get(axis)) for axis in NAMED)
        named = (("by_method", method), ("by_domain", domain), *of_axes)
        for section, name in named:
            document = document.overlaid((section, name)) if name is not None else document
        plain = tuple((axis, value) for axis, value in variant if not is_varied(axis))
        for axis, value in values.items():
            if not is_varied(axis) or has(self.settings(method, domain, plain), axis):
                document = _on_axis(document, axis, value)
        return document

    def method(self, name: str) -> Any:
        """Return a method with the settings that the config gives it."""
        return getattr(self.base.methods, name)

    def regime_domains(self, regime: str) -> tuple[str, ...]:
        """Return the domains that a value of the axis `domain` stands for."""
        return tuple(self.base.dataset.domains) if regime == JOINT else (regime,)

    def _schema_faults(self) -> list[Fault]:
        """Return what is wrong with the settings as they are, and with what is said by method, domain or kind."""
        data = self.document.data
        sections = [data.get(name) for name in OVERLAYS]
        named = [[None, *section] if isinstance(section, dict) else [None] for section in sections]
        documents = (
            self._overlaid(method, regime, tuple((axis, name) for axis, name in zip(NAMED, names, strict=True) if name))
            for method, regime, *names in product(*named)
        )
        return [fault for document in documents for fault in check(document, schema())[1]]

    def _grid_faults(self) -> list[Fault]:
        """Return what is wrong with names: on the axes, of overrides, of folders."""
        regimes = [*self.base.dataset.domains, JOINT]
        faults = [*self._axis_faults(regimes), *self._name_faults()]
        faults += self._override_faults("by_method", list(plugins("motor.methods")))
        faults += self._override_faults("by_domain", regimes)
        for axis, room in NAMED.items():
            named = getattr(self.base.axes, axis) or ()
            faults += self._override_faults(f"by_{axis}", list(dict.fromkeys([*plugins(room), *named])))
        return faults

    def _incompatibilities(self) -> Iterable[Fault]:
        """Yield what cannot work together, for each method in each regime and variant that is compared."""
        asked = set[Any]()
        for method, regime, variant in product(self.base.axes.method, self.base.axes.domain, self.variants()):
            lengths = enumerate(self.base.axes.context_length)
            place = {"method": method, "domain": regime, **dict(variant)}
            contexts = [(i, n) for i, n in lengths if not self.base.axes.leaves_out({**place, "context_length": n})]
            at = method, regime, _parted(variant)[1], tuple(contexts)
            if not contexts or at in asked:  # `axes.exclude` leaves it out; or another seed was asked about
                continue
            asked.add(at)
            made = self.method(method)
            document = self._overlaid(method, regime, variant)
            settings = self.settings(method, regime, variant)
            found = list(made.incompatibilities(settings, self.regime_domains(regime), contexts))
            if made.start:
                found += inheritance_incompatibilities(settings, self.settings(made.start, regime, variant), made)
            found += [] if settings.normal else no_normal_incompatibilities(settings, made)
            if settings.split.trains_on == "normal":
                found += healthy_training_incompatibilities(settings, made)
            yield from _placed(document, found)
            for domain in self.regime_domains(regime):
                of_domain = augmentation_incompatibilities(self.settings(method, domain, variant))
                yield from _placed(self._overlaid(method, domain, variant), of_domain)

    def _axis_faults(self, regimes: list[str]) -> Iterable[Fault]:
        for index, domain in enumerate(self.base.axes.domain):
            if domain not in regimes:
                place = self.document.place(("axes", "domain", index))
                yield Fault(place, f"unknown domain {domain!r}; there are: {', '.join(regimes)}")
        if JOINT in self.base.axes.domain and len(self.base.dataset.domains) < 2:
            yield Fault(self.document.place(("axes", "domain")), f"{JOINT} needs at least two dataset.domains")
        yield from self._exclude_faults()
        plain = [tuple((axis, value) for axis, value in one if not is_varied(axis)) for one in self.variants()]
        compared = product(self.base.axes.method, self.base.axes.domain, dict.fromkeys(plain))
        yield from varied_faults(self, (self.settings(*one) for one in compared)) if self.base.axes.vary else ()
        for axis in NAMED:
            yield from self._named_faults(axis)
        if self.base.normal and self.base.normal not in self.base.dataset.classes:
            classes = ", ".join(self.base.dataset.classes)
            message = f"normal is {self.base.normal!r}, which is not among dataset.classes: {classes} (null: none is)"
            yield Fault(self.document.place(("normal",)), message)
        yield from _placed(self.document, ranking_incompatibilities(self.base))

    def _named_faults(self, axis: str) -> Iterable[Fault]:
        """Yield values of an axis that are neither a plug-in nor a name that `by_<axis>` gives a meaning to."""
        kinds = plugins(NAMED[axis])
        for index, name in enumerate(getattr(self.base.axes, axis) or ()):
            if name not in kinds and name not in getattr(self.base, f"by_{axis}"):
                advice = f"there are: {', '.join(kinds)}; another name needs its settings in by_{axis}"
                yield Fault(self.document.place(("axes", axis, index)), f"unknown {axis} {name!r}; {advice}")

    def _exclude_faults(self) -> Iterable[Fault]:
        """Yield what `axes.exclude` names that the grid does not have: a typing error would leave nothing out."""
        given = self.base.axes.given()
        for index, of in enumerate(self.base.axes.exclude):
            for axis, values in of.items():
                place = self.document.place(("axes", "exclude", index, axis))
                if axis not in given:
                    yield Fault(place, f"the grid has no axis {axis!r}; it has: {', '.join(given)}")
                    continue
                there = set(given[axis])
                for value in values:
                    if value not in there:
                        listed = ", ".join(map(str, given[axis]))
                        yield Fault(place, f"the grid has no {axis} {value!r}; it has: {shortened(listed, 400)}")

    def _name_faults(self) -> Iterable[Fault]:
        """Yield names of domains and folds that cannot name a folder, or are taken."""
        dataset, split = self.base.dataset, self.base.split
        for keys, names in {("dataset", "domains"): dataset.domains, ("split",): split.fold_names()}.items():
            for name in names:
                if not name or name.startswith(".") or "/" in name:
                    yield Fault(self.document.place(keys), f"{name!r} cannot name a folder; write it without / and .")
        if JOINT in dataset.domains:
            place = self.document.place(("dataset", "domains"))
            yield Fault(place, f"{JOINT!r} stands for all domains together; call the domain otherwise")

    def _override_faults(self, section: str, names: list[str]) -> Iterable[Fault]:
        for name, overrides in getattr(self.base, section).items():
            if name not in names:
                what = section.removeprefix("by_")
                place = self.document.place((section, name))
                yield Fault(place, f"unknown {what} {name!r}; there are: {', '.join(names)}")
            for key in overrides:
                if key in SHARED:
                    place = self.document.place((section, name, key))
                    yield Fault(place, f"{key} is shared by all cells and cannot differ {section.replace('_', ' ')}")
                for inner in RANKING if key == "evaluation" and isinstance(overrides[key], dict) else ():
                    if inner in overrides[key]:
                        place = self.document.place((section, name, key, inner))
                        yield Fault(place, f"evaluation.{inner} is what all cells are compared by; give it once")
                if name == JOINT and key in BY_DOMAIN:
                    place, domains = self.document.place((section, name, key)), ", ".join(self.base.dataset.domains)
                    yield Fault(place, f"{key} is by domain in {JOINT}, too; give it for one of: {domains}")


def _parted(variant: Variant) -> tuple[dict[str, Any], Variant]:
    """Return the seed of a variant, if it has one, and the rest: no other setting is checked against a seed."""
    seed = {axis: value for axis, value in variant if axis == SEED}
    return seed, tuple((axis, value) for axis, value in variant if axis != SEED) if seed else variant


def _conditional(axes: Iterable[str]) -> list[Axis]:
    """Return the axes that mean something at some places alone."""
    called = map(axis_called, axes)
    return [axis for axis in called if type(axis).means_something is not Axis.means_something]


def _idle_axes(place: Mapping[str, Any], conditional: Iterable[Axis]) -> list[str]:
    """Return the axes that mean nothing for a place's judge, or for its values on other axes."""
    gives = _gives(place)
    there = (axis for axis in conditional if place[axis.kind] is not None)
    return [axis.kind for axis in there if not axis.means_something(place, gives)]


def _gives(place: Mapping[str, Any]) -> frozenset[str]:
    """Return what the predictions of a place's judge have."""
    return plugins("motor.judges")[place["classifier"]].gives  # type: ignore[attr-defined]


def _placed(document: Document, found: Iterable[Incompatibility]) -> Iterable[Fault]:
    """Yield faults, each at the first of its places that the document has."""
    for places, message in found:
        given = next((keys for keys in places if _stands_in(document.data, keys)), places[-1])
        yield Fault(document.place(given), message)


def _stands_in(data: Any, keys: tuple[str | int, ...]) -> bool:
    for key in keys:
        if isinstance(key, int) or not isinstance(data, dict) or key not in data:
            return isinstance(key, int)
        data = data[key]
    return True


def _on_axis(document: Document, name: str, value: Any) -> Document:
    """Return the document with the setting of an axis at one of its values; the command line does not stand against it.

    A value that has a name of its own is what `by_<axis>` says it is.
    """
    if name in NAMED and value not in plugins(NAMED[name]):
        return document
    place = ("axes", "vary", name) if is_varied(name) else ("axes", name)
    node = Node(value, document.place(place), from_command_line=True)
    for key in reversed(axis_called(name).setting):
        node = Node({key: node}, node.place)
    return document.overlaid_with(node)


def read_experiment(path: Path, overrides: Sequence[str], environment: Mapping[str, str]) -> Experiment:
    """Read and check a config; the file's name is the grid's, unless it says otherwise.

    Raises
    ------
    grid.config.check.ConfigError
        With every fault, each with its place.
    """
    return Experiment(read_document(path, overrides, environment), path.stem, path.parent)


def plugins_of(document: Document, folder: Path) -> Outside:
    """Return the plug-ins from outside that a config may use; what else is wrong with the setting, the schema says."""
    named, outside, faults = document.data.get("plugins"), installed(), list[Fault]()
    for index, entry in enumerate(named if isinstance(named, tuple) else ()):
        try:
            outside = load(outside, entry, folder) if isinstance(entry, str) else outside
        except PluginError as error:
            faults.append(Fault(document.place(("plugins", index)), str(error)))
    if faults:
        raise ConfigError([*document.faults, *faults])
    return outside
