"""A recording's fingerprint: where its landmarks lie, whatever its gain, offset and sign, and where it was cut.

A landmark is a sample whose magnitude (about the mean) is the largest for some distance on both sides, as the peaks
of a spectrogram are in audio fingerprinting (Wang, Proc. ISMIR 2003). Most survive a little noise, and those of a
part are those of the whole. Hashes are the distances between successive landmarks, so two recordings that share
several hashes, all with the same shift between them, are candidates for being one.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LANDMARKS = 100  # of a recording of usual length
LEAST_REACH, MOST_REACH = 12, 2048
# Which of the next landmarks make a hash with the first: to skip one lets a pair survive a landmark lost to noise.
STEPS = ((1, 2), (1, 3), (2, 3))
STEPS_OF_MANY = ((1, 2, 3),)  # more selective, and fewer, where there are many recordings
MANY = 10_000
# Resampling moves a landmark by one, so distances are looked up in steps of two, too, begun at either of them.
EXACT, ROUNDED = (1, ((0, 0),)), (2, ((0, 0), (0, 1), (1, 0), (1, 1)))


@dataclass(frozen=True)
class Fingerprint:
    """What is kept of a recording to find its copies.

    Attributes
    ----------
    digest : bytes
        Of the samples as they are; empty where they are all the same.
    landmarks : ndarray of int32
        Positions, ascending.
    """

    digest: bytes
    landmarks: NDArray[np.int32]


def reach_for(median_length: float) -> int:
    """Return for how far a landmark is the largest, for recordings of this length."""
    return int(np.clip(median_length / (2 * LANDMARKS), LEAST_REACH, MOST_REACH))


def fingerprint(signal: np.ndarray, reach: int) -> Fingerprint:
    """Return the fingerprint of a signal of shape (n_samples,), float32."""
    if signal.min() == signal.max():
        return Fingerprint(b"", np.empty(0, np.int32))
    digest = hashlib.blake2b(signal.tobytes(), digest_size=16).digest()
    magnitude = np.abs(signal - signal.mean(dtype=np.float64).astype(np.float32))
    if len(signal) <= 2 * reach:
        return Fingerprint(digest, np.empty(0, np.int32))
    largest = _running_maximum(magnitude, 2 * reach + 1)
    inner = np.flatnonzero(magnitude[reach : reach + len(largest)] == largest) + reach
    return Fingerprint(digest, inner.astype(np.int32))


def _running_maximum(values: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Return the maximum of each `width` successive values, shape (n - width + 1,).

    Each window is the end of one block and the start of the next (van Herk, Pattern Recognit. Lett. 13, 1992).
    """
    n_blocks = -(-len(values) // width)
    blocks = np.pad(values, (0, n_blocks * width - len(values)), constant_values=-np.inf).reshape(n_blocks, width)
    so_far = np.maximum.accumulate(blocks, axis=1).ravel()
    to_come = np.maximum.accumulate(blocks[:, ::-1], axis=1)[:, ::-1].ravel()
    n_windows = len(values) - width + 1
    return np.maximum(to_come[:n_windows], so_far[width - 1 : width - 1 + n_windows])


def hashes(
    prints: list[Fingerprint], is_rounded: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
    """Return all hashes, and of each its recording and where it begins; rounded ones bear landmarks that moved."""
    width, roundings = ROUNDED if is_rounded else EXACT
    codes, owners, begins = [], [], []
    for owner, found in enumerate(prints):
        for steps in STEPS_OF_MANY if len(prints) > MANY else STEPS:
            n_hashes = len(found.landmarks) - steps[-1]
            if n_hashes <= 0:
                continue
            first = found.landmarks[:n_hashes]
            for number, moved in enumerate(roundings):
                code = np.full(n_hashes, len(steps) * 8 + steps[0] + 64 * number, dtype=np.int64)
                for step, begun in zip(steps, (*moved, 0), strict=False):
                    code = code * 100_003 + (found.landmarks[step : step + n_hashes] - first + begun) // width
                codes.append(code)
                begins.append(first)
                owners.append(np.full(n_hashes, owner, dtype=np.int32))
    if not codes:
        return np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.int32)
    return np.concatenate(codes), np.concatenate(owners), np.concatenate(begins)
