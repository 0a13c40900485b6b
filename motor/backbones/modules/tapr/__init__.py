"""TAPR: several scales of the context's tokens, and a forecast from direction to size to values."""

from motor.backbones.modules.tapr.settings import Tapr

PLUGIN = Tapr
