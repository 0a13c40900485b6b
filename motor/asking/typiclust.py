"""Ask for the most typical item of each cluster without a label: for few labels."""

from typing import Literal

import numpy as np

from motor.asking.base import Pool, Strategy, clusters
from motor.lazy import sklearn

NEIGHBOURS = 20
MOST_CLUSTERS = 500


class TypiClust(Strategy):
    """The densest item of each of the largest clusters without a label.

    Hacohen, Dekel and Weinshall 2022, "Active Learning on a Budget: Opposite Strategies Suit High and Low Budgets".
    """

    kind: Literal["typiclust"] = "typiclust"

    def choose(self, pool: Pool, count: int, seed: int) -> list[int]:
        """Return places in the pool; see `Strategy.choose`."""
        n_items, n_known = len(pool.X_ND), len(pool.known_MD)
        if n_items <= count:
            return list(range(n_items))
        both = np.concatenate([pool.X_ND, pool.known_MD]) if n_known else pool.X_ND
        of_cluster = clusters(both, min(n_known + count, MOST_CLUSTERS), seed)
        density_N = _density(pool.X_ND)
        known = np.bincount(of_cluster[n_items:], minlength=of_cluster.max() + 1)
        sizes = np.bincount(of_cluster[:n_items], minlength=of_cluster.max() + 1)
        left = [np.flatnonzero(of_cluster[:n_items] == cluster) for cluster in np.lexsort((-sizes, known))]
        ranked = [members[np.argsort(-density_N[members], kind="stable")] for members in left if len(members)]
        rounds = (members[turn] for turn in range(n_items) for members in ranked if turn < len(members))
        return [int(place) for place, _ in zip(rounds, range(count), strict=False)]


def _density(X_ND: np.ndarray) -> np.ndarray:
    """Return the inverse of the mean distance to the nearest items."""
    count = min(NEIGHBOURS, len(X_ND) - 1)
    distance, _ = sklearn.neighbors.NearestNeighbors(n_neighbors=count + 1).fit(X_ND).kneighbors(X_ND)
    return np.asarray(1 / (distance[:, 1:].mean(axis=1) + 1e-9))


PLUGIN = TypiClust
