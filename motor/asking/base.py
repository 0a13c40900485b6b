"""The base of all strategies of asking: their input, and the order that they return."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from motor.lazy import sklearn
from motor.registry import Plugin, plugins


@dataclass(frozen=True)
class Pool:
    """The items that people may be asked about, with their features and what the newest model says of them.

    Shapes: N items that may be asked for, M that are labelled, D features, C classes.

    Attributes
    ----------
    X_ND : ndarray of float
        Features of the items, each with about the same spread.
    probability_NC : ndarray of float
        What the newest model says of them.
    known_MD : ndarray of float
        Features of what is labelled already.
    strange_N : ndarray of float, optional
        How unlike labelled normal recordings each item is; greater for the stranger.
    motor_N : ndarray of str, optional
        Whose recording each item is.
    """

    X_ND: np.ndarray
    probability_NC: np.ndarray
    known_MD: np.ndarray
    strange_N: np.ndarray | None = None
    motor_N: np.ndarray | None = None

    def margin_N(self) -> np.ndarray:
        """Return by how much the first class leads the second, (N,); little where the model is unsure."""
        if self.probability_NC.shape[1] < 2:
            return np.ones(len(self.probability_NC))
        second, first = np.sort(self.probability_NC, axis=1)[:, -2:].T
        return np.asarray(first - second)


class Strategy(Plugin):
    """Chooses items to ask for."""

    ROOM: ClassVar[str] = "motor.asking"

    def choose(self, pool: Pool, count: int, seed: int) -> list[int]:
        """Return places in the pool, the most wanted first.

        Parameters
        ----------
        pool : Pool
        count : int
            How many; all, where there are no more.
        seed : int
            The same pool and seed give the same choice.
        """
        raise NotImplementedError


def strategy(kind: str) -> Strategy:
    """Return the strategy of a name."""
    found: Strategy = plugins(Strategy.ROOM)[kind].model_validate({"kind": kind})  # type: ignore[assignment]
    return found


def clusters(X_ND: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return the number of each item's cluster by k-means, (N,): at most `count` clusters, fewer of few items."""
    count = min(count, len(np.unique(X_ND, axis=0)))
    return np.asarray(sklearn.cluster.KMeans(count, n_init=4, random_state=seed).fit_predict(X_ND))
