"""Random numbers counted from a key: those of many windows at once, each window's its own whatever the others are.

Shapes: B windows, K random numbers of a window.
"""

from collections.abc import Sequence
from functools import cache
from hashlib import sha256

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio, odd: SplitMix64's step
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def uniforms(keys: Sequence[np.ndarray], salts: Sequence[int], counts: Sequence[int]) -> list[np.ndarray]:
    """Return random numbers for several uses of some windows, by one draw.

    SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014): number k of a
    seed is a mix of ``seed + (k + 1) * GOLDEN``, so that any can be had without those before it. The seed is a mix of
    the window's key and the salt of the use.

    Parameters
    ----------
    keys : sequence of ndarray of uint64, shape (B,)
        For each use.
    salts : sequence of int
        One for each use: below 2**64.
    counts : sequence of int
        K of each use.

    Returns
    -------
    list of ndarray of float64, shape (B, K)
        Uniform over [0, 1), in steps of 2**-53.
    """
    if not salts:
        return []
    seed_BU = _mixed(np.stack(keys, axis=1) ^ np.array(salts, dtype=np.uint64))
    steps = np.concatenate([np.arange(1, count + 1, dtype=np.uint64) for count in counts]) * GOLDEN
    bits = _mixed(np.repeat(seed_BU, counts, axis=1) + steps)
    drawn = (bits >> np.uint64(11)) * 2.0**-53
    return np.split(drawn, np.cumsum(counts)[:-1], axis=1)


def _mixed(state: np.ndarray) -> np.ndarray:
    """Return SplitMix64's mix of each number."""
    state = (state ^ (state >> np.uint64(30))) * FIRST
    state = (state ^ (state >> np.uint64(27))) * SECOND
    return state ^ (state >> np.uint64(31))


@cache
def salt_of(name: str) -> int:
    """Number a use by its name, so that new ones do not renumber the old ones."""
    return int.from_bytes(sha256(name.encode()).digest()[:8])
