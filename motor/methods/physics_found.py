"""Plain rival: `physics`, its lines in the bands where training motors show the most of them."""

from typing import Literal

from motor.methods.plain import OfRecordings


class PhysicsFound(OfRecordings):
    kind: Literal["physics_found"] = "physics_found"
    folder: str = "baseline_physics_found"
    features: tuple[str, ...] = ("found_lines", "third_octaves", "band_moments")


PLUGIN = PhysicsFound
