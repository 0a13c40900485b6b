"""A variational state space model with regimes."""

from motor.backbones.vssm.settings import Vssm

PLUGIN = Vssm
