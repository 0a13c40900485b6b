"""What a launch says of itself in the store."""

import io
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from grid.plan.plan import Cell, Plan, make_plan
from grid.screen.journal import KEPT, Journal, launches
from grid.screen.progress import Progress
from grid.store.store import Store


@pytest.fixture
def plan(store: Store, toy: ModuleType) -> Plan:
    return make_plan([Cell({"end": n}, toy.Number(n)) for n in range(2)], store)


def journal(store: Store, plan: Plan, name: str = "launch-1", **given: Any) -> Journal:
    return Journal(store, name, Progress(plan, io.StringIO(), "ray.log"), **given)


def amend(store: Store, name: str, **values: Any) -> None:
    """Change what a launch has said."""
    path = store.root / "runs" / "launch-1" / name
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def silent(store: Store, seconds: float) -> None:
    """Let a launch have said nothing for so long."""
    then = time.time() - seconds
    os.utime(store.root / "runs" / "launch-1" / "now.json", (then, then))


def test_journal_tells_what_runs_where_and_since_when(store: Store, plan: Plan) -> None:
    kept = journal(store, plan)
    key = next(iter(plan.missing))
    kept.progress.start(key)
    kept.progress.advance(key, {"step": 5, "of": 10}, "node7 GPU 0")
    kept.write()
    (launch,) = launches(store)
    assert launch.plan["cells"] == {"0": plan.cells[0].stage.key, "1": plan.cells[1].stage.key}
    (running,) = launch.now["running"]
    assert (running["title"], running["device"], running["text"]) == ("number0", "node7 GPU 0", "step 5/10")
    assert 0 <= running["seconds"] < 60
    assert launch.now["headline"].startswith("0/2 cells, 0/2 stages, 1 running")


def test_journal_of_a_process_that_lives_goes_on(store: Store, plan: Plan) -> None:
    journal(store, plan)
    silent(store, 1000)  # it may be slow to write
    assert launches(store)[0].end() is None


@pytest.mark.parametrize("how", ["ended", "interrupted"])
def test_journal_says_how_a_launch_ended(store: Store, plan: Plan, how: str) -> None:
    journal(store, plan).write(how)
    assert launches(store)[0].end() == how


def test_journal_of_a_process_that_is_gone_died(store: Store, plan: Plan) -> None:
    journal(store, plan)
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    amend(store, "plan.json", pid=int(gone.stdout))
    silent(store, 300)
    assert launches(store)[0].end() == "died 5 min ago: its process is gone"


def test_journal_of_a_number_that_another_process_has_now_died(store: Store, plan: Plan) -> None:
    journal(store, plan)
    amend(store, "plan.json", pid=1)  # which began with the machine
    assert launches(store)[0].end() == "died 0 s ago: its process is gone"


@pytest.mark.parametrize(
    ("silence_s", "end"),
    [
        (10, None),
        (7300, "died, or cannot write: last heard 2 h ago"),
        (-3e8, "died, or cannot write: last heard before the clock was set back"),
    ],
)
def test_journal_of_another_machine_is_judged_by_its_silence(
    store: Store, plan: Plan, silence_s: float, end: str | None
) -> None:
    journal(store, plan)
    amend(store, "plan.json", host=f"not-{socket.gethostname()}")
    silent(store, silence_s)
    assert launches(store)[0].end() == end


def test_journal_is_written_and_others_are_called_at_once_and_then_every_two_seconds(store: Store, plan: Plan) -> None:
    called: list[Path] = []
    kept = journal(store, plan, meanwhile=lambda: called.append(store.root))
    kept.tick()
    kept.tick()
    assert called == [store.root]
    kept._written_at -= 3
    kept.tick()
    kept.tick()
    assert called == [store.root] * 2


def test_launches_has_the_latest_first_and_no_more_than_are_kept(store: Store, plan: Plan) -> None:
    for number in range(KEPT + 3):
        journal(store, plan, f"launch-{number:03d}")
    names = [launch.plan["name"] for launch in launches(store)]
    assert names == [f"launch-{number:03d}" for number in range(KEPT + 2, 2, -1)]


def test_launches_are_in_order_although_the_clock_was_set_back(
    store: Store, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(KEPT):
        journal(store, plan, f"launch-2026{number:02d}")
    monkeypatch.setattr(time, "time", lambda: 1.0)
    kept = journal(store, plan, "launch-197001")
    kept._written_at -= 3
    kept.tick()
    journal(store, plan, "launch-197002")
    found = launches(store)
    assert [launch.plan["name"] for launch in found[:3]] == ["launch-197002", "launch-197001", f"launch-2026{KEPT - 1}"]
    assert (len(found), found[1].now["heard"], found[1].end()) == (KEPT, 1.0, None)


def test_launches_of_a_bucket_are_judged_by_its_clock(remote: Store, plan: Plan) -> None:
    journal(remote, plan)
    path = remote.root / "runs" / "launch-1" / "plan.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"host": "another"}))
    remote.share(path)
    assert launches(remote)[0].end() is None
    assert 0 <= launches(remote)[0].silence_s < 60


def test_launches_half_removed_or_begun_is_passed_over(store: Store, plan: Plan) -> None:
    journal(store, plan)
    (store.root / "runs" / "launch-1" / "now.json").unlink()
    assert launches(store) == []
    assert launches(Store(store.root / "nothing")) == []


def test_journal_that_cannot_be_written_stops_nothing(store: Store, plan: Plan) -> None:
    kept = journal(store, plan)
    shutil.rmtree(kept.folder)
    kept.folder.write_text("a file is in the way")
    kept.write("ended")
    assert launches(store) == []


def test_told_is_of_the_cells_that_it_was_to_build(store: Store, plan: Plan) -> None:
    journal(store, plan)
    (launch,) = launches(store)
    assert launch.is_of({"0": plan.cells[0].stage.key, "other": "key"})
    assert not launch.is_of({"0": "another key"})
