"""What the leak audit takes for copies: none of unlike recordings, and every planted one.

    python -m benchmarks.copies [--hit-sm FOLDER] [--pairs 10000] [--n-samples 65536]
        [--pieces 4] [--planted 40]

Unlike are recordings of different motors of HIT-SM, at the rate of the recorder and decimated by 2, 4 and 8 behind an
anti-alias filter (as every recorder has whose band ends below Nyquist), and of the simulator. They go through the whole
search, as in an audit. Planted are copies of some of them: cut, shifted, with another gain, sign and offset, with a
tenth of noise, and all of that resampled together with the original.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from scipy.signal import decimate

from motor.audit.duplicates import near_copies, same_digest
from motor.audit.fingerprint import fingerprint, reach_for
from motor.recordings.readers.manifest import Manifest
from motor.recordings.readers.simulator import Simulator

FACTORS = (1, 2, 4, 8)
KINDS = ("cut", "shifted", "gain", "noise", "all", "all, resampled by 4")
Signals = list[tuple[str, np.ndarray]]  # motor, signal


def measured(folder: Path, n_samples: int) -> tuple[Signals, float]:
    """Return the recordings of HIT-SM and their rate."""
    reader = Manifest(
        path=str(folder),
        columns={"motor": "motor_id"},
        domains=("self-built", "spectraquest"),
        classes=("normal", "inner_race", "outer_race"),
    )
    found = [(one.motor, one.signal[: n_samples * max(FACTORS)], one.sampling_rate_hz) for one in reader.read()]
    return [(motor, signal) for motor, signal, _ in found], found[0][2]


def simulated(n_pairs: int, n_samples: int) -> Signals:
    """Return recordings of the simulator, one a motor and sensor, that make so many pairs."""
    n_motors = next(n for n in range(3, 10_000, 3) if 2 * n * (2 * n - 1) / 2 - n >= n_pairs)
    plant = Simulator(motors_per_class=n_motors // 3, recordings_per_motor=1, n_samples=n_samples)
    return [(one.motor, one.signal) for one in plant.read()]


def taken_for_copies(signals: Sequence[np.ndarray], crosses: Callable[[int, int], bool]) -> set[tuple[int, int]]:
    """Return the pairs that an audit would call copies."""
    reach = reach_for(float(np.median([len(signal) for signal in signals])))
    prints = [fingerprint(signal, reach) for signal in signals]
    exact = {(pair.first, pair.second) for pair in same_digest(prints) if crosses(pair.first, pair.second)}
    return exact | {(pair.first, pair.second) for pair in near_copies(prints, crosses, signals.__getitem__)}


def unlike(recordings: Signals) -> tuple[int, int]:
    """Return how many pairs of recordings of two motors there are, and how many of them are taken for copies."""
    motors = [motor for motor, _ in recordings]
    n_pairs = sum(one != other for one, other in combinations(motors, 2))
    found = taken_for_copies([signal for _, signal in recordings], lambda i, j: motors[i] != motors[j])
    return n_pairs, len(found)


def copied(signal: np.ndarray, kind: str, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return an original and its copy."""
    copy, third = signal.astype(np.float64), len(signal) // 3
    if kind in ("cut", "all") or kind.startswith("all"):
        copy = copy[: 2 * third]
    if kind == "shifted" or kind.startswith("all"):
        copy = copy[third // 2 + int(random.integers(third // 4)) :]
    if kind == "noise" or kind.startswith("all"):
        copy = copy + 0.1 * signal.std() * random.normal(size=len(copy))
    if kind == "gain" or kind.startswith("all"):
        copy = 5 * signal.std() - 3 * copy
    if kind.endswith("resampled by 4"):
        return resampled(signal, 4), resampled(copy, 4)
    return signal, copy.astype(np.float32)


def resampled(signal: np.ndarray, factor: int) -> np.ndarray:
    """Return a signal at a fraction of its rate, behind an anti-alias filter."""
    return signal if factor == 1 else decimate(signal, factor, ftype="fir").astype(np.float32)


def planted(recordings: Signals, n_planted: int) -> Iterator[tuple[str, int, int]]:
    """Yield each kind of copy: how many were planted among the originals, and how many are found."""
    originals = [signal for _, signal in recordings[:n_planted]]
    n = len(originals)
    for kind in KINDS:
        random = np.random.default_rng(16)
        pairs = [copied(signal, kind, random) for signal in originals]
        signals = [one for one, _ in pairs] + [other for _, other in pairs]
        found = taken_for_copies(signals, lambda i, j: (i < n) != (j < n))
        yield kind, n, sum((place, place + n) in found for place in range(n))


def pieces(recordings: Signals, n_pieces: int) -> Signals:
    """Return so many pieces of each recording."""
    return [
        (motor, piece)
        for motor, signal in recordings
        for piece in np.split(signal[: len(signal) // n_pieces * n_pieces], n_pieces)
    ]


def sources(arguments: argparse.Namespace) -> Iterator[tuple[str, Signals, Signals]]:
    """Yield what is searched, by name, and originals of copies."""
    if arguments.hit_sm.is_dir():
        recordings, rate_hz = measured(arguments.hit_sm, arguments.n_samples)
        for factor in FACTORS:
            whole = [(motor, resampled(signal, factor)) for motor, signal in recordings]
            cut = [(motor, signal[: arguments.n_samples]) for motor, signal in whole]
            yield f"HIT-SM at {rate_hz / factor / 1000:g} kHz", pieces(whole, arguments.pieces), cut
    made = simulated(arguments.pairs, arguments.n_samples)
    yield "simulator", made, made


def main() -> None:
    """Print both tables, and how many pairs were judged as they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hit-sm", type=Path, default=Path(os.environ.get("HIT_SM", "../shared/data/hit-sm")))
    parser.add_argument("--pairs", type=int, default=10_000, help="of the simulator's recordings, at least")
    parser.add_argument("--n-samples", type=int, default=65536)
    parser.add_argument("--pieces", type=int, default=4, help="of each recording of HIT-SM: four make 13,000 pairs")
    parser.add_argument("--planted", type=int, default=40, help="copies of each kind in each source")
    arguments = parser.parse_args()
    n_wrong, n_judged, began = 0, 0, time.monotonic()
    print("| Recordings | Pairs of two motors | Taken for copies | Planted copies that are found |\n|---|---|---|---|")
    for name, recordings, originals in sources(arguments):
        n_pairs, n_found = unlike(recordings)
        told = list(planted(originals, arguments.planted))
        shown = ", ".join(f"{kind} {n} of {of}" for kind, of, n in told)
        print(f"| {name} | {n_pairs} | {n_found} | {shown} |", flush=True)
        n_judged += n_pairs + sum(of for _, of, _ in told)
        n_wrong += n_found + sum(of - n for _, of, n in told)
    against = "unlike pairs taken for copies, and planted copies missed: none"
    last = {"name": "copies", "ratio": n_wrong, "goal": 0, "against": against, "judged": n_judged}
    print(json.dumps(last | {"seconds": round(time.monotonic() - began, 1)}))


if __name__ == "__main__":
    main()
