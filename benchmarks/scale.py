"""A stored data set opened for a cell, and a store of 200,000 series planned: seconds and memory beside their limits.

    python -m benchmarks.scale [--series 200000] [--files 200000] [--cells 200000]

The large store is a sparse file: its signals are holes, its table is whole. A grid is planned as
``launch.py CONFIG --dry-run`` does, in a process of its own, once over an imported data set of one file and once over
a tree of as many (sparse) files as it has series, whose digests are remembered from an earlier plan. A grid of 200,000
cells (270,000 stages) is planned over no data at all.

Before it was run: 0.1 s to open 1868 series for a cell, also with scaling by item; 1 s and 150 MB for the plan over
one file; 4 s and 400 MB over a tree of 200,000 files; 3 s and 600 MB to open, split and stream the large store.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
N_OPENED = 1868
N_SAMPLES = 65536
LIMITS = {"open_s": 0.3, "plan_s": 10.0, "plan_gb": 1.0}
BATCH = 244  # series of 65536 samples: 64 MB, as `write_recordings` has them
CONFIG = """\
dataset: {{kind: tree, path: {data}, pattern: '(?P<motor>motor_[0-9]+)_[0-9]+', sampling_rate_hz: 20480,
  domains: [ShengYing, ZhenDong], classes: [normal, spark, vibrate]}}
split: {{kind: ratio}}
scaling: {{by: {by}}}
backbone: {{kind: bolt, d_model: 16, d_kv: 8, d_ff: 16, num_layers: 2, num_decoder_layers: 2, num_heads: 2}}
axes:
  method: [A, B, C, C_two_stage, untrained]
  domain: [ShengYing, ZhenDong, Joint]
  context_length: [1024, 2048, 4096]
  classifier: [lightgbm, svm, lda]
"""
MANY_CELLS = CONFIG.replace("untrained]", "untrained, classical, spectrum]").replace("lda]", "lda, ridge, mlp]")
CELLS_A_SEED = 255  # of that grid: two of its methods have no context length
DOMAINS, CLASSES = ("ShengYing", "ZhenDong"), ("normal", "spark", "vibrate")
MOMENTS = 8  # of a motor, by both sensors


def known(i: int) -> dict[str, Any]:
    """Return what is known of series `i`."""
    motor = i // (2 * MOMENTS)
    return {
        "item": f"series_{i:06d}",
        "motor": f"motor_{motor:05d}",
        "domain": DOMAINS[i % 2],
        "label": CLASSES[motor % 3],
        "sampling_rate_hz": 20480.0,
        "moment": f"{motor:05d}-{i // 2 % MOMENTS}",
        "reference": False,
    }


def write_sparse(folder: Path, n_series: int) -> None:
    """Write ``recordings.arrow`` whose signals are holes in the file: zeros that take no place on the disk."""
    import pyarrow

    from motor.recordings.table import _schema

    folder.mkdir(parents=True)
    schema = _schema()
    with SparseFile(folder / "recordings.arrow") as sink, pyarrow.ipc.new_file(sink, schema) as writer:
        for first in range(0, n_series, BATCH):
            rows = [known(i) for i in range(first, min(first + BATCH, n_series))]
            columns = [
                pyarrow.array([row.get(name) for row in rows], schema.field(name).type) for name in schema.names[:-1]
            ]
            offsets = pyarrow.array(np.arange(len(rows) + 1, dtype=np.int32) * N_SAMPLES)
            silence = pyarrow.array(np.zeros(len(rows) * N_SAMPLES, dtype=np.float32))
            signals = pyarrow.ListArray.from_arrays(offsets, silence)
            writer.write_batch(pyarrow.record_batch([*columns, signals], schema=schema))


class SparseFile:
    """A file that passes over long zeros in place of writing them."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("wb")
        self.closed = False

    def __enter__(self) -> "SparseFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.truncate(self.file.tell())
        self.file.close()

    def write(self, data: Any) -> int:
        content = memoryview(data)
        if len(content) > 1 << 20 and not np.frombuffer(content, np.uint8, count=len(content)).any():
            self.file.seek(len(content), os.SEEK_CUR)
        else:
            self.file.write(content)
        return len(content)

    def flush(self) -> None:
        self.file.flush()

    def tell(self) -> int:
        return self.file.tell()

    def close(self) -> None:
        self.closed = True

    readable = staticmethod(lambda: False)
    writable = staticmethod(lambda: True)
    seekable = staticmethod(lambda: False)


def write_tree(root: Path, n_files: int) -> None:
    """Write a tree of sparse ``.npy`` files, ``<domain>/<label>/<motor>_<n>.npy``."""
    header = Path(root.parent, "header.npy")
    np.lib.format.open_memmap(header, "w+", np.float32, (N_SAMPLES,)).flush()
    head, size = header.read_bytes()[:128], header.stat().st_size
    for domain in DOMAINS:
        for label in CLASSES:
            (root / domain / label).mkdir(parents=True)
    for i in range(n_files):
        row = known(i)
        with (root / row["domain"] / row["label"] / f"{row['motor']}_{i}.npy").open("wb") as file:
            file.write(head)
            file.truncate(size)


def remember_digests(root: Path, storage: Path) -> None:
    """Write what an earlier plan would have remembered, without reading 52 GB of zeros."""
    digests = {}
    for file in root.rglob("*.npy"):
        status = file.stat()
        key = f"{file.resolve()}|{status.st_size}|{status.st_ino}|{status.st_mtime_ns}|{status.st_ctime_ns}"
        digests[key] = f"{hash(file.name) & (1 << 255) - 1:064x}"
    storage.mkdir(parents=True, exist_ok=True)
    (storage / "digests.json").write_text(json.dumps(digests), encoding="utf-8")


def in_process(task: str, *arguments: str) -> dict[str, float]:
    """Run one of `TASKS` in a new process; return what it measured, and the seconds and GB that the process took."""
    command = [sys.executable, "-m", "benchmarks.scale", "--task", task, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def peak_gb() -> float:
    """Return the most memory that this process has had, in GB of 10^9 bytes, pages of mapped files included."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 / 1e9 for line in lines if line.startswith("VmHWM"))


def plan_grid(config: str, storage: str) -> dict[str, float]:
    """Plan a grid, imports included, as a dry run does."""
    began = time.perf_counter()
    import contextlib
    import io

    import launch

    with contextlib.redirect_stdout(io.StringIO()) as text:
        status = launch.main([config, "--dry-run", "--storage", storage])
    seconds = time.perf_counter() - began
    if status or "to build" not in text.getvalue():
        raise RuntimeError(text.getvalue())
    return {"seconds": seconds, "cpu_s": time.process_time(), "gb": peak_gb()}


def use_store(folder: str) -> dict[str, float]:
    """Open a store of recordings, split it by motor, and plan the stream of its windows."""
    from motor.recordings.splits.ratio import Ratio
    from motor.recordings.table import open_recordings
    from motor.windows.cutting import WindowStream
    from motor.windows.scaling import Scaler
    from motor.windows.source import Series

    marks = [time.perf_counter()]
    recordings = open_recordings(Path(folder))
    meta = recordings.meta
    marks.append(time.perf_counter())
    sides = Ratio().split(meta, 123, "normal")
    marks.append(time.perf_counter())
    training = meta[meta["motor"].isin(sides.loc[sides["side"] == "train", "motor"])]
    columns = (training[name].tolist() for name in ("item", "domain", "label", "sampling_rate_hz"))
    scaler = Scaler(0.0, 1.0)
    rows = zip(training.index.tolist(), *columns, strict=True)
    series = tuple(Series(item, i, domain, label, rate, scaler) for i, item, domain, label, rate in rows)
    stream = WindowStream(recordings, series, DOMAINS, 5120, 2, 123)
    for number in (0, stream.windows_per_epoch * 3):  # a first batch, and one of a resumed training
        next(stream.batches(number, number + 32, 32))
    marks.append(time.perf_counter())
    opened, split, streamed = np.diff(marks).tolist()
    return {"open_s": opened, "split_s": split, "stream_s": streamed, "gb": peak_gb()}


def open_cell(folder: str, storage: str, config: str) -> dict[str, float]:
    """Open a prepared data set as each later stage of a cell does; `import_s` is what its process pays once before."""
    began = time.perf_counter()
    import pandas  # noqa: F401
    import pyarrow.ipc  # noqa: F401

    from grid.store.store import Store
    from motor.stages.prepare import Prepared

    import_s = time.perf_counter() - began
    stage = prepare_stage(Path(config), Path(storage))
    path = Store(Path(folder)).folder(stage)
    seconds, cpu_s = [], 0.0
    for _ in range(3):
        began, cpu_began = time.perf_counter(), time.process_time()
        prepared = Prepared.open(path, stage)
        series = prepared.series(prepared.meta("0", DOMAINS), "0")
        seconds.append(time.perf_counter() - began)
        cpu_s = cpu_s or time.process_time() - cpu_began
    numbers = {"seconds": seconds[0], "again_s": min(seconds[1:]), "import_s": import_s}
    numbers["cpu_s"] = cpu_s
    return {**numbers, "n_series": float(len(series)), "gb": peak_gb()}


def prepare_stage(config: Path, storage: Path) -> Any:
    """Return the stage `prepare` of a config's joint cells."""
    from motor.experiment.cells import make_cells
    from motor.experiment.reading import read_experiment

    cells = make_cells(read_experiment(config, [], {}), storage, dry_run=True)
    joint = next(cell for cell in cells if cell.axes["method"] == "A" and cell.axes["domain"] == "Joint")
    return next(stage for stage in joint.stage.walk() if stage.KIND == "prepare")


def build_prepared(folder: Path, config: Path, recordings: Path) -> None:
    """Build `prepare` of a config over recordings that stand already."""
    from grid.run.build import BuildContext, build_stage
    from grid.stage import Resources
    from grid.store.store import Store

    stage, store = prepare_stage(config, folder), Store(folder)
    source = store.folder(stage.recordings)
    source.parent.mkdir(parents=True, exist_ok=True)
    source.symlink_to(recordings)
    build_stage(stage, store, BuildContext(store, stage, Resources(), lambda progress: None))


TASKS = {"plan": plan_grid, "use": use_store, "open": open_cell}


def rows(folder: Path, n_series: int, n_files: int, n_cells: int) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield each measurement with what it is."""
    from benchmarks.windows import make_recordings

    make_recordings(folder / "full", N_OPENED, N_SAMPLES)
    for by in ("domain", "item"):
        config, storage = folder / f"{by}.yaml", folder / f"storage-{by}"
        config.write_text(CONFIG.format(data=folder / "nowhere", by=by), encoding="utf-8")
        build_prepared(storage, config, folder / "full")
        yield f"open {N_OPENED} series, scaling by {by}", in_process("open", str(storage), str(storage), str(config))
    write_sparse(folder / "large", n_series)
    yield f"use {n_series} series", in_process("use", str(folder / "large"))
    for name, count in (("a few files", 2), ("a file a series", n_files)):
        tree, storage, config = folder / f"tree-{count}", folder / f"storage-{count}", folder / f"plan-{count}.yaml"
        write_tree(tree, count)
        remember_digests(tree, storage)
        config.write_text(CONFIG.format(data=tree, by="domain"), encoding="utf-8")
        yield f"plan a grid over {name}", in_process("plan", str(config), str(storage))
    config, seeds = folder / "many.yaml", ", ".join(map(str, range(n_cells // CELLS_A_SEED)))
    config.write_text(MANY_CELLS.format(data=folder / "nowhere", by="domain") + f"  seed: [{seeds}]\n")
    yield f"plan {n_cells} cells", in_process("plan", str(config), str(folder / "storage-many"))


def main() -> None:
    """Print the table and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=200_000)
    parser.add_argument("--files", type=int, default=200_000)
    parser.add_argument("--cells", type=int, default=200_000)
    parser.add_argument("--task", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.task:
        print(json.dumps(TASKS[arguments.task[0]](*arguments.task[1:])))
        return
    print("| what | seconds | of CPU time | limit | GB at most | limit |")
    print("|---|---|---|---|---|---|")
    results: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for what, measured in rows(Path(folder), arguments.series, arguments.files, arguments.cells):
            results[what] = {name: round(number, 3) for name, number in measured.items()}
            show(what, measured)
    worst = max(numbers["seconds"] for what, numbers in results.items() if what.startswith("plan"))
    summary = {
        "name": "scale",
        "ratio": round(worst / LIMITS["plan_s"], 3),
        "goal": 1.0,
        "against": f"the limit of {LIMITS['plan_s']:g} s for a plan; the ratio may be at most the goal",
        "limits": LIMITS,
        **results,
    }
    print(json.dumps(summary))


def show(what: str, measured: dict[str, float]) -> None:
    """Print a measurement as rows of the table."""
    if "seconds" in measured:
        limit = LIMITS["open_s"] if what.startswith("open") else LIMITS["plan_s"]
        memory = f"{LIMITS['plan_gb']:g}" if what.startswith("plan") else ""
        took = f"{measured['seconds']:.2f} | {measured.get('cpu_s', measured['seconds']):.2f}"
        print(f"| {what} | {took} | {limit:g} | {measured['gb']:.2f} | {memory} |", flush=True)
        return
    for part in ("open", "split", "stream"):
        print(f"| {what}: {part} | {measured[f'{part}_s']:.2f} | | | {measured['gb']:.2f} | |", flush=True)


if __name__ == "__main__":
    main()
