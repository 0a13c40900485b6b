"""Retrieval without a network: a linear forecast, and what followed the nearest windows of other motors."""

from motor.backbones.retrieval.settings import Retrieval

PLUGIN = Retrieval
