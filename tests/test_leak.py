"""No leak: every series carries a tone that only its motor has, and labels are shuffled by motor.

A tone tells the motor, and through it the label, but of a motor that was in training alone. So split by motor,
every method must find chance; split by series, the same data must be far above it, or this test could not fail.

The bound: labels of test motors are independent of all that training saw, and series of one motor stand or fall
together. So accuracy is a mean over n independent motors, each of mean 1/3 and variance at most 2/9 (that of right
or wrong), and exceeds 1/3 + 3 sqrt(2 / 9n) with a probability of about 0.001.
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.leak

CLASSES = ("normal", "spark", "vibrate")
METHODS = ("A", "B", "C", "C_two_stage")
N_MOTORS, N_SERIES, N_SAMPLES, RATE_HZ = 90, 3, 300, 1000.0
CONFIG = """\
dataset:
  kind: manifest
  path: {data}
  columns: {{motor: {unit}}}
  sampling_rate_hz: 1000
  domains: [{domains}]
  classes: [normal, spark, vibrate]
split: {{kind: ratio, train: {train}, validation: 0, test: {test}}}
windows: {{prediction_length: 16, per_series: 2, per_series_features: 4, stream: memory_map}}
backbone: {{kind: bolt, d_model: 32, d_kv: 8, d_ff: 32, num_layers: 1, num_decoder_layers: 1, num_heads: 2}}
finetune: {{num_steps: 10, learning_rate: 1e-3, batch_size: 16}}
by_method: {{C_two_stage: {{finetune: {{trainable_blocks: 1}}}}}}
axes: {{method: [{methods}], domain: [{regime}], context_length: [128], classifier: [{classifiers}]}}
"""


def plant(folder: Path, seed: int, domains: tuple[str, ...]) -> Path:
    """Write noise with each motor's own tone, and a manifest with labels that are shuffled by motor."""
    generator = np.random.default_rng(seed)
    labels = generator.permutation(np.arange(N_MOTORS) % len(CLASSES))
    lines = ["file,motor,series,moment,domain,label"]
    for motor, tone_hz in enumerate(np.linspace(10, 490, N_MOTORS)):
        for series in range(N_SERIES):
            for domain in domains:
                phase = tone_hz / RATE_HZ * np.arange(N_SAMPLES) + generator.random()
                signal = generator.normal(size=N_SAMPLES) + 5 * np.sin(2 * np.pi * phase)
                name = f"{motor}-{series}-{domain}"
                np.save(folder / f"{name}.npy", signal.astype(np.float32))
                lines.append(f"{name}.npy,m{motor},{motor}-{series},{series},{domain},{CLASSES[labels[motor]]}")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def judged(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Build every cell of planted data, split by a column of its manifest; return the metrics of each."""
    from grid.plan.plan import make_plan
    from grid.run.run import BuildContext, build_stage
    from grid.store.store import Store
    from motor.experiment.cells import make_cells, resources_of
    from motor.experiment.reading import read_experiment

    def judge(data: Path, unit: str, train: int, test: int, **chosen: str) -> dict[str, Any]:
        config = tmp_path / "leak.yaml"
        defaults = {"methods": ", ".join(METHODS), "domains": "east", "regime": "east", "classifiers": "svm"}
        values = {**defaults, **chosen, "data": data, "unit": unit, "train": train, "test": test}
        config.write_text(CONFIG.format(**values))
        experiment, store = read_experiment(config, (), {}), Store(data / f"by_{unit}")
        plan = make_plan(make_cells(experiment, store.root, dry_run=False), store)
        resources = resources_of(experiment, plan.stages.values())
        for key, stage in plan.stages.items():
            build_stage(stage, store, BuildContext(store, stage, resources[key], lambda progress: None))
        folders = {cell.name(): store.folder(cell.stage) for cell in plan.cells}
        return {name: json.loads((folder / "metrics.json").read_text()) for name, folder in folders.items()}

    return judge


def chance_bound(n_motors: int) -> float:
    return 1 / 3 + 3 * math.sqrt(2 / 9 / n_motors)


def test_motors_tone_split_by_motor_gives_chance_in_every_method(judged, tmp_path):
    metrics = judged(plant(tmp_path, 1, ("east",)), "motor", train=1, test=2)
    assert {name.partition("/")[0] for name in metrics} == set(METHODS)
    for name, cell in metrics.items():
        assert cell["n_motors"] == 60
        assert cell["accuracy"] < chance_bound(60), name
        assert cell["macro_f1"] < chance_bound(60), name


def test_motors_tone_split_by_series_is_found_so_the_test_can_fail(judged, tmp_path):
    (cell,) = judged(plant(tmp_path, 1, ("east",)), "series", train=3, test=1, methods="C").values()
    assert cell["accuracy"] > chance_bound(60) + 0.1
    assert cell["macro_f1"] > chance_bound(60) + 0.1


@pytest.mark.slow
def test_motors_tone_of_two_sensors_over_four_shuffles_gives_chance_in_every_cell(judged, tmp_path):
    joint = {"domains": "east, west", "regime": "east, Joint", "classifiers": "svm, lda, lightgbm"}
    accuracies: dict[str, list[float]] = {}
    for seed in range(2, 6):
        (tmp_path / str(seed)).mkdir()
        data = plant(tmp_path / str(seed), seed, ("east", "west"))
        for name, cell in judged(data, "motor", train=1, test=2, **joint).items():
            accuracies.setdefault(name, []).append(cell["accuracy"])
    assert len(accuracies) == len(METHODS) * 2 * 3
    for name, values in accuracies.items():
        assert 2 / 3 - chance_bound(4 * 60) < np.mean(values) < chance_bound(4 * 60), name
