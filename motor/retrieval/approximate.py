"""Approximate search among many keys, by faiss' inverted lists: for memories that exact search is too slow for.

Shapes: N keys, Q queries, D numbers of a key, K neighbours, C candidates.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from motor.lazy import faiss
from motor.retrieval.search import Neighbours, check_others, in_order

if TYPE_CHECKING:
    from torch import Tensor

WORTH = 1_000_000  # windows; up to here exact search costs less than a step of a small forecaster
PER_LIST = 1000  # keys, about
PROBED = 32  # lists; recall was .9 and more where a tenth of the lists is looked into
CANDIDATES = 4  # times as many as are asked for, whose distances are computed anew
SEED = 1234


class ApproximateSearch:
    """Approximate search: keys lie in lists about their means, and the nearest lists are searched.

    A key that lies in a list that is not looked into is missed, so neighbours may differ from the exact ones; they are
    the same each time: lists are made on one thread, and the candidates' distances are computed anew in float64.

    Parameters
    ----------
    keys_ND : Tensor of shape (n_keys, n_numbers), float32
    motors : sequence of str
        Whose window each key is of.
    """

    def __init__(self, keys_ND: "Tensor", motors: "Sequence[str] | np.ndarray") -> None:
        self.motor_N = np.asarray(motors, dtype=object)
        self._place_N, self._of_motor = in_order(self.motor_N)
        self._keys_ND = np.ascontiguousarray(keys_ND.cpu().numpy(), dtype=np.float32)[self._place_N]
        n_lists = max(1, len(self._keys_ND) // PER_LIST)
        faiss.omp_set_num_threads(1)  # the order of sums decides the lists
        self._index: Any = faiss.index_factory(self._keys_ND.shape[1], f"IVF{n_lists},Flat")
        self._index.cp.seed = SEED
        self._index.train(self._keys_ND)
        self._index.add(self._keys_ND)

    def __len__(self) -> int:
        return len(self.motor_N)

    def n_others(self, motor: str) -> int:
        """Return how many keys are of other motors."""
        own = self._of_motor.get(motor, slice(0, 0))
        return len(self) - (own.stop - own.start)

    def nearest(self, queries_QD: "Tensor", k: int, motor_Q: Sequence[str]) -> Neighbours:
        """Return about the `k` nearest keys of each query, none of the query's own motor (see `ExactSearch.nearest`).

        Raises
        ------
        ValueError
            If fewer than `k` keys of other motors are found.
        """
        queries = np.ascontiguousarray(queries_QD.cpu().numpy(), dtype=np.float32)
        motors = np.asarray([str(motor) for motor in motor_Q], dtype=object)
        square_QK, place_QK = np.empty((len(motors), k)), np.empty((len(motors), k), dtype=np.int64)
        for motor in dict.fromkeys(motors.tolist()):  # a motor is left out by its range of places
            rows_Q = np.flatnonzero(motors == motor)
            row_QC = self._candidates(queries[rows_Q], min(CANDIDATES * k, self.n_others(motor)), motor)
            for row, found_C in zip(rows_Q.tolist(), row_QC, strict=True):
                square_QK[row], place_QK[row] = self._measured(queries[row], found_C[found_C >= 0], k, motor)
        check_others(motors.tolist(), self.motor_N[place_QK])
        return Neighbours(square_QK, place_QK)

    def _candidates(self, queries_QD: np.ndarray, count: int, motor: str) -> np.ndarray:
        """Return rows of keys of other motors, -1 where there are too few: (Q, C)."""
        own = self._of_motor.get(motor, slice(0, 0))
        others = faiss.IDSelectorNot(faiss.IDSelectorRange(own.start, own.stop))
        search = faiss.SearchParametersIVF(sel=others, nprobe=min(PROBED, self._index.nlist))
        found: np.ndarray = self._index.search(queries_QD, max(count, 1), params=search)[1]
        return found

    def _measured(self, query_D: np.ndarray, row_C: np.ndarray, k: int, motor: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the nearest of some candidates by distances in float64, equally near ones by place."""
        if len(row_C) < k:
            raise ValueError(
                f"{k} neighbours are asked for, but an approximate search finds {len(row_C)} windows of other motors "
                f"than {motor!r}; set top_k lower, or index: exact"
            )
        away_CD = self._keys_ND[row_C].astype(np.float64) - query_D.astype(np.float64)
        square_C, place_C = (away_CD**2).sum(axis=1), self._place_N[row_C]
        nearest_K = np.lexsort((place_C, square_C))[:k]
        return square_C[nearest_K], place_C[nearest_K]
