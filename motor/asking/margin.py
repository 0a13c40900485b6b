"""Those of which the model is least sure."""

from typing import Literal

import numpy as np

from motor.asking.base import Pool, Strategy


class Margin(Strategy):
    """The smallest lead of the first class over the second; a batch may hold the same thing many times."""

    kind: Literal["margin"] = "margin"

    def choose(self, pool: Pool, count: int, seed: int) -> list[int]:
        """Return places in the pool; see `Strategy.choose`."""
        return [int(place) for place in np.argsort(pool.margin_N(), kind="stable")[:count]]


PLUGIN = Margin
