"""Plain rival: distances to the nearest windows of each class, of other motors."""

from typing import Literal

from motor.methods.plain import OfWindows


class Neighbours(OfWindows):
    kind: Literal["neighbours"] = "neighbours"
    folder: str = "baseline_neighbours"
    features: tuple[str, ...] = ("neighbours",)


PLUGIN = Neighbours
