"""A linear autoregressive forecaster, fitted in closed form."""

from motor.backbones.linear.linear import Linear

PLUGIN = Linear
