"""A feature with a stage of its own before it, and a method of two stages: a file each, to the end of a small grid."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import launch
from grid.config.check import ConfigError
from grid.run.build import BuildContext
from grid.stage import Resources
from grid.store.store import Store
from motor.experiment.cells import make_cells, resources_of
from motor.experiment.reading import read_experiment
from motor.predicting import Predictor
from motor.predicting.exporting import export
from motor.predicting.stored import find_cells
from motor.stages.describer import InStorage

ROOT = Path(launch.__file__).parent
FEATURE = '''
"""How near a series lies to windows that are remembered of training series."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pandas as pd

from grid.stage import Stage
from motor.features.base import Feature
from motor.stages.described import Described
from motor.stages.describer import Describer
from motor.stages.prepare import Prepare, Prepared
from motor.windows.fixed import FixedWindows


@dataclass(frozen=True)
class Memory(Stage):
    """Keep spectra of windows of a fold's training series."""

    KIND: ClassVar[str] = "memory"

    prepared: Prepare
    fold: str
    domains: tuple[str, ...]
    context_length: int
    n_kept: int

    def build(self, folder, context):
        prepared = Prepared.open(context.folder(self.prepared), self.prepared)
        meta = prepared.meta(self.fold, self.domains)
        spectra, _ = self.spectra(prepared.batch(meta[meta["side"] == "train"], self.fold))
        np.save(folder / "memory.npy", spectra[: self.n_kept])

    def spectra(self, batch):
        windows = FixedWindows(batch.signals, batch.series, self.domains, self.context_length, 2)
        cut = windows.batch(np.arange(len(windows)))
        return np.abs(np.fft.rfft(cut["window"], axis=1)), cut["item"]


@dataclass(frozen=True)
class Remembered(Described):
    """Describe series by their distance from what is remembered."""

    KIND: ClassVar[str] = "remembered"

    memory: Memory
    classes: tuple[str, ...]
    seed: int

    @property
    def of_fold(self):
        return self.memory.prepared, self.memory.fold, self.memory.domains, self.seed

    @property
    def parts(self):
        return ((self.memory, "memory.npy"),)

    def open(self, built, device):
        return Near(self.memory, np.load(built.folder(self.memory) / "memory.npy"))


@dataclass(frozen=True)
class Near(Describer):
    memory: Memory
    kept: np.ndarray

    def look(self, batch):
        spectra, place = self.memory.spectra(batch)
        nearest = np.linalg.norm(spectra[:, None] - self.kept, axis=2).min(axis=1)
        of_series = pd.Series(nearest).groupby(place)
        items = pd.Index([series.item for series in batch.series], name="item")
        return pd.DataFrame({"nearest": of_series.min().to_numpy(), "farthest": of_series.max().to_numpy()}, items)

    def table(self, looks, meta):
        return pd.concat(looks)


class Nearness(Feature):
    """The least and the greatest distance of a window from what is remembered."""

    kind: Literal["nearness"] = "nearness"
    n_kept: int = 8

    def described(self, at, fold):
        context_length = at.axes["context_length"]
        memory = Memory(at.prepare(), fold, at.domains, context_length, self.n_kept)
        return Remembered(memory, tuple(at.settings.dataset.classes), at.settings.seed)


PLUGIN = Nearness
'''
METHOD = '''
"""Directions in which the spectra of training series differ, and where on them a series lies."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from grid.stage import Resources, Stage
from motor.methods.base import Method
from motor.stages.described import Described
from motor.stages.describer import Describer
from motor.stages.prepare import Prepare, Prepared
from motor.windows.fixed import FixedWindows


@dataclass(frozen=True)
class Basis(Stage):
    """Find the directions, from training series alone."""

    KIND: ClassVar[str] = "basis"
    ASKS: ClassVar[Resources] = Resources(cpus=1, memory_gb=0.1)

    prepared: Prepare
    fold: str
    domains: tuple[str, ...]
    context_length: int
    n_directions: int

    def build(self, folder, context):
        prepared = Prepared.open(context.folder(self.prepared), self.prepared)
        meta = prepared.meta(self.fold, self.domains)
        spectra = self.spectra(prepared.batch(meta[meta["side"] == "train"], self.fold))
        _, _, directions = np.linalg.svd(spectra - spectra.mean(axis=0), full_matrices=False)
        np.savez(folder / "basis.npz", mean=spectra.mean(axis=0), directions=directions[: self.n_directions])

    def spectra(self, batch):
        windows = FixedWindows(batch.signals, batch.series, self.domains, self.context_length, 1)
        return np.log1p(np.abs(np.fft.rfft(windows.batch(np.arange(len(windows)))["window"], axis=1)))


@dataclass(frozen=True)
class Projected(Described):
    """Say where each series lies."""

    KIND: ClassVar[str] = "projected"

    basis: Basis
    prepared: Prepare
    fold: str
    domains: tuple[str, ...]
    classes: tuple[str, ...]
    seed: int

    @property
    def parts(self):
        return ((self.basis, "basis.npz"),)

    def open(self, built, device):
        with np.load(built.folder(self.basis) / "basis.npz") as stored:
            return Projection(self.basis, stored["mean"], stored["directions"])


@dataclass(frozen=True)
class Projection(Describer):
    basis: Basis
    mean: np.ndarray
    directions: np.ndarray

    def look(self, batch):
        places = (self.basis.spectra(batch) - self.mean) @ self.directions.T
        items = pd.Index([series.item for series in batch.series], name="item")
        return pd.DataFrame(places, items).add_prefix("along_")

    def table(self, looks, meta):
        return pd.concat(looks)


class TwoSteps(Method):
    """A basis, then places on it."""

    kind: Literal["two_steps"] = "two_steps"
    folder: str = "method_two_steps"
    n_directions: int = Field(default=3, ge=1, description="that are kept")

    @property
    def has(self):
        return ("windows",)

    def described(self, at, fold):
        settings, prepared = at.settings, at.prepare()
        basis = Basis(prepared, fold, at.domains, at.axes["context_length"], self.n_directions)
        return Projected(basis, prepared, fold, at.domains, tuple(settings.dataset.classes), settings.seed)

    def describe(self):
        return f"no forecaster; classifies places along {self.n_directions} directions of the spectrum"


PLUGIN = TwoSteps
'''
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
backbone: {{kind: bolt, d_model: 16}}
methods: {{minirocket: {{features: [nearness]}}, two_steps: {{n_directions: 4}}}}
axes: {{method: [minirocket, two_steps], domain: [Joint], context_length: [64], classifier: [lda]}}
resources: {{basis: {{retries: 1}}, remembered: {{cpus: 2}}}}
"""
CELLS = ("minirocket/Joint/64/lda", "two_steps/Joint/64/lda")


@pytest.fixture(scope="module")
def folder(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a config and its two plug-ins."""
    folder = tmp_path_factory.mktemp("own_chains")
    (folder / "mine").mkdir()
    (folder / "mine" / "nearness.py").write_text(FEATURE, encoding="utf-8")
    (folder / "mine" / "two_steps.py").write_text(METHOD, encoding="utf-8")
    (folder / "own.yaml").write_text(CONFIG.format(data=tiny_data), encoding="utf-8")
    return folder


def stages(folder: Path, *overrides: str) -> dict[str, dict[str, Any]]:
    """The stages of the grid, by kind, and what each asks for."""
    experiment = read_experiment(folder / "own.yaml", overrides, {})
    found: dict[str, dict] = {}
    for cell in make_cells(experiment, folder, dry_run=False):
        for stage in cell.walk():
            found.setdefault(stage.KIND, {})[stage.key] = resources_of(experiment, [stage])[stage.key]
    return found


def test_own_method_setting_enters_the_keys_of_what_it_builds_alone(folder: Path) -> None:
    before, after = stages(folder), stages(folder, "methods.two_steps.n_directions=5")
    changed = {kind for kind in before if before[kind].keys() != after[kind].keys()}
    assert changed == {"basis", "projected", "classify"}


def test_own_feature_setting_enters_the_keys_of_what_it_builds_alone(folder: Path) -> None:
    before, after = stages(folder), stages(folder, "features.nearness.n_kept=3")
    changed = {kind for kind in before if before[kind].keys() != after[kind].keys()}
    assert changed == {"memory", "remembered", "classify"}


def test_own_stages_ask_for_what_they_say_but_for_what_the_config_gives(folder: Path) -> None:
    found = {kind: next(iter(of_kind.values())) for kind, of_kind in stages(folder).items()}
    assert (found["basis"].memory_gb, found["basis"].retries) == (0.1, 1)
    assert (found["remembered"].cpus, found["memory"].cpus) == (2, 1)


def test_own_stages_are_among_the_kinds_that_a_fault_lists(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown key 'bases'.*did you mean 'basis'.*allowed: .*memory.*projected"):
        stages(folder, "resources.bases={cpus: 2}")


def test_own_chain_whose_parts_lack_what_it_reads_is_said_when_it_is_built(folder: Path, tmp_path: Path) -> None:
    experiment = read_experiment(folder / "own.yaml", (), {})
    cell = next(cell for cell in make_cells(experiment, folder, dry_run=False) if cell.name() == CELLS[1])
    (described,) = cell.stage.features  # type: ignore[attr-defined]
    with pytest.raises(KeyError, match="reads the stage 'basis', which `parts` does not name"):
        described.open(InStorage(BuildContext(Store(tmp_path), described, Resources(), print), parts=()), "cpu")


def typed(folder: Path, *words: str | Path, program: Path = ROOT / "launch.py") -> str:
    """Run a command in a folder as a person does and return what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "PYTHONPATH"))}
    done = subprocess.run(
        [sys.executable, str(program), *map(str, words)], capture_output=True, text=True, env=environment, cwd=folder
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.ray
def test_own_chains_run_to_report_prediction_and_export(folder: Path, tiny_data: Path) -> None:
    storage = folder / "storage"
    typed(folder, "own.yaml", "--storage", storage)
    results = storage / "results" / "own"
    report = (results / "result.md").read_text(encoding="utf-8")
    assert "places along 4 directions" in report
    assert "classifies nearness" in report
    (folder / "mine").rename(folder / "elsewhere")  # what was built carries the source
    folders = pd.read_csv(results / "cells.csv").set_index("method")["folder"]
    for cell in CELLS:
        method = cell.partition("/")[0]
        built = pd.read_csv(results / folders[method] / "predictions.csv").set_index("item")
        files = [tiny_data / item for item in built.index]
        found = Predictor.load(storage, cell).predict(files)
        columns = [column for column in built if column.startswith("probability_")]
        np.testing.assert_allclose(found[columns], built[columns], atol=1e-6)  # one series at a time rounds otherwise
        exported = folder / f"exported {method}"
        export([stored.parts() for stored in find_cells(storage, cell)], exported)
        typed(folder, *files, "--output", folder / "found.csv", program=exported / "predict.py")
        pd.testing.assert_frame_equal(pd.read_csv(folder / "found.csv"), found, check_exact=False, rtol=0, atol=1e-9)
