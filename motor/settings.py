"""The schema of a config: which settings there are, what they default to, and which may differ where."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from grid.config import ConfigError, Document, Fault, check, read_document
from motor.backbones.training import Training
from motor.consistency import Misfit, augmentation_misfits, inheritance_misfits, misfits
from motor.registry import Record, choice, plugins, table
from motor.windows.representations.raw import Raw
from motor.windows.scaling import Scaling

JOINT = "Joint"
AUGMENTATIONS: Any = table("motor.windows.augmentations", optional=True)  # what a config does not name is off
FEATURES: Any = table("motor.features")
CLASSIFIERS: Any = table("motor.classifiers")
# What every cell shares, so that cells can be compared: it cannot differ by method or domain.
BY_DOMAIN = ("scaling", "augmentation", "evaluation")  # these are each domain's own in the joint regime, too
SHARED = ("name", "seed", "normal", "dataset", "split", "axes", "resources", "by_method", "by_domain")


def _distinct(values: tuple) -> tuple:
    repeated = [value for value in dict.fromkeys(values) if values.count(value) > 1]
    if repeated:
        raise ValueError(f"{repeated[0]!r} is given {values.count(repeated[0])} times; give each value once")
    return values


def _with_median(levels: tuple[float, ...]) -> tuple[float, ...]:
    if 0.5 not in levels:
        raise ValueError(f"quantile_levels {list(levels)} lack the median, 0.5, which is the point forecast; add it")
    return levels


def _names(package: str) -> Any:
    return Literal[tuple(plugins(package))]


def _axis(kind: Any) -> Any:
    return Annotated[tuple[kind, ...], Field(min_length=1), AfterValidator(_distinct)]


Level = Annotated[float, Field(gt=0, lt=1)]
Levels = Annotated[tuple[Level, ...], AfterValidator(_distinct), AfterValidator(_with_median)]


class Axes(Record):
    """What is compared: the grid is the product of these.

    Attributes
    ----------
    method : tuple of str
        Recipes, from the table below.
    domain : tuple of str
        Domains, each with models of its own, and ``Joint``: one model for all of them, which is told the domain.
    context_length : tuple of int
        Samples that the forecaster sees, in the representation.
    classifier : tuple of str
        What tells the classes apart; settings of each stand in ``classifiers``.
    """

    method: _axis(_names("motor.methods"))  # type: ignore[valid-type]
    domain: _axis(str)  # type: ignore[valid-type]
    context_length: _axis(Annotated[int, Field(gt=0)])  # type: ignore[valid-type]
    classifier: _axis(_names("motor.classifiers"))  # type: ignore[valid-type]


class Windows(Record):
    """How series are cut."""

    prediction_length: int = Field(default=1024, gt=0, description="samples forecast, after scaling and representation")
    per_series: int = Field(default=2, ge=1, description="random training windows a series and epoch")
    per_series_features: int = Field(default=4, ge=1, description="evenly spaced windows a series for features")
    stream: Literal["ray_data", "memory_map"] = Field(
        default="ray_data", exclude=True, description="how training windows reach the trainer; the windows are the same"
    )


class Evaluation(Record):
    """How cells are judged."""

    false_alarm_rate: float = Field(
        default=0.05, gt=0, lt=1, description="share of normal series that may raise an alarm; it sets the threshold"
    )


class Asked(Record):
    """What a stage of one kind asks of the cluster."""

    cpus: float = Field(default=1, gt=0, description="CPU cores; also how many threads the stage uses")
    gpus: float = Field(default=0, ge=0, description="GPUs; 0.5 lets two stages share one; 0 computes on the CPU")
    memory_gb: float = Field(default=0, ge=0, description="memory to reserve, in 10^9 bytes; 0 reserves none")


class ResourceSettings(Record):
    """By kind of stage; none of it changes a result on the same kind of device.

    Attributes
    ----------
    recordings : Asked
        Reading the data set into one table, once; one core does.
    prepare : Asked
        Splitting, representing and scaling; one core does.
    finetune : Asked
        Training a forecaster, one for each fold; the stage that wants a GPU.
    features : Asked
        Forecasts or embeddings of every series; a GPU helps.
    classify : Asked
        Fitting and judging one cell's classifier; never on a GPU.
    """

    recordings: Asked = Asked()
    prepare: Asked = Asked()
    finetune: Asked = Asked()
    features: Asked = Asked()
    classify: Asked = Asked()
    batch_size: int = Field(default=32, ge=1, description="windows a forward pass when features are computed")


class Settings(Record):
    """One checked config, as it holds for one method and one domain.

    Attributes
    ----------
    quantile_levels : tuple of float
        Levels to forecast: 0.5, and any others of the backbone's own.
    """

    name: str = Field(
        default="grid", pattern=r"^\w[\w.-]*$", description="of the results' folder; the file's by default"
    )
    seed: int = Field(
        default=123, ge=0, description="of the split, random weights, windows, augmentation, dropout and classifiers"
    )
    normal: str = Field(default="normal", description="the class of healthy series")
    dataset: choice("motor.recordings.readers")  # type: ignore[valid-type]
    split: choice("motor.recordings.splits")  # type: ignore[valid-type]
    representation: choice("motor.windows.representations") = Raw()  # type: ignore[valid-type]
    scaling: Scaling = Scaling()
    windows: Windows = Windows()
    augmentation: AUGMENTATIONS = AUGMENTATIONS()
    backbone: choice("motor.backbones")  # type: ignore[valid-type]
    quantile_levels: Levels = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    finetune: Training = Training()
    features: FEATURES = FEATURES()
    classifiers: CLASSIFIERS = CLASSIFIERS()
    evaluation: Evaluation = Evaluation()
    axes: Axes
    resources: ResourceSettings = ResourceSettings()
    by_method: dict[str, dict[str, Any]] = Field(default={}, exclude=True)
    by_domain: dict[str, dict[str, Any]] = Field(default={}, exclude=True)


class Experiment:
    """A config that was checked whole: its settings, as they hold for each method and domain."""

    def __init__(self, document: Document, name: str) -> None:
        self.document = document
        faults = self._schema_faults()
        base, _ = check(document, Settings)
        if base is None:
            raise ConfigError(faults)
        self.base = base
        self.name = document.data.get("name", name)
        self.settings = cache(self._settings)
        faults += self._grid_faults()
        if faults := faults or list(self._misfits()):
            raise ConfigError(faults)

    def _settings(self, method: str | None = None, domain: str | None = None) -> Settings:
        """Return the settings for a method and a domain (or Joint): what is said by domain counts last."""
        settings, faults = check(_overlaid(self.document, method, domain), Settings)
        if settings is None:
            raise ConfigError(faults)
        return settings

    def regime_domains(self, regime: str) -> tuple[str, ...]:
        """Return the domains that a value of the axis `domain` stands for."""
        return tuple(self.base.dataset.domains) if regime == JOINT else (regime,)

    def _schema_faults(self) -> list[Fault]:
        """Return what is wrong with the settings as they are, and with what is said by method or by domain."""
        data = self.document.data
        methods, regimes = (
            [None, *section] if isinstance(section := data.get(name), dict) else [None]
            for name in ("by_method", "by_domain")
        )
        documents = (_overlaid(self.document, method, regime) for method in methods for regime in regimes)
        return [fault for document in documents for fault in check(document, Settings)[1]]

    def _grid_faults(self) -> list[Fault]:
        """Return what is wrong with names: on the axes, of overrides, of folders."""
        regimes = [*self.base.dataset.domains, JOINT]
        faults = [*self._axis_faults(regimes), *self._name_faults()]
        faults += self._override_faults("by_method", list(plugins("motor.methods")))
        return [*faults, *self._override_faults("by_domain", regimes)]

    def _misfits(self) -> Iterable[Fault]:
        """Yield what cannot work together, for each method in each regime that is compared."""
        recipes = {name: plugin.model_validate({}) for name, plugin in plugins("motor.methods").items()}
        for method in self.base.axes.method:
            recipe: Any = recipes[method]
            for regime in self.base.axes.domain:
                document, settings = _overlaid(self.document, method, regime), self.settings(method, regime)
                found = list(misfits(settings, recipe, self.regime_domains(regime)))
                if recipe.start:
                    found += inheritance_misfits(settings, self.settings(recipe.start, regime), recipe)
                yield from _placed(document, found)
                for domain in self.regime_domains(regime):
                    of_domain = augmentation_misfits(self.settings(method, domain))
                    yield from _placed(_overlaid(self.document, method, domain), of_domain)

    def _axis_faults(self, regimes: list[str]) -> Iterable[Fault]:
        for index, domain in enumerate(self.base.axes.domain):
            if domain not in regimes:
                place = self.document.place(("axes", "domain", index))
                yield Fault(place, f"unknown domain {domain!r}; there are: {', '.join(regimes)}")
        if JOINT in self.base.axes.domain and len(self.base.dataset.domains) < 2:
            yield Fault(self.document.place(("axes", "domain")), f"{JOINT} needs at least two dataset.domains")
        if self.base.normal not in self.base.dataset.classes:
            classes = ", ".join(self.base.dataset.classes)
            message = f"normal is {self.base.normal!r}, which is not among dataset.classes: {classes}"
            yield Fault(self.document.place(("normal",)), message)

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
                elif name == JOINT and key in BY_DOMAIN:
                    place, domains = self.document.place((section, name, key)), ", ".join(self.base.dataset.domains)
                    yield Fault(place, f"{key} is by domain in {JOINT}, too; give it for one of: {domains}")


def _placed(document: Document, found: Iterable[Misfit]) -> Iterable[Fault]:
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


def _overlaid(document: Document, method: str | None, domain: str | None) -> Document:
    """Return the document as it holds for a method and a domain; without an overlay nothing changes."""
    for section, name in (("by_method", method), ("by_domain", domain)):
        document = document.overlaid((section, name)) if name is not None else document
    return document


def read_experiment(path: Path, overrides: Sequence[str], environment: Mapping[str, str]) -> Experiment:
    """Read and check a config; the file's name is the grid's, unless it says otherwise.

    Raises
    ------
    grid.config.ConfigError
        With every fault, each with its place.
    """
    return Experiment(read_document(path, overrides, environment), path.stem)
