"""The schema of a config: which settings there are, what they default to, and which may differ where."""

import inspect
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, create_model

from motor.audit.names import FINDINGS
from motor.backbones.modules.base import module_settings
from motor.backbones.training import Training, training_schema
from motor.evaluation.axes.base import axes, axis
from motor.evaluation.metrics.base import PACKAGE as METRICS
from motor.evaluation.metrics.base import RANKABLE, Measure, Metric
from motor.evaluation.racing import ERROR
from motor.experiment.looping import Looping
from motor.experiment.resources import resource_settings
from motor.recordings.names import fault_of
from motor.registry import Outside, Record, choice, in_use, plugins, table
from motor.report.words import languages
from motor.stages.own_reference import OwnReference
from motor.stages.speeds import Speed
from motor.windows.representations.raw import Raw
from motor.windows.scaling import Scaling

AUGMENTATIONS: Any = table("motor.windows.augmentations", optional=True)  # what a config does not name is off
FEATURES: Any = table("motor.features")
CLASSIFIERS: Any = table("motor.judges")
MEASURES: Any = table(METRICS)
METHODS: Any = table("motor.methods")
PSEUDO_LABELS: Any = table("motor.pseudo_labels")
CUTS: Any = table("motor.cuts")
MODULES: Any = module_settings()
RESOURCES: Any = resource_settings(())
# What every cell shares, so that cells can be compared: it cannot differ by method or domain.
BY_DOMAIN = ("scaling", "augmentation", "evaluation")  # these are each domain's own in the joint regime, too
NAMED = {  # axes whose values are kinds of plug-ins, or names that `by_<axis>` gives a meaning to
    "representation": "motor.windows.representations",
    "backbone": "motor.backbones",
    "objective": "motor.backbones.objectives",
}
OVERLAYS = ("by_method", "by_domain", *(f"by_{axis}" for axis in NAMED))
OF_DATA = ("dataset", "speed", "split")
OF_WORK = ("report", "loop", "search")  # they enter no key
OF_THE_GRID = ("name", "plugins", "seed", "normal", *OF_DATA, "axes", "methods", "metrics", "audit", *OF_WORK)
SHARED = (*OF_THE_GRID, "unlabelled", "resources", *OVERLAYS)
RANKING = ("goal", "rank_by", "costs")  # of `evaluation`: shared, too
VARIED = (
    "settings by their paths, each with its values, as axes of their own: ``{finetune.learning_rate: [1e-3, 1e-4]}``; "
    "a cell that does not read a setting is there once"
)
COSTS = "expected_cost"  # the metric that evaluation.costs gives
SEED = "seed"  # the axis whose values no other setting is checked against
Variant = tuple[tuple[str, Any], ...]  # a value of each of these axes that the grid has


def _healthy(name: Any) -> Any:
    """Return the healthy class as stages know it: "" where none is."""
    if name == "":
        raise ValueError("the name is empty; name a class, or write null where none is healthy")
    return "" if name is None else name


def _nameable(name: str) -> str:
    if fault := fault_of(name):
        raise ValueError(f"a name that cannot be: {fault}")
    return name


def _distinct(values: tuple) -> tuple:
    value, times = max(Counter(values).items(), key=lambda pair: pair[1] > 1, default=(None, 0))  # the first of them
    if times > 1:
        raise ValueError(f"{value!r} is given {times} times; give each value once")
    return values


def _with_median(levels: tuple[float, ...]) -> tuple[float, ...]:
    if 0.5 not in levels:
        raise ValueError(f"quantile_levels {list(levels)} lack the median, 0.5, which is the point forecast; add it")
    return levels


def _spoken(language: str) -> str:
    if language not in languages():
        raise ValueError(f"no report is written in {language!r}; there are: {', '.join(languages())}")
    return language


def _ranking(name: str) -> str:
    """Return the name of a metric that can rank recipes, or raise ValueError."""
    found: Any = plugins(METRICS)
    can = [kind for kind, metric in found.items() if issubclass(metric, Metric) and metric.needs <= RANKABLE]
    if name in can:
        return name
    why = f"unknown metric {name!r}" if name not in found else f"recipes cannot be ranked by {name!r}"
    raise ValueError(f"{why}; there are: {', '.join(can)}")


def _names(package: str) -> Any:
    return Literal[tuple(plugins(package))]


def _axis(kind: Any) -> Any:
    return Annotated[tuple[kind, ...], Field(min_length=1), AfterValidator(_distinct)]


Level = Annotated[float, Field(gt=0, lt=1)]
Levels = Annotated[tuple[Level, ...], AfterValidator(_distinct), AfterValidator(_with_median)]


class Compared(Record):
    """Values to compare: the grid is the product of the axes."""

    if TYPE_CHECKING:
        exclude: tuple[dict[str, tuple[str | int, ...]], ...]
        vary: dict[str, tuple[Any, ...]]

    def leaves_out(self, place: Mapping[str, Any]) -> bool:
        """Tell whether a combination of values of the axes is excluded."""
        return bool(self.exclude) and any(
            all(place.get(axis) in values for axis, values in of.items()) for of in self.exclude
        )

    def given(self) -> dict[str, tuple[Any, ...]]:
        """Return the axes of this grid with their values, in the order of a cell's name."""
        values = {name: getattr(self, name) for name in axes()} | self.vary
        named = sorted(values, key=lambda name: (axis(name).order, name)) if self.vary else list(values)
        return {name: values[name] for name in named if values[name] is not None}

    def of_settings(self) -> dict[str, tuple[Any, ...]]:
        """Return the axes of this grid that stand for a setting, with their values."""
        return {name: value for name, value in self.given().items() if axis(name).setting}


def _axes() -> Any:
    """Return the record of the axes that there are."""
    fields: dict[str, Any] = {}
    for name, one in axes().items():
        values = _axis(_names(one.values_of) if one.values_of else one.values)
        said = " ".join(inspect.cleandoc(one.__doc__ or name).partition("\n\n")[0].split()).removesuffix(".")
        default = ... if one.required else None
        fields[name] = (values if one.required else values | None, Field(default=default, description=said))
    fields["vary"] = (dict[str, _axis(Any)], Field(default={}, description=VARIED))  # type: ignore[misc]
    left_out = (
        "combinations to leave out: each names some axes, with the values of each, and a cell that has one of these "
    )
    left_out += "values on all of them is not in the grid"
    exclude = (tuple[dict[str, tuple[str | int, ...]], ...], Field(default=(), description=left_out))
    return create_model("Axes", __base__=Compared, __doc__=Compared.__doc__, **fields, exclude=exclude)


AXES: Any = _axes()


class Windows(Record):
    """How series are cut."""

    prediction_length: int = Field(default=1024, gt=0, description="samples forecast, after scaling and representation")
    per_series: int = Field(default=2, ge=1, le=1_000_000, description="random training windows a series and epoch")
    per_series_features: int = Field(
        default=4, ge=1, le=1_000_000, description="evenly spaced windows a series for features"
    )
    stream: Literal["ray_data", "memory_map"] = Field(
        default="ray_data", exclude=True, description="how training windows reach the trainer; the windows are the same"
    )


class Evaluation(Record):
    """Metrics, resampling and thresholds by which cells are judged."""

    false_alarm_rate: float = Field(
        default=0.05, gt=0, lt=1, description="share of normal series that may raise an alarm; it sets the threshold"
    )
    goal: float | None = Field(
        default=None, description="figure by ``rank_by`` to reach; the report says where it is missed; it is in no key"
    )
    rank_by: Annotated[str, AfterValidator(_ranking)] = Field(
        default="macro_f1", description="metric that recipes are ranked and compared by; it is in no key"
    )
    costs: dict[str, dict[str, Annotated[float, Field(ge=0)]]] = Field(
        default={},
        description="true class → class named → what such a series costs, in the plant's money; what is not said costs "
        "nothing; it gives the metric ``expected_cost``",
    )


class Unlabelled(Record):
    """Series whose class nobody knows, and labels that are hidden to try what few would do."""

    motors: Literal["training", "all"] = Field(
        default="training",
        description="whose series without a label are trained upon, where a recipe needs no labels: those of "
        "``training`` motors, or of ``all``, test motors too: such a recipe is transductive, named so, and not ranked "
        "with others",
    )
    labelled_share: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="of training motors of each class and domain, whose labels are shown (one at least); those of the "
        "others are hidden, whole motors; validation and test motors keep theirs",
    )


class Search(Record):
    """Which cells of a grid are built; none of it changes one that is."""

    kind: Literal["grid", "racing"] = Field(
        default="grid",
        description="``grid``: every cell; ``racing``: fold by fold, and recipes that motors show to be worse than "
        "another stop (docs/racing.md)",
    )
    error: float = Field(
        default=ERROR, gt=0, lt=0.5, description="of racing: probability that the truly best recipe is ever stopped"
    )


class Audit(Record):
    """Findings of the leak audit that are accepted."""

    accept: tuple[Literal[FINDINGS], ...] = Field(  # type: ignore[valid-type]
        default=(), description="findings, by name, that do not stop the grid but head its report"
    )


class Reporting(Record):
    """How the result is written."""

    language: Annotated[str, AfterValidator(_spoken)] = Field(
        default="en", description="of the report: the name of a catalogue of its words, ``en`` or ``zh``"
    )


class Settings(Record):
    """One checked config, as it holds for one method and one domain.

    Attributes
    ----------
    plugins : tuple of str
        Plug-ins of your own: ``.py`` files, folders of them (seen from the config's folder), or modules that are
        installed; see `plugins.md`.
    quantile_levels : tuple of float
        Levels to forecast: 0.5, and any others of the backbone's own.
    """

    name: Annotated[str, AfterValidator(_nameable)] = Field(
        default="grid", pattern=r"^\w[\w.-]*$", description="of the results' folder; the file's by default"
    )
    plugins: tuple[str, ...] = Field(default=(), exclude=True)
    seed: int = Field(
        default=123, ge=0, description="of the split, random weights, windows, augmentation, dropout and classifiers"
    )
    normal: Annotated[str, BeforeValidator(_healthy)] = Field(
        default="normal", description="the class of healthy series; null where there is none"
    )
    dataset: choice("motor.recordings.readers")  # type: ignore[valid-type]
    speed: Speed = Speed()
    split: choice("motor.recordings.splits")  # type: ignore[valid-type]
    representation: choice("motor.windows.representations") = Raw()  # type: ignore[valid-type]
    scaling: Scaling = Scaling()
    own_reference: OwnReference = OwnReference()
    windows: Windows = Windows()
    augmentation: AUGMENTATIONS = AUGMENTATIONS()
    backbone: choice("motor.backbones")  # type: ignore[valid-type]
    quantile_levels: Levels = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    finetune: Training = Training()
    modules: MODULES = MODULES()
    features: FEATURES = FEATURES()
    classifiers: CLASSIFIERS = CLASSIFIERS()
    methods: METHODS = METHODS()
    metrics: MEASURES = MEASURES()
    evaluation: Evaluation = Evaluation()
    unlabelled: Unlabelled = Unlabelled()
    pseudo_labels: PSEUDO_LABELS = PSEUDO_LABELS()
    cuts: CUTS = CUTS()
    audit: Audit = Audit()
    report: Reporting = Field(default=Reporting(), exclude=True)
    loop: Looping = Field(default=Looping(), exclude=True)
    search: Search = Field(default=Search(), exclude=True)
    axes: AXES
    resources: RESOURCES = RESOURCES()
    by_method: dict[str, dict[str, Any]] = Field(default={}, exclude=True)
    by_domain: dict[str, dict[str, Any]] = Field(default={}, exclude=True)
    by_representation: dict[str, dict[str, Any]] = Field(default={}, exclude=True)
    by_backbone: dict[str, dict[str, Any]] = Field(default={}, exclude=True)
    by_objective: dict[str, dict[str, Any]] = Field(default={}, exclude=True)

    def measures(self) -> tuple[Measure, ...]:
        """Return the metrics that every cell is measured by: those that have all that they need."""
        found = (self._measure(name) for name in type(self.metrics).model_fields)
        return tuple(metric for metric in found if metric.is_ready)

    def ranking(self) -> Metric:
        """Return the metric that recipes are ranked by."""
        return self._measure(self.evaluation.rank_by)

    def _measure(self, name: str) -> Any:
        metric = getattr(self.metrics, name)
        costs = self.evaluation.costs
        return metric.model_copy(update={"costs": costs}) if name == COSTS and costs else metric


def schema() -> type[Settings]:
    """Return the schema of a config with the plug-ins that are in use (see `motor.registry.using`)."""
    return _schema(in_use())


@cache
def _schema(outside: Outside) -> type[Settings]:
    if not outside:
        return Settings
    rooms = {"dataset": "motor.recordings.readers", "split": "motor.recordings.splits", "backbone": "motor.backbones"}
    fields: dict[str, Any] = {name: (choice(room), ...) for name, room in rooms.items()}
    fields["representation"] = (choice("motor.windows.representations"), Raw())
    tables = {"features": "motor.features", "classifiers": "motor.judges", "methods": "motor.methods"}
    tables |= {"metrics": METRICS, "pseudo_labels": "motor.pseudo_labels", "cuts": "motor.cuts"}
    made: dict[str, Any] = {name: table(room) for name, room in tables.items()}
    made["augmentation"] = table("motor.windows.augmentations", optional=True)
    made["finetune"] = training_schema()
    made["modules"] = module_settings()
    made["resources"] = resource_settings(outside)
    fields |= {name: (of, of()) for name, of in made.items()}
    return create_model("Settings", __base__=Settings, axes=(_axes(), ...), **fields)
