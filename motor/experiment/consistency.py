"""Find settings of a config that do not go together, before anything runs."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from grid.config.document import Incompatibility, Keys
from motor.evaluation.sheet import ALARM, DECISIONS, FORECAST, SCORE

if TYPE_CHECKING:
    from motor.experiment.settings import Settings

# What a second stage takes over from the first with its weights.
INHERITED = (
    ("backbone",),
    ("quantile_levels",),
    ("windows", "prediction_length"),
    ("finetune", "contexts"),
    ("modules",),
)


def augmentation_incompatibilities(settings: "Settings") -> Iterator[Incompatibility]:
    """Yield augmentations of classes that the dataset does not have: they would never touch a window."""
    classes = settings.dataset.classes
    for name in type(settings.augmentation).model_fields:
        augmentation = getattr(settings.augmentation, name)
        unknown = [label for label in (augmentation and augmentation.classes) or () if label not in classes]
        if unknown:
            advice = f"set augmentation.{name}.classes to some of dataset.classes: {', '.join(classes)}"
            yield (("augmentation", name, "classes"),), f"{name} is for the unknown class {unknown[0]!r}; {advice}"


def inheritance_incompatibilities(settings: "Settings", first: "Settings", method: Any) -> Iterator[Incompatibility]:
    """Yield the settings in which a second stage differs from the first, whose weights it goes on from."""
    for keys in INHERITED:
        own, inherited = settings, first
        for key in keys:
            own, inherited = getattr(own, key), getattr(inherited, key)
        if own != inherited:
            name, both = ".".join(keys), f"{method.kind} and {method.start}"
            yield (keys,), f"{name} differs between {both}, whose fine-tune it goes on from; give both the same"


def no_normal_incompatibilities(settings: "Settings", method: Any) -> Iterator[Incompatibility]:
    """Yield what needs healthy series, where `normal` is null and no class is healthy."""
    place: Keys = ("normal",)
    why = "normal is null: no class is healthy, and"
    of = [getattr(settings.methods, name) for name in (method.kind, method.start) if name]
    for one in (one for one in of if getattr(one, "labels", None) == "normal"):
        begins = "" if one is of[0] else f", which {method.kind} begins with,"
        step = "name the healthy class, or take the method out"
        yield (("axes", "method"), place), f"{why} method {one.kind}{begins} is fine-tuned on healthy series; {step}"
    if settings.scaling.by == "reference":
        yield (("scaling", "by"), place), f"{why} by reference takes healthy recordings; set domain or item"
    if settings.own_reference.compares:
        yield (("own_reference",), place), f"{why} own_reference takes healthy recordings; set use: none"
    for name in settings.axes.pseudo_labels or ():
        if name != "none" and hasattr(getattr(settings.pseudo_labels, name), "detector"):
            keys: Keys = ("axes", "pseudo_labels")
            yield (keys, place), f"{why} pseudo_labels {name} cuts the scores of a detector; take it out"


def healthy_training_incompatibilities(settings: "Settings", method: Any) -> Iterator[Incompatibility]:
    """Yield what learns from faults, where the split lets healthy series alone train."""
    why = "split.trains_on is normal: no fault is trained upon, and"
    step = "take it out, or set split.trains_on: all"
    if not settings.normal:
        yield (("split", "trains_on"),), "split.trains_on is normal, and normal is null: no class is healthy; set all"
    for index, name in enumerate(settings.axes.classifier):
        if DECISIONS in getattr(settings.classifiers, name).gives:
            yield (("axes", "classifier", index),), f"{why} classifier {name} tells classes apart; {step}"
    if getattr(method, "labels", None) == "each":
        yield (("axes", "method"),), f"{why} method {method.kind} has a forecaster for each class; {step}"


def ranking_incompatibilities(settings: "Settings") -> Iterator[Incompatibility]:
    """Yield why recipes cannot be ranked as they are to be: by a metric that no judge has, or costs of no class."""
    metric, evaluation = settings.ranking(), settings.evaluation
    place: Keys = ("evaluation", "rank_by")
    if not metric.is_ready:
        yield (place,), f"{metric.kind} lacks its settings; give evaluation.costs, or rank by another metric"
    judges = [getattr(settings.classifiers, name) for name in settings.axes.classifier]
    if not settings.normal and metric.needs & {SCORE, ALARM, FORECAST}:
        why = f"{metric.kind} compares with healthy series, and normal is null: no class is healthy"
        yield (place, ("normal",)), f"{why}; rank by another metric, as macro_f1"
    elif not any(metric.needs <= judge.gives for judge in judges):
        names = ", ".join(judge.kind for judge in judges)
        why = f"{metric.kind} needs {' and '.join(sorted(metric.needs))}, which {names} do not give"
        yield (place, ("axes", "classifier")), f"{why}; set evaluation.rank_by: roc_auc_faulty, or add a classifier"
    low, high = metric.bounds
    if evaluation.goal is not None and not low < evaluation.goal <= high:
        why = f"a goal of {evaluation.goal:g} means nothing for {metric.kind}"
        yield (("evaluation", "goal"),), f"{why}; give one over {low:g} and up to {high:g}"
    yield from _cost_incompatibilities(settings)


def _cost_incompatibilities(settings: "Settings") -> Iterator[Incompatibility]:
    classes = settings.dataset.classes
    for true, costs in settings.evaluation.costs.items():
        for keys, name in [((true,), true), *(((true, named), named) for named in costs)]:
            if name not in classes:
                advice = f"there are: {', '.join(classes)}"
                yield (("evaluation", "costs", *keys),), f"costs are given for the unknown class {name!r}; {advice}"
