"""A diffusion model of the horizon, given the context."""

from motor.backbones.diffusion.settings import Diffusion

PLUGIN = Diffusion
