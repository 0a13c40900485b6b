"""A memory: the series of training motors, kept whole; their windows are unfolded when they are asked for.

Shapes: S series, N windows, Q queries, K neighbours, T samples of a key's window, H samples after it.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from motor.lazy import safetensors, torch
from motor.retrieval.approximate import WORTH, ApproximateSearch
from motor.retrieval.keys import STILL, dual
from motor.retrieval.search import ExactSearch, Neighbours, check_others

if TYPE_CHECKING:
    from torch import Tensor

Index = Literal["exact", "approximate"]
NAMES = "names"  # in the file's metadata


class Remembered(NamedTuple):
    """A training series, in scaled units."""

    motor: str
    signal: np.ndarray


@dataclass(frozen=True)
class Memory:
    """Training series, kept side by side in one array.

    Attributes
    ----------
    samples : ndarray of shape (n_samples,), float32
    end_S : ndarray of shape (n_series,), int64
        Where in `samples` each series ends.
    motors : tuple of str
        Whose each series is.
    """

    samples: np.ndarray
    end_S: np.ndarray
    motors: tuple[str, ...]

    @classmethod
    def of(cls, series: Iterable[Remembered]) -> "Memory":
        """Return a memory of some series, in their order."""
        kept = list(series)
        signals = [np.asarray(one.signal, dtype=np.float32) for one in kept]
        ends = np.cumsum([len(signal) for signal in signals], dtype=np.int64)
        samples = np.concatenate(signals) if signals else np.zeros(0, dtype=np.float32)
        return cls(samples, ends, tuple(str(one.motor) for one in kept))

    def save(self, file: Path) -> None:
        """Write it as safetensors."""
        tensors = {"samples": self.samples, "end_S": self.end_S}
        safetensors.numpy.save_file(tensors, str(file), metadata={NAMES: json.dumps(list(self.motors))})

    @classmethod
    def load(cls, file: Path) -> "Memory":
        """Read what `save` wrote."""
        with safetensors.safe_open(str(file), "np") as opened:
            motors = tuple(json.loads(opened.metadata()[NAMES]))
            return cls(opened.get_tensor("samples"), opened.get_tensor("end_S"), motors)

    def unfolded(
        self, key_length: int, horizon: int, stride: int, value_share: float = 0.0, index: Index = "exact"
    ) -> "Unfolded":
        """Return its windows by shape, each with what followed.

        Parameters
        ----------
        key_length, horizon : int
            Samples that are compared, and samples that follow them.
        stride : int
            Samples from one window to the next.
        value_share : float
            How much mean and deviation count in a distance; the rest is shape.
        index : {"exact", "approximate"}
            How windows are searched for.

        Raises
        ------
        ValueError
            If no series is as long as a window, or all are of one motor.
        """
        length = key_length + horizon
        begin_S = np.concatenate([[0], self.end_S[:-1]]).astype(np.int64)
        starts = [
            np.arange(begin, end - length + 1, stride) for begin, end in zip(begin_S, self.end_S.tolist(), strict=True)
        ]
        motor_N = np.repeat(np.array(self.motors, dtype=object), [len(one) for one in starts])
        if len(set(motor_N.tolist())) < 2:
            has = f"windows of {len(set(motor_N.tolist()))} motors" if len(motor_N) else "no window"
            raise ValueError(
                f"a memory needs training series of two motors or more, for a window's own motor is left out; this one "
                f"has {has} of {length} samples ({key_length} compared, {horizon} after them); give more training "
                "motors or longer series, or set backbone.kind to linear"
            )
        start_N = np.concatenate(starts).astype(np.int64)
        offset_N = start_N - np.repeat(begin_S, [len(one) for one in starts])
        return Unfolded(self.samples, start_N, offset_N, motor_N, key_length, horizon, value_share, index)


@dataclass(frozen=True)
class Unfolded:
    """The windows of a memory, and the search among them.

    Attributes
    ----------
    samples : ndarray, float32
    start_N : ndarray of shape (n_windows,), int64
        Where in `samples` each window begins.
    offset_N : ndarray of shape (n_windows,), int64
        Where in its series it begins.
    motor_N : ndarray of shape (n_windows,), str
    key_length, horizon : int
    value_share : float
    index : {"exact", "approximate"}
    """

    samples: np.ndarray
    start_N: np.ndarray
    offset_N: np.ndarray
    motor_N: np.ndarray
    key_length: int
    horizon: int
    value_share: float = 0.0
    index: Index = "exact"

    @cached_property
    def search(self) -> "ExactSearch | ApproximateSearch":
        """Return the search among the windows' keys; where exact search would take long, it says what would not."""
        keys_ND = self.keys(torch.from_numpy(self._cut(self.start_N, self.key_length)))
        if self.index == "approximate":
            return ApproximateSearch(keys_ND, self.motor_N)
        if len(keys_ND) > WORTH:
            advice = "set index: approximate (pip install 'motor-grid[retrieval]'), or a larger stride"
            print(f"{len(keys_ND)} windows are searched one by one, some 6 ms each a million; {advice}", flush=True)
        return ExactSearch(keys_ND, self.motor_N)

    def keys(self, window_BT: "Tensor") -> "Tensor":
        """Return what windows are compared by: (B, numbers of a key)."""
        return dual(window_BT, self.key_length, self.value_share)

    def nearest(self, window_BT: "Tensor", k: int, motor_B: Sequence[str]) -> Neighbours:
        """Return the `k` nearest windows of other motors, whatever searched for them.

        Raises
        ------
        motor.retrieval.search.OwnMotorError
            If a neighbour is of the window's own motor.
        """
        found = self.search.nearest(self.keys(window_BT.cpu()), k, motor_B)
        check_others(motor_B, self.motor_N[found.place_QK])
        return found

    def pasts(self, place_QK: np.ndarray) -> np.ndarray:
        """Return some windows at their own mean and deviation: (Q, K, T), float32."""
        past_MT = self._cut(self.start_N[place_QK].ravel(), self.key_length)
        centred_MT = past_MT - past_MT.mean(axis=1, keepdims=True)
        scale_M1 = past_MT.std(axis=1, keepdims=True)
        return (centred_MT / np.where(scale_M1 > STILL, scale_M1, 1.0)).reshape(*place_QK.shape, self.key_length)

    def futures(self, place_QK: np.ndarray) -> np.ndarray:
        """Return what followed some windows, in units of each window's own mean and deviation: (Q, K, H), float32."""
        start_M = self.start_N[place_QK].ravel()
        past_MT = self._cut(start_M, self.key_length)
        loc_M1 = past_MT.mean(axis=1, keepdims=True)
        scale_M1 = past_MT.std(axis=1, keepdims=True)
        future_MH = self._cut(start_M + self.key_length, self.horizon) - loc_M1
        return (future_MH / np.where(scale_M1 > STILL, scale_M1, 1.0)).reshape(*place_QK.shape, self.horizon)

    def _cut(self, start_M: np.ndarray, length: int) -> np.ndarray:
        view = np.lib.stride_tricks.sliding_window_view(self.samples, length)
        return view[start_M]
