"""What a recipe says."""

from typing import Literal

from motor.registry import Plugin


class Recipe(Plugin):
    """A method, as data.

    `labels`: which series the backbone is fine-tuned on. `feature`: what the classifier sees.
    `start`: the method whose fine-tune this one goes on from. `trainable_blocks`: the last encoder
    blocks that are free, where the config does not say. `folder`: its name in the results.
    """

    kind: str
    folder: str
    labels: Literal["none", "normal", "all"]
    feature: str
    start: str | None = None
    trainable_blocks: int | None = None

    def describe(self) -> str:
        """Return the recipe in a few words."""
        tuned = {"none": "no fine-tune", "normal": "fine-tuned on normal series", "all": "fine-tuned on all classes"}
        blocks = f", last {self.trainable_blocks} blocks only" if self.trainable_blocks else ""
        after = f", after the fine-tune of {self.start}" if self.start else ""
        return f"{tuned[self.labels]}{after}{blocks}; classifies the {self.feature}"
