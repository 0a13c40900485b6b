"""What settings must agree in, beyond the type of each: found in a config before anything runs."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from motor.methods.checks import Misfit

if TYPE_CHECKING:
    from motor.experiment.settings import Settings
    from motor.methods.base import Method

__all__ = ["Misfit", "augmentation_misfits", "inheritance_misfits"]

# What a second stage takes over from the first with its weights.
INHERITED = (("backbone",), ("quantile_levels",), ("windows", "prediction_length"), ("finetune", "contexts"))


def augmentation_misfits(settings: "Settings") -> Iterator[Misfit]:
    """Yield augmentations of classes that the dataset does not have: they would never touch a window."""
    classes = settings.dataset.classes
    for name in type(settings.augmentation).model_fields:
        augmentation = getattr(settings.augmentation, name)
        unknown = [label for label in (augmentation and augmentation.classes) or () if label not in classes]
        if unknown:
            advice = f"set augmentation.{name}.classes to some of dataset.classes: {', '.join(classes)}"
            yield (("augmentation", name, "classes"),), f"{name} is for the unknown class {unknown[0]!r}; {advice}"


def inheritance_misfits(settings: "Settings", first: "Settings", method: "Method") -> Iterator[Misfit]:
    """Yield in what a second stage differs from the first, whose weights it goes on from."""
    for keys in INHERITED:
        own, inherited = settings, first
        for key in keys:
            own, inherited = getattr(own, key), getattr(inherited, key)
        if own != inherited:
            name, both = ".".join(keys), f"{method.kind} and {method.start}"
            yield (keys,), f"{name} differs between {both}, whose fine-tune it goes on from; give both the same"
