"""What an import costs beside reading alone, and what each layout of a store would give, in one run.

    python -m benchmarks.importing [--folder DIR] [--series 187 1868] [--rounds 2]

The seeds' long CSV is simulated once a size (1868 series: 6.4 GB) and kept in the folder, with the same recordings as a
tree of files. An import is all that a launch does: parse, check, validate, write, flush to disk, rename. The limit is
the fastest way in which `pyarrow.csv` alone reads the same file with two threads; every run is a process of its own.
"""

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

# One thread a process beside those that are asked for.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from benchmarks.layouts import LAYOUTS, LayoutRow, measure_layout
from grid.run.build import BuildContext, build_stage
from grid.stage import InputError, Resources
from grid.store.store import Store
from motor.recordings.digest import content_digest
from motor.recordings.readers.long_csv import LongCsv
from motor.recordings.readers.tree import Tree
from motor.recordings.simulator import PATTERN
from motor.recordings.simulator import main as simulate
from motor.stages.recordings import ImportRecordings

GOAL, MOST_MB = 0.6, 2000
THREADS = 2
KNOWN: dict[str, Any] = {
    "domains": ("ShengYing", "ZhenDong"),
    "classes": ("normal", "spark", "vibrate"),
    "sampling_rate_hz": 65536.0,
}


@dataclass(frozen=True)
class Cost:
    """What one process took."""

    seconds: float
    cpu_s: float
    peak_mb: float
    told: str = ""


def fresh(function: Callable[..., str], *arguments: Any) -> Cost:
    """Run a function in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_costing, function, arguments).result()


def _costing(function: Callable[..., str], arguments: Sequence[Any]) -> Cost:
    function(*arguments, True)  # what is imported first is no part of it
    began, began_cpu_s = time.perf_counter(), time.process_time()
    told = function(*arguments, False)
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - began_cpu_s
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    peak_kb = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return Cost(seconds, cpu_s, int(peak_kb) / 1e3, told)


def stream_defaults(file: Path, is_rehearsal: bool) -> str:
    """Stream with `pyarrow.csv` as it comes: all columns, types inferred."""
    return _streamed(file, {}, is_rehearsal)


def stream_same_columns(file: Path, is_rehearsal: bool) -> str:
    """Stream with `pyarrow.csv` what the import reads: item, target and label, in the same types."""
    return _streamed(file, _same_columns(), is_rehearsal)


def table_same_columns(file: Path, is_rehearsal: bool) -> str:
    """Read the same columns with `pyarrow.csv.read_csv`, which parses in parallel and keeps all of it in memory."""
    import pyarrow.csv

    pyarrow.set_cpu_count(THREADS)
    if not is_rehearsal:
        pyarrow.csv.read_csv(file, convert_options=pyarrow.csv.ConvertOptions(**_same_columns()))
    return ""


LIMITS = (stream_defaults, stream_same_columns, table_same_columns)


def _same_columns() -> dict[str, Any]:
    import pyarrow

    constant = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    types = {"item_id": constant, "target": pyarrow.float32(), "label": constant}
    return {"include_columns": list(types), "column_types": types}


def _streamed(file: Path, options: Mapping[str, Any], is_rehearsal: bool) -> str:
    import pyarrow.csv

    pyarrow.set_cpu_count(THREADS)
    if not is_rehearsal:
        for _ in pyarrow.csv.open_csv(file, convert_options=pyarrow.csv.ConvertOptions(**options)):
            pass
    return ""


def import_csv(file: Path, storage: Path, is_rehearsal: bool) -> str:
    """Import as a launch does; return the fault of the data, if there is one."""
    import scipy.stats  # noqa: F401

    stage = ImportRecordings(reader_of(file), f"{file.name}-{time.time()}")
    store = Store(storage)
    try:
        if not is_rehearsal:
            build_stage(stage, store, BuildContext(store, stage, Resources(), lambda progress: None))
    except InputError as error:
        return str(error)
    return str(store.folder(stage))


def reader_of(file: Path) -> LongCsv:
    """Return the reader of a simulated long CSV."""
    return LongCsv(path=str(file), pattern=f"{PATTERN}-(?P<domain>\\w+)$", **KNOWN)


def digest_csv(file: Path, is_rehearsal: bool) -> str:
    """Compute the digest that names the data set: a launch does so once for a file that stays as it is."""
    return "" if is_rehearsal else content_digest([file], file, None)


@dataclass(frozen=True)
class ImportRow:
    """The best of some rounds on one file."""

    size_mb: float
    limits: dict[str, Cost]
    import_: Cost
    digest_s: float

    @property
    def limit_s(self) -> float:
        """The fastest way to read the file."""
        return min(cost.seconds for cost in self.limits.values())

    @property
    def ratio(self) -> float:
        """The import's speed over the limit's."""
        return self.limit_s / self.import_.seconds

    @property
    def cpu_ratio(self) -> float:
        """The same in seconds of CPU, which neighbours on the machine disturb less."""
        return min(cost.cpu_s for cost in self.limits.values()) / self.import_.cpu_s

    @property
    def ratio_with_digest(self) -> float:
        """The same where the file was never seen before, and is read for its digest first."""
        return self.limit_s / (self.import_.seconds + self.digest_s)


def measure_import(file: Path, storage: Path, rounds: int) -> ImportRow:
    """Take turns, for others use the machine too."""
    fresh(digest_csv, file)  # from now on the file lies in memory as far as it fits, for all alike
    limits: dict[str, list[Cost]] = {limit.__name__: [] for limit in LIMITS}
    imports, digests = [], []
    for _ in range(rounds):
        for limit in LIMITS:
            limits[limit.__name__].append(fresh(limit, file))
        imports.append(fresh(import_csv, file, storage))
        digests.append(fresh(digest_csv, file).seconds)
    worst_mb = max(cost.peak_mb for cost in imports)
    return ImportRow(
        file.stat().st_size / 1e6,
        {name: _fastest(costs) for name, costs in limits.items()},
        replace(_fastest(imports), peak_mb=worst_mb),
        min(digests),
    )


def _fastest(costs: Sequence[Cost]) -> Cost:
    return min(costs, key=lambda cost: cost.seconds)


def measure_fault(file: Path, storage: Path) -> tuple[Cost, int]:
    """Add a line with a fault, import, take it out again; return what it cost and the number of that line."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        n_lines = sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 24), b""))
        stream.seek(-200, os.SEEK_END)
        item, timestamp, _, label = stream.read().decode().splitlines()[-1].split(",")
    with file.open("a", encoding="utf-8") as stream:
        stream.write(f"{item},{timestamp},broken,{label}\n")
    try:
        return fresh(import_csv, file, storage), n_lines + 1
    finally:
        os.truncate(file, size)


def read_tree(tree: Path, is_rehearsal: bool) -> str:
    """Read a tree of files with the reader, which loads some ahead on threads."""
    reader = Tree(path=str(tree), pattern=f"{PATTERN}\\.npy$", **KNOWN)
    recordings: Iterator[Any] = reader.read()
    return str(next(recordings).item if is_rehearsal else sum(len(one.signal) for one in recordings))


def read_tree_with_ray(tree: Path, is_rehearsal: bool) -> str:
    """Read the same files by Ray Data, in order; Ray is started before the clock."""
    import ray

    if is_rehearsal:
        ray.init(num_cpus=THREADS, include_dashboard=False, log_to_driver=False, object_store_memory=10**9)
        ray.data.DataContext.get_current().enable_progress_bars = False
        ray.data.DataContext.get_current().execution_options.preserve_order = True
    files = [str(file) for file in sorted(tree.rglob("*.npy"))][: 8 if is_rehearsal else None]

    def load(batch: dict[str, Any]) -> dict[str, Any]:
        return {"signal": np.stack([np.load(name) for name in batch["item"]])}

    data = ray.data.from_items(files, override_num_blocks=4 * THREADS).map_batches(load, batch_size=32)
    return str(sum(batch["signal"].size for batch in data.iter_batches(batch_size=32, batch_format="numpy")))


def prepared(folder: Path, n_series: int) -> Path:
    """Return the folder of the simulated data of some size; make it if it is not there."""
    made = folder / str(n_series)
    if not made.exists():
        began = time.perf_counter()
        draft = Path(tempfile.mkdtemp(dir=folder))
        simulate([str(draft), "--series", str(n_series), "--format", "long_csv", "tree"])
        draft.rename(made)
        print(f"simulated {n_series} series in {time.perf_counter() - began:.0f} s", flush=True)
    return made


def print_imports(rows: Sequence[ImportRow]) -> None:
    """Print the table of imports."""
    names = [limit.__name__ for limit in LIMITS]
    print("\nSeconds (seconds of CPU):\n")
    print("| file, MB | " + " | ".join(names) + " | import | digest | peak, MB | ratio |")
    print("|---" * (len(names) + 5) + "|")
    for row in rows:
        costs = " | ".join(f"{cost.seconds:.1f} ({cost.cpu_s:.1f})" for cost in (*row.limits.values(), row.import_))
        peak_mb, ratio = f"{row.import_.peak_mb:.0f}", f"{row.ratio:.2f} ({row.cpu_ratio:.2f})"
        print(f"| {row.size_mb:.0f} | {costs} | {row.digest_s:.1f} | {peak_mb} | {ratio} |", flush=True)


def print_layouts(rows: Sequence[LayoutRow]) -> None:
    """Print the table of layouts."""
    print("\n| layout | size, MB | written, MB/s | read whole, MB/s | crops of 5120 a second |\n|---|---|---|---|---|")
    for row in rows:
        print(f"| {row.name} | {row.size_mb:.0f} | {row.write_mb_s:.0f} | {row.read_mb_s:.0f} | {row.crops_s:.0f} |")


def main() -> None:
    """Print the tables and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir(), "motor-importing"))
    parser.add_argument("--series", type=int, nargs="+", default=[187, 1868])
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as storage:
        print(json.dumps(measure(arguments.folder, arguments.series, arguments.rounds, Path(storage))))


def measure(folder: Path, sizes: Sequence[int], rounds: int, storage: Path) -> dict[str, Any]:
    """Run all parts and return the result."""
    made = [prepared(folder, n_series) for n_series in sizes]
    rows = [measure_import(data / "long.csv", storage, rounds) for data in made]
    print_imports(rows)
    fault, line = measure_fault(made[-1] / "long.csv", storage)
    print(
        f"\nA fault in line {line}, the last: found after {fault.seconds:.1f} s, {fault.peak_mb:.0f} MB:\n{fault.told}"
    )
    layouts = [measure_layout(layout, Path(rows[-1].import_.told), folder) for layout in LAYOUTS]
    print_layouts(layouts)
    trees = {read.__name__: fresh(read, made[-1] / "tree").seconds for read in (read_tree, read_tree_with_ray)}
    print("\n" + ", ".join(f"{name}: {seconds:.1f} s" for name, seconds in trees.items()))
    return {
        "name": "importing",
        "ratio": round(min(row.ratio for row in rows), 3),
        "goal": GOAL,
        "against": f"the fastest of three ways in which pyarrow.csv alone reads the file, {THREADS} threads",
        "ratio_with_digest": round(min(row.ratio_with_digest for row in rows), 3),
        "ratio_of_cpu": round(min(row.cpu_ratio for row in rows), 3),
        "ratio_to_defaults": round(min(row.limits["stream_defaults"].seconds / row.import_.seconds for row in rows), 3),
        "peak_mb": {f"{row.size_mb:.0f}": round(row.import_.peak_mb) for row in rows},
        "peak_mb_allowed": MOST_MB,
        "fault_names_its_line": f"line {line}:" in fault.told,
        "tree_s": {name: round(seconds, 1) for name, seconds in trees.items()},
    }


if __name__ == "__main__":
    main()
