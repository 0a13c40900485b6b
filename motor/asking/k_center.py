"""Ask for the items that are farthest from all that is known: the pool is covered soon, its outliers first."""

from typing import Literal

import numpy as np

from motor.asking.base import Pool, Strategy
from motor.lazy import sklearn


class KCenter(Strategy):
    """The item that is farthest from what is labelled or chosen, one after the other.

    Sener and Savarese 2018, "Active Learning for Convolutional Neural Networks: A Core-Set Approach", algorithm 1.
    """

    kind: Literal["k_center"] = "k_center"

    def choose(self, pool: Pool, count: int, seed: int) -> list[int]:
        """Return places in the pool; see `Strategy.choose`."""
        X_ND, chosen = pool.X_ND, list[int]()
        if len(pool.known_MD):
            nearest_N = sklearn.metrics.pairwise_distances_argmin_min(X_ND, pool.known_MD)[1]
        else:
            nearest_N = np.linalg.norm(X_ND - X_ND.mean(axis=0), axis=1)
        for _ in range(min(count, len(X_ND))):
            nearest_N[chosen] = -1.0
            chosen.append(int(np.argmax(nearest_N)))
            nearest_N = np.minimum(nearest_N, np.linalg.norm(X_ND - X_ND[chosen[-1]], axis=1))
        return chosen


PLUGIN = KCenter
