"""Method `level`, a plain rival: only the strength of a signal, as a threshold alarm uses it."""

from typing import Literal

from motor.methods.plain import OfRecordings


class Level(OfRecordings):
    kind: Literal["level"] = "level"
    folder: str = "baseline_level"
    features: tuple[str, ...] = ("level",)


PLUGIN = Level
