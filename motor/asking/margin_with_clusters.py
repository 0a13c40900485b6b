"""Ask for items of which the model is least sure, from different clusters."""

from typing import Literal

import numpy as np
from pydantic import Field

from motor.asking.base import Pool, Strategy, clusters


class MarginWithClusters(Strategy):
    """The least sure of each cluster among the least sure items.

    Attributes
    ----------
    wider : int
        How many times as many items as are asked for are put into clusters.
    """

    kind: Literal["margin_with_clusters"] = "margin_with_clusters"
    wider: int = Field(default=5, ge=1)

    def choose(self, pool: Pool, count: int, seed: int) -> list[int]:
        """Return places in the pool; see `Strategy.choose`."""
        unsure = np.argsort(pool.margin_N(), kind="stable")[: self.wider * count]
        if len(unsure) <= count:
            return [int(place) for place in unsure]
        of_cluster = clusters(pool.X_ND[unsure], count, seed)
        first = [int(unsure[of_cluster == cluster][0]) for cluster in np.unique(of_cluster)]
        others = [int(place) for place in unsure if place not in first]
        places = {int(place): rank for rank, place in enumerate(unsure)}
        return sorted(first, key=places.__getitem__) + others[: count - len(first)]


PLUGIN = MarginWithClusters
