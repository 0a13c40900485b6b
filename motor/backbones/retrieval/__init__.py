"""Retrieval without a network: what followed the nearest windows of other motors, beside a linear forecast."""

from motor.backbones.retrieval.settings import Retrieval

PLUGIN = Retrieval
