"""Ask for the items of which the model is least sure."""

from typing import Literal

import numpy as np

from motor.asking.base import Pool, Strategy


class Margin(Strategy):
    """The items where the first class leads the second by least; a batch may hold many that are alike."""

    kind: Literal["margin"] = "margin"

    def choose(self, pool: Pool, count: int, seed: int) -> list[int]:
        """Return places in the pool; see `Strategy.choose`."""
        return [int(place) for place in np.argsort(pool.margin_N(), kind="stable")[:count]]


PLUGIN = Margin
