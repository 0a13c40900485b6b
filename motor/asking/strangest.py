"""Ask for one recording of each of the strangest motors: for few labels, which hold hardly any fault."""

from typing import Literal

import numpy as np
from pydantic import Field

from motor.asking.base import Pool, Strategy
from motor.lazy import sklearn


class Strangest(Strategy):
    """Of the strangest motors those of which the model is least sure; a motor's other recordings come last.

    Where healthy motors are many and labels few, a batch at random holds hardly a fault. The very strangest are the
    severest, and alike: they teach less than those among the strange that a model cannot name (`benchmarks.asking`).

    Attributes
    ----------
    wider : int
        Among how many times as many strange motors as are asked for the least sure are taken.
    """

    kind: Literal["strangest"] = "strangest"
    wider: int = Field(default=3, ge=1)

    def choose(self, pool: Pool, count: int, seed: int) -> list[int]:
        """Return places in the pool; see `Strategy.choose`."""
        strange_N = self._strangeness(pool)
        motor_N = np.arange(len(strange_N)) if pool.motor_N is None else pool.motor_N
        order = np.argsort(-strange_N, kind="stable")
        of_motors = order[np.sort(np.unique(motor_N[order], return_index=True)[1])]  # each motor's strangest
        strange = of_motors[: self.wider * count]
        unsure = strange[np.argsort(pool.margin_N()[strange], kind="stable")]
        ranked = dict.fromkeys(int(place) for place in (*unsure, *of_motors, *order))
        return list(ranked)[:count]

    def _strangeness(self, pool: Pool) -> np.ndarray:
        """Return what the pool says, else the distance to what is known, else to the pool's centre."""
        if pool.strange_N is not None:
            return pool.strange_N
        if not len(pool.known_MD):
            return np.asarray(np.linalg.norm(pool.X_ND - pool.X_ND.mean(axis=0), axis=1))

        return np.asarray(sklearn.metrics.pairwise_distances_argmin_min(pool.X_ND, pool.known_MD)[1])


PLUGIN = Strangest
