"""Check that a method's settings agree with one another, before anything runs."""

from collections.abc import Iterator, Sequence
from typing import Any

from grid.config.document import Incompatibility, Keys
from motor.backbones.base import Backbone
from motor.backbones.modules.base import Asked
from motor.registry import plugins


def backbone_incompatibilities(
    settings: Any, backbone: Backbone, context_length: int, place: Keys, domains: tuple[str, ...]
) -> Iterator[Incompatibility]:
    """Yield the settings that a backbone cannot meet."""
    places: dict[str, Keys] = {
        "context_length": place,
        "quantile_levels": ("quantile_levels",),
        "domains": ("dataset", "domains"),
        "horizon": ("backbone", "horizon"),
        "kind": ("backbone", "kind"),
    }
    prediction_length = settings.windows.prediction_length
    for name, why in backbone.incompatibilities(context_length, prediction_length, settings.quantile_levels, domains):
        yield (places[name],), why


def length_incompatibilities(
    settings: Any, context_length: int, place: Keys, horizon: int
) -> Iterator[Incompatibility]:
    """Yield the context lengths whose windows are longer than a series, as far as that is known."""
    n_samples, rate_hz = settings.dataset.known_length()
    known = settings.representation.represented_length(n_samples, rate_hz) if n_samples else None
    if known is not None and known < context_length + horizon:
        window = f"{context_length} of context_length and {horizon} of windows.prediction_length"
        has = f"a series has {known} in representation {settings.representation.kind}"
        yield (place,), f"a window needs {context_length + horizon} samples ({window}), but {has}"


def needs_incompatibilities(
    settings: Any, backbone: Backbone, method: str, features: tuple[str, ...]
) -> Iterator[Incompatibility]:
    """Yield what features need of a forecaster (`ForecastFeature.needs`) and the backbone does not give."""
    kinds: Any = plugins(backbone.ROOM)
    for name in features:
        for need in getattr(getattr(settings.features, name, None), "needs", ()):
            if need not in backbone.gives:
                takes = f"feature {name} of method {method} takes the forecaster's {need}, but backbone {backbone.kind}"
                others = ", ".join(kind for kind, plugin in kinds.items() if need in plugin.GIVES)
                advice = f"take {method} out of axes.method, or choose another backbone for it: {others}"
                yield (("backbone", "kind"),), f"{takes} has none to give; {advice}"


def objective_incompatibilities(settings: Any, backbone: Backbone, method: str) -> Iterator[Incompatibility]:
    """Yield objectives that take what the backbone does not give."""
    kinds: Any = plugins(backbone.ROOM)
    for objective in settings.finetune.objective:
        for need in objective.needs:
            if need not in backbone.gives:
                others = ", ".join(kind for kind, plugin in kinds.items() if need in plugin.GIVES)
                takes = f"objective {objective.kind} takes the forecaster's {need}, but backbone {backbone.kind}"
                yield (
                    (("finetune", "objective"), ("axes", "objective"), ("backbone", "kind")),
                    f"{takes} of method {method} has none to give; take it out, or choose another backbone: {others}",
                )


def module_incompatibilities(
    settings: Any, backbone: Backbone, contexts: Sequence[tuple[int, int]]
) -> Iterator[Incompatibility]:
    """Yield what modules cannot do beside a forecaster."""
    outline, horizon = backbone.outline(), settings.windows.prediction_length
    is_short = outline is not None and (outline.head_length or horizon) < horizon
    if settings.modules.chosen and is_short and getattr(backbone, "horizon", "resize") == "roll_out":
        why = "modules change a forecast of one pass, and a head that is shorter than the horizon is rolled out"
        yield (("backbone", "horizon"),), f"{why}; set backbone.horizon: resize, or modules.use: none"
    for index, context_length in contexts:
        n_tokens = -(-context_length // outline.patch) if outline is not None and backbone.SHOWS_TOKENS else None
        for module in settings.modules.chosen:
            for name, why in module.incompatibilities(Asked(n_tokens, context_length, horizon)):
                path = f"modules.{module.kind}.{name}"
                places: tuple[Keys, ...] = (("modules", module.kind, name), ("axes", "vary", path))
                yield (*places, ("axes", "context_length", index)), why


def conformal_incompatibilities(settings: Any) -> Iterator[Incompatibility]:
    """Yield where intervals are to be calibrated and the split holds no motors out to validate on."""
    if settings.finetune.conformal and getattr(settings.split, "validation", None) in ("none", 0):
        why = f"conformal offsets are taken from validation motors, and split {settings.split.kind} has none"
        yield (("finetune", "conformal"),), f"{why} (validation: {settings.split.validation}); let it have some"


def dropout_incompatibilities(settings: Any, backbone: Backbone) -> Iterator[Incompatibility]:
    """Yield where dropout is to stay on when a forecaster answers, and there is none."""
    if getattr(backbone, "dropout_masks", 0) and not settings.finetune.dropout_rate:
        why = f"backbone {backbone.kind} answers by {backbone.dropout_masks} masks of dropout, whose rate is 0"  # type: ignore[attr-defined]
        yield (("finetune", "dropout_rate"), ("backbone", "dropout_masks")), f"{why}; set one, or take the masks out"


def block_incompatibilities(
    settings: Any, backbone: Backbone, method: str, own: int | None
) -> Iterator[Incompatibility]:
    """Yield where more encoder blocks are to be trained than there are; `own` is what the method says by itself."""
    outline, asked = backbone.outline(), settings.finetune.trainable_blocks
    blocks = own if asked is None else asked
    if outline is not None and blocks is not None and not backbone.CLOSED_FORM and blocks > outline.n_blocks:
        why = f"the last {blocks} encoder blocks are to be trained, but the backbone's encoder has {outline.n_blocks}"
        advice = f"{why}, as method {method} does by itself; set by_method.{method}.finetune.trainable_blocks"
        yield (("finetune", "trainable_blocks"),), advice if asked is None else why


def feature_incompatibilities(settings: Any, name: str) -> Iterator[Incompatibility]:
    """Yield the settings that a feature cannot meet."""
    feature = getattr(settings.features, name)
    places: dict[str, tuple[Keys, ...]] = {
        "prediction_length": (("windows", "prediction_length"),),
        "quantile_levels": (("features", name, "loss_levels"), ("quantile_levels",)),
    }
    for argument, why in feature.incompatibilities(settings.windows.prediction_length, settings.quantile_levels):
        yield places[argument], why
