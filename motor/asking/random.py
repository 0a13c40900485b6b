"""Ask for items at random, each with the same chance: what every other strategy is measured by."""

from typing import Literal

import numpy as np

from motor.asking.base import Pool, Strategy


class Random(Strategy):
    """Each item with the same chance."""

    kind: Literal["random"] = "random"

    def choose(self, pool: Pool, count: int, seed: int) -> list[int]:
        """Return places in the pool; see `Strategy.choose`."""
        return [int(place) for place in np.random.default_rng(seed).permutation(len(pool.X_ND))[:count]]


PLUGIN = Random
