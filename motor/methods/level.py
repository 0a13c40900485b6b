"""Plain rival, level alone: what an alarm on strength would do."""

from typing import Literal

from motor.methods.plain import OfRecordings


class Level(OfRecordings):
    kind: Literal["level"] = "level"
    folder: str = "baseline_level"
    features: tuple[str, ...] = ("level",)


PLUGIN = Level
