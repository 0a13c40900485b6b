"""A tiny experiment, built here and now without Ray (`tiny_built` is one that many tests read), and made-up cells.

The cells are seeded tables of predictions, and cells of recipes whose skill is known.
"""

import gc
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from motor.evaluation.cell_metrics import classification_metrics
from motor.evaluation.thresholds import apply_thresholds, choose_thresholds
from motor.report import CellResult, ReportContext

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that launch grids: they wait most of their time, and at the end nothing would fill it."""
    launching = {item.path for item in items if item.get_closest_marker("ray")}
    items.sort(key=lambda item: item.path not in launching)


def pytest_collection_finish() -> None:
    """What imports and collecting have made stays to the end: each pass of the garbage collector would look at it."""
    gc.collect()
    gc.freeze()


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
        from grid.run.run import build_stage

        build_stage(stage, self.store, self.context(stage))

    def context(self, stage: Any) -> Any:
        """Return what a stage is given beside its record."""
        from grid.run.run import BuildContext
        from motor.experiment.cells import resources_of

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
def scoringrules() -> Any:
    """The package of that name, imported where a test compares with it: it compiles for seconds."""
    return import_module("scoringrules")


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
    from grid.plan.plan import make_plan
    from grid.store.store import Store
    from motor.experiment.cells import make_cells
    from motor.experiment.reading import read_experiment

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


CLASSES = ("normal", "spark", "vibrate")

# Of recipes whose skill is known, judged on motors that differ from one another.
KINDS = ("normal", "inner", "outer")
RIGS = ("rig 1", "rig 2")

MOTOR_SPREAD = 1.0  # how much motors differ in difficulty, for all recipes alike
RECIPE_SPREAD = 0.5  # how much a recipe suits one motor more than another
N_SERIES = 4  # a motor


@pytest.fixture(scope="session")
def make_predictions():
    """Give a function that makes predictions whose quality is a number (0 is guessing)."""

    def make(quality=1.5, seed=0, classes=CLASSES, domains=("ShengYing", "ZhenDong"), n_motors=8, n_series=3):
        generator = np.random.default_rng(seed)
        rows = []
        for index, label in enumerate(classes):
            for motor in range(n_motors):
                for domain in domains:
                    logits = generator.normal(size=(n_series, len(classes)))
                    logits[:, index] += quality
                    for series, values in enumerate(np.exp(logits)):
                        row = {"item": f"{label}-{motor}-{domain}-{series}", "motor": f"{label}-{motor}"}
                        row |= {"domain": domain, "label": label, "fold": "0"}
                        row |= {"predicted": classes[int(values.argmax())]}
                        rows.append(row | dict(zip(_columns(classes), values / values.sum(), strict=True)))
        table = pd.DataFrame(rows)
        table["alarm"] = apply_thresholds(table, choose_thresholds(table, classes[0], 0.1))
        return table

    return make


def _columns(classes):
    return [f"probability_{name}" for name in classes]


@pytest.fixture(scope="session")
def make_cell(make_predictions):
    """Give a function that makes a finished cell; its domain is one domain or Joint."""

    def make(quality, seed=0, method="C", domain="Joint", n_motors=8, **axes):
        domains = ("ShengYing", "ZhenDong") if domain == "Joint" else (domain,)
        predictions = make_predictions(quality, seed, domains=domains, n_motors=n_motors)
        coordinates = {"method": method, "domain": domain, **axes}
        return CellResult(
            axes=coordinates,
            metrics=classification_metrics(predictions, CLASSES, "normal"),
            folder="/".join(map(str, coordinates.values())),
            predictions=predictions,
            skill={"normal": 0.7, "spark": 1.0, "vibrate": 0.9},
            training={"steps": [600, 800], "best_step": [500, 700], "validation_loss": [0.3, 0.2]},
            n_fits=2,
            figures=("figures/confusion.png", "figures/roc pr.png"),
        )

    return make


@pytest.fixture(scope="session")
def context():
    return ReportContext(
        name="test grid",
        command="python launch.py test.yaml",
        classes=CLASSES,
        normal="normal",
        two_stage_pairs={"C": "C_two_stage"},
        settings=(("prediction_length", "1024"),),
        dataset={"counts": [{"domain": "ShengYing", "label": "spark", "series": 24, "motors": 8}], "digest": "4be1"},
        versions={"python": "3.11"},
    )


@pytest.fixture(scope="session")
def truth():
    """What surrounds the simulated cells."""
    return ReportContext("truth", "none", KINDS, "normal")


@pytest.fixture(scope="session")
def simulate():
    """Give the function that simulates recipes of known skill."""
    return _simulate


def _simulate(skills, seed, n_motors=8, n_folds=4, domains=RIGS, seconds=None, methods=None, keeps_held_out=False):
    """Return one cell for each recipe and domain; `n_motors` is for each class and domain.

    A series is answered right where the true class has the greatest of three noisy scores; the true class'
    score is raised by skill + motor's ease + how the recipe suits the motor. Motors are dealt to folds in turn.
    Held-out answers share the motor's effects, as those of a classifier refitted on other motors would.
    """
    generator = np.random.default_rng(seed)
    cells = []
    for domain in domains:
        rows = _series(domain, n_motors, n_folds)
        held_rows = pd.concat([rows[rows["fold"] != fold].assign(fold=fold) for fold in sorted(set(rows["fold"]))])
        ease_M = MOTOR_SPREAD * generator.normal(size=len(KINDS) * n_motors)
        for place, skill in enumerate(skills):
            lift_M = skill + ease_M + RECIPE_SPREAD * generator.normal(size=len(ease_M))
            axes = {"method": methods[place] if methods else f"m{place}", "domain": domain}
            cell = {"held_out": _answers(held_rows, lift_M, generator)} if keeps_held_out else {}
            cell["seconds"] = 0.0 if seconds is None else seconds[place]
            cells.append(CellResult(axes, {}, f"{domain}/{place}", _answers(rows, lift_M, generator), **cell))
    return cells


def _series(domain, n_motors, n_folds):
    """One row a series, as columns; `place` is the motor's number."""
    place = np.repeat(np.arange(len(KINDS) * n_motors), N_SERIES)
    label = np.array(KINDS)[place // n_motors]
    motor = [f"{domain} motor {number:03}" for number in place]
    item = [f"{name} series {number % N_SERIES}" for number, name in enumerate(motor)]
    fold = (place % n_motors % n_folds).astype(str)
    columns = {"item": item, "motor": motor, "label": label, "domain": domain, "fold": fold, "place": place}
    return pd.DataFrame(columns)


def _answers(rows, lift_M, generator):
    place_n = rows["place"].to_numpy()
    true_n = place_n // (len(lift_M) // len(KINDS))
    score_nC = generator.gumbel(size=(len(rows), len(KINDS)))
    score_nC[np.arange(len(rows)), true_n] += lift_M[place_n]
    raised = np.exp(score_nC)
    probability_nC = raised / raised.sum(axis=1, keepdims=True)
    columns = {name: rows[name].array for name in ("item", "motor", "domain", "label", "fold")}
    columns["predicted"] = np.array(KINDS)[score_nC.argmax(axis=1)]
    columns |= {f"probability_{name}": probability_nC[:, place] for place, name in enumerate(KINDS)}
    return pd.DataFrame(columns)


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """A headless Chromium: that of $CHROMIUM, one that is installed, or Playwright's own."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs a browser: pip install playwright")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_api.sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=found)
        except sync_api.Error as error:
            without = pytest.fail if os.environ.get("CI") else pytest.skip
            without(f"no browser: set CHROMIUM, or playwright install chromium ({str(error).splitlines()[0]})")
        yield browser
        browser.close()
