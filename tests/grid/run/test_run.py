"""Launches under an embedded Ray, each in a process of its own, as `launch.py` is."""

import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from grid.plan.plan import Cell, make_plan
from grid.run.run import run
from grid.screen.journal import launches
from grid.store.store import Store

pytestmark = pytest.mark.ray

PROGRAM = Path(__file__).parents[1] / "toy_grid.py"
MARK = "TOY_GRID_MARK"  # in the environment, which every process of a launch inherits
STOP_S = 20  # a few seconds, where the machine is not busy
HEADLINE = re.compile(r"\d+/\d+ cells, \d+/\d+ stages, \d+ running.*(left|known)( \| .*)?")
WHERE = re.compile(rf"{re.escape(socket.gethostname())} CPU")


@dataclass
class Launch:
    """A launch of the toy program."""

    process: subprocess.Popen
    store: Store
    mark: str
    stdout: str = ""
    stderr: str = ""
    outcome: dict[str, Any] = field(default_factory=dict)

    def wait(self, timeout_s: float = 120) -> "Launch":
        """Wait for the end; read what came out."""
        self.stdout, self.stderr = self.process.communicate(timeout=timeout_s)
        told = self.store.root / "outcome.json"
        self.outcome = json.loads(told.read_text()) if told.exists() else {}
        return self

    def wait_for(self, pattern: str, count: int, timeout_s: float = 120) -> None:
        """Wait until so many files of the store match."""
        end = time.monotonic() + timeout_s
        while len(list(self.store.root.glob(pattern))) < count:
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < end, f"{pattern} not seen {count} times in {timeout_s} s"
            time.sleep(0.05)

    def processes(self) -> list[int]:
        """Return the processes of this launch that live."""
        return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit() and self._owns(path)]

    def _owns(self, process: Path) -> bool:
        try:
            return self.mark.encode() in (process / "environ").read_bytes()
        except OSError:  # gone, or another user's
            return False


@pytest.fixture(scope="module")
def launch() -> Iterator[Callable[[str, Path], Launch]]:
    """Start the toy program in a process group of its own, as a terminal does."""
    started: list[Launch] = []

    def start(grid: str, root: Path, **settings: str) -> Launch:
        mark = uuid.uuid4().hex
        words = [sys.executable, "-W", "error::ResourceWarning", str(PROGRAM), grid, str(root)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        environment = os.environ | {MARK: mark} | settings
        process = subprocess.Popen(words, env=environment, start_new_session=True, **pipes)
        started.append(Launch(process, Store(root), mark))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.communicate()
        for process in one.processes():
            os.kill(process, 9)


@dataclass
class Twice:
    """A launch that Ctrl-C stopped, what stood then, and the same command again."""

    first: Launch
    stopped_after_s: float
    standing: dict[str, tuple[int, int]]
    drafts: list[Path]
    second: Launch
    toy: ModuleType

    def labels(self, launch: Launch) -> set[str]:
        stages = make_plan(self.toy.mixed(), Store(Path("nowhere"))).stages
        return {stages[key].label() for key in launch.outcome["built"]}

    def failure(self, label: str) -> dict[str, Any]:
        return next(failure for failure in self.second.outcome["failures"] if failure["label"] == label)


@pytest.fixture(scope="module")
def twice(launch: Callable, toy: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Twice:
    """Kinds of several sizes, with a fault in the data and a worker that dies; one Ctrl-C on the way."""
    root = tmp_path_factory.mktemp("mixed")
    first = launch("mixed", root)
    first.wait_for("number/*", 2)
    began = time.monotonic()
    os.killpg(first.process.pid, signal.SIGINT)  # as a terminal does: to Ray's processes too
    first.wait()
    stopped_after_s = time.monotonic() - began
    standing = footprints(first.store, toy.mixed())
    return Twice(first, stopped_after_s, standing, drafts(first.store), launch("mixed", root).wait(), toy)


def footprints(store: Store, cells: list[Cell]) -> dict[str, tuple[int, int]]:
    """Return what changes when a stage is built again: the inode and the time of its record."""
    built = {stage.key: stage for cell in cells for stage in cell.stage.walk() if store.holds(stage)}
    found = {key: (store.folder(stage) / "record.json").stat() for key, stage in built.items()}
    return {key: (stat.st_ino, stat.st_mtime_ns) for key, stat in found.items()}


def drafts(store: Store) -> list[Path]:
    return list((store.root / "drafts").glob("*"))


def test_run_ctrl_c_stops_soon_and_cleanly(twice: Twice) -> None:
    assert twice.stopped_after_s < STOP_S
    assert twice.first.process.returncode == 130
    assert twice.first.outcome["interrupted"]
    assert {failure["label"] for failure in twice.first.outcome["failures"]} <= {"data", "killed"}  # by themselves
    assert "stopping; the same command goes on from here" in twice.first.stdout.splitlines()
    assert twice.first.stderr == ""
    assert twice.drafts == []


def test_run_same_command_goes_on_and_redoes_nothing(twice: Twice) -> None:
    assert 2 <= len(twice.standing) < 7
    assert twice.standing.items() <= footprints(twice.second.store, twice.toy.mixed()).items()
    assert twice.standing.keys().isdisjoint(twice.second.outcome["built"])
    assert not twice.second.outcome["interrupted"]
    assert twice.second.process.returncode == 0


def test_run_failures_cost_just_their_descendants(twice: Twice) -> None:
    wanted, lost, killed = (cell.stage for cell in twice.toy.mixed())
    assert twice.labels(twice.second) >= {"sum", twice.toy.STRANGE_LABEL}
    assert twice.toy.read(twice.second.store.folder(wanted)) == 15**2
    assert not twice.second.store.holds(lost)
    assert not twice.second.store.holds(killed)


def test_run_failure_has_cause_and_log_with_traceback(twice: Twice) -> None:
    assert len(twice.second.outcome["failures"]) == 2
    failure = twice.failure("data")
    assert failure["cause"] == "motor_07.csv, line 3: [/raw] is 'NaN'"
    assert failure["input_fault"]
    assert "Traceback (most recent call last)" in Path(failure["log"]).read_text()


def test_run_dead_worker_is_one_failed_stage_and_told_as_such(twice: Twice) -> None:
    failure = twice.failure("killed")
    assert failure["cause"].startswith("its worker died without a word")
    assert not failure["input_fault"]
    assert "worker process has died" in Path(failure["log"]).read_text()


def test_run_failed_stages_leave_no_folder_and_no_draft(twice: Twice) -> None:
    assert drafts(twice.second.store) == []
    assert not (twice.second.store.root / "faulty").exists()


def test_run_next_plan_is_what_failed_and_hangs_on_it(twice: Twice) -> None:
    kinds = [stage.KIND for stage in make_plan(twice.toy.mixed(), twice.second.store).missing.values()]
    assert kinds == ["faulty", "sum", "square", "faulty"]
    assert make_plan(twice.toy.mixed()[:1], twice.second.store).missing == {}


def test_run_terminal_has_progress_alone(twice: Twice) -> None:
    lines = twice.second.stdout.splitlines()
    said = [line for line in lines if not HEADLINE.fullmatch(line) and not line.startswith("failed ")]
    assert [line.partition(":")[0] for line in said] == ["faulty killed"] * 2  # tried again
    assert lines[0].startswith("0/3 cells, 0/")
    assert re.match(r"1/3 cells, \d+/\d+ stages, 0 running, 2 failed", lines[-1])
    assert twice.second.stderr == ""


def test_run_logs_hold_the_rest(twice: Twice) -> None:
    logs = sorted((twice.second.store.root / "logs").glob("launch-*.log"))
    assert len(logs) == 2
    assert "Trial task failed" in logs[1].read_text()
    squared = twice.second.store.log(twice.toy.mixed()[0].stage).read_text()
    assert squared == "squared by Python\nsquared by a child\n"


def test_run_says_in_the_store_what_ran_where_and_how_it_ended(twice: Twice) -> None:
    second, first = launches(twice.second.store)
    assert (first.end(), second.end()) == ("interrupted", "ended")
    assert second.is_of({cell.name(): cell.stage.key for cell in twice.toy.mixed()})
    assert second.now["headline"].startswith("1/3 cells")
    assert all(WHERE.fullmatch(running["device"]) for running in first.now["running"] if running["progress"])


def test_run_names_trials_as_people_do(twice: Twice) -> None:
    log = sorted((twice.second.store.root / "logs").glob("launch-*.log"))[1].read_text()
    assert "square [/bold] :key: 声音 a/b" in log or "faulty killed" in log
    assert not (twice.second.store.root / "tune").exists()  # its record is not needed by anyone


def test_run_leaves_no_process(twice: Twice) -> None:
    end = time.monotonic() + STOP_S
    while twice.first.processes() + twice.second.processes() and time.monotonic() < end:
        time.sleep(0.1)
    assert twice.first.processes() + twice.second.processes() == []


@pytest.mark.slow
def test_run_stage_that_fits_nowhere_fails_at_once_and_nothing_runs(launch: Callable, tmp_path: Path) -> None:
    large = launch("large", tmp_path).wait()
    (failure,) = large.outcome["failures"]
    assert failure["cause"].startswith("faulty asks for 10000 CPU, 3 GPU, but a node has ")
    assert failure["input_fault"]
    assert large.outcome["built"] == []


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_run_sigterm_and_a_closed_terminal_stop_as_ctrl_c_does(
    launch: Callable, tmp_path: Path, number: signal.Signals
) -> None:
    first = launch("slow", tmp_path)
    first.wait_for("number/*", 2)
    if number == signal.SIGHUP:
        os.killpg(first.process.pid, number)  # as a terminal does that is closed: to Ray's processes too
    else:
        first.process.send_signal(number)
    first.wait(STOP_S)
    assert first.process.returncode == 130
    assert first.outcome["interrupted"]
    assert first.stderr == ""


@pytest.mark.slow
def test_run_driver_killed_twice_loses_only_what_was_half_done(
    launch: Callable, toy: ModuleType, tmp_path: Path
) -> None:
    store, standing = Store(tmp_path), {}
    for count in (2, 5):
        killed = launch("slow", tmp_path)
        killed.wait_for("number/*", count)
        killed.process.kill()
        killed.process.wait()
        before = footprints(store, toy.slow())
        assert standing.items() <= before.items()
        standing = before
    last = launch("slow", tmp_path).wait()
    after = footprints(store, toy.slow())
    assert last.process.returncode == 0
    assert standing.items() <= after.items()
    assert len(after) == 11
    assert drafts(store) == []


# The clock of every process of a launch is ten years back, from some seconds after its start on.
BACK = """
import time
began, now, written = time.monotonic(), time.time, time.strftime
time.time = lambda: now() - 315e6 * (time.monotonic() - began > 4)
time.strftime = lambda words, then=None: written(words, then or time.localtime(time.time()))
"""


@pytest.mark.slow
def test_run_whose_clock_is_set_back_while_it_runs_goes_on_and_is_the_latest(
    launch: Callable, toy: ModuleType, tmp_path: Path
) -> None:
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock" / "sitecustomize.py").write_text(BACK)
    killed = launch("slow", tmp_path / "store")
    killed.wait_for("number/*", 1)
    killed.process.kill()
    killed.process.wait()
    path = {"PYTHONPATH": f"{tmp_path / 'clock'}:{os.environ.get('PYTHONPATH', '')}"}
    for _ in range(2):  # the second begins with the former's times in the future
        last = launch("slow", tmp_path / "store", **path).wait()
        assert (last.process.returncode, last.outcome["failures"]) == (0, [])
        shutil.rmtree(next((tmp_path / "store" / "sum").iterdir()))
    ends = [told.end() for told in launches(last.store)]
    assert ends[:2] == ["ended", "ended"]
    assert "its process is gone" in (ends[2] or "")


@pytest.mark.slow
@pytest.mark.skipif(os.cpu_count() == 1, reason="one at a time is all that fits")
def test_run_stages_shorter_than_a_start_use_every_slot_and_few_workers(launch: Callable, tmp_path: Path) -> None:
    launch("slow", tmp_path).wait()
    workers = Counter(path.read_text() for path in tmp_path.glob("number/*/process.json"))
    assert len(workers) >= 2  # not one that takes every stage before the second has started
    assert max(workers.values()) >= 3  # not a new one for each


@pytest.mark.slow
@pytest.mark.skipif(os.cpu_count() == 1, reason="one at a time is all that fits")
def test_run_keeps_the_workers_that_wait_while_one_stage_is_built(launch: Callable, tmp_path: Path) -> None:
    launch("narrow", tmp_path).wait()
    processes = [path.read_text() for path in tmp_path.glob("number/*/process.json")]
    assert (len(processes), len(set(processes))) == (5, 2)


@pytest.mark.slow
def test_run_sizes_in_turn_do_not_deadlock(launch: Callable, toy: ModuleType, tmp_path: Path) -> None:
    chains = launch("chains", tmp_path).wait()
    assert chains.outcome["built"] == sorted(make_plan(toy.chains(), Store(Path("nowhere"))).stages)
    assert chains.outcome["failures"] == []


@pytest.mark.slow
def test_run_worker_out_of_memory_is_one_failed_stage(launch: Callable, toy: ModuleType, tmp_path: Path) -> None:
    fields = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
    kilobytes = {name.rstrip(":"): int(amount) for name, amount, *_ in fields}
    if kilobytes["MemAvailable"] < 8 << 20:
        pytest.skip("less than 8 GB are free")
    threshold = 1 - (kilobytes["MemAvailable"] - (4 << 20)) / kilobytes["MemTotal"]  # 4 GB from here
    settings = {"RAY_memory_usage_threshold": f"{threshold:.3f}", "RAY_memory_monitor_refresh_ms": "200"}
    ended = launch("memory", tmp_path, **settings).wait()
    causes = {failure["label"]: failure["cause"] for failure in ended.outcome["failures"]}
    assert causes["memory"].startswith("out of memory: Ray killed its worker")
    assert ended.process.returncode == 0


def test_run_address_where_nothing_listens_raises_at_once(tmp_path):
    store = Store(tmp_path)
    with pytest.raises(ConnectionError, match="nothing listens there"):
        run(make_plan([], store), store, {}, address="127.0.0.1:1", stream=io.StringIO())
