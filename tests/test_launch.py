"""The one command, as it is typed."""

import csv
import json
import os
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import time
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


def failed_json(storage):
    return storage / "results" / "tiny" / "failed.json"


def test_dry_run_prints_cells_stages_and_what_each_asks_for(config, tmp_path, capsys):
    status = launch.main([str(config), "--dry-run", "--storage", str(tmp_path), "resources.finetune.cpus=2"])
    lines = capsys.readouterr().out.splitlines()
    assert status == 0
    assert lines[0] == "12 cells, 37 distinct stages, 37 to build"
    assert [line.split() for line in lines[3:10]] == [
        ["recordings", "1", "0", "1", "1", "CPU"],
        ["prepare", "1", "0", "1", "1", "CPU"],
        ["audit", "1", "0", "1", "1", "CPU"],
        ["cleared", "1", "0", "1", "1", "CPU"],
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
    assert capsys.readouterr().out.startswith("198 cells, 305 distinct stages, 305 to build")


def test_only_takes_a_part_of_the_grid(config, tmp_path, capsys):
    words = ["--only", "method=A,B", "domain=Joint", "--dry-run", "--storage", str(tmp_path)]
    assert launch.main([str(config), *words]) == 0
    assert capsys.readouterr().out.startswith("2 cells, 9 distinct stages, 9 to build")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--only", "methods=A"], "there is no axis 'methods'; there are: method, domain, context_length, classifier"),
        (["--only", "method=Z"], "the grid has no method 'Z'; it has: A, B, C, C_two_stage"),
        (["--force", "finetunes"], "there is no such kind of stage; there are: audit, classify, cleared, features"),
        (["finetune.num_step=3"], "command line, finetune.num_step=3: unknown key 'num_step'; did you mean"),
        (["finetune.num_steps"], "command line, finetune.num_steps: not KEY=VALUE"),
        (["dataset.path=/nowhere"], "path '/nowhere' does not exist"),
        (["backbone={kind: bolt, weights: /nowhere}"], "no folder '/nowhere'"),
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
    """A launch in which the fine-tune of method C diverges; with the cells and the failures that it left."""
    done = command(config, storage, *SMALL, DIVERGING)
    failures = json.loads(failed_json(storage).read_text())
    return done, {folder.name.partition("-")[0]: folder for folder in (storage / "classify").iterdir()}, failures


@pytest.fixture(scope="module")
def built_of_a(partly_failed):
    """The metrics of method A as they were built first, and when."""
    file = partly_failed[1]["A"] / "metrics.json"
    return file.read_bytes(), file.stat().st_mtime_ns


@pytest.fixture(scope="module")
def whole(built_of_a, config, storage):
    """The launch after it: all is well, every classifier is to be fitted again, and a file has lost its end."""
    (features,) = (storage / "features").glob("residual-normal-Joint-*")
    os.truncate(features / "features.parquet", 1034)
    return command(config, storage, *SMALL, "--force", "classify")


@pytest.mark.ray
def test_launch_failing_stage_ends_with_1_and_leaves_all_other_cells_built(partly_failed):
    done, cells, _ = partly_failed
    assert done.returncode == 1, done.stderr
    assert "2 of 3 cells stand" in done.stdout
    assert "failed: finetune all-Joint-ctx64-fold0: TrainingError: step" in done.stderr
    assert cells.keys() == {"A", "B"}


@pytest.mark.ray
def test_launch_failing_stage_is_told_in_failed_json_with_its_cause_log_and_settings(partly_failed):
    _, _, (failure,) = partly_failed
    told = {name: failure[name] for name in ("kind", "label", "title", "failure", "tries", "cells")}
    assert told == {
        "kind": "finetune",
        "label": "all-Joint-ctx64-fold0",
        "title": "C/Joint/ctx64",
        "failure": "work",
        "tries": 1,
        "cells": ["C/Joint/64/lda"],
    }
    assert failure["cause"].startswith("TrainingError: step")
    assert "lower learning_rate" in failure["cause"]
    assert "Traceback" in Path(failure["log"]).read_text()
    assert json.loads(Path(failure["told"]).read_text())["cause"] == failure["cause"]
    assert failure["settings"]["training"]["learning_rate"] == 1e30
    assert failure["settings"]["prepared"].startswith("prepare ")
    assert failure["command"].endswith(f"tiny.yaml {shlex.join((*SMALL, DIVERGING))}")


@pytest.mark.ray
def test_launch_again_builds_what_failed_and_what_is_forced_and_nothing_else(whole, storage):
    assert whole.returncode == 0, whole.stderr
    assert whole.stdout.startswith("3 cells, 12 distinct stages, 5 to build")
    assert "3 of 3 cells stand" in whole.stdout
    assert not failed_json(storage).exists()


@pytest.mark.ray
def test_launch_damaged_input_is_named_and_built_again_with_what_hangs_on_it(whole, storage):
    assert "rebuilding what was damaged: features residual-normal-Joint-ctx64-fold0\n" in whole.stdout
    assert "1 cells, 7 distinct stages, 2 to build" in whole.stdout
    assert list((storage / "damaged").iterdir()) == []
    assert launch.main(["--verify", "--storage", str(storage)]) == 0


@pytest.mark.ray
def test_launch_forced_stage_is_built_again_with_the_same_bytes(whole, built_of_a, storage):
    metrics = storage / "results" / "tiny" / "methodA_residual_normal_ft" / "Joint" / "ctx64" / "lda" / "metrics.json"
    assert metrics.read_bytes() == built_of_a[0]
    assert metrics.stat().st_mtime_ns > built_of_a[1]


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
def test_launch_faulty_data_ends_with_2_and_names_the_file(config, tiny_data, tmp_path):
    shutil.copytree(tiny_data, tmp_path / "data")
    file = next((tmp_path / "data" / "ZhenDong" / "spark").iterdir())
    np.save(file, np.load(file)[:0])
    failed = command(config, tmp_path / "storage", *SMALL, f"dataset.path={tmp_path / 'data'}")
    assert failed.returncode == 2
    assert str(file) in failed.stderr
    assert "0 of 3 cells stand" in failed.stdout
    (told,) = json.loads(failed_json(tmp_path / "storage").read_text())
    assert (told["kind"], told["failure"], len(told["cells"])) == ("recordings", "input", 3)
    assert str(file) in told["cause"]
    assert Path(told["log"]).is_file()


@pytest.mark.ray
@pytest.mark.slow
def test_retry_failed_runs_just_what_failed_and_what_hangs_on_it(config, tmp_path):
    failed = command(config, tmp_path, *SMALL, "resources.features.time_limit_s=0.001")
    assert failed.returncode == 1, failed.stderr
    told = json.loads(failed_json(tmp_path).read_text())
    assert [(each["kind"], each["failure"], len(each["cells"])) for each in told] == [("features", "time_limit", 1)] * 3
    words = (*SMALL, "--retry-failed", "--only")
    again = command(config, tmp_path, *words, "method=A")
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith("1 cells, 7 distinct stages, 2 to build")
    assert len(json.loads(failed_json(tmp_path).read_text())) == 2
    rest = command(config, tmp_path, *SMALL, "--retry-failed")
    assert (rest.returncode, failed_json(tmp_path).exists()) == (0, False), rest.stderr
    assert command(config, tmp_path, *SMALL, "--retry-failed").stdout.startswith("Nothing failed: ")


@pytest.mark.ray
@pytest.mark.slow
def test_launch_that_only_reports_rebuilds_what_it_finds_damaged(config, tmp_path):
    words = ("axes.method=[B]", "axes.domain=[Joint]", "finetune.num_steps=4")
    assert command(config, tmp_path, *words).returncode == 0
    before = metrics_of(tmp_path)
    (cell,), (recordings,) = tmp_path.glob("classify/*"), tmp_path.glob("recordings/*")
    os.truncate(cell / "metrics.json", 50)
    (recordings / "record.json").write_text("")
    (tmp_path / "results" / "tiny" / "made-from.json").unlink()
    again = command(config, tmp_path, *words)
    assert again.returncode == 0, again.stderr
    assert f"recordings/{recordings.name}/record.json is not JSON" in again.stderr
    assert "rebuilding what was damaged: classify B-Joint-64-lda\n" in again.stdout
    assert metrics_of(tmp_path) == before


ALL = (
    "windows.stream=ray_data",
    "axes.classifier=[lightgbm, mlp, svm]",
    "finetune.num_steps=60",
    "finetune.checkpoint_every=5",
)
N_CELLS = 4 * 3 * 3


def metrics_of(storage):
    root = storage / "results" / "tiny"
    return {file.relative_to(root): file.read_bytes() for file in root.rglob("metrics.json")}


@pytest.fixture(scope="module")
def undisturbed(config, tmp_path_factory):
    """Every method in every regime with the three classifiers of the seeds, in one go."""
    storage = tmp_path_factory.mktemp("undisturbed")
    return command(config, storage, *ALL), storage


@pytest.mark.ray
@pytest.mark.slow
def test_launch_of_every_method_regime_and_classifier_builds_all_cells(undisturbed):
    done, storage = undisturbed
    assert done.returncode == 0, done.stderr
    assert len(metrics_of(storage)) == N_CELLS
    assert f"{N_CELLS} of {N_CELLS} cells stand" in done.stdout
    predictors = list((storage / "results" / "tiny").glob("method*/*/ctx64/*/predictor/model.safetensors"))
    assert len(predictors) == N_CELLS


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.parametrize("moment", ["unfinished/finetune-*/checkpoint.pt", "features/*", "classify/*"])
def test_launch_killed_and_typed_again_has_the_numbers_of_an_undisturbed_one(config, undisturbed, tmp_path, moment):
    typed = [sys.executable, str(ROOT / "launch.py"), str(config), *ALL, "--storage", str(tmp_path)]
    launched = subprocess.Popen(typed, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=config.parent)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob(moment)) and time.monotonic() < deadline:
        time.sleep(0.01)
    launched.kill()
    assert launched.wait() == -signal.SIGKILL
    assert len(list(tmp_path.glob("classify/*"))) < N_CELLS
    again = command(config, tmp_path, *ALL)
    assert again.returncode == 0, again.stderr
    assert metrics_of(tmp_path) == metrics_of(undisturbed[1])


@pytest.mark.ray
@pytest.mark.slow
def test_launch_interrupted_ends_with_130_and_goes_on(config, tmp_path):
    typed = [sys.executable, str(ROOT / "launch.py"), str(config), *ALL, "--storage", str(tmp_path)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    launched = subprocess.Popen(typed, text=True, cwd=config.parent, start_new_session=True, **pipes)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("classify/*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    launched.send_signal(signal.SIGINT)
    out, err = launched.communicate(timeout=60)
    assert launched.returncode == 130, err
    assert "Interrupted; the same command goes on from here." in err
    assert f"of {N_CELLS} cells stand" in out
    assert len(metrics_of(tmp_path)) == len(list(tmp_path.glob("classify/*"))) > 0
    assert "failed" not in err
