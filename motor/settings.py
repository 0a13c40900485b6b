"""The schema of a config: which settings there are, what they default to, and which may differ where."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from grid.config import ConfigError, Document, Fault, check, read_document
from motor.backbones.training import Training
from motor.registry import Record, choice, plugins, table
from motor.windows.representations.raw import Raw
from motor.windows.scaling import Scaling

JOINT = "Joint"
AUGMENTATIONS: Any = table("motor.windows.augmentations", optional=True)  # what a config does not name is off
FEATURES: Any = table("motor.features")
CLASSIFIERS: Any = table("motor.classifiers")
# What every cell shares, so that cells can be compared: it cannot differ by method or domain.
SHARED = ("name", "seed", "normal", "dataset", "split", "axes", "resources", "by_method", "by_domain")


def _distinct(values: tuple) -> tuple:
    repeated = [value for value in dict.fromkeys(values) if values.count(value) > 1]
    if repeated:
        raise ValueError(f"{repeated[0]!r} is given {values.count(repeated[0])} times; give each value once")
    return values


def _names(package: str) -> Any:
    return Literal[tuple(plugins(package))]


def _axis(kind: Any) -> Any:
    return Annotated[tuple[kind, ...], Field(min_length=1), AfterValidator(_distinct)]


class Axes(Record):
    """What is compared: the grid is the product of these."""

    method: _axis(_names("motor.methods"))  # type: ignore[valid-type]
    domain: _axis(str)  # type: ignore[valid-type]
    context_length: _axis(Annotated[int, Field(gt=0)])  # type: ignore[valid-type]
    classifier: _axis(_names("motor.classifiers"))  # type: ignore[valid-type]


class Windows(Record):
    """How series are cut."""

    prediction_length: int = Field(default=1024, gt=0, description="samples forecast, after scaling and representation")
    per_series: int = Field(default=2, ge=1, description="random training windows a series and epoch (1 to 3)")
    per_series_features: int = Field(default=4, ge=1, description="even windows a series for features")
    stream: Literal["ray_data", "memory_map"] = Field(
        default="ray_data", exclude=True, description="how training windows reach the trainer; they are the same"
    )


class Evaluation(Record):
    """How cells are judged."""

    false_alarm_rate: float = Field(default=0.05, gt=0, lt=1, description="that the alarm's threshold is chosen for")


class Asked(Record):
    """What a stage of one kind asks of the cluster."""

    cpus: float = Field(default=1, gt=0)
    gpus: float = Field(default=0, ge=0)
    memory_gb: float = Field(default=0, ge=0)


class ResourceSettings(Record):
    """By kind of stage; none of it changes a result on the same kind of device."""

    recordings: Asked = Asked()
    prepare: Asked = Asked()
    finetune: Asked = Asked()
    features: Asked = Asked()
    classify: Asked = Asked()
    batch_size: int = Field(default=32, ge=1, description="windows a forward pass when features are computed")


class Settings(Record):
    """One checked config, as it holds for one method and one domain."""

    name: str = Field(default="grid", pattern=r"^[\w.-]+$", description="of the results' folder; the file's by default")
    seed: int = Field(default=123, ge=0)
    normal: str = Field(default="normal", description="the class of healthy series")
    dataset: choice("motor.recordings.readers")  # type: ignore[valid-type]
    split: choice("motor.recordings.splits")  # type: ignore[valid-type]
    representation: choice("motor.windows.representations") = Raw()  # type: ignore[valid-type]
    scaling: Scaling = Scaling()
    windows: Windows = Windows()
    augmentation: AUGMENTATIONS = AUGMENTATIONS()
    backbone: choice("motor.backbones")  # type: ignore[valid-type]
    quantile_levels: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
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
        self.base = self._checked(document)
        self.name = document.data.get("name", name)
        self.settings = cache(self._settings)
        self._check_everywhere()

    def _settings(self, method: str | None = None, domain: str | None = None) -> Settings:
        """Return the settings for a method and a domain (or Joint): what is said by domain counts last."""
        return self._checked(self._overlaid(method, domain))

    def regime_domains(self, regime: str) -> tuple[str, ...]:
        """Return the domains that a value of the axis `domain` stands for."""
        return tuple(self.base.dataset.domains) if regime == JOINT else (regime,)

    def _overlaid(self, method: str | None, domain: str | None) -> Document:
        document = self.document
        if method in self.base.by_method:
            document = document.overlaid(("by_method", method))
        if domain in self.base.by_domain:
            document = document.overlaid(("by_domain", domain))
        return document

    def _checked(self, document: Document) -> Settings:
        settings, faults = check(document, Settings)
        if settings is None:
            raise ConfigError(faults)
        return settings

    def _check_everywhere(self) -> None:
        regimes = [*self.base.dataset.domains, JOINT]
        faults = list(self._axis_faults(regimes))
        faults += self._override_faults("by_method", list(plugins("motor.methods")))
        faults += self._override_faults("by_domain", regimes)
        if faults:
            raise ConfigError(faults)
        for method in (None, *self.base.axes.method):
            for regime in (None, *regimes):
                faults += check(self._overlaid(method, regime), Settings)[1]
        if faults:
            raise ConfigError(faults)

    def _axis_faults(self, regimes: list[str]) -> Iterable[Fault]:
        for index, domain in enumerate(self.base.axes.domain):
            if domain not in regimes:
                place = self.document.place(("axes", "domain", index))
                yield Fault(place, f"unknown domain {domain!r}; there are: {', '.join(regimes)}")
        if JOINT in self.base.axes.domain and len(self.base.dataset.domains) < 2:
            yield Fault(self.document.place(("axes", "domain")), f"{JOINT} needs at least two dataset.domains")
        if self.base.normal not in self.base.dataset.classes:
            classes = ", ".join(self.base.dataset.classes)
            yield Fault(self.document.place(("normal",)), f"normal is {self.base.normal!r}; dataset.classes: {classes}")

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


def read_experiment(path: Path, overrides: Sequence[str], environment: Mapping[str, str]) -> Experiment:
    """Read and check a config; the file's name is the grid's, unless it says otherwise.

    Raises
    ------
    grid.config.ConfigError
        With every fault, each with its place.
    """
    return Experiment(read_document(path, overrides, environment), path.stem)
