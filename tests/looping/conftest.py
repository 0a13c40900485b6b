"""A loop over simulated motors with a scripted reviewer, whose stages are built here and now, without Ray."""

from dataclasses import replace

import pytest

from grid.store.store import Store
from motor.commands.looping import new_loop, opened

CONFIG = """\
seed: 5
dataset: {kind: simulator, motors_per_class: 6, n_samples: 8192, sampling_rate_hz: 16384, recordings_per_motor: 1}
split: {kind: ratio, train: 3, validation: 1, test: 2}
backbone: {kind: linear}
windows: {prediction_length: 16}
axes: {method: [orders, A], domain: [Joint], context_length: [64], classifier: [lda]}
loop: {known: test, reviewer: truth, first: 18, batch: 4, random_share: 0.5}
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("storage"))


@pytest.fixture(scope="module")
def begun(store, tmp_path_factory):
    """Return a function that opens the loop anew, with what builds its stages in this process."""
    return begin(CONFIG, store, tmp_path_factory.mktemp("config"))


def begin(text, store, folder):
    """Begin the loop of a config, and return a function that opens it."""
    config = folder / "small.yaml"
    config.write_text(text, encoding="utf-8")
    new_loop(config, (), store, "plant").database.close()
    built = []

    def build(grid):
        from grid.run.run import BuildContext, build_stage
        from motor.experiment.cells import resources_of

        asked = resources_of(grid.experiment, grid.plan.missing.values())
        for key, stage in grid.plan.missing.items():
            build_stage(stage, store, BuildContext(store, stage, asked[key], lambda progress: None))
            built.append(stage.KIND)
        return True

    def opening():
        found = opened(store, "plant")
        manager = replace(found.manager, tools=replace(found.manager.tools, build=build))
        return replace(found, manager=manager)

    opening.built = built
    return opening
