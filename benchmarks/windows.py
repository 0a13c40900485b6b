"""Training windows a second, beside a raw loop over the memory map, in one run.

    python -m benchmarks.windows [--series 1868] [--samples 65536] [--epochs 10] [--rounds 5]
        [--store FOLDER]
    python -m benchmarks.windows --trainer

With augmentation on, windows are of three classes in turn, as those of `configs/grid.yaml`; "some" are the kinds that
need no FFT, "all" the seven of that config. `--trainer` measures steps of Bolt-tiny at context 4096 and horizon 1024
with all of them, beside steps without, in CPU time.

The raw loop is what one would write by hand: windows of the same length at random places of the same file, copied one
by one into a new float32 batch of the same size, the random numbers drawn for a whole epoch at once. A trainer cannot
use them unscaled, so the ratios stand beside the loop that also scales each batch, as ours are scaled; beside the
loop that only copies, they are a column of their own. All take turns, ten epochs at a go, on a file in the page cache.
The trainer's own reading is measured in windows a second of CPU time before Ray starts, the way through Ray Data in
windows a second on the wall, its start included.

Before it was run: 1.0 for the memory map, 0.7 through Ray Data, 0.95 with augmentation on; first batch after 0.1 s.
"""

import argparse
import json
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

# One thread a process: the raw loop has one, too.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from motor.recordings.recording import Recording
from motor.recordings.table import Recordings, open_recordings, write_recordings
from motor.registry import plugins
from motor.windows.cutting import WindowStream
from motor.windows.scaling import Scaler
from motor.windows.source import Series
from motor.windows.streaming import ray_batches

DOMAINS = ("ShengYing", "ZhenDong")
SAMPLING_RATE_HZ = 20480.0
WINDOW_LENGTH = 4096 + 1024  # context and future
PER_SERIES = 3
BATCH_SIZE = 32
GOALS = {"memory_map": 0.9, "ray_data": 0.5}
GOAL_AUGMENTED, GOAL_OF_TRAINER = 0.5, 0.9
FIRST_BATCH_S = 1.0
SETTLE_S = 2.0  # for Ray to end its tasks, before the raw loop is run again
GROWTH_MB = 32  # of private memory, that still counts as flat
SOME = ("amplitude", "jitter", "shift", "spikes")
LABELS = ("normal", "spark", "vibrate")

Batches = Iterator[dict[str, np.ndarray]]


def make_recordings(folder: Path, n_series: int, n_samples: int) -> Recordings:
    """Return noise as prepared recordings, written if it is not there yet."""
    if not (folder / "recordings.arrow").is_file():
        generator = np.random.default_rng(0)
        write_recordings(
            (
                Recording(
                    item=f"motor_{i // 2:04d}_{DOMAINS[i % 2]}",
                    motor=f"motor_{i // 2:04d}",
                    domain=DOMAINS[i % 2],
                    label="normal",
                    sampling_rate_hz=SAMPLING_RATE_HZ,
                    signal=generator.standard_normal(n_samples, dtype=np.float32),
                )
                for i in range(n_series)
            ),
            folder,
        )
    return open_recordings(folder)


def make_stream(recordings: Recordings) -> WindowStream:
    """Return the stream that a fine-tune on all series would read, without augmentation."""
    meta, scaler = recordings.meta, Scaler(0.01, 1.1)
    columns = (meta[name].tolist() for name in ("item", "domain", "sampling_rate_hz"))
    series = (
        Series(item, index, domain, LABELS[index // len(DOMAINS) % len(LABELS)], rate, scaler)
        for index, (item, domain, rate) in enumerate(zip(*columns, strict=True))
    )
    return WindowStream(recordings, tuple(series), DOMAINS, WINDOW_LENGTH, PER_SERIES, seed=123)


class RawLoop:
    """Random windows of a memory map, by hand; `scaled` also takes a mean from each and divides it."""

    def __init__(self, recordings: Recordings, scaled: bool) -> None:
        self.signals = [recordings.signal(i) for i in range(len(recordings))]
        self.n_places = recordings.n_samples - WINDOW_LENGTH + 1
        self.scaled = scaled

    def epochs(self, first: int, end: int) -> Batches:
        for number in range(first, end):
            yield from self.epoch(number)

    def epoch(self, number: int) -> Batches:
        generator = np.random.default_rng(number)
        rows = generator.permutation(len(self.signals) * PER_SERIES) // PER_SERIES
        starts = generator.integers(0, self.n_places[rows])
        loc, scale = np.float32(0.01), np.float32(1.1)
        for first in range(0, len(rows), BATCH_SIZE):
            places = list(zip(rows[first : first + BATCH_SIZE].tolist(), starts[first:].tolist(), strict=False))
            window_BN = np.empty((len(places), WINDOW_LENGTH), dtype=np.float32)
            for window_N, (row, start) in zip(window_BN, places, strict=True):
                window_N[:] = self.signals[row][start : start + WINDOW_LENGTH]
            if self.scaled:  # a batch at a time, which is faster than a window at a time
                window_BN -= loc
                window_BN /= scale
            yield {"window": window_BN}


@dataclass
class Way:
    """One way to training windows, and what it took in each round."""

    name: str
    batches: Callable[[int, int], Batches]  # of the epochs from the first to the second number
    rates: list[float] = field(default_factory=list)  # windows a second, of the wall or of CPU time
    firsts_s: list[float] = field(default_factory=list)  # to the first batch
    growth_mb: float = 0.0  # private memory of all processes that came after the second epoch of a round

    def run(self, first: int, end: int, per_epoch: int, clock: Callable[[], float]) -> None:
        """Read some epochs at one go."""
        n_windows, in_use, paused_s = 0, [], 0.0
        began, began_s = time.perf_counter(), clock()
        for batch in self.batches(first, end):
            if not n_windows:
                self.firsts_s.append(time.perf_counter() - began)
            n_windows += len(batch["window"])
            if n_windows // per_epoch > len(in_use):
                paused = clock()
                in_use.append(private_bytes())
                paused_s += clock() - paused
        self.rates.append(n_windows / (clock() - began_s - paused_s))
        self.growth_mb = max(self.growth_mb, (in_use[-1] - in_use[min(1, len(in_use) - 1)]) / 1e6)

    def ratio(self, other: "Way") -> float:
        """Return how much of the other's rate this one has: the median over the rounds, pair by pair."""
        return statistics.median(own / theirs for own, theirs in zip(self.rates, other.rates, strict=True))

    def first_s(self) -> float:
        """Return the longest time to a first batch."""
        return max(self.firsts_s)


def private_bytes() -> int:
    """Return the memory that this process and Ray's workers have for themselves, without pages of files."""
    workers = [file.parent for file in Path("/proc").glob("[0-9]*/cmdline") if _is_worker(file)]
    return sum(map(_private_bytes, [Path("/proc/self"), *workers]))


def _is_worker(cmdline: Path) -> bool:
    try:
        return cmdline.read_bytes().startswith(b"ray::") and cmdline.stat().st_uid == os.getuid()
    except OSError:  # it has ended
        return False


def _private_bytes(process: Path) -> int:
    try:
        lines = (process / "status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon")), 0)


def start_ray() -> None:
    """Start an embedded Ray whose CPUs a trial holds, as a launch does."""
    import ray

    ray.init(
        address="local",
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        object_store_memory=1 << 30,
    )
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    holds_all = ray.util.placement_group([{"CPU": ray.cluster_resources()["CPU"]}])
    ray.get(holds_all.ready())


def ways_to(stream: WindowStream, recordings: Recordings) -> dict[str, Way]:
    """Return the ways to the windows of a stream."""
    per_epoch = stream.windows_per_epoch
    ways = {
        "raw, scaled": RawLoop(recordings, True).epochs,
        "raw copies": RawLoop(recordings, False).epochs,
        "memory_map": lambda first, end: stream.batches(first * per_epoch, end * per_epoch, BATCH_SIZE),
        "ray_data": lambda first, end: ray_batches(stream, first * per_epoch, end * per_epoch, BATCH_SIZE),
    }
    return {name: Way(name, batches) for name, batches in ways.items()}


def measure(ways: dict[str, Way], n_epochs: int, n_rounds: int, per_epoch: int) -> dict[str, Way]:
    """Run the ways in turn; a first round, that warms up, does not count.

    What runs in this process alone is measured by its CPU time, since others use the machine, too; what runs beside
    Ray's workers by the clock on the wall.
    """
    clock = time.perf_counter if "ray_data" in ways else time.process_time
    for number in range(n_rounds + 1):
        for way in ways.values():
            way.run(number * n_epochs, (number + 1) * n_epochs, per_epoch, clock)
            if number == 0:  # it takes the file into the page cache, and starts Ray's workers
                way.rates.clear()
                way.growth_mb = 0.0
        time.sleep(SETTLE_S if "ray_data" in ways else 0)
    return ways


def report(title: str, ways: dict[str, Way]) -> dict[str, dict[str, float]]:
    """Print the rows of one stream, and return those of the ways with a goal."""
    results = {}
    for way in ways.values():
        ratios = {"ratio": way.ratio(ways["raw, scaled"]), "of_raw_copies": way.ratio(ways["raw copies"])}
        numbers = {**ratios, "first_batch_s": way.first_s(), "growth_mb": way.growth_mb}
        if way.name in GOALS:
            results[f"{way.name}, augmentation {title}"] = {name: round(number, 3) for name, number in numbers.items()}
        goal = f"{GOALS[way.name] if title == 'off' else GOAL_AUGMENTED:g}" if way.name in GOALS else ""
        cells = [title, way.name, f"{statistics.median(way.rates):,.0f}", f"{numbers['ratio']:.2f}", goal]
        cells += [f"{numbers['of_raw_copies']:.2f}", f"{way.first_s():.2f}", f"{way.growth_mb:+.0f}"]
        print("| " + " | ".join(cells) + " |", flush=True)
    return results


def main() -> None:
    """Print the table and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=1868)
    parser.add_argument("--samples", type=int, default=65536)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--store", type=Path, help="a folder to keep the recordings in (default: none)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--trainer", action="store_true", help="steps of a training with augmented windows")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        recordings = make_recordings(arguments.store or Path(folder), arguments.series, arguments.samples)
        if arguments.trainer:
            print(json.dumps(trainer(recordings, arguments.rounds)))
        else:
            run(recordings, arguments.epochs, arguments.rounds)


def augmented(stream: WindowStream, kinds: Iterable[str]) -> WindowStream:
    """Return a stream whose windows are changed by some kinds of augmentation, with their defaults."""
    chosen = tuple(plugins("motor.windows.augmentations")[kind]() for kind in kinds)
    return replace(stream, augmentations=dict.fromkeys(DOMAINS, chosen))


def trainer(recordings: Recordings, n_rounds: int) -> dict[str, Any]:
    """Measure steps of a training with all augmentations and without, in turn."""
    from benchmarks.finetune import Setting, step_seconds
    from motor.backbones.batch import as_batch

    plain = make_stream(recordings)
    streams = {"off": plain, "all": augmented(plain, plugins("motor.windows.augmentations"))}
    setting = Setting("bolt", "tiny", WINDOW_LENGTH - 1024, 1024, "cpu")
    ratios = []
    for number in range(n_rounds):
        took = {}
        for title, stream in streams.items():
            windows = stream.batches(number * 1000, number * 1000 + 100, 8)
            batches = (as_batch(stream, cut, WINDOW_LENGTH - 1024) for cut in windows)
            took[title] = statistics.median(step_seconds(setting, 5, batches)[1:])
        ratios.append(took["off"] / took["all"])
        print(", ".join(f"{title}: {step_s * 1000:.0f} ms a step" for title, step_s in took.items()), flush=True)
    return {
        "name": "windows --trainer",
        "ratio": round(statistics.median(ratios), 3),
        "goal": GOAL_OF_TRAINER,
        "against": "the same training without augmentation, in turns",
    }


def run(recordings: Recordings, n_epochs: int, n_rounds: int) -> None:
    """Measure without and with augmentation, and print."""
    # As in any trainer: once an array of this size was freed, glibc keeps those of a batch instead of asking the kernel
    # for their pages anew each time.
    np.ones(30 << 20, dtype=np.uint8)
    plain, every_kind = make_stream(recordings), plugins("motor.windows.augmentations")
    streams = {"off": plain, "some": augmented(plain, SOME), "all": augmented(plain, every_kind)}
    print("| augmentation | way | windows/s | of raw, scaled | goal | of raw copies | first batch, s | MB more |")
    print("|---|---|---|---|---|---|---|---|")
    results: dict[str, dict[str, float]] = {}
    for left_out in ("ray_data", "memory_map"):  # without Ray's threads in this process first, then with them
        if left_out == "memory_map":
            start_ray()
        for title, stream in streams.items():
            ways = ways_to(stream, recordings)
            del ways[left_out]
            results |= report(title, measure(ways, n_epochs, n_rounds, stream.windows_per_epoch))
    summary = {
        "name": "windows",
        "ratio": results["memory_map, augmentation off"]["ratio"],
        "goal": GOALS["memory_map"],
        "against": "a raw loop over the same memory map that copies the same lengths and scales them, in turns",
        "limits": {**GOALS, "augmented": GOAL_AUGMENTED, "first_batch_s": FIRST_BATCH_S, "growth_mb": GROWTH_MB},
        **results,
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
