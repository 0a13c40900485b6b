"""Plain rival, physics that carries over: lines in orders, spectrum and moments, in the same hertz at every rate."""

from typing import Literal

from motor.methods.plain import OfRecordings


class Physics(OfRecordings):
    kind: Literal["physics"] = "physics"
    folder: str = "baseline_physics"
    features: tuple[str, ...] = ("order_lines", "third_octaves", "band_moments")


PLUGIN = Physics
