"""Models of the library neuralforecast, as rivals."""

from motor.backbones.nixtla.settings import Nixtla

PLUGIN = Nixtla
