"""The one command, as it is typed."""

import csv
import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import launch

ROOT = Path(launch.__file__).parent
SHOW_MODULES = "import sys, launch; status = launch.main(sys.argv[1:]); print('ray' in sys.modules); sys.exit(status)"
SMALL = ("axes.method=[A, B, C]", "axes.domain=[Joint]", "finetune.num_steps=4")
DIVERGING = "by_method.C.finetune.learning_rate=1e30"


@pytest.fixture(scope="module")
def config(tiny_text, tmp_path_factory):
    file = tmp_path_factory.mktemp("launch") / "tiny.yaml"
    file.write_text(tiny_text, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def storage(config):
    return config.parent / "storage"


def command(config, storage, *words):
    """Run launch.py as a person does, with what Ray would find in the environment taken out."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    typed = [sys.executable, str(ROOT / "launch.py"), str(config), *words, "--storage", str(storage)]
    return subprocess.run(typed, capture_output=True, text=True, env=environment, cwd=config.parent, timeout=300)


def test_dry_run_prints_cells_stages_and_what_each_asks_for(config, tmp_path, capsys):
    status = launch.main([str(config), "--dry-run", "--storage", str(tmp_path), "resources.finetune.cpus=2"])
    lines = capsys.readouterr().out.splitlines()
    assert status == 0
    assert lines[0] == "12 cells, 35 distinct stages, 35 to build"
    assert [line.split() for line in lines[3:8]] == [
        ["recordings", "1", "0", "1", "1", "CPU"],
        ["prepare", "1", "0", "1", "1", "CPU"],
        ["finetune", "9", "0", "9", "2", "CPU"],
        ["features", "12", "0", "12", "1", "CPU"],
        ["classify", "12", "0", "12", "1", "CPU"],
    ]
    assert "  A/ShengYing/64/lda                          to build" in lines
    assert not (tmp_path / "results").exists()


def test_dry_run_of_the_full_grid_needs_neither_data_nor_weights(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MOTOR_DATA", "/nowhere")
    monkeypatch.setenv("CHRONOS_WEIGHTS", "/nowhere")
    assert launch.main(["grid.yaml", "--dry-run", "--storage", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("108 cells, 173 distinct stages, 173 to build")


def test_only_takes_a_part_of_the_grid(config, tmp_path, capsys):
    words = ["--only", "method=A,B", "domain=Joint", "--dry-run", "--storage", str(tmp_path)]
    assert launch.main([str(config), *words]) == 0
    assert capsys.readouterr().out.startswith("2 cells, 7 distinct stages, 7 to build")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--only", "methods=A"], "there is no axis 'methods'; there are: method, domain, context_length, classifier"),
        (["--only", "method=Z"], "the grid has no method 'Z'; it has: A, B, C, C_two_stage"),
        (["--force", "finetunes"], "there is no such kind of stage; there are: classify, features, finetune"),
        (["finetune.num_step=3"], "command line, finetune.num_step=3: unknown key 'num_step'; did you mean"),
        (["finetune.num_steps"], "command line, finetune.num_steps: not KEY=VALUE"),
        (["dataset.path=/nowhere"], "path '/nowhere' does not exist"),
        (["backbone.weights=/nowhere"], "no folder '/nowhere'"),
    ],
)
def test_launch_wrong_words_end_with_2_and_say_what_is_allowed(config, tmp_path, capsys, words, message):
    typed = [str(config), *words] if words[0][0] != "-" else [str(config), "--storage", str(tmp_path), *words]
    assert launch.main([*typed, *([] if "--storage" in typed else ["--storage", str(tmp_path)])]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


def test_launch_unknown_config_ends_with_2_and_lists_those_there_are(capsys):
    assert launch.main(["quikstart.yaml"]) == 2
    assert "did you mean 'quickstart.yaml'?" in capsys.readouterr().err


def test_launch_two_faults_are_told_at_once(config, tmp_path, capsys):
    words = ["finetune.num_step=3", "axes.method=[Z]", "--storage", str(tmp_path)]
    assert launch.main([str(config), *words]) == 2
    assert capsys.readouterr().err.startswith("2 faults in the config:")


@pytest.fixture(scope="module")
def partly_failed(config, storage):
    """A launch in which the fine-tune of method C diverges."""
    return command(config, storage, *SMALL, DIVERGING)


@pytest.fixture(scope="module")
def whole(partly_failed, config, storage):
    """The launch after it, in which all is well."""
    return command(config, storage, *SMALL)


@pytest.mark.ray
def test_launch_failing_stage_ends_with_1_and_leaves_all_other_cells_built(partly_failed, storage):
    assert partly_failed.returncode == 1, partly_failed.stderr
    assert "2 of 3 cells stand" in partly_failed.stdout
    assert "failed: finetune all-Joint-ctx64-fold0: TrainingError: step" in partly_failed.stderr
    cells = list((storage / "classify").iterdir())
    assert sorted(cell.name.partition("-")[0] for cell in cells) == ["A", "B"]


@pytest.mark.ray
def test_launch_failing_stage_is_reported_with_its_cause_and_log(partly_failed, storage):
    (log,) = [Path(line.split("log: ")[1]) for line in partly_failed.stderr.splitlines() if "log: " in line]
    assert "Traceback" in log.read_text()
    assert "lower learning_rate" in log.read_text()
    assert [file.name for file in (storage / "finetune").iterdir() if file.name.startswith("all-")] in ([], ["all-"])


@pytest.mark.ray
def test_launch_again_builds_what_failed_and_nothing_else(whole, storage):
    assert whole.returncode == 0, whole.stderr
    assert whole.stdout.startswith("3 cells, 9 distinct stages, 3 to build")
    assert "3 of 3 cells stand" in whole.stdout
    assert json.loads((storage / "results" / "tiny" / "failed.json").read_text()) == []


@pytest.mark.ray
def test_launch_leaves_neither_drafts_nor_unfinished_work_of_what_stands(whole, storage):
    assert list((storage / "drafts").iterdir()) == []
    standing = {folder.name.rpartition("-")[2] for folder in (storage / "finetune").iterdir()}
    assert not {folder.name.rpartition("-")[2] for folder in (storage / "unfinished").iterdir()} & standing


@pytest.mark.ray
@pytest.mark.parametrize(
    ("folder", "files"),
    [
        (
            "methodA_residual_normal_ft/Joint/ctx64/lda",
            ["residual_features_train.csv", "residual_features_test.csv", "figures/residuals.png"],
        ),
        ("methodB_embed_normal_ft/Joint/ctx64/lda", ["embeddings_train.npy", "embeddings_test.npy"]),
        ("methodC_embed_all_ft/Joint/ctx64/lda", ["embeddings_train.npy", "embeddings_test.csv"]),
    ],
)
def test_results_folders_are_those_of_the_seeds(whole, storage, folder, files):
    """Seed text, sections 5.1 to 5.3 and 9."""
    shared = ["predictor/config.json", "predictor/model.safetensors", "clf_model.pkl", "metrics.json"]
    figures = ["figures/tsne.png", "figures/confusion.png", "figures/roc_pr.png"]
    for name in [*shared, *figures, *files, "predictions.csv"]:
        assert (storage / "results" / "tiny" / folder / name).stat().st_size > 0


@pytest.mark.ray
def test_results_at_the_root_tell_every_cell(whole, storage):
    root = storage / "results" / "tiny"
    with (root / "cells.csv").open() as table:
        cells = list(csv.DictReader(table))
    assert sorted(cell["method"] for cell in cells) == ["A", "B", "C"]
    report = (root / "result.md").read_text()
    for cell in cells:
        assert f"{float(cell['macro_f1']):.2f}" in report
    events = {file.parent.name for file in (root / "tensorboard").glob("*/events*")}
    assert events == {"A-Joint-64-lda", "B-Joint-64-lda", "C-Joint-64-lda"}


@pytest.mark.ray
def test_results_links_hold_where_the_storage_is_moved(whole, storage, tmp_path):
    shutil.copytree(storage, tmp_path / "moved", symlinks=True)
    links = [link for link in (tmp_path / "moved" / "results").rglob("*") if link.is_symlink()]
    assert links
    for link in links:
        assert link.resolve().is_relative_to(tmp_path / "moved")
        assert link.exists()


@pytest.mark.ray
def test_launch_second_run_does_nothing_within_two_seconds_and_without_ray(whole, config, storage):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    typed = [sys.executable, "-c", SHOW_MODULES, str(config), *SMALL, "--storage", str(storage)]
    again = subprocess.run(typed, capture_output=True, text=True, cwd=ROOT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith("Nothing to do: all 3 cells stand.")
    assert again.stdout.endswith("False\n")
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2


@pytest.mark.ray
def test_launch_forced_classify_builds_it_again_with_the_same_bytes(whole, config, storage):
    folder = storage / "results" / "tiny" / "methodA_residual_normal_ft" / "Joint" / "ctx64" / "lda"
    before, times = (folder / "metrics.json").read_bytes(), (folder / "metrics.json").stat().st_mtime_ns
    forced = command(config, storage, *SMALL, "--only", "method=A", "--force", "classify")
    assert forced.returncode == 0, forced.stderr
    assert forced.stdout.startswith("1 cells, 5 distinct stages, 1 to build")
    assert (folder / "metrics.json").stat().st_mtime_ns > times
    assert (folder / "metrics.json").read_bytes() == before
    assert (storage / "results" / "tiny" / "methodB_embed_normal_ft").exists()


@pytest.mark.ray
def test_launch_faulty_data_ends_with_2_and_names_the_file(config, tiny_data, tmp_path):
    shutil.copytree(tiny_data, tmp_path / "data")
    file = next((tmp_path / "data" / "ZhenDong" / "spark").iterdir())
    np.save(file, np.load(file)[:0])
    failed = command(config, tmp_path / "storage", *SMALL, f"dataset.path={tmp_path / 'data'}")
    assert failed.returncode == 2
    assert str(file) in failed.stderr
    assert "0 of 3 cells stand" in failed.stdout
    told = json.loads((tmp_path / "storage" / "results" / "tiny" / "failed.json").read_text())
    assert len(told) == 3
    assert all(str(file) in cell["cause"] and Path(cell["log"]).is_file() for cell in told)
