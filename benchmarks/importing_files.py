"""What reading trees of signal files costs beside their libraries alone, and how much memory a large file takes.

    python -m benchmarks.importing_files [--files 12] [--samples 1000000] [--rounds 3] [--large-mb 2000]

MAT and HDF5 are packed, as MATLAB and most recorders write them; WAV is PCM of 16 bits. A library alone reads each file
once to float32; the reader walks heads, compares lengths and looks at every sample, too. The large file is a WAV of
eight channels of float32, each a recording. Every run is a process of its own. The ratio is of speeds, on a quiet
machine; of CPU time, which neighbours disturb least, it stands beside it (threads that read ahead take new memory).
"""

import argparse
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from benchmarks.importing import Cost, fresh
from motor.recordings.readers.tree import Tree

GOAL, MOST_MB, RATE_HZ, N_CHANNELS = 0.8, 1000, 51200, 8
KNOWN: dict[str, Any] = {"pattern": r"(?P<motor>M\d+)", "classes": ("normal",), "domains": ("x",)}


def write_mat(file: Path, signal: np.ndarray) -> None:
    """Write what MATLAB's save does."""
    import scipy.io

    scipy.io.savemat(file, {"x": signal}, do_compression=True)


def write_hdf5(file: Path, signal: np.ndarray) -> None:
    """Write one packed dataset."""
    import h5py

    with h5py.File(file, "w") as opened:
        opened.create_dataset("x", data=signal, chunks=True, compression=3)


def write_wav(file: Path, signal: np.ndarray) -> None:
    """Write PCM of 16 bits."""
    import soundfile

    soundfile.write(file, signal / 8, RATE_HZ, subtype="PCM_16")


def read_mat(file: Path) -> np.ndarray:
    """Read by SciPy alone."""
    import scipy.io

    return np.asarray(scipy.io.loadmat(file)["x"].reshape(-1).astype(np.float32))


def read_hdf5(file: Path) -> np.ndarray:
    """Read by h5py alone."""
    import h5py

    with h5py.File(file) as opened:
        return np.asarray(opened["x"][:].astype(np.float32))


def read_wav(file: Path) -> np.ndarray:
    """Read by soundfile alone."""
    import soundfile

    return np.asarray(soundfile.read(file, dtype="float32")[0])


FORMATS: dict[str, tuple[Callable[[Path, np.ndarray], None], Callable[[Path], np.ndarray]]] = {
    ".mat": (write_mat, read_mat),
    ".h5": (write_hdf5, read_hdf5),
    ".wav": (write_wav, read_wav),
}


def alone(folder: Path, suffix: str, is_rehearsal: bool) -> str:
    """Read every file by its library."""
    files = sorted(folder.rglob(f"*{suffix}"))
    return str(sum(len(FORMATS[suffix][1](file)) for file in files[: 1 if is_rehearsal else None]))


def by_reader(folder: Path, suffix: str, is_rehearsal: bool) -> str:
    """Read the tree as an import does."""
    rate_hz = None if suffix == ".wav" else RATE_HZ
    recordings = Tree(path=str(folder), suffixes=(suffix,), sampling_rate_hz=rate_hz, **KNOWN).read()
    return str(len(next(recordings).signal) if is_rehearsal else sum(len(one.signal) for one in recordings))


def all_channels(folder: Path, suffix: str, is_rehearsal: bool) -> str:
    """Read the channels of a large file, one after the other."""
    domains = tuple(f"c{number}" for number in range(1, N_CHANNELS + 1))
    channels = {name: number for number, name in enumerate(domains, 1)}
    settings = {**KNOWN, "domains": domains, "channels": channels, "suffixes": (suffix,)}
    recordings = Tree.model_validate({"path": str(folder), **settings}).read()
    return "" if is_rehearsal else str(sum(len(one.signal) for one in recordings))


def write_large(file: Path, n_bytes: int) -> None:
    """Write a WAV of eight channels in blocks."""
    import soundfile

    block = np.random.default_rng(0).normal(0, 0.1, size=(2**18, N_CHANNELS)).astype(np.float32)
    with soundfile.SoundFile(file, "w", RATE_HZ, N_CHANNELS, subtype="FLOAT", format="RF64") as opened:
        for _ in range(max(1, n_bytes // block.nbytes)):
            opened.write(block)


def measure(suffix: str, folder: Path, rounds: int) -> tuple[Cost, Cost]:
    """Return the least that the library alone, and the reader took, in turns."""
    runs = [(fresh(alone, folder, suffix), fresh(by_reader, folder, suffix)) for _ in range(rounds)]
    assert len({cost.told for both in runs for cost in both}) == 1
    bare, read = (min(costs, key=lambda cost: cost.cpu_s) for costs in zip(*runs, strict=True))
    return bare, read


def main() -> None:
    """Print the table and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=12)
    parser.add_argument("--samples", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--large-mb", type=int, default=2000)
    given = parser.parse_args()
    told: dict[str, dict[str, float]] = {}
    print("| format | library alone, s (CPU) | reader, s (CPU) | ratio (of CPU) |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        for suffix, (write, _) in FORMATS.items():
            folder = Path(scratch, suffix[1:], "x", "normal")
            folder.mkdir(parents=True)
            for number in range(given.files):
                write(folder / f"M{number}{suffix}", np.random.default_rng(number).normal(size=given.samples))
            bare, read = measure(suffix, folder.parents[1], given.rounds)
            told[suffix] = {"ratio": bare.seconds / read.seconds, "of_cpu": bare.cpu_s / read.cpu_s}
            costs = " | ".join(f"{cost.seconds:.2f} ({cost.cpu_s:.2f})" for cost in (bare, read))
            print(f"| {suffix} | {costs} | {told[suffix]['ratio']:.2f} ({told[suffix]['of_cpu']:.2f}) |", flush=True)
        large = Path(scratch, "large", "normal", "M1.wav")
        large.parent.mkdir(parents=True)
        write_large(large, given.large_mb * 10**6)
        cost = fresh(all_channels, large.parents[1], ".wav")
        print(f"\n{large.stat().st_size / 1e6:.0f} MB of {N_CHANNELS} channels: peak {cost.peak_mb:.0f} MB")
    result = {
        "name": "importing_files",
        "ratio": round(min(one["ratio"] for one in told.values()), 3),
        "goal": GOAL,
        "against": "scipy.io, h5py and soundfile alone, in seconds",
        "ratios": {suffix: {name: round(value, 3) for name, value in one.items()} for suffix, one in told.items()},
        "peak_mb": round(cost.peak_mb),
        "peak_mb_allowed": MOST_MB,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
