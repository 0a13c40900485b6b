"""Exact search for the nearest keys of other motors: the same neighbours for any batch and any number of threads.

Candidates come from one product of matrices in float32, whose last bits depend on the batch and the threads; their
distances are then computed anew in float64, each by itself, and a bound on the rounding proves that no other key can
be nearer. Where it cannot prove that, more candidates are looked at.

Shapes: N keys, Q queries, D numbers of a key, E = D + 1 of a key and minus half its square, K neighbours, C candidates,
B blocks of keys.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from motor.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

AT_ONCE = 64  # queries
CHUNK = 131072  # keys; their scores take 32 MB
TILE = 8192  # keys; their scores stay in a core's cache until the highest of each block is known
BLOCK = 32  # scores of which the highest is looked at first; a tile is whole blocks
MARGIN = 4  # candidates beyond those that are asked for
EPSILON = 2.0**-23  # float32's


class OwnMotorError(AssertionError):
    """A window was given neighbours of its own motor: what is learned from them is not there for a new motor."""


class Neighbours(NamedTuple):
    """The nearest keys of each query, nearest first; of equally near ones the one that came first into the memory.

    Attributes
    ----------
    square_QK : ndarray of shape (n_queries, k), float64
        Squared distances.
    place_QK : ndarray of shape (n_queries, k), int64
        Places among the keys.
    """

    square_QK: np.ndarray
    place_QK: np.ndarray


@dataclass(frozen=True)
class _Ordered:
    """Keys with those of a motor side by side, so that a motor is left out by a slice."""

    keys_NE: "Tensor"
    place_N: np.ndarray
    of_motor: dict[str, slice]

    @property
    def keys_ND(self) -> "Tensor":
        return self.keys_NE[:, :-1]

    @cached_property
    def longest(self) -> float:
        """The largest norm of a key."""
        return float(-2 * self.keys_NE[:, -1].min()) ** 0.5


class ExactSearch:
    """Exact search: every key is compared with every query.

    Parameters
    ----------
    keys_ND : Tensor of shape (n_keys, n_numbers), float32
    motors : sequence of str
        Whose window each key is of.
    """

    def __init__(self, keys_ND: "Tensor", motors: "Sequence[str] | np.ndarray") -> None:
        motor_N = np.asarray(motors, dtype=object)
        if keys_ND.ndim != 2 or len(keys_ND) != len(motor_N):
            raise ValueError(
                f"keys have shape {tuple(keys_ND.shape)}; one motor a key is due, there are {len(motor_N)}"
            )
        self.motor_N = motor_N
        order_N, of_motor = in_order(motor_N)
        keys_NE = torch.cat([keys_ND.float()[order_N], keys_ND.new_empty(len(keys_ND), 1, dtype=torch.float32)], dim=1)
        keys_NE[:, -1] = (keys_NE[:, :-1] ** 2).sum(dim=1) / -2
        self._ordered = _Ordered(keys_NE, order_N, of_motor)

    def __len__(self) -> int:
        return len(self.motor_N)

    def n_others(self, motor: str) -> int:
        """Return how many keys are of other motors."""
        own = self._ordered.of_motor.get(motor, slice(0, 0))
        return len(self) - (own.stop - own.start)

    def nearest(self, queries_QD: "Tensor", k: int, motor_Q: Sequence[str]) -> Neighbours:
        """Return the `k` nearest keys of each query, none of the query's own motor.

        Parameters
        ----------
        queries_QD : Tensor of shape (n_queries, n_numbers)
        k : int
        motor_Q : sequence of str
            Whose window each query is of; a motor that is not in the memory leaves nothing out.

        Raises
        ------
        ValueError
            If there are fewer than `k` keys of other motors.
        OwnMotorError
            If a neighbour is of the query's own motor, which would be a fault of this search.
        """
        motors = [str(motor) for motor in motor_Q]
        for motor in sorted(set(motors)):
            if self.n_others(motor) < k:
                raise ValueError(
                    f"{k} neighbours are asked for, but the memory holds {self.n_others(motor)} windows of other "
                    f"motors than {motor!r}; set top_k lower, or give more motors"
                )
        parts = [range(first, min(first + AT_ONCE, len(motors))) for first in range(0, len(motors), AT_ONCE)]
        found = [
            self._nearest(queries_QD[part.start : part.stop].float(), k, motors[part.start : part.stop])
            for part in parts
        ]
        empty = Neighbours(np.zeros((0, k)), np.zeros((0, k), dtype=np.int64))
        together = Neighbours(*map(np.concatenate, zip(*found, strict=True))) if found else empty
        check_others(motors, self.motor_N[together.place_QK])
        return together

    def _nearest(self, queries_QD: "Tensor", k: int, motors: list[str]) -> Neighbours:
        n_candidates = min(k + MARGIN, len(self))
        square_QK, place_QK = np.empty((len(motors), k)), np.empty((len(motors), k), dtype=np.int64)
        left_L = np.arange(len(motors))
        while len(left_L):
            score_QC, row_QC = self._candidates(queries_QD[left_L], n_candidates, [motors[i] for i in left_L])
            square_QC, place_QC = self._measured(queries_QD[left_L], score_QC, row_QC)
            proven_L = self._is_proven(queries_QD[left_L], score_QC, square_QC[:, k - 1], n_candidates)
            done_L = left_L[proven_L]
            square_QK[done_L], place_QK[done_L] = square_QC[proven_L, :k], place_QC[proven_L, :k]
            left_L, n_candidates = left_L[~proven_L], min(4 * n_candidates, len(self))
        return Neighbours(square_QK, place_QK)

    def _candidates(self, queries_QD: "Tensor", count: int, motors: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return the highest scores and their rows; a score is half the squared distance, less what all keys share."""
        ordered, scores, rows = self._ordered, [], []
        query_EQ = torch.cat([queries_QD, torch.ones_like(queries_QD[:, :1])], dim=1).T.contiguous()
        own_Q = [ordered.of_motor.get(motor, slice(0, 0)) for motor in motors]
        own_2Q = torch.tensor([[own.start for own in own_Q], [own.stop for own in own_Q]], device=queries_QD.device)
        for first in range(0, len(self), CHUNK):
            keys_NE = ordered.keys_NE[first : first + CHUNK]
            best = _highest(*_scored(keys_NE, query_EQ), own_2Q - first, min(count, len(keys_NE)))
            scores.append(best.values)
            rows.append(best.indices + first)
        score_QC, place_QC = torch.cat(scores, dim=1).topk(count, dim=1, sorted=False)
        return score_QC.cpu().numpy(), torch.cat(rows, dim=1).gather(1, place_QC).cpu().numpy()

    def _measured(
        self, queries_QD: "Tensor", score_QC: np.ndarray, row_QC: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return exact distances and places of candidates, nearest first; what was left out is infinitely far."""
        keys_QCD = self._ordered.keys_ND[row_QC].cpu().numpy().astype(np.float64)
        apart_QCD = keys_QCD - queries_QD.cpu().numpy().astype(np.float64)[:, None]
        square_QC = np.einsum("qcd,qcd->qc", apart_QCD, apart_QCD)
        square_QC[np.isneginf(score_QC)] = np.inf
        place_QC = self._ordered.place_N[row_QC]
        order_QC = np.lexsort((place_QC, square_QC))
        return np.take_along_axis(square_QC, order_QC, 1), np.take_along_axis(place_QC, order_QC, 1)

    def _is_proven(
        self, queries_QD: "Tensor", score_QC: np.ndarray, farthest_Q: np.ndarray, n_candidates: int
    ) -> np.ndarray:
        """Tell for which queries no key that was not looked at can be as near as the farthest neighbour.

        A dot product of D numbers is off by at most D epsilon times the norms' product (Higham 2002, Accuracy and
        Stability of Numerical Algorithms, section 3.1), and so is the half square that is its last summand.
        """
        if n_candidates == len(self):
            return np.ones(len(farthest_Q), dtype=bool)
        norm_Q = queries_QD.double().norm(dim=1).cpu().numpy()
        longest = self._ordered.longest
        off_Q = (queries_QD.shape[1] + 4) * EPSILON * longest * (norm_Q + longest)
        least_Q = norm_Q**2 - 2 * (score_QC.min(axis=1) + off_Q)
        return farthest_Q < least_Q


class _Highest(NamedTuple):
    values: "Tensor"
    indices: "Tensor"


def _scored(keys_NE: "Tensor", query_EQ: "Tensor") -> tuple["Tensor", "Tensor"]:
    """Return all scores, (N, Q), and the highest of each whole block, (B, Q)."""
    n_keys, n_queries = len(keys_NE), query_EQ.shape[1]
    score_NQ = query_EQ.new_empty(n_keys, n_queries)
    highest_BQ = query_EQ.new_empty(n_keys // BLOCK, n_queries)
    for first in range(0, n_keys, TILE):
        end = min(first + TILE, n_keys)
        torch.mm(keys_NE[first:end], query_EQ, out=score_NQ[first:end])
        blocks = slice(first // BLOCK, end // BLOCK)
        block_BNQ = score_NQ[first : blocks.stop * BLOCK].unflatten(0, (-1, BLOCK))
        torch.amax(block_BNQ, dim=1, out=highest_BQ[blocks])
    return score_NQ, highest_BQ


def _highest(score_NQ: "Tensor", highest_BQ: "Tensor", own_2Q: "Tensor", count: int) -> _Highest:
    """Return the highest scores of each query, minus infinity for its own rows.

    The highest `count` lie in that many blocks. Blocks of own rows alone are passed over; the two in which own rows
    begin and end may be taken in vain.

    Parameters
    ----------
    own_2Q : Tensor of shape (2, n_queries), int64
        From which row to which; what lies outside of these scores is cut off.
    """
    n_scores, n_blocks = len(score_NQ), len(highest_BQ)
    for query, (begin, end) in enumerate(own_2Q.clamp(0, n_scores).T.tolist()):
        highest_BQ[-(-begin // BLOCK) : end // BLOCK, query] = -torch.inf
    block_QC = highest_BQ.T.topk(min(count + 2, n_blocks), dim=1, sorted=False).indices
    place_QN = (block_QC[..., None] * BLOCK + torch.arange(BLOCK, device=score_NQ.device)).flatten(1)
    rest_QN = torch.arange(n_blocks * BLOCK, n_scores, device=score_NQ.device).expand(len(place_QN), -1)
    place_QN = torch.cat([place_QN, rest_QN], dim=1)
    begin_Q1, end_Q1 = own_2Q[..., None]
    is_own_QN = (place_QN >= begin_Q1) & (place_QN < end_Q1)
    best = score_NQ.T.gather(1, place_QN).masked_fill(is_own_QN, -torch.inf).topk(count, dim=1, sorted=False)
    return _Highest(best.values, place_QN.gather(1, best.indices))


def in_order(motor_N: np.ndarray) -> tuple[np.ndarray, dict[str, slice]]:
    """Return an order in which keys of a motor stand side by side, and where each motor's stand in it.

    Parameters
    ----------
    motor_N : ndarray of shape (n_keys,), str
    """
    motors, number_N = np.unique(motor_N.astype(str), return_inverse=True)
    order_N = np.argsort(number_N, kind="stable")
    ends = np.cumsum(np.bincount(number_N, minlength=len(motors)))
    begins = [0, *ends[:-1].tolist()] if len(ends) else []
    return order_N, {str(motor): slice(a, b) for motor, a, b in zip(motors, begins, ends.tolist(), strict=True)}


def check_others(motor_Q: Sequence[str], motor_QK: np.ndarray) -> None:
    """Raise OwnMotorError if a window was given a neighbour of its own motor.

    A machine repeats itself: on real bearings neighbours among the own motor's other recordings were 1.6 to 2.2 times
    better than those of a new motor, so a gate or a head that is trained on them trusts what will not come.

    Parameters
    ----------
    motor_Q : sequence of str
    motor_QK : ndarray of shape (n_queries, k), str
        Of the neighbours.
    """
    own_QK = np.asarray(motor_QK, dtype=object) == np.asarray(motor_Q, dtype=object)[:, None]
    if own_QK.any():
        row = int(np.flatnonzero(own_QK.any(axis=1))[0])
        raise OwnMotorError(
            f"{int(own_QK.any(axis=1).sum())} of {len(own_QK)} windows were given neighbours of their own motor, the "
            f"first of {motor_Q[row]!r}; leave out all windows of the motor, not those alone that overlap"
        )
