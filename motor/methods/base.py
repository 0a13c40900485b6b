"""What a recipe says."""

from typing import Literal

from motor.registry import Plugin


class Recipe(Plugin):
    """A method, as data.

    `labels`: which series the backbone is fine-tuned on. `feature`: what the classifier sees.
    `start`: the method whose fine-tune this one goes on from. `trainable_blocks`: the last encoder
    blocks that are free, where the config does not say. `folder`: its name in the results.
    """

    folder: str
    labels: Literal["none", "normal", "all"]
    feature: str
    start: str | None = None
    trainable_blocks: int | None = None
