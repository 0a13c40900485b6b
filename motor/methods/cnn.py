"""Plain rival: a small convolutional network with a wide first layer, trained end to end."""

from typing import Literal

from motor.methods.plain import OfWindows


class Cnn(OfWindows):
    kind: Literal["cnn"] = "cnn"
    folder: str = "baseline_cnn"
    features: tuple[str, ...] = ("cnn",)


PLUGIN = Cnn
