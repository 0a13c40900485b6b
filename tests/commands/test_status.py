"""What `status` says, from storage alone."""

import copy
import io
import json
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grid.plan.plan import make_plan
from grid.run.build import build_logged
from grid.screen.journal import Journal
from grid.screen.progress import Progress
from grid.store.store import write_json
from motor.commands.status import as_text, status
from motor.experiment.cells import make_cells

STANDS, MISSING = "A/Joint/64/lda", "C/ShengYing/64/lda"


@pytest.fixture
def looked_at(make_tiny: Callable[..., Any], tmp_path: Path) -> Any:
    """The tiny experiment: of its 12 cells one stands, as far as a status can see."""
    tiny = make_tiny(tmp_path)
    for stage in tiny.cell(STANDS).walk():
        with tiny.store.draft(stage, {}) as draft:
            write_json(draft / "metrics.json", {"macro_f1": 0.8125})
    return planned(tiny, tiny.experiment)


def planned(tiny: Any, experiment: Any) -> Any:
    """Plan as `--status` does."""
    cells = make_cells(experiment, tiny.store.root, dry_run=True)
    return type(tiny)(experiment, make_plan(cells, tiny.store), tiny.store)


def said(tiny: Any) -> str:
    """Return what the status says."""
    return as_text(status(tiny.experiment, tiny.plan, tiny.store)) + "\n"


def journal(tiny: Any) -> Journal:
    return Journal(tiny.store, "launch-1", Progress(tiny.plan, io.StringIO(), "ray.log"))


def missing(tiny: Any, kind: str) -> Any:
    return next(stage for stage in tiny.plan.missing.values() if kind == stage.KIND)


def row(text: str, first: str) -> str:
    """Return the last line that begins with a word, single spaces between its words."""
    return next(" ".join(line.split()) for line in reversed(text.splitlines()) if line.split()[:1] == [first])


def test_status_without_a_launch_says_what_stands(looked_at: Any) -> None:
    text = said(looked_at)
    assert text.startswith("tiny: 1 of 12 cells stand, 11 are missing\n\nNo launch of these cells has left word")
    assert row(text, STANDS) == f"{STANDS} macro-F1 0.812"
    assert row(text, MISSING) == f"{MISSING} to build"
    assert row(text, "classify") == "classify 12 1 0 0 11"
    assert "Best macro-F1 so far: 0.812, A/Joint/64/lda" in text


def test_status_after_a_launch_with_other_settings_asks_for_its_overrides(
    looked_at: Any, make_tiny: Callable[..., Any], tmp_path: Path
) -> None:
    journal(looked_at)
    text = said(make_tiny(tmp_path, "seed=7"))
    assert "No launch of these cells has left word in this storage; launch-1 was of others: give its overrides" in text


def test_status_of_a_launch_under_way_says_what_runs_where(looked_at: Any) -> None:
    kept, stage = journal(looked_at), missing(looked_at, "finetune")
    kept.progress.start(stage.key)
    kept.progress.advance(stage.key, {"step": 3, "of": 4, "loss": 0.5}, "node7 GPU 0")
    kept.progress.dashboard = "127.0.0.1:8265"
    kept.write()
    text = said(looked_at)
    assert f"on {socket.gethostname()}): running\n  1/12 cells, 0/" in text
    assert "node7 GPU 0  0:00  step 3/4, loss 0.5\n" in text
    assert "dashboard: http://127.0.0.1:8265" in text
    assert row(text, "finetune").split()[3] == "1"


def test_status_of_a_launch_that_was_killed_says_so(looked_at: Any) -> None:
    kept = journal(looked_at)
    kept.progress.start(missing(looked_at, "finetune").key)
    kept.write()
    path = looked_at.store.root / "runs" / "launch-1" / "plan.json"
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"pid": int(gone.stdout)}))
    text = said(looked_at)
    assert "its process is gone; the same command goes on from here" in text
    assert row(text, "finetune").split()[3] == "0"


def test_status_of_a_failed_stage_has_its_cause_and_log(looked_at: Any) -> None:
    stage = looked_at.cell(MISSING)  # what it is made from is not there
    with pytest.raises(RuntimeError):
        build_logged(stage, looked_at.store, looked_at.context(stage))
    journal(looked_at).write("ended")
    text = said(looked_at)
    assert "failed: classify C-ShengYing-64-lda: FileNotFoundError: " in text
    assert f"\n  log: {looked_at.store.log(stage)}\n" in text
    assert row(text, MISSING) == f"{MISSING} failed: classify"


def test_status_where_the_data_is_elsewhere_is_that_of_the_last_launch(looked_at: Any) -> None:
    journal(looked_at).write("interrupted")
    moved = copy.copy(looked_at.experiment)
    elsewhere = moved.base.dataset.model_copy(update={"path": "/nowhere"})
    moved.base = moved.base.model_copy(update={"dataset": elsewhere})
    text = said(planned(looked_at, moved))
    assert text.startswith("tiny: 1 of 12 cells stand, 11 are missing\nThe data is not at hand here")
    assert row(text, STANDS) == f"{STANDS} macro-F1 0.812"
    assert ": interrupted; the same command goes on from here" in text


def test_status_names_the_reports_that_are_there(looked_at: Any) -> None:
    report = looked_at.store.root / "results" / "tiny" / "report.html"
    report.parent.mkdir(parents=True)
    report.touch()
    assert f"The report is {report}\n" in said(looked_at)


def test_status_changes_nothing_in_the_store(looked_at: Any) -> None:
    before = sorted(looked_at.store.root.rglob("*"))
    said(looked_at)
    assert sorted(looked_at.store.root.rglob("*")) == before


def test_status_needs_neither_ray_nor_torch() -> None:
    code = "import sys, motor.commands.status; print(sys.modules.keys() & {'ray', 'torch', 'pandas', 'matplotlib'})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
