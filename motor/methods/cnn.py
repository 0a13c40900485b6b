"""Plain rival: a small convolutional network with a wide first layer, trained end to end."""

from typing import Literal

from motor.methods.base import Recipe


class Cnn(Recipe):
    kind: Literal["cnn"] = "cnn"
    folder: str = "baseline_cnn"
    features: tuple[str, ...] = ("cnn",)


PLUGIN = Cnn
