"""The Chronos families: stock models of the library, with what is known of them alone."""

from motor.backbones.chronos.bolt import Bolt
from motor.backbones.chronos.chronos2 import Chronos2

PLUGINS = (Bolt, Chronos2)
