"""A temporal fusion transformer on patches."""

from motor.backbones.tft.settings import Tft

PLUGIN = Tft
