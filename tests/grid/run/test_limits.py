"""A stage that takes too long or holds too much ends with words; each is a process of its own here."""

import pickle
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grid.run import limits
from grid.run.limits import LIMIT_EXIT, WorkerEndedError, oom_kills, timed_out
from grid.stage import Resources

PROGRAM = """
import mmap, re, subprocess, sys, time
from grid.run import limits
from grid.stage import Resources
limits.LOOK_EVERY_S, limits.GRACE_S = 0.05, 0.3
def say(*words):
    print(*words, sep="|", flush=True)
asked = Resources(time_limit_s={time_limit_s}, memory_limit_gb={memory_limit_gb})
with limits.limits(asked, "toy", say):
    {stage}
{after}
print("stands")
"""
GROWS = """
from grid.run.limits import held_bytes
before = held_bytes()
held = bytearray(range(256)) * 400_000
print(len(held), held_bytes() - before)
"""
HOLD = "bytearray(range(256)) * 800_000; time.sleep(20)"


def in_limits(stage, time_limit_s=0.0, memory_limit_gb=0.0, after=""):
    program = PROGRAM.format(stage=stage, after=after, time_limit_s=time_limit_s, memory_limit_gb=memory_limit_gb)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)


def lives(number):
    """Tell whether a process runs; one that was killed may stay listed until somebody asks what became of it."""
    status = Path(f"/proc/{number}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def test_limits_time_over_is_said_and_ends_the_process():
    ended = in_limits("time.sleep(20)", time_limit_s=0.2)
    assert ended.returncode == LIMIT_EXIT
    assert ended.stdout == "took longer than resources.toy.time_limit_s: 0.2 s|time\n"
    assert 'File "<string>", line 10' in ended.stderr  # where it was


def test_limits_time_over_in_a_call_that_lets_no_thread_run_ends_it_a_little_later():
    ended = in_limits("re.match('(a|a)*b', 'a' * 40)", time_limit_s=0.2)
    assert ended.returncode == 1
    assert timed_out(ended.stderr)
    assert 'File "<string>", line 10' in ended.stderr


@pytest.mark.parametrize(
    "stage", [f"held = {HOLD}", f"subprocess.run([sys.executable, '-c', 'import time; held = {HOLD}'])"]
)
def test_limits_memory_over_in_the_process_or_its_child_is_said_and_ends_it(stage):
    ended = in_limits(stage, memory_limit_gb=0.15)
    assert ended.returncode == LIMIT_EXIT
    assert ended.stdout.startswith("holds 0.")
    assert ended.stdout.endswith(" GB, more than resources.toy.memory_limit_gb: 0.15|memory\n")


def test_limits_over_leaves_no_child_behind():
    stage = "print(subprocess.Popen(['sleep', '20'], stdout=subprocess.DEVNULL).pid, flush=True); time.sleep(20)"
    number = in_limits(stage, time_limit_s=0.3).stdout.splitlines()[0]
    until = time.monotonic() + 5
    while lives(number) and time.monotonic() < until:
        time.sleep(0.05)
    assert not lives(number)


def test_limits_a_mapped_file_does_not_count(tmp_path):
    recordings = tmp_path / "recordings"
    recordings.write_bytes(bytes(200_000_000))
    held = f"file = open({str(recordings)!r}, 'rb'); held = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)"
    ended = in_limits(f"{held}; sum(held[::4096]); time.sleep(0.3)", memory_limit_gb=0.15)
    assert (ended.stdout, ended.stderr) == ("stands\n", "")


def test_limits_of_a_block_that_has_ended_watch_no_more():
    assert in_limits("time.sleep(0.1)", 0.8, 5, after="time.sleep(1.2)").stdout == "stands\n"


def test_limits_what_cannot_be_said_ends_the_process_all_the_same():
    ended = in_limits("sys.stdout.close(); time.sleep(20)", time_limit_s=0.2)
    assert ended.returncode == LIMIT_EXIT
    assert "ValueError: I/O operation on closed file" in ended.stderr


def test_limits_of_none_start_no_thread(monkeypatch):
    monkeypatch.setattr(limits, "_Watch", None)
    with limits.limits(Resources(), "toy", print):
        pass


def test_held_bytes_grow_by_what_is_held():
    ended = subprocess.run([sys.executable, "-c", GROWS], capture_output=True, text=True, check=True)
    held, grown = map(int, ended.stdout.split())
    assert held <= grown < 1.2 * held


@pytest.mark.parametrize(
    ("log", "is_over"),
    [("step 3\nTimeout (0:01:10)!\nThread 0x1", True), ("Timeout (s) of a request\n", False), ("", False)],
)
def test_timed_out_knows_the_words_of_the_watchdog(log, is_over):
    assert timed_out(log) is is_over


def test_oom_kills_adds_up_what_the_machine_and_the_container_tell(monkeypatch, tmp_path):
    without = oom_kills()
    (tmp_path / "memory.events").write_text("max 7\noom 2\noom_kill 3\noom_group_kill 1\n")
    monkeypatch.setattr(limits, "CGROUPS", tmp_path)
    monkeypatch.setattr(limits, "_own_cgroup", lambda: "")
    assert oom_kills() >= without + 3


def test_oom_kills_where_nothing_tells_is_zero(monkeypatch):
    monkeypatch.setattr(limits, "_lines", lambda file: [])
    assert oom_kills() == 0


def test_worker_ended_error_pickles():
    error = pickle.loads(pickle.dumps(WorkerEndedError("worker 1 of 2 died", "lost")))
    assert (str(error), error.kind) == ("worker 1 of 2 died", "lost")
