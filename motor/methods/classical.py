"""Plain rival: 1200 classical features of time and spectrum."""

from typing import Literal

from motor.methods.plain import OfRecordings


class Classical(OfRecordings):
    kind: Literal["classical"] = "classical"
    folder: str = "baseline_classical"
    features: tuple[str, ...] = ("classical",)


PLUGIN = Classical
