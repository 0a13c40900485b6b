"""Forecasters of several branches, which a gate weighs."""

from motor.backbones.hybrid.settings import Hybrid, PtftVssm

PLUGINS = (Hybrid, PtftVssm)
