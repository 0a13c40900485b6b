"""Ray, imported when something of it is first used (see `motor.lazy`); the import contracts say who may know it."""

from typing import TYPE_CHECKING

from motor.lazy import Lazy

if TYPE_CHECKING:
    import ray
else:
    ray = Lazy("ray")

__all__ = ["ray"]
