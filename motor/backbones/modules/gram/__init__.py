"""GRA-M: what followed similar windows of other motors, taken as far as it can be trusted."""

from motor.backbones.modules.gram.settings import Gram

PLUGIN = Gram
