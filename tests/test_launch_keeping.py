"""`launch.py --verify`, `--prune` and `--retry-failed`, as they are typed; no Ray is started."""

import json
import os
import shutil
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

import launch
from grid.plan.plan import make_plan
from grid.run.failures import tell_cause
from grid.run.leftovers import FOLDER
from grid.store.store import Store
from motor.commands.grid import plan_grid
from motor.experiment.cells import chosen_cells
from motor.results.reported import set_damaged_aside

JOINT = ("--only", "method=A,B", "domain=Joint")


@pytest.fixture
def config(tiny_text, tmp_path):
    file = tmp_path / "tiny.yaml"
    file.write_text(tiny_text, encoding="utf-8")
    return file


@pytest.fixture
def store(tiny_built, tmp_path):
    """A copy of the tiny experiment's store, to be spoiled."""
    return Store(shutil.copytree(tiny_built.store.root, tmp_path / "storage", symlinks=True))


@pytest.fixture
def run(store, capsys):
    """Type a command; return its status and what was printed."""

    def typed(*words):
        status = launch.main([*map(str, words), "--storage", str(store.root)])
        return status, capsys.readouterr()

    return typed


def stage_of(tiny, kind, label):
    return next(stage for stage in tiny.stages(kind) if stage.label().startswith(label))


def cut(path, to=100):
    os.truncate(path, to)


def stages_in(store):
    return {path.parent.name for path in store.root.glob("*/*/record.json")}


def test_verify_of_a_whole_storage_ends_with_0(run, store):
    status, printed = run("--verify")
    assert status == 0
    assert printed.out.startswith(f"{store.root}: {len(stages_in(store))} stages, ")
    assert printed.out.endswith("All are whole.\n")


def test_verify_damaged_files_end_with_1_and_the_next_plan_builds_just_these(run, store, tiny_built, config):
    features = stage_of(tiny_built, "features", "embedding-normal-Joint")
    tuned = stage_of(tiny_built, "finetune", "all-Joint")
    cut(store.folder(features) / "features.parquet")
    cut(store.folder(tuned) / "predictor" / "model.safetensors")
    status, printed = run("--verify")
    assert status == 1
    assert f"features/{store.folder(features).name}/features.parquet is truncated: 100 bytes of " in printed.out
    assert f"finetune/{store.folder(tuned).name}/predictor/model.safetensors is truncated" in printed.out
    assert "the next run of a config that needs them rebuilds just those" in printed.out
    status, printed = run(config, "--only", "method=A,B,C", "domain=Joint", "--dry-run")
    assert "3 cells, 12 distinct stages, 2 to build" in printed.out
    assert run("--verify")[0] == 0


def test_verify_of_a_config_reads_its_stages_alone(run, store, tiny_built, config):
    other = stage_of(tiny_built, "finetune", "normal-ShengYing")
    cut(store.folder(other) / "predictor" / "model.safetensors")
    status, printed = run("--verify", config, "axes.domain=[Joint]")
    assert (status, "truncated" in printed.out) == (0, False)
    assert run("--verify", config, "axes.domain=[ShengYing]")[0] == 1


@pytest.mark.parametrize("text", ["", '{"kind": "features"}'])
def test_plan_damaged_record_is_told_by_a_look_and_set_aside_by_a_launch(run, store, tiny_built, config, text):
    features = stage_of(tiny_built, "features", "embedding-normal-Joint")
    (store.folder(features) / "record.json").write_text(text)
    status, printed = run(config, *JOINT, "--dry-run")
    assert status == 2
    assert "launch.py verify sets it aside" in printed.err
    grid = plan_grid(config, (), {}, store, only=("method=B", "domain=Joint"))
    assert grid.plan.missing.keys() == {features.key}
    assert list(grid.set_aside) == [f"features/{store.folder(features).name}"]


def test_complete_grid_sweeps_what_a_launch_that_died_at_its_very_end_has_left(run, config, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for said in ("of 2 cells stand", "Nothing to do: all 2 cells stand"):  # it died before its report, and after
        left = tmp_path / FOLDER / "4194303-1" / "tmp"  # above any process's number, by Linux' default
        left.mkdir(parents=True)
        status, printed = run(config, *JOINT)
        assert (status, said in printed.out) == (0, True)
        assert not left.exists()


@pytest.mark.parametrize(("error", "status"), [(BrokenPipeError, None), (ConnectionRefusedError, 2)])
def test_reader_of_the_output_that_is_gone_is_not_taken_for_a_cluster(run, config, monkeypatch, error, status):
    def build(*given):
        raise error

    monkeypatch.setattr("motor.commands.run.build_grid", build)
    with pytest.raises(BrokenPipeError) if status is None else nullcontext():
        ended, printed = run(config, "axes.domain=[Joint]", "windows.per_series=3")
        assert (ended, printed.err.startswith("no Ray cluster answers at")) == (status, True)


@pytest.mark.parametrize("words", [("--prune", "--yes"), ("--dry-run",), ("--verify", "--prune", "x.yaml"), ("--yes",)])
def test_words_that_do_not_go_together_end_with_2(words, tmp_path):
    with pytest.raises(SystemExit, match="2"):
        launch.main([*words, "--storage", str(tmp_path)])


@pytest.fixture
def joint_alone(config):
    """Words by which the grid is asked for in Joint alone: what other regimes have is not needed."""
    return (config, "axes.domain=[Joint]")


def test_prune_without_a_terminal_says_what_would_go_and_removes_nothing(run, store, joint_alone):
    before = stages_in(store)
    status, printed = run("--prune", *joint_alone)
    assert status == 0
    assert printed.out.startswith(f"{store.root}: what tiny does not need:\n")
    assert printed.out.endswith("nothing was removed; add --yes\n")
    assert stages_in(store) == before


def test_prune_with_yes_removes_what_no_cell_needs_and_leaves_the_rest_whole(run, store, joint_alone):
    (store.root / "results" / "other").mkdir(parents=True)
    before = stages_in(store)
    status, printed = run("--prune", *joint_alone, "--yes")
    gone = {name for name in before if "ShengYing" in name or "ZhenDong" in name}
    assert (status, stages_in(store)) == (0, before - gone)
    rows = [line.split()[:2] for line in printed.out.splitlines()[1:-1]]
    assert rows == [["classify", "2"], ["features", "2"], ["finetune", "2"], ["results", "1"], ["all", "7"]]
    assert run(*joint_alone, "--dry-run")[1].out.startswith("4 cells, 15 distinct stages, 0 to build")
    assert "nothing to remove" in run("--prune", *joint_alone)[1].out


@pytest.mark.parametrize(("answer", "is_removed"), [("y", True), ("", False), ("n", False)])
def test_prune_on_a_terminal_asks(run, store, joint_alone, monkeypatch, answer, is_removed):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: answer)
    before = stages_in(store)
    assert run("--prune", *joint_alone)[0] == 0
    assert (stages_in(store) != before) == is_removed


def test_prune_keeps_leaky_twins_and_rehearsals(run, store, tiny_built, config, tmp_path):
    from motor.commands.rehearse import read_rehearsal_config, stages_of

    rehearsal = tmp_path / "rehearsal.yaml"
    rehearsal.write_text(
        "rehearsal: {grid: tiny.yaml, backbones: {small: {kind: bolt, d_model: 16, num_heads: 2}}}", encoding="utf-8"
    )
    (stage,) = stages_of(read_rehearsal_config(rehearsal, (), {}))
    from motor.experiment.cells import make_cells

    twin = make_cells(tiny_built.experiment, store.root, dry_run=False, unit="series")[0].stage
    for each in (stage, twin):
        with store.draft(each, {}):
            pass
    run("--prune", config, rehearsal, "--yes")
    assert store.holds(stage)
    assert store.holds(twin)
    run("--prune", config, "--yes")
    assert not store.holds(stage)


def test_prune_unknown_data_ends_with_2_and_removes_nothing(run, store, config):
    before = stages_in(store)
    status, printed = run("--prune", config, "dataset.path=/nowhere", "--yes")
    assert status == 2
    assert "/nowhere" in printed.err
    assert "nobody knows which stages" in printed.err
    assert stages_in(store) == before


def test_prune_unknown_weights_end_with_2_and_remove_nothing(run, store, config, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    before = stages_in(store)
    status, printed = run("--prune", config, "backbone={kind: bolt, weights: nobody/has-these}", "--yes")
    assert status == 2
    assert "nobody/has-these" in printed.err
    assert stages_in(store) == before


def test_prune_beside_a_launch_ends_with_2_and_names_it(run, store, joint_alone):
    from grid.screen.journal import Journal
    from grid.screen.progress import Progress

    before = stages_in(store)
    plan = make_plan([], store)
    with Path(os.devnull).open("w") as nowhere, Progress(plan, nowhere, "a.log") as progress:
        Journal(store, "launch-20260101-000000-7", progress)
        status, printed = run("--prune", *joint_alone, "--yes")
    assert status == 2
    assert "launch-20260101-000000-7 (process" in printed.err
    assert stages_in(store) == before


def test_retry_failed_plans_what_failed_and_what_hangs_on_it_alone(run, store, tiny_built, config):
    stage = stage_of(tiny_built, "finetune", "all-ZhenDong")
    tell_cause(store, stage, "work", "ValueError: it went wrong")
    status, printed = run(config, "--retry-failed", "--dry-run")
    assert status == 0
    assert printed.out.startswith("1 cells, 7 distinct stages, 3 to build")
    assert "C/ZhenDong/64/lda" in printed.out


def test_retry_failed_where_nothing_failed_says_so(run, store, config):
    status, printed = run(config, "--retry-failed")
    assert status == 0
    assert printed.out.startswith("Nothing failed: ")


def test_retry_failed_of_other_cells_than_those_that_failed_says_so(run, store, tiny_built, config):
    tell_cause(store, stage_of(tiny_built, "finetune", "all-ZhenDong"), "work", "ValueError: it went wrong")
    assert run(config, "--retry-failed", "--only", "method=C_two_stage")[1].out.startswith("Nothing failed: ")


def test_report_of_whole_stages_sets_nothing_aside(store, tiny_built):
    assert set_damaged_aside(tiny_built.plan.cells, store) == []
    assert store.set_aside_keys() == set()


@pytest.mark.parametrize(
    ("kind", "label", "name"),
    [
        ("classify", "A-Joint", "metrics.json"),
        ("features", "residual-normal-Joint", "figures/tsne.csv"),
        ("finetune", "normal-Joint", "provenance.json"),
        ("prepare", "", "split.csv"),
        ("recordings", "", "recordings.arrow"),
        ("audit", "", "audit.json"),
    ],
)
def test_report_damaged_file_that_it_reads_is_set_aside(store, tiny_built, kind, label, name):
    stage = stage_of(tiny_built, kind, label)
    cut(store.folder(stage) / name, to=3)
    (error,) = set_damaged_aside(tiny_built.plan.cells, store)
    assert f"{name} is truncated: 3 bytes of" in str(error)
    assert store.set_aside_keys() == {stage.key}


def test_report_reads_no_large_file_of_a_fine_tune(store, tiny_built):
    cut(store.folder(stage_of(tiny_built, "finetune", "normal-Joint")) / "predictor" / "model.safetensors")
    assert set_damaged_aside(tiny_built.plan.cells, store) == []


def test_report_of_no_cell_reads_nothing(store, tiny_built):
    shutil.rmtree(store.root / "classify")
    cut(store.folder(stage_of(tiny_built, "recordings", "")) / "recordings.arrow")
    assert set_damaged_aside(chosen_cells(tiny_built.plan.cells, {}), store) == []


def test_launch_where_all_stands_reports_without_ray(run, store, config):
    status, printed = run(config, *JOINT)
    assert status == 0
    assert "2 of 2 cells stand." in printed.out
    assert not (store.root / "results" / "tiny" / "failed.json").exists()
    assert len(json.loads((store.root / "results" / "tiny" / "made-from.json").read_text())) > 2
