"""A small grid with every kind of stage in it; how it is launched, what it came to, and what it left."""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RUN = "CHAOS_RUN"  # in the environment of every process of a launch: the storage that it works on
KINDS = ("recordings", "prepare", "audit", "cleared", "finetune", "features", "describe", "learn", "classify")
N_STAGES = 13
CHECKPOINT_EVERY = 10
PATIENCE = float(os.environ.get("CHAOS_PATIENCE", "1"))  # times as long on a machine that others use, too
END_S = 300.0 * PATIENCE  # for a whole launch
LETS_GO_S = 60.0 * PATIENCE  # for the processes of a launch whose driver or raylet was killed
TIMED = ("provenance.json", "manifest.json")  # hold times, or digests of files that hold times
NEEDED = {"README.md", "results", "runs", "logs", *KINDS}  # what a storage at rest has at its top, and no more

# Fine-tunes of 40 steps, the second one from the first one's weights, each with four checkpoints.
CONFIG = f"""\
name: chaos
dataset: {{kind: simulator, motors_per_class: 4, recordings_per_motor: 2, n_samples: 2048, sampling_rate_hz: 4096}}
split: {{kind: ratio, train: 2, validation: 1, test: 1}}
windows: {{prediction_length: 16, per_series: 2, per_series_features: 2, stream: memory_map}}
augmentation: {{jitter: {{}}}}
backbone: {{kind: bolt, d_model: 128, d_kv: 32, d_ff: 256, num_layers: 2, num_decoder_layers: 1, num_heads: 4}}
finetune: {{num_steps: 40, learning_rate: 1e-3, batch_size: 64, validate_every: 20, precision: float32,
  checkpoint_every: {CHECKPOINT_EVERY}, log_every: 1}}
by_method: {{C_two_stage: {{finetune: {{trainable_blocks: 1}}}}}}
features: {{cnn: {{n_epochs: 2}}, classical: {{high_frequencies_hz: [1000]}}}}
axes: {{method: [C_two_stage, classical, cnn], domain: [ShengYing], context_length: [256], classifier: [lda]}}
"""


def write_config(folder: Path) -> Path:
    """Write the config of the small grid into a folder."""
    file = folder / "chaos.yaml"
    file.write_text(CONFIG, encoding="utf-8")
    return file


class Launch(subprocess.Popen):
    """``launch.py`` as a process that leads a session of its own; what it says goes to `output`."""

    def __init__(self, storage: Path, words: list[str], environment: dict[str, str]) -> None:
        scratch(storage).mkdir(exist_ok=True)
        self.storage = storage
        self.began = time.monotonic()
        self.output = storage.with_name(f"{storage.name}-{time.time_ns()}.out")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        own = {RUN: str(storage), "TMPDIR": str(scratch(storage))}
        with self.output.open("w", encoding="utf-8") as sink:
            super().__init__(
                [sys.executable, str(ROOT / "launch.py"), *words],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env=kept | own | environment,
                cwd=storage.parent,
                start_new_session=True,
            )

    def said(self) -> str:
        """Return all that it has printed so far."""
        return self.output.read_text(encoding="utf-8", errors="replace")

    def end(self, timeout_s: float = END_S) -> int:
        """Wait until it has ended, and return its status; one that does not end is killed, and is an error."""
        try:
            return self.wait(timeout_s)
        except subprocess.TimeoutExpired:
            told = (
                f"no end after {timeout_s:.0f} s; it still runs {processes_of(self.storage)}; it said:\n{self.said()}"
            )
            kill_all(self.storage)
            self.wait()
            raise AssertionError(told) from None


def launch(config: Path, storage: Path, *more: str, **environment: str) -> Launch:
    """Start ``launch.py CONFIG --storage STORAGE`` in the background, in a session and a TMPDIR of its own.

    Parameters
    ----------
    config : Path
    storage : Path
    *more : str
        More words for the command line.
    **environment : str
        More variables.
    """
    return Launch(storage, [str(config), *more, "--storage", str(storage)], environment)


def run(config: Path, storage: Path, *more: str, **environment: str) -> Launch:
    """Launch, wait for the end, and return what ended."""
    launched = launch(config, storage, *more, **environment)
    launched.end()
    return launched


def finish(config: Path, storage: Path) -> Launch:
    """Give the same command once more, which must end well."""
    launched = run(config, storage)
    assert launched.returncode == 0, f"exit status {launched.returncode}; it said:\n{launched.said()}"
    return launched


def scratch(storage: Path) -> Path:
    """Return the folder for temporary files of a storage's launches; its name is short, for the sake of sockets."""
    return Path(tempfile.gettempdir()) / f"c{hashlib.sha256(str(storage).encode()).hexdigest()[:6]}"


def stage_folders(storage: Path) -> dict[str, Path]:
    """Return the folders that stand, by ``<kind>-<key>``."""
    records = (record for kind in KINDS for record in (storage / kind).glob("*/record.json"))
    return {f"{record.parent.parent.name}-{record.parent.name[-16:]}": record.parent for record in records}


def life_left(storage: Path) -> float:
    """Return how long the next launch will take, roughly, as a share of that of one which has all to do."""
    return 1 - 0.6 * len(stage_folders(storage)) / N_STAGES  # the rest is the start: Ray, and what is imported


def fingerprint(storage: Path) -> dict[str, str]:
    """Return digests of what the stages came to, by ``<kind>-<key>/<file>``; files that hold times are left out."""
    return {
        f"{stage}/{path.relative_to(folder)}": _digest(path)
        for stage, folder in stage_folders(storage).items()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in TIMED and path.parent.name != "tensorboard"
    }


def _digest(path: Path) -> str:
    content = path.read_bytes()
    if path.name == "audit.json":  # says how long it took
        content = json.dumps(json.loads(content) | {"seconds": None}, sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()


def differences(expected: dict[str, str], found: dict[str, str]) -> list[str]:
    """Return the files in which two fingerprints differ, each with how."""
    names = sorted(expected.keys() | found.keys())
    words = {True: "differs", False: "missing"}
    return [
        f"{name}: {words[name in found] if name in expected else 'not in the undisturbed run'}"
        for name in names
        if expected.get(name) != found.get(name)
    ]


def builds(storage: Path) -> dict[str, tuple[int, int]]:
    """Return by ``<kind>-<key>`` which file its record is; one that was built again is another file."""
    found = {}
    for stage, folder in stage_folders(storage).items():
        try:
            status = (folder / "record.json").stat()
        except FileNotFoundError:
            continue  # it was just set aside
        found[stage] = (status.st_ino, status.st_mtime_ns)
    return found


@dataclass(frozen=True)
class Process:
    """A process as ``/proc`` tells it."""

    pid: int
    session: int
    words: str

    @property
    def is_raylet(self) -> bool:
        return "/raylet/raylet " in f"{self.words} "

    @property
    def is_building(self) -> bool:
        """Whether it is a worker that has named itself after the stage that it builds."""
        return self.words.startswith(tuple(f"ray::{kind} " for kind in KINDS))


def processes_of(storage: Path) -> list[Process]:
    """Return the processes of all launches on a storage, by the environment that all of them inherit."""
    mark = f"{RUN}={storage}\0".encode()
    return [process for process in _processes(mark) if process.pid != os.getpid()]


def _processes(mark: bytes) -> Iterator[Process]:
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            if mark not in (folder / "environ").read_bytes():
                continue
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            fields = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        if fields[0] != "Z":
            yield Process(int(folder.name), int(fields[3]), words)


def kill_all(storage: Path) -> None:
    """Kill what the launches on a storage have left running."""
    for process in processes_of(storage):
        kill(process.pid)


def kill(pid: int) -> None:
    """Send the one signal that nobody can catch."""
    with contextlib.suppress(ProcessLookupError):  # it was quicker
        os.kill(pid, signal.SIGKILL)


def await_silence(storage: Path, timeout_s: float = LETS_GO_S) -> list[Process]:
    """Wait until no process of a storage's launches is left; return those that are there at the end of the time."""
    end = time.monotonic() + timeout_s
    while (left := processes_of(storage)) and time.monotonic() < end:
        time.sleep(0.1)
    return left


def left_behind(storage: Path) -> list[str]:
    """Return what the ended launches on a storage have left beyond what the next one needs, each item in words."""
    found = [f"process {process.pid}: {process.words[:100]}" for process in await_silence(storage)]
    found += [f"storage: {path.relative_to(storage)}" for path in _unneeded(storage)]
    found += [f"temporary: {path}" for path in _files_in(scratch(storage))]
    return found + [f"/dev/shm: {path.name}" for path in _unheld_memory()]


def _files_in(folder: Path) -> list[Path]:
    """Return what lies in a folder of temporary files, but for what was compiled: it serves the next run, too."""
    top = [path for path in folder.glob("*") if not path.name.startswith("torchinductor_")]
    return [path for path in top if path.is_file() or any(path.iterdir())]


def _unneeded(storage: Path) -> Iterator[Path]:
    """Yield what is in a storage beside stages, results, logs and runs; folders that are empty need no room."""
    for path in sorted(storage.iterdir()):
        if path.name not in NEEDED and (path.is_file() or any(path.iterdir())):
            yield from sorted(path.iterdir()) if path.is_dir() else [path]
    for kind in KINDS:
        yield from (path for path in sorted((storage / kind).glob("*")) if not (path / "record.json").is_file())
    tops = [storage / name for name in NEEDED]
    yield from (path for top in tops for path in top.rglob(".*") if path.is_file())  # drafts of single files


def _unheld_memory() -> list[Path]:
    """Return the files in shared memory that no process has mapped or open."""
    shared = [path for path in Path("/dev/shm").glob("*") if path.is_file()]
    return [path for path in shared if not _is_held(path)] if shared else []


def _is_held(path: Path) -> bool:
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                if str(path) in (folder / "maps").read_text(encoding="utf-8", errors="replace"):
                    return True
            except OSError:
                continue
    return False


def clean(storage: Path) -> None:
    """Remove all that a test has left of its launches."""
    kill_all(storage)
    await_silence(storage)
    shutil.rmtree(scratch(storage), ignore_errors=True)


def told(storage: Path) -> list[dict[str, Any]]:
    """Return what the launches on a storage say of themselves now, in the order in which they were started."""
    found = []
    for file in sorted((storage / "runs").glob("*/now.json")):
        with contextlib.suppress(OSError, ValueError):  # it is being removed
            found.append(json.loads(file.read_text(encoding="utf-8")))
    return found
