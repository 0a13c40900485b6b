"""Duplicates and near-duplicates across the split: copies, also with another gain, offset or sign, noise, or cut."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from motor.audit.fingerprint import Fingerprint, fingerprint, hashes, reach_for
from motor.audit.outcome import SHOWN, Finding, Outcome
from motor.lazy import scipy

if TYPE_CHECKING:
    import pandas as pd

WHAT = "Is no recording on one side a copy of one on another, or of a part of it?"
FEWEST_VOTES, FEWEST_ROUNDED, FEWEST_BENEATH = 3, 1, 5  # hashes that agree on a shift
MOST_IN_BUCKET = 20  # recordings with the same hash: more means periodic signals, whose hashes tell nothing
MOST_CONFIRMED, MOST_ALIGNED, MOST_OF_SHORT = 4000, 1000, 2000
USUAL = 2**16  # samples of a recording: of shorter ones, more pairs are laid over one another in the same time
MOST_ROUNDED = 3000  # recordings
KEPT = 128  # spectra
LENGTHS = 64  # for which windows are kept; overlaps have fast lengths, of which there are few
BY_CHANCE_AT_ANY = 5.0  # over the root of the bins: what phases of unlike recordings reach at the best of all lags
TOLERANCE = 4  # samples: noise moves a landmark by one or two
# At the lag at which phases agree best, unlike machines reach 0.22 (simulated blows that fall together); copies with a
# tenth of noise, cut and resampled, 0.30 and more (HIT-SM at 6.4 kHz).
LEAST_COHERENCE, LEAST_AT_ANY_LAG = 0.15, 0.27
# Noise hides the weak bins of a copy, not those this far above the weakest quarter. In them unlike machines reach 0.38
# (HIT-SM) and 0.57 (simulated), by blows that fall together; copies with a tenth of noise 0.69 and more.
STRONG, LEAST_OF_STRONG = 3.0, 0.65
IN_DOUBT = 1.3  # over the root of the bins: where they are few, a copy's agree by so much less
# In the bins so far above it copies with a tenth of noise, cut, and resampled to 1.6 kHz reach 0.28 and more, though
# noise has most of their bins. Unlike machines reach it where phases agree best, but then their strong bins disagree:
# those of none of 4950 pairs of HIT-SM at 1.6, 3.2 and 6.4 kHz come as far as LEAST_OF_STRONG.
LOUD, LEAST_OF_LOUD = 1.5, 0.27
LONGEST = 2**17  # samples that are compared
LEAST_OVERLAP, LEAST_SHARE = 64, 0.2  # samples, and of the shorter recording: in less, lines cannot be told apart
BLOCK = 64  # bins of a spectrum, whose median tells the broadband part
LINE = 3.5  # times the median: one in 5000 bins of noise reaches it
LEAST_BINS = 24
# Random phases of n bins correlate by some 1.5 / sqrt(n) at the best of a few lags; among millions of pairs by 5. Where
# bins are few (128 samples have some 50), unlike machines reach 0.67; copies with a tenth of noise 0.9 and more.
BY_CHANCE, MOST_BY_CHANCE = 7.0, 0.75
# Bins within NEAR of a line are its own, or are left out with it; beyond FAR nothing is left of it.
NEAR, FAR, ABOVE_SKIRTS = 4, 4096, 2.0


@dataclass(frozen=True)
class Pair:
    """Two recordings, and by how many samples the second begins later in the first (negative: earlier)."""

    first: int
    second: int
    shift: int


def duplicates(
    recordings: "pd.DataFrame",
    crosses: Callable[[int, int], bool],
    prints: list[Fingerprint],
    signal: Callable[[int], np.ndarray],
) -> Outcome:
    """Find copies on different sides of a fold.

    Parameters
    ----------
    recordings : DataFrame
        One row a recording, in the order of `prints`: item, motor.
    crosses : callable
        Whether two recordings are on different sides in some fold.
    prints : list of Fingerprint
    signal : callable
        Returns a recording's samples, for confirming a candidate.

    Returns
    -------
    Outcome
        The finding is called ``duplicates``.
    """
    exact = [pair for pair in same_digest(prints) if crosses(pair.first, pair.second)]
    known = {(pair.first, pair.second) for pair in exact}
    near = [pair for pair in near_copies(prints, crosses, signal) if (pair.first, pair.second) not in known]
    if not exact and not near:
        return Outcome.of("duplicates", WHAT, ())
    items = recordings["item"].tolist()
    shown = [f"{items[pair.first]} = {items[pair.second]}" for pair in [*exact, *near]]
    finding = Finding(
        name="duplicates",
        what=f"{len(exact) + len(near)} pairs of recordings on different sides of the split are copies of one another.",
        evidence={"n_exact": len(exact), "n_near": len(near), "pairs": shown[:SHOWN]},
        next_step="Take the copies out, or give both the same motor.",
    )
    return Outcome.of("duplicates", WHAT, (finding,))


def same_digest(prints: list[Fingerprint]) -> list[Pair]:
    """Return each recording with the first other that has the same samples."""
    first: dict[bytes, list[int]] = {}
    for number, found in enumerate(prints):
        if found.digest:
            first.setdefault(found.digest, []).append(number)
    groups = [numbers for numbers in first.values() if len(numbers) > 1]
    return [
        Pair(one, other, 0)
        for numbers in groups
        for place, one in enumerate(numbers[:MOST_IN_BUCKET])
        for other in numbers[place + 1 : MOST_IN_BUCKET]
    ]


def near_copies(
    prints: list[Fingerprint], crosses: Callable[[int, int], bool], signal: Callable[[int], np.ndarray]
) -> list[Pair]:
    """Return the candidates whose signals confirm it.

    Landmarks that were moved by resampling agree by rounded distances alone, and of periodic signals on a wrong shift
    as well as on the right one. So those pairs are laid over one another where their phases agree best. Where blows
    at equal intervals make every landmark, all distances are one: there what lies beneath the lines has landmarks.
    """
    found = {
        (pair.first, pair.second): pair
        for pair in candidates(prints, crosses)
        if is_copy(signal(pair.first), signal(pair.second), pair.shift)
    }
    if len(prints) > MOST_ROUNDED:
        return list(found.values())
    heard = lru_cache(KEPT)(lambda number, n_padded: _heard(signal(number)[:LONGEST], n_padded))
    length = float(np.median([len(signal(number)) for number in range(len(prints))])) if prints else USUAL
    most = int(np.clip(MOST_ALIGNED * USUAL / length, MOST_ALIGNED, MOST_OF_SHORT))
    beneath = [beneath_lines(signal(number)[:LONGEST], reach_for(length)) for number in range(len(prints))]
    moved = [
        *candidates(prints, crosses, FEWEST_ROUNDED, most, is_rounded=True),
        *candidates(beneath, crosses, FEWEST_BENEATH, MOST_ALIGNED, is_rounded=True),
    ]
    for key in dict.fromkeys((pair.first, pair.second) for pair in moved):
        shift = None if key in found else _best_shift(*key, signal, heard)
        if shift is not None and is_copy(signal(key[0]), signal(key[1]), shift, LEAST_AT_ANY_LAG):
            found[key] = Pair(*key, shift)
    return list(found.values())


def beneath_lines(signal: np.ndarray, reach: int) -> Fingerprint:
    """Return where the landmarks lie of a signal's strong bins beside its lines, each as loud as the others."""
    if signal.min() == signal.max():
        return Fingerprint(b"", np.empty(0, np.int32))
    n_padded = scipy.fft.next_fast_len(len(signal), real=True)
    phases, _, level = _heard(signal, n_padded)
    broad = scipy.fft.irfft(np.where(level >= 3, phases, 0), n_padded)[: len(signal)]
    return fingerprint(broad.astype(np.float32), reach)


def candidates(
    prints: list[Fingerprint],
    crosses: Callable[[int, int], bool],
    fewest: int = FEWEST_VOTES,
    most: int = MOST_CONFIRMED,
    is_rounded: bool = False,
) -> Iterable[Pair]:
    """Return pairs that share so many hashes at one shift, those with most first, and no more than `most`."""
    code, owner, begin = hashes(prints, is_rounded)
    order = np.argsort(code, kind="stable")
    code, owner, begin = code[order], owner[order], begin[order]
    pairs, shifts, votes = _agreeing(*_matches(code, owner, begin), fewest)
    most_first = np.lexsort((pairs[:, 1], pairs[:, 0], -votes))  # a pair's best shift comes before its others
    best: dict[tuple[int, int], int] = {}
    for one, other, shift in zip(*pairs[most_first].T.tolist(), shifts[most_first].tolist(), strict=True):
        best.setdefault((one, other), shift)
    across = ((pair, shift) for pair, shift in best.items() if crosses(*pair))
    for _, ((one, other), shift) in zip(range(most), across, strict=False):
        yield Pair(one, other, shift)


def _matches(
    code: NDArray[np.int64], owner: NDArray[np.int32], begin: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return pairs of recordings (n, 2) with the same hash, and the shift between them (n,)."""
    starts = np.flatnonzero(np.diff(code, prepend=-1) != 0)
    size = np.repeat(np.diff(starts, append=len(code)), np.diff(starts, append=len(code)))
    pairs, shifts = [np.empty((0, 2), np.int32)], [np.empty(0, np.int64)]
    kept = np.flatnonzero(size <= MOST_IN_BUCKET)
    code, owner, begin = code[kept], owner[kept], begin[kept]
    for step in range(1, MOST_IN_BUCKET):
        same = np.flatnonzero(code[step:] == code[:-step])
        if not len(same):
            break
        one, other = owner[same], owner[same + step]
        shift = begin[same].astype(np.int64) - begin[same + step]
        turned = one > other
        pairs.append(np.stack([np.where(turned, other, one), np.where(turned, one, other)], axis=1)[one != other])
        shifts.append(np.where(turned, -shift, shift)[one != other])
    return np.concatenate(pairs), np.concatenate(shifts)


def _agreeing(
    pairs: NDArray[np.int32], shifts: NDArray[np.int64], fewest: int
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs (n, 2), shifts (n,) and how many hashes agree on them (n,), a few samples more or less."""
    order = np.lexsort((shifts, pairs[:, 1], pairs[:, 0]))
    pairs, shifts = pairs[order], shifts[order]
    breaks = (np.diff(pairs, axis=0) != 0).any(axis=1) | (np.diff(shifts) > TOLERANCE)
    starts = np.concatenate([[0], np.flatnonzero(breaks) + 1, [len(shifts)]])
    votes = np.diff(starts)
    enough = votes >= fewest
    starts, votes = starts[:-1][enough], votes[enough]
    return pairs[starts], shifts[starts + votes // 2], votes


def is_copy(one: np.ndarray, other: np.ndarray, shift: int, least: float = LEAST_COHERENCE) -> bool:
    """Whether two signals, laid over one another, have the same phases over a broad band.

    Parameters
    ----------
    one, other : ndarray of shape (n_samples,), float32
    shift : int
        Sample ``shift`` of `one` lies on sample 0 of `other`.
    least : float
        Phase correlation that a copy has at least; more where the shift was chosen by it.

    Notes
    -----
    Generalised cross-correlation with the phase transform (Knapp & Carter, IEEE Trans. ASSP 24, 1976): every
    frequency counts the same, so that tones of machines at one speed, a few lines among thousands, count for nothing.
    Two recordings of one machine type reach some 4 / sqrt(n_samples); a copy with a tenth of noise most of 1.
    """
    begin, end = max(shift, 0), min(len(one), len(other) + shift)
    if end - begin < max(LEAST_OVERLAP, LEAST_SHARE * min(len(one), len(other))):
        return False
    n_samples = scipy.fft.prev_fast_len(min(end - begin, LONGEST), real=True)
    found = coherence(one[begin : begin + n_samples], other[begin - shift : begin - shift + n_samples])
    if found.of_strong <= LEAST_OF_STRONG:
        return False
    if least == LEAST_AT_ANY_LAG and found.of_loud > LEAST_OF_LOUD:
        return True
    return found.value > max(least, min(MOST_BY_CHANCE, BY_CHANCE / np.sqrt(max(found.n_bins, 1))))


class Coherence(NamedTuple):
    """The phase correlation of two signals, from 0 to 1, of how many bins it is, and that of strong and of loud bins.

    Of strong ones it is 1 where they are too few to tell; of loud ones 0 there, where it may be by chance, and where
    strong ones disagree, as the first then is.
    """

    value: float
    n_bins: int
    of_strong: float = 1.0
    of_loud: float = 0.0


def coherence(one: np.ndarray, other: np.ndarray) -> Coherence:
    """Return the largest phase correlation of two signals of one length, at a lag of a few samples.

    Lines, which stand out of their surroundings, are left out: blows at equal intervals have hundreds. So is what may
    be nothing but the window's skirts of stronger bins, say in the empty band above a recorder's filter: skirts have
    one phase, whatever the recording.
    """
    (of_one, heard_of_one, level_of_one), (of_other, heard_of_other, level_of_other) = (
        _heard(part, len(one)) for part in (one, other)
    )
    phases, heard = of_one * np.conj(of_other), heard_of_one & heard_of_other
    level = np.minimum(level_of_one, level_of_other) * heard
    n_heard, n_loud, n_strong = (int(np.count_nonzero(level >= least)) for least in (1, 2, 3))
    if n_heard < LEAST_BINS:
        return Coherence(0.0, n_heard)
    of_strong = 1.0
    if n_strong >= LEAST_BINS:
        of_strong = _largest(np.where(level >= 3, phases, 0), n_strong, len(one)) + IN_DOUBT / np.sqrt(n_strong)
    if of_strong <= LEAST_OF_STRONG:
        return Coherence(0.0, n_heard, of_strong)
    value = _largest(phases, n_heard, len(one))
    if n_loud < LEAST_BINS:
        return Coherence(value, n_heard, of_strong)
    of_loud = _largest(np.where(level >= 2, phases, 0), n_loud, len(one))
    return Coherence(value, n_heard, of_strong, of_loud if of_loud > BY_CHANCE_AT_ANY / np.sqrt(n_loud) else 0.0)


def _largest(phases: NDArray[np.complexfloating], n_bins: int, n_samples: int) -> float:
    """Return the largest correlation of some bins' phases at a lag of a few samples.

    At half samples, too: what was resampled need not lie on the same grid.
    """
    correlation = np.abs(scipy.fft.irfft(phases, 2 * n_samples)) * (2 * len(phases) / n_bins)
    return float(max(correlation[: 2 * TOLERANCE + 1].max(), correlation[-2 * TOLERANCE :].max()))


def _best_shift(
    first: int,
    second: int,
    signal: Callable[[int], np.ndarray],
    heard: Callable[[int, int], tuple[NDArray[np.complexfloating], NDArray[np.bool_], NDArray[np.uint8]]],
) -> int | None:
    """Return at which sample of a recording the first of another lies, by its phases; None if they agree nowhere."""
    n_first, n_second = (min(len(signal(number)), LONGEST) for number in (first, second))
    n_padded = scipy.fft.next_fast_len(2 * max(n_first, n_second), real=True)
    (one, heard_of_one, _), (other, heard_of_other, _) = heard(first, n_padded), heard(second, n_padded)
    n_heard = int(np.count_nonzero(heard_of_one & heard_of_other))
    correlation = np.abs(scipy.fft.irfft(one * np.conj(other), n_padded))
    lag = int(np.argmax(correlation))
    if float(correlation[lag]) * len(one) <= BY_CHANCE_AT_ANY * np.sqrt(max(n_heard, 1)):
        return None
    return lag if lag < n_first else lag - n_padded


def _heard(
    signal: np.ndarray, n_padded: int
) -> tuple[NDArray[np.complexfloating], NDArray[np.bool_], NDArray[np.uint8]]:
    """Return a spectrum's phases, 0 where a bin is not heard, which are, and their levels: 1, loud 2, strong 3."""
    spectrum = scipy.fft.rfft((signal - signal.mean()) * _window(len(signal)), n_padded)
    magnitude = np.abs(spectrum)
    heard = _broadband(magnitude) & (magnitude > ABOVE_SKIRTS * _skirts(magnitude))
    weak = np.quantile(magnitude[heard], 0.25) if heard.any() else 0.0
    level = 1 + (magnitude > LOUD * weak).astype(np.uint8) + (magnitude > STRONG * weak)
    return np.where(heard, spectrum / np.maximum(magnitude, 1e-30), 0), heard, level


@lru_cache(maxsize=LENGTHS)  # it takes as long as the transform
def _window(n_samples: int) -> NDArray[np.float32]:
    window: NDArray[np.float32] = scipy.signal.windows.hann(n_samples, sym=False).astype(np.float32)
    return window


def _skirts(magnitude: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the most that the other bins can leak into each bin by a Hann window.

    At a distance of d bins its transform is below 1 / (pi d (d^2 - 1)) of its peak (Harris, Proc. IEEE 66, 1978).
    """
    n_bins = len(magnitude)
    around, n_padded = _leakage(n_bins)
    leaked: NDArray[np.floating] = scipy.fft.irfft(
        scipy.fft.rfft(magnitude.astype(np.float64), n_padded) * around, n_padded
    )
    return leaked[:n_bins]


@lru_cache(maxsize=LENGTHS)
def _leakage(n_bins: int) -> tuple[NDArray[np.complex128], int]:
    """Return the spectrum of what a bin leaks into those on both sides, and the length that it is taken at."""
    distance = np.arange(NEAR, min(FAR, max(n_bins, NEAR + 1)), dtype=np.float64)
    n_padded = scipy.fft.next_fast_len(n_bins + int(distance[-1]), real=True)  # what goes round meets nothing
    leaks = np.zeros(n_padded)
    leaks[NEAR : NEAR + len(distance)] = 1 / (np.pi * distance * (distance**2 - 1))
    leaks[1:] += leaks[:0:-1]
    return scipy.fft.rfft(leaks), n_padded


def _broadband(magnitude: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return which bins are neither a line nor below what float32 can hold beside the strongest one."""
    n_blocks = max(1, len(magnitude) // BLOCK)
    edges = np.linspace(0, len(magnitude), n_blocks + 1).astype(int)
    sizes = np.diff(edges)
    medians = np.empty(n_blocks, dtype=magnitude.dtype)
    for size in np.unique(sizes):  # two at most
        begins = edges[:-1][sizes == size]
        medians[sizes == size] = np.median(magnitude[begins[:, None] + np.arange(size)], axis=1)
    line = magnitude > LINE * np.repeat(medians, sizes)
    beside = line.copy()  # a Hann window's line is three bins wide, and its skirts some more
    for step in (1, 2):
        beside[step:] |= line[:-step]
        beside[:-step] |= line[step:]
    heard: NDArray[np.bool_] = ~beside & (magnitude > 1e-6 * magnitude.max())
    return heard
