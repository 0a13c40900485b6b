"""Grids that cannot be: each is a fault of its line, found before a cell is made."""

import time
from pathlib import Path

import pytest

from grid.config.check import ConfigError
from grid.store.store import Store
from motor.commands.grid import plan_grid
from motor.commands.run import run
from motor.experiment.reading import read_experiment

pytestmark = pytest.mark.hostile

MANY = ",".join(map(str, range(1000)))


@pytest.fixture
def config(tiny_text, tmp_path):
    file = tmp_path / "tiny.yaml"
    file.write_text(tiny_text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["split={kind: folds, k: 1000000}"], "k must be less than or equal to 10000, got 1000000"),
        (["split={kind: combinations, n_folds: 1000000}"], "n_folds must be less than or equal to 10000"),
        (["split={kind: repeated, repeats: 1000, k: 1000}"], "which makes 1000000 folds; allowed are 10000"),
        ([f"axes.seed=[{MANY}]", f"axes.prediction_length=[{MANY[2:]}]"], "combinations; allowed are 1000000"),
        (["split={kind: folds, k: 9000}", f"axes.seed=[{MANY}]"], "in 9000 folds are "),
        (["axes.exclude=[{classifier: [lda]}]"], "every combination of the axes is excluded"),
        (["finetune.num_steps=1000000000000"], "num_steps must be at most 1000000000 (10^9), got 1000000000000"),
        (["windows.prediction_length=1000000000000"], "prediction_length must be at most 1000000000 (10^9)"),
        (["backbone.d_model=1000000000000"], "d_model must be less than or equal to 65536"),
        (["dataset={kind: simulator, n_samples: 1000000000000}"], "n_samples must be less than or equal to 100000000"),
        (["finetune.batch_size=1000000000000"], "batch_size must be less than or equal to 1000000"),
        (["resources.finetune.cpus=.inf"], ".inf is no number that a setting can have"),
        (["finetune.learning_rate=.nan"], ".nan is no number that a setting can have"),
        (["resources.finetune.cpus=1e-9"], "cpus must be greater than or equal to 0.01"),
        (["resources.finetune.cpus=0.12345"], "0.12345 is finer than is handed out"),
        (["resources.finetune.gpus=1.5"], "1.5 GPUs cannot be shared out"),
        (["resources.finetune.workers=1000000"], "workers must be less than or equal to 100000"),
    ],
)
def test_grid_that_cannot_be_is_one_line_at_once(config, overrides, message):
    began = time.process_time()
    with pytest.raises(ConfigError) as raised:
        read_experiment(config, overrides, {})
    assert len(raised.value.faults) == 1
    assert message in str(raised.value)
    assert time.process_time() - began < 10  # it takes hundredths of a second; what was planned took minutes


def test_seed_counts_nothing_and_may_be_as_large_as_a_number_is(config):
    assert read_experiment(config, ["seed=1000000000000"], {}).base.seed == 10**12


def test_one_combination_that_is_left_is_a_grid(config):
    axes = (
        "axes={method: [A, B], domain: [ShengYing], context_length: [64], classifier: [lda], exclude: [{method: [A]}]}"
    )
    assert len(list(read_experiment(config, [axes], {}).places())) == 1


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("resources.finetune.cpus=5000", "finetune asks for cpus = 5000, but this machine has "),
        ("resources.audit.memory_gb=1e6", "audit asks for memory_gb = 1e+06, but this machine has "),
        ("resources.finetune={cpus: 1, workers: 5000}", "finetune asks for 5000 workers of cpus = 1, but "),
    ],
)
def test_more_than_this_machine_has_is_a_line_of_the_config_before_anything_starts(
    config, tmp_path, monkeypatch, override, message
):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    grid = plan_grid(config, [override], {}, Store(tmp_path / "storage"))
    with pytest.raises(ConfigError) as raised:
        run(grid)
    ((place, told),) = [(fault.place, fault.message) for fault in raised.value.faults]
    assert place == f"command line, {override}"
    assert told.startswith(message)
    assert "let it ask for less, or give the --address of a cluster" in told
    assert not Path(grid.root).exists()
