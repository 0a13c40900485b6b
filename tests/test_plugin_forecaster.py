"""A forecaster and an objective of one's own, each one file, as docs/examples/forecaster.md writes them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.torch import load_file

import launch
from grid.plan.plan import make_plan
from grid.store.store import Store
from motor.experiment.cells import make_cells
from motor.experiment.reading import read_experiment
from motor.stages.curves import LiveCurves

ROOT = Path(launch.__file__).parent
PAGE = ROOT / "docs" / "examples" / "forecaster.md"
FILE = re.compile(r"^`(mine/\w+\.py)`:\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CONFIG = """\
plugins: [mine]
dataset:
  kind: tree
  path: {data}
  pattern: (?P<motor>motor_[0-9]+)-(?P<moment>[0-9]+)
  sampling_rate_hz: 4096
  domains: [ShengYing, ZhenDong]
  classes: [normal, spark, vibrate]
split: {{kind: ratio, train: 2, validation: 1, test: 1}}
windows: {{prediction_length: 16, per_series: 2, per_series_features: 2, stream: memory_map}}
backbone: {{kind: patches}}
finetune:
  num_steps: 6
  learning_rate: 1e-2
  batch_size: 4
  validate_every: 3
  log_every: 1
  checkpoint_every: 2
  objective: [{{kind: quantile}}, {{kind: slope, weight: 0.1}}]
by_method: {{C_two_stage: {{finetune: {{trainable_blocks: 1}}}}}}
axes: {{method: [A, B, C_lora], domain: [ShengYing], context_length: [64], classifier: [lda]}}
"""


@pytest.fixture(scope="module")
def folder(tiny_data, tmp_path_factory):
    """A folder with a config and its plug-ins."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "mine").mkdir()
    for name, text in FILE.findall(PAGE.read_text(encoding="utf-8")):
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "own.yaml").write_text(CONFIG.format(data=tiny_data), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def plan_in(folder, tiny_type):
    """Plan the grid for a storage, to be built here and now."""

    def plan_in(storage, *overrides):
        experiment, store = read_experiment(folder / "own.yaml", overrides, {}), Store(storage)
        return tiny_type(experiment, make_plan(make_cells(experiment, store.root, dry_run=False), store), store)

    return plan_in


@pytest.fixture(scope="module")
def tiny_type(make_tiny, tmp_path_factory):
    return type(make_tiny(tmp_path_factory.mktemp("type")))


@pytest.fixture(scope="module")
def built(plan_in, tmp_path_factory):
    return plan_in(tmp_path_factory.mktemp("built")).build_all()


def tuned(tiny, method):
    return tiny.cell(f"{method}/ShengYing/64/lda").features[0].finetunes[0]


def weights_of(tiny, stage):
    return load_file(tiny.folder(stage) / "predictor" / "model.safetensors")


def test_forecaster_of_ones_own_is_some_sixty_lines(folder):
    code = (folder / "mine" / "patches.py").read_text(encoding="utf-8").splitlines()
    assert len([line for line in code if line.strip()]) < 65


def test_forecaster_of_ones_own_learns_by_both_objectives_which_the_curves_tell(built):
    told = json.loads((built.folder(tuned(built, "A")) / "training.json").read_text(encoding="utf-8"))
    rows = [row for row in told["history"] if "loss" in row]
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]
    for row in rows:
        assert row["loss"] == pytest.approx(row["loss_quantile"] + 0.1 * row["loss_slope"], rel=1e-5)
    assert told["n_tokens"] == 4
    assert tuned(built, "A").record["training"]["objective"][1]["plugin_source"]["module"] == "slope"


def test_forecaster_of_ones_own_gives_residuals_and_embeddings(built):
    for method, column in (("A", "mae"), ("B", "embedding_mean_015")):
        stage = built.cell(f"{method}/ShengYing/64/lda").features[0]
        table = pd.read_parquet(built.folder(stage) / "features.parquet")
        assert np.isfinite(table[column]).all()
        assert table[column].nunique() > 1


def test_forecaster_of_ones_own_freezes_its_first_blocks(plan_in, tmp_path):
    last_weights = "split.validation=0"  # not those of the best validation, which may be the first
    tiny = plan_in(tmp_path, "axes.method=[C_two_stage]", last_weights).build_stages("finetune")
    second = tuned(tiny, "C_two_stage")
    before, after = weights_of(tiny, second.start), weights_of(tiny, second)
    changed = {name.rpartition(".")[0] for name in before if not before[name].equal(after[name])}
    assert changed == {"layers.1.wide", "layers.1.narrow", "head"}


def test_forecaster_of_ones_own_is_adapted_by_lora_and_merged(built):
    adapted = weights_of(built, tuned(built, "C_lora"))
    assert adapted.keys() == weights_of(built, tuned(built, "A")).keys()


@pytest.mark.parametrize("step", [1, 5])
def test_forecaster_of_ones_own_killed_and_taken_up_gives_the_same_bits(
    plan_in, built, tmp_path, step, monkeypatch, capsys
):
    tiny = plan_in(tmp_path).build_stages("prepare")
    stage, add = tuned(tiny, "A"), LiveCurves.add

    def killed(self, row):
        if row["step"] == step:
            raise KeyboardInterrupt
        add(self, row)

    with monkeypatch.context() as patch:
        patch.setattr(LiveCurves, "add", killed)
        with pytest.raises(KeyboardInterrupt):
            tiny.build_stage(stage)
    tiny.build_stage(stage)
    assert ("goes on from step 4" in capsys.readouterr().out) == (step == 5)
    undisturbed = built.folder(stage) / "predictor" / "model.safetensors"
    assert (tiny.folder(stage) / "predictor" / "model.safetensors").read_bytes() == undisturbed.read_bytes()


def typed(folder, *words, program=(str(ROOT / "launch.py"),)):
    """Run a command in a folder as a person does and return what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "PYTHONPATH"))}
    told = subprocess.run(
        [sys.executable, *program, *map(str, words)], capture_output=True, text=True, env=environment, cwd=folder
    )
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout


@pytest.mark.ray
def test_forecaster_of_ones_own_runs_to_report_prediction_and_export(folder, tiny_data):
    storage = ("--storage", folder / "storage")
    typed(folder, "own.yaml", "axes.method=[B]", *storage)
    report = (folder / "storage" / "results" / "own" / "result.md").read_text(encoding="utf-8")
    assert "patches" in report
    new = sorted((tiny_data / "ShengYing").rglob("*.npy"))[:2]
    judged = typed(folder, "predict", *new, "--cell", "best", "--sampling-rate", "4096", *storage)
    assert judged.count("\n") == 3
    assert "NaN" not in judged
    exported = folder / "exported"
    typed(folder, "export", "--cell", "best", "--to", exported, *storage)
    requirements = (exported / "requirements.txt").read_text(encoding="utf-8")
    assert "torch==" in requirements
    assert "chronos-forecasting" not in requirements
    again = typed(folder, *new, "--sampling-rate", "4096", program=(str(exported / "predict.py"),))
    assert again == judged
