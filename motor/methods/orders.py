"""Plain rival, physics: the envelope spectrum in orders of the shaft, and the spectrum without its level."""

from typing import Literal

from motor.methods.plain import OfRecordings


class Orders(OfRecordings):
    kind: Literal["orders"] = "orders"
    folder: str = "baseline_orders"
    features: tuple[str, ...] = ("orders", "spectrum")


PLUGIN = Orders
