"""What settings must agree in, beyond the type of each: found in a config before anything runs."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from motor.features.base import ForecastFeature, RecordingFeature

if TYPE_CHECKING:
    from motor.backbones.base import Backbone
    from motor.experiment.settings import Settings
    from motor.methods.base import Recipe

Keys = tuple[str | int, ...]
Misfit = tuple[tuple[Keys, ...], str]  # where it may stand in the config, and what is wrong

# What a second stage takes over from the first with its weights.
INHERITED = (("backbone",), ("quantile_levels",), ("windows", "prediction_length"), ("finetune", "contexts"))


def misfits(
    settings: "Settings", recipe: "Recipe", domains: tuple[str, ...], contexts: Sequence[tuple[int, int]]
) -> Iterator[Misfit]:
    """Yield what cannot work for a method in a regime, as far as it is known without data and weights.

    Parameters
    ----------
    settings : Settings
        As they hold for the method and the regime.
    recipe : Recipe
        The method.
    domains : tuple of str
        Of the regime; with two or more the forecaster is told which.
    contexts : sequence of (int, int)
        The context lengths that it is compared at, each with its place on the axis.
    """
    forecasts, backbone = recipe.feature_kind is ForecastFeature, recipe.backbone_of(settings.backbone)
    for index, context_length in contexts:
        place: Keys = ("axes", "context_length", index)
        if forecasts:
            yield from _backbone_misfits(settings, backbone, context_length, place, domains)
        if recipe.feature_kind is not RecordingFeature:
            yield from _length_misfits(settings, context_length, place, forecasts)
    if forecasts:
        yield from _block_misfits(settings, backbone, recipe)
        yield from _embedding_misfits(backbone, recipe)
    for name in recipe.features:
        yield from _feature_misfits(settings, name)


def _backbone_misfits(
    settings: "Settings", backbone: "Backbone", context_length: int, place: Keys, domains: tuple[str, ...]
) -> Iterator[Misfit]:
    places: dict[str, Keys] = {
        "context_length": place,
        "quantile_levels": ("quantile_levels",),
        "domains": ("dataset", "domains"),
        "horizon": ("backbone", "horizon"),
    }
    prediction_length = settings.windows.prediction_length
    for name, why in backbone.misfits(context_length, prediction_length, settings.quantile_levels, domains):
        yield (places[name],), why


def _length_misfits(settings: "Settings", context_length: int, place: Keys, forecasts: bool) -> Iterator[Misfit]:
    n_samples, rate_hz = settings.dataset.known_length()
    known = settings.representation.represented_length(n_samples, rate_hz) if n_samples else None
    horizon = settings.windows.prediction_length if forecasts else 0
    if known is not None and known < context_length + horizon:
        window = f"{context_length} of context_length and {horizon} of windows.prediction_length"
        has = f"a series has {known} in representation {settings.representation.kind}"
        yield (place,), f"a window needs {context_length + horizon} samples ({window}), but {has}"


def _embedding_misfits(backbone: "Backbone", recipe: "Recipe") -> Iterator[Misfit]:
    if "embedding" in recipe.features and not backbone.EMBEDS:
        why = f"method {recipe.kind} takes embeddings, but backbone {backbone.kind} has no encoder to give them"
        yield (("backbone", "kind"),), f"{why}; take it out of axes.method, or choose another backbone for it"


def _block_misfits(settings: "Settings", backbone: "Backbone", recipe: "Recipe") -> Iterator[Misfit]:
    outline, asked = backbone.outline(), settings.finetune.trainable_blocks
    own = None if recipe.labels == "none" else recipe.trainable_blocks
    blocks = own if asked is None else asked
    if outline is not None and blocks is not None and not backbone.CLOSED_FORM and blocks > outline.n_blocks:
        why = f"the last {blocks} encoder blocks are to be trained, but the backbone's encoder has {outline.n_blocks}"
        advice = f"{why}, as method {recipe.kind} does by itself; set by_method.{recipe.kind}.finetune.trainable_blocks"
        yield (("finetune", "trainable_blocks"),), advice if asked is None else why


def _feature_misfits(settings: "Settings", name: str) -> Iterator[Misfit]:
    feature = getattr(settings.features, name)
    places: dict[str, tuple[Keys, ...]] = {
        "prediction_length": (("windows", "prediction_length"),),
        "quantile_levels": (("features", name, "loss_levels"), ("quantile_levels",)),
    }
    for argument, why in feature.misfits(settings.windows.prediction_length, settings.quantile_levels):
        yield places[argument], why


def augmentation_misfits(settings: "Settings") -> Iterator[Misfit]:
    """Yield augmentations of classes that the dataset does not have: they would never touch a window."""
    classes = settings.dataset.classes
    for name in type(settings.augmentation).model_fields:
        augmentation = getattr(settings.augmentation, name)
        unknown = [label for label in (augmentation and augmentation.classes) or () if label not in classes]
        if unknown:
            advice = f"set augmentation.{name}.classes to some of dataset.classes: {', '.join(classes)}"
            yield (("augmentation", name, "classes"),), f"{name} is for the unknown class {unknown[0]!r}; {advice}"


def inheritance_misfits(settings: "Settings", first: "Settings", recipe: "Recipe") -> Iterator[Misfit]:
    """Yield in what a second stage differs from the first, whose weights it goes on from."""
    for keys in INHERITED:
        own, inherited = settings, first
        for key in keys:
            own, inherited = getattr(own, key), getattr(inherited, key)
        if own != inherited:
            name, both = ".".join(keys), f"{recipe.kind} and {recipe.start}"
            yield (keys,), f"{name} differs between {both}, whose fine-tune it goes on from; give both the same"
