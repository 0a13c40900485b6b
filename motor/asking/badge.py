"""Ask for items that are unsure and unlike one another: spread out by how each would change the model."""

from typing import Literal

import numpy as np

from motor.asking.base import Pool, Strategy
from motor.lazy import sklearn


class Badge(Strategy):
    """k-means++ seeds among the gradients that the most probable label would give a linear classifier.

    Ash et al. 2020, "Deep Batch Active Learning by Diverse, Uncertain Gradient Lower Bounds", algorithm 1.
    """

    kind: Literal["badge"] = "badge"

    def choose(self, pool: Pool, count: int, seed: int) -> list[int]:
        """Return places in the pool; see `Strategy.choose`."""
        error_NC = pool.probability_NC.copy()
        error_NC[np.arange(len(error_NC)), error_NC.argmax(axis=1)] -= 1
        gradient = (error_NC[:, :, None] * pool.X_ND[:, None, :]).reshape(len(error_NC), -1)
        if count >= len(gradient):
            return list(range(len(gradient)))
        _, places = sklearn.cluster.kmeans_plusplus(gradient, count, random_state=seed)
        found = list(dict.fromkeys(int(place) for place in places))
        return found + [place for place in range(len(gradient)) if place not in found][: count - len(found)]


PLUGIN = Badge
