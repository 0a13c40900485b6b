"""What it costs that nothing is lost: reading all digests again, beside `openssl dgst`; what a stage pays for them.

    python -m benchmarks.keeping [--megabytes 2000] [--stages 200] [--rounds 3]

The storage is made up: half of it in one file (as recordings are), half in files of 4 MB (as predictors are). Both
read from the page cache, with four threads or processes. A stage's price is a stage of one small file, built with its
lease, its manifest and the comparison of its input, over the same one built by writing a folder and renaming it.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from grid.run.build import BuildContext, build_alone
from grid.stage import Context, Resources, Stage
from grid.store.manifest import THREADS, damages
from grid.store.store import Store, write_json

GOAL = 0.8
PIECE = 4 << 20


@dataclass(frozen=True)
class Small(Stage):
    """One small file, made from another."""

    KIND: ClassVar[str] = "small"

    number: int
    of: "Small | None" = None

    def build(self, folder: Path, context: Context) -> None:
        before = json.loads((context.folder(self.of) / "value.json").read_text()) if self.of else 0
        write_json(folder / "value.json", before + self.number)


@dataclass(frozen=True)
class Large(Stage):
    """One large file and many of the size of a predictor's."""

    KIND: ClassVar[str] = "large"

    megabytes: int

    def build(self, folder: Path, context: Context) -> None:
        pieces = [os.urandom(PIECE)] * (self.megabytes * 500_000 // PIECE)
        (folder / "recordings.arrow").write_bytes(b"".join(pieces))
        for number, piece in enumerate(pieces):
            (folder / f"{number}.safetensors").write_bytes(piece)


def build(store: Store, stage: Stage) -> None:
    build_alone(stage, store, BuildContext(store, stage, Resources(1), lambda progress: None))


def plain(root: Path, number: int) -> None:
    """Write a folder whole or not at all, and nothing else."""
    draft = root / f"draft-{number}"
    draft.mkdir()
    write_json(draft / "value.json", number)
    write_json(draft / "record.json", {"number": number})
    draft.rename(root / str(number))


def verify_ratio(root: Path, megabytes: int, rounds: int) -> float:
    """Return the speed of `damages` over that of `openssl dgst`, in the same run."""
    store = Store(root)
    build(store, Large(megabytes))
    folder = store.folder(Large(megabytes))
    peer = f"find {folder} -type f -print0 | xargs -0 -n 8 -P {THREADS} openssl dgst -sha256 > {os.devnull}"
    ratios = []
    for number in range(rounds):
        seconds = {}
        for name in ("ours", "openssl") if number % 2 else ("openssl", "ours"):
            began = time.perf_counter()
            if name == "ours":
                assert damages(folder) == []
            else:
                subprocess.run(peer, shell=True, check=True)
            seconds[name] = time.perf_counter() - began
        ratios.append(seconds["openssl"] / seconds["ours"])
        speeds = ", ".join(f"{name} {megabytes / spent:.0f} MB/s" for name, spent in sorted(seconds.items()))
        print(f"round {number}: {speeds}: {ratios[-1]:.2f}")
    return statistics.median(ratios)


def stage_price(root: Path, n_stages: int) -> tuple[float, float]:
    """Return the seconds that a stage takes with everything, and those of a folder that is written and renamed."""
    store, chain = Store(root / "kept"), Small(0)
    build(store, chain)
    began = time.perf_counter()
    for number in range(1, n_stages + 1):
        build(store, Small(number, chain))
    kept = (time.perf_counter() - began) / n_stages
    (root / "plain").mkdir()
    began = time.perf_counter()
    for number in range(n_stages):
        plain(root / "plain", number)
    return kept, (time.perf_counter() - began) / n_stages


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=2000)
    parser.add_argument("--stages", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="keeping-"))
    try:
        ratio = verify_ratio(root / "storage", arguments.megabytes, arguments.rounds)
        kept, bare = stage_price(root, arguments.stages)
    finally:
        shutil.rmtree(root)
    print(f"a stage: {1e3 * kept:.1f} ms, of which {1e3 * (kept - bare):.1f} ms more than a folder written and renamed")
    against = f"openssl dgst -sha256, {THREADS} at a time"
    told = {"name": "keeping", "ratio": round(ratio, 3), "goal": GOAL, "against": against}
    print(json.dumps(told | {"stage_ms": round(1e3 * kept, 2), "plain_ms": round(1e3 * bare, 2)}))


if __name__ == "__main__":
    main()
