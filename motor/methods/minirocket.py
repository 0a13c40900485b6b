"""Plain rival: MiniRocket's random convolutions of the windows."""

from typing import Literal

from motor.methods.plain import OfWindows


class Minirocket(OfWindows):
    kind: Literal["minirocket"] = "minirocket"
    folder: str = "baseline_minirocket"
    features: tuple[str, ...] = ("minirocket",)


PLUGIN = Minirocket
