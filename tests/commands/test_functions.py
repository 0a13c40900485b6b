"""Commands as functions, for programs and pages: each returns data, and prints nothing but progress."""

import shutil

import pytest

from grid.store.store import Store
from motor.commands.cell import find_cell
from motor.commands.check_data import check_data
from motor.commands.dry_run import dry_run
from motor.commands.export import export
from motor.commands.grid import plan_grid
from motor.commands.predict import predict
from motor.commands.prune import prune
from motor.commands.run import run
from motor.commands.verify import verify


@pytest.fixture
def config(tiny_text, tmp_path):
    file = tmp_path / "tiny.yaml"
    file.write_text(tiny_text, encoding="utf-8")
    return file


@pytest.fixture
def store(tiny_built, tmp_path):
    """A copy of the tiny experiment's store."""
    return Store(shutil.copytree(tiny_built.store.root, tmp_path / "storage", symlinks=True))


def stages_in(store):
    return {path.parent.name for path in store.root.glob("*/*/record.json")}


def test_dry_run_returns_the_plan_and_what_each_stage_asks_for(config, store, capsys):
    planned = dry_run(plan_grid(config, (), {}, store, only=("method=A", "domain=Joint"), is_look=True))
    assert [cell.name() for cell in planned.plan.cells] == ["A/Joint/64/lda"]
    assert planned.resources.keys() == planned.plan.stages.keys()
    assert capsys.readouterr().out == ""


def test_run_of_what_stands_returns_that_nothing_was_done(config, store, capsys):
    ran = run(plan_grid(config, (), {}, store, only=("method=A", "domain=Joint")))
    assert (ran.n_standing, ran.status) == (1, 0)
    again = run(plan_grid(config, (), {}, store, only=("method=A", "domain=Joint")))
    assert (again.outcome, again.n_standing, again.status) == (None, 1, 0)
    assert (ran.grid.root / "report.html").exists()
    assert capsys.readouterr().out == ""


def test_check_data_returns_counts_and_findings(config, store, tiny_built):
    checked = check_data(tiny_built.experiment, store)
    assert checked.summary["n_recordings"] == 48
    assert checked.split_fault is None
    assert "motors_with_one_class" in str(checked.report)


def test_verify_returns_what_is_damaged(config, store):
    assert verify([config], (), {}, store).damaged == {}
    (file,) = store.root.glob("features/residual-normal-Joint*/features.parquet")
    file.write_bytes(b"")
    assert list(verify([], (), {}, store).damaged) == [f"features/{file.parent.name}"]


def test_prune_removes_nothing_unless_it_is_agreed_to(config, store):
    before = stages_in(store)
    found = prune([config], ["axes.domain=[Joint]"], {}, store)
    assert (found.grids, found.removed_bytes) == (("tiny",), None)
    assert stages_in(store) == before
    gone = prune([config], ["axes.domain=[Joint]"], {}, store, agrees=lambda pruned: len(pruned.chosen) > 0)
    assert gone.removed_bytes > 0
    assert stages_in(store) < before


def test_predict_and_export_return_predictions_and_the_folder(store, tiny_data, tmp_path):
    files = sorted(tiny_data.glob("ShengYing/*/*.npy"))[:2]
    key = next(store.root.glob("classify/A-Joint-64-lda-*")).name.rpartition("-")[2]
    parts = find_cell(key, store.root)
    judged = predict(parts, files)
    assert (len(judged.predictions), judged.faults) == (2, [])
    done = export(parts, tmp_path / "exported")
    assert (done.folder / "model.json").exists()
    assert predict(find_cell(str(done.folder), store.root, digest=done.digest), files).predictions.equals(
        judged.predictions
    )
