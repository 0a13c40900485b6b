"""Plain rival: the shape of the spectrum in third octaves of hertz."""

from typing import Literal

from motor.methods.plain import OfRecordings


class Spectrum(OfRecordings):
    kind: Literal["spectrum"] = "spectrum"
    folder: str = "baseline_spectrum"
    features: tuple[str, ...] = ("third_octaves",)


PLUGIN = Spectrum
