"""Plain rival, the machine named: the lines of its known parts (`dataset.machines`)."""

from typing import Literal

from motor.methods.plain import OfRecordings


class Lines(OfRecordings):
    kind: Literal["lines"] = "lines"
    folder: str = "baseline_lines"
    features: tuple[str, ...] = ("lines",)


PLUGIN = Lines
