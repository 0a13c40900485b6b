"""The axes that every grid has, and those of the project that stand for a setting."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from motor.evaluation.axes.base import Axis, Concern

Count = Annotated[int, Field(gt=0)]


class Method(Axis):
    """Recipes, from the table below."""

    kind: Literal["method"] = "method"
    required: ClassVar[bool] = True
    order: ClassVar[int] = 10
    values_of: ClassVar[str] = "motor.methods"
    title: ClassVar[str] = "Method"
    text: ClassVar[str] = "method {}"


class Domain(Axis):
    """Domains, each with models of its own, and ``Joint``: one model for all of them, which knows the domain."""

    kind: Literal["domain"] = "domain"
    required: ClassVar[bool] = True
    order: ClassVar[int] = 20
    folder: ClassVar[str] = "{}"
    title: ClassVar[str] = "Domain"
    text: ClassVar[str] = "{}"


class Representation(Axis):
    """Kinds of representation, or names that ``by_representation`` gives a meaning to; by default the one of
    ``representation``."""

    kind: Literal["representation"] = "representation"
    order: ClassVar[int] = 30
    setting: ClassVar[tuple[str, ...]] = ("representation", "kind")
    concerns: ClassVar[Concern] = "windows"
    folder: ClassVar[str] = "{}"
    title: ClassVar[str] = "Representation"
    text: ClassVar[str] = "{}"
    plain: ClassVar[str | None] = "raw"


class Scaling(Axis):
    """Values of ``scaling.by``."""

    kind: Literal["scaling"] = "scaling"
    order: ClassVar[int] = 40
    setting: ClassVar[tuple[str, ...]] = ("scaling", "by")
    values: ClassVar[Any] = Literal["domain", "item", "reference"]
    concerns: ClassVar[Concern] = "windows"
    folder: ClassVar[str] = "scaled-by-{}"
    title: ClassVar[str] = "Scaling"
    text: ClassVar[str] = "{}"


class Backbone(Axis):
    """Kinds of forecaster, or names that ``by_backbone`` gives a meaning to; by default the one of ``backbone``."""

    kind: Literal["backbone"] = "backbone"
    order: ClassVar[int] = 45
    setting: ClassVar[tuple[str, ...]] = ("backbone", "kind")
    concerns: ClassVar[Concern] = "networks"
    folder: ClassVar[str] = "{}"
    title: ClassVar[str] = "Forecaster"
    text: ClassVar[str] = "{}"
    question: ClassVar[str] = "Which forecaster?"


class Objective(Axis):
    """Kinds of objective, or names that ``by_objective`` gives a meaning to; by default that of ``finetune``."""

    kind: Literal["objective"] = "objective"
    order: ClassVar[int] = 46
    setting: ClassVar[tuple[str, ...]] = ("finetune", "objective", "kind")
    concerns: ClassVar[Concern] = "training"
    folder: ClassVar[str] = "trained-on-{}"
    title: ClassVar[str] = "Objective"
    text: ClassVar[str] = "objective {}"
    question: ClassVar[str] = "Which objective?"
    plain: ClassVar[str | None] = "quantile"


class Modules(Axis):
    """Values of ``modules.use``: networks beside a forecaster that is trained, ``none`` or names joined by ``+``."""

    kind: Literal["modules"] = "modules"
    order: ClassVar[int] = 47
    setting: ClassVar[tuple[str, ...]] = ("modules", "use")
    concerns: ClassVar[Concern] = "training"
    folder: ClassVar[str] = "modules-{}"
    title: ClassVar[str] = "Modules"
    text: ClassVar[str] = "modules {}"
    question: ClassVar[str] = "Do modules pay?"
    plain: ClassVar[str | None] = "none"


class OwnReference(Axis):
    """Values of ``own_reference.use``: features of recordings as they are, over the motor's own, or both."""

    kind: Literal["own_reference"] = "own_reference"
    order: ClassVar[int] = 42
    setting: ClassVar[tuple[str, ...]] = ("own_reference", "use")
    values: ClassVar[Any] = Literal["none", "subtract", "both"]
    concerns: ClassVar[Concern] = "recordings"
    folder: ClassVar[str] = "own-{}"
    title: ClassVar[str] = "Own reference"
    text: ClassVar[str] = "own reference {}"
    question: ClassVar[str] = "Each machine against its own past?"
    plain: ClassVar[str | None] = "none"


class Level(Axis):
    """Values of ``own_reference.level``: columns of level beside features of recordings."""

    kind: Literal["level"] = "level"
    order: ClassVar[int] = 44
    setting: ClassVar[tuple[str, ...]] = ("own_reference", "level")
    values: ClassVar[Any] = Literal["none", "absolute", "own_reference"]
    concerns: ClassVar[Concern] = "recordings"
    title: ClassVar[str] = "Level"
    text: ClassVar[str] = "level {}"
    plain: ClassVar[str | None] = "none"


class PredictionLength(Axis):
    """Values of ``windows.prediction_length``."""

    kind: Literal["prediction_length"] = "prediction_length"
    order: ClassVar[int] = 50
    setting: ClassVar[tuple[str, ...]] = ("windows", "prediction_length")
    values: ClassVar[Any] = Count
    concerns: ClassVar[Concern] = "forecasts"
    folder: ClassVar[str] = "h{}"
    title: ClassVar[str] = "Horizon"
    text: ClassVar[str] = "horizon {}"
    question: ClassVar[str] = "Which forecast horizon?"


class PatchLength(Axis):
    """Values of ``backbone.input_patch_size``, of models that are built from their sizes."""

    kind: Literal["patch_length"] = "patch_length"
    order: ClassVar[int] = 60
    setting: ClassVar[tuple[str, ...]] = ("backbone", "input_patch_size")
    values: ClassVar[Any] = Count
    concerns: ClassVar[Concern] = "networks"
    folder: ClassVar[str] = "patch{}"
    title: ClassVar[str] = "Patch"
    text: ClassVar[str] = "patch {}"


class Contexts(Axis):
    """Values of ``finetune.contexts``: a fine-tune for each context length, or one for all of them."""

    kind: Literal["contexts"] = "contexts"
    order: ClassVar[int] = 70
    setting: ClassVar[tuple[str, ...]] = ("finetune", "contexts")
    values: ClassVar[Any] = Literal["each", "shared"]
    concerns: ClassVar[Concern] = "training"
    title: ClassVar[str] = "Contexts"
    question: ClassVar[str] = "A fine-tune for each context length, or one for all?"


class ContextLength(Axis):
    """Samples that the forecaster sees, in the representation."""

    kind: Literal["context_length"] = "context_length"
    required: ClassVar[bool] = True
    order: ClassVar[int] = 80
    values: ClassVar[Any] = Count
    concerns: ClassVar[Concern] = "windows"
    folder: ClassVar[str] = "ctx{}"
    title: ClassVar[str] = "Context"
    text: ClassVar[str] = "context {}"
    question: ClassVar[str] = "Which context?"
    cheaper: ClassVar[Literal["smaller"] | None] = "smaller"


class PseudoLabels(Axis):
    """Labels that series get whom nobody gave one: names of labellers, and ``none``; their settings stand in
    ``pseudo_labels``. It means nothing for detectors."""

    kind: Literal["pseudo_labels"] = "pseudo_labels"
    order: ClassVar[int] = 92
    values_of: ClassVar[str] = "motor.pseudo_labels"
    folder: ClassVar[str] = "pseudo-labels-{}"
    title: ClassVar[str] = "Pseudo-labels"
    text: ClassVar[str] = "pseudo-labels {}"
    question: ClassVar[str] = "What did series without a label add?"
    plain: ClassVar[str | None] = "none"

    def means_something(self, place: Mapping[str, Any], judge_gives: frozenset[str]) -> bool:
        return "decisions" in judge_gives


class Detector(Axis):
    """Values of ``pseudo_labels.scores.detector``, of the labeller ``scores``."""

    kind: Literal["detector"] = "detector"
    order: ClassVar[int] = 94
    setting: ClassVar[tuple[str, ...]] = ("pseudo_labels", "scores", "detector")
    values_of: ClassVar[str] = "motor.judges"
    folder: ClassVar[str] = "scored-by-{}"
    title: ClassVar[str] = "Detector"
    text: ClassVar[str] = "scores by {}"

    def means_something(self, place: Mapping[str, Any], judge_gives: frozenset[str]) -> bool:
        return place.get("pseudo_labels") == "scores" and "decisions" in judge_gives


class LabelledShare(Axis):
    """Values of ``unlabelled.labelled_share``: labels of whole training motors are hidden."""

    kind: Literal["labelled_share"] = "labelled_share"
    order: ClassVar[int] = 84
    setting: ClassVar[tuple[str, ...]] = ("unlabelled", "labelled_share")
    values: ClassVar[Any] = Annotated[float, Field(gt=0, le=1)]
    folder: ClassVar[str] = "labelled-{}"
    title: ClassVar[str] = "Labelled"
    text: ClassVar[str] = "{} of the motors labelled"
    question: ClassVar[str] = "How many labels would do?"


class UnlabelledMotors(Axis):
    """Values of ``unlabelled.motors``: with ``all`` a recipe is transductive."""

    kind: Literal["unlabelled_motors"] = "unlabelled_motors"
    order: ClassVar[int] = 86
    setting: ClassVar[tuple[str, ...]] = ("unlabelled", "motors")
    values: ClassVar[Any] = Literal["training", "all"]
    folder: ClassVar[str] = "unlabelled-of-{}"
    title: ClassVar[str] = "Unlabelled"
    text: ClassVar[str] = "unlabelled series of {} motors"
    question: ClassVar[str] = "Do unlabelled series of the very motors that are asked about help?"


class Seed(Axis):
    """Repeats of everything but the split; the report averages over them."""

    kind: Literal["seed"] = "seed"
    order: ClassVar[int] = 90
    setting: ClassVar[tuple[str, ...]] = ("seed",)
    values: ClassVar[Any] = Annotated[int, Field(ge=0)]
    folder: ClassVar[str] = "seed{}"
    title: ClassVar[str] = "Seed"


class Classifier(Axis):
    """Judges: classifiers, which tell the classes apart, and detectors, which learn from normal series alone and tell
    normal from faulty; settings of each stand in ``classifiers``."""

    kind: Literal["classifier"] = "classifier"
    required: ClassVar[bool] = True
    order: ClassVar[int] = 100
    values_of: ClassVar[str] = "motor.judges"
    folder: ClassVar[str] = "{}"
    title: ClassVar[str] = "Classifier"
    text: ClassVar[str] = "{}"


PLUGINS = (
    Method,
    Domain,
    Representation,
    Scaling,
    Backbone,
    Objective,
    Modules,
    OwnReference,
    Level,
    PredictionLength,
    PatchLength,
    Contexts,
    ContextLength,
    LabelledShare,
    UnlabelledMotors,
    Seed,
    PseudoLabels,
    Detector,
    Classifier,
)
