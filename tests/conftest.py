"""A tiny experiment, built here and now without Ray; `tiny_built` is one that many tests read."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

TINY = """\
dataset:
  kind: tree
  path: {data}
  pattern: (?P<motor>motor_[0-9]+)-(?P<moment>[0-9]+)
  sampling_rate_hz: 4096
  domains: [ShengYing, ZhenDong]
  classes: [normal, spark, vibrate]
split: {{kind: ratio, train: 2, validation: 1, test: 1}}
windows: {{prediction_length: 16, per_series: 2, per_series_features: 2, stream: memory_map}}
augmentation: {{jitter: {{}}}}
backbone: {{kind: bolt, d_model: 16, d_kv: 8, d_ff: 16, num_layers: 1, num_decoder_layers: 1, num_heads: 2}}
finetune: {{num_steps: 4, learning_rate: 1e-2, batch_size: 4, validate_every: 2}}
by_method: {{C_two_stage: {{finetune: {{trainable_blocks: 0}}}}}}
axes:
  method: [A, B, C, C_two_stage]
  domain: [ShengYing, ZhenDong, Joint]
  context_length: [64]
  classifier: [lda]
"""


@dataclass(frozen=True)
class Tiny:
    """A small experiment: its settings, its plan and the store that it is built into."""

    experiment: Any
    plan: Any
    store: Any

    def build(self, *cells: str) -> "Tiny":
        """Build some cells in plan order."""
        return self._build({stage.key for name in cells for stage in self.cell(name).walk()})

    def build_all(self) -> "Tiny":
        """Build every cell."""
        return self._build(set(self.plan.stages))

    def build_stages(self, kind: str, **fields: Any) -> "Tiny":
        """Build the stages of one kind that have some fields, and what they are made from."""
        stages = [stage for stage in self.stages(kind) if fields.items() <= vars(stage).items()]
        return self._build({made.key for stage in stages for made in stage.walk()})

    def build_stage(self, stage: Any) -> None:
        """Build one stage, whose inputs stand."""
        from grid.run import build_stage

        build_stage(stage, self.store, self.context(stage))

    def context(self, stage: Any) -> Any:
        """Return what a stage is given beside its record."""
        from grid.run import BuildContext
        from motor.methods.cells import resources_of

        return BuildContext(self.store, stage, resources_of(self.experiment, [stage])[stage.key], lambda progress: None)

    def _build(self, wanted: set[str]) -> "Tiny":
        for key, stage in self.plan.stages.items():
            if key in wanted and not self.store.holds(stage):
                self.build_stage(stage)
        return self

    def cell(self, name: str) -> Any:
        """Return the stage that ends a cell, say ``A/Joint/64/lda``."""
        return next(cell.stage for cell in self.plan.cells if cell.name() == name)

    def stages(self, kind: str) -> list[Any]:
        """Return the distinct stages of one kind."""
        return [stage for stage in self.plan.stages.values() if kind == stage.KIND]

    def folder(self, stage: Any) -> Path:
        """Return where a stage lies."""
        return self.store.folder(stage)


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree of twelve simulated motors, two moments each, heard by two sensors."""
    from motor.recordings.readers.simulator import Simulator

    root = tmp_path_factory.mktemp("recordings")
    simulator = Simulator(motors_per_class=4, recordings_per_motor=2, n_samples=512, sampling_rate_hz=4096.0)
    for recording in simulator.read():
        file = root / recording.domain / recording.label / f"{recording.moment}.npy"
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, recording.signal)
    return root


@pytest.fixture(scope="session")
def tiny_text(tiny_data: Path) -> str:
    """The config of the tiny experiment."""
    return TINY.format(data=tiny_data)


@pytest.fixture(scope="session")
def make_tiny(tiny_text: str) -> Callable[..., Tiny]:
    """Plan a tiny experiment in a folder, with overrides as on the command line."""
    from grid.plan import make_plan
    from grid.store import Store
    from motor.experiment import read_experiment
    from motor.methods.cells import make_cells

    def make(folder: Path, *overrides: str) -> Tiny:
        config = folder / "tiny.yaml"
        config.write_text(tiny_text, encoding="utf-8")
        experiment, store = read_experiment(config, overrides, {}), Store(folder / "storage")
        return Tiny(experiment, make_plan(make_cells(experiment, store.root, dry_run=False), store), store)

    return make


@pytest.fixture(scope="session")
def tiny_built(make_tiny: Callable[..., Tiny], tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """The tiny experiment with the cells that many tests read: all methods joint, one method in all regimes."""
    joint = [f"{method}/Joint/64/lda" for method in ("A", "B", "C", "C_two_stage")]
    return make_tiny(tmp_path_factory.mktemp("tiny")).build(*joint, "A/ShengYing/64/lda", "A/ZhenDong/64/lda")
