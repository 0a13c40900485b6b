"""Series a second that the reader of JSON Lines reads, beside a bare loop of orjson over the same file, in one run.

    python -m benchmarks.jsonl [--series 30000] [--samples 8192] [--rounds 1]

The bare loop parses each line, the text of its signal, and puts the numbers into an array of float32; nothing is looked
up or checked. The reader does what an import does, up to the checked recordings. Seconds are of CPU time (all
threads), since others use the machine, too. The peak is of the process while it imports the file into a table.
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import orjson

from motor.recordings.readers.jsonl import Jsonl
from motor.recordings.table import write_recordings

GOAL, MOST_MB = 0.8, 1000
MEMORY_SERIES = 128  # different signals; lines repeat them


def main() -> None:
    """Print the table and the result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=3000)
    parser.add_argument("--samples", type=int, default=8192)
    parser.add_argument("--rounds", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "plant.jsonl"
        write_lines(file, asked.series, asked.samples)
        reader = reader_of(file)
        before_mb = peak_mb()
        write_recordings(reader.read(), Path(folder) / "table")
        peak = peak_mb()
        seconds = {"bare loop": [], "reader": []}  # type: dict[str, list[float]]
        for _ in range(asked.rounds):
            seconds["bare loop"].append(timed(lambda: bare_loop(file)))
            seconds["reader"].append(timed(lambda: sum(1 for _ in reader.read())))
    best = {name: min(of) for name, of in seconds.items()}
    ratio = best["bare loop"] / best["reader"]
    for name, of in best.items():
        print(f"{name:<12}{of:8.2f} s of CPU{1000 * of / asked.series:8.2f} ms a series")
    print(f"peak of the import: {peak:.0f} MB ({before_mb:.0f} MB before it)")
    told = {"name": "jsonl", "ratio": round(ratio, 3), "goal": GOAL, "against": "a bare loop of orjson"}
    print(json.dumps({**told, "n_series": asked.series, "peak_mb": round(peak), "most_mb": MOST_MB}))


def write_lines(file: Path, n_series: int, n_samples: int) -> None:
    """Write lines as the plant's exporter does: numbers as a text."""
    random = np.random.default_rng(0)
    texts = [",".join(f"{x:.5f}" for x in random.normal(size=n_samples)) for _ in range(min(MEMORY_SERIES, n_series))]
    with file.open("w", encoding="utf-8") as stream:
        for number in range(n_series):
            known = {"data_time": "2023-12-04T15:09:34.000Z", "sensor_id": f"T{number % 500:03d}", "label": None}
            stream.write(json.dumps({**known, "signal_value": texts[number % len(texts)]}) + "\n")


def reader_of(file: Path) -> Jsonl:
    """Return the reader of the file."""
    names = {"columns": {"motor": "sensor_id"}, "constants": {"domain": "vibration"}}
    return Jsonl(path=str(file), classes=("normal",), domains=("vibration",), sampling_rate_hz=1e4, **names)


def bare_loop(file: Path) -> None:
    """Parse every line and its numbers."""
    with file.open("rb") as stream:
        for line in stream:
            text = orjson.loads(line)["signal_value"]
            np.array(orjson.loads(f"[{text}]"), dtype=np.float32)


def timed(work: Callable[[], object]) -> float:
    """Return the seconds of CPU time that some work takes, all threads together."""
    began = time.process_time()
    work()
    return time.process_time() - began


def peak_mb() -> float:
    """Return the most memory that the process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


if __name__ == "__main__":
    main()
