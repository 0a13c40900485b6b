"""A linear autoregressive forecaster, fitted in closed form."""

from motor.backbones.linear.settings import Linear

PLUGIN = Linear
