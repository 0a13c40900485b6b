"""Plain rival: a scalogram, cell by cell; deep detectors look at it as an image."""

from typing import Literal

from motor.methods.plain import OfRecordings


class Scalogram(OfRecordings):
    kind: Literal["scalogram"] = "scalogram"
    folder: str = "baseline_scalogram"
    features: tuple[str, ...] = ("scalogram",)


PLUGIN = Scalogram
