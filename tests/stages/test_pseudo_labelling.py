"""Cells that learn from series without a label: the twin without them, what is proven, and what no test motor moves."""

import json
import shutil

import numpy as np
import pytest

from motor.recordings.readers.simulator import Simulator

OVERRIDES = (
    "axes.method=[classical]",
    "axes.domain=[ZhenDong]",
    "features.classical.high_frequencies_hz=[500, 1000]",
    "axes.labelled_share=[0.5]",
    "axes.classifier=[lda, mahalanobis]",
    "pseudo_labels.self_training.precision=0",
    "pseudo_labels.self_training.probability=0.4",
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A tree of 24 simulated motors, of which 12 train."""
    root = tmp_path_factory.mktemp("motors")
    for recording in Simulator(motors_per_class=8, n_samples=512, sampling_rate_hz=4096).read():
        file = root / recording.domain / recording.label / f"{recording.moment}.npy"
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, recording.signal)
    return root


@pytest.fixture(scope="module")
def tiny(make_tiny, tmp_path_factory, data):
    """Cells of each labeller with the labels of half of the motors; self-training is believed without proof."""
    folder, labellers = tmp_path_factory.mktemp("pseudo"), "axes.pseudo_labels=[none, scores, self_training]"
    return make_tiny(folder, *OVERRIDES, f"dataset.path={data}", labellers).build_all()


def read(tiny, kind, name, classifier="lda"):
    wanted = {"pseudo_labels": kind, "classifier": classifier}
    (stage,) = (cell.stage for cell in tiny.plan.cells if wanted.items() <= cell.axes.items())
    return (tiny.folder(stage) / name).read_text()


def test_cell_without_pseudo_labels_has_the_key_of_before(tiny, make_tiny, tmp_path, data):
    before = make_tiny(tmp_path, *OVERRIDES, f"dataset.path={data}")
    stages = {cell.axes["classifier"]: cell.stage for cell in before.plan.cells}
    (stage,) = (cell.stage for cell in tiny.plan.cells if cell.axes["pseudo_labels"] == "none")
    assert stage.record.keys() == stages["lda"].record.keys()
    assert stage.features == stages["lda"].features


def test_cell_of_a_detector_has_no_twins(tiny):
    assert [cell.axes["pseudo_labels"] for cell in tiny.plan.cells if cell.axes["classifier"] == "mahalanobis"] == [
        None
    ]


def test_cell_whose_labels_are_not_proven_says_so_and_equals_its_twin(tiny):
    (told,) = json.loads(read(tiny, "scores", "metrics.json"))["pseudo_labels"]["folds"]
    assert told["refused"]
    assert told["n_taken"] == 0
    for name in ("predictions.csv", "held_out.csv"):
        assert read(tiny, "scores", name) == read(tiny, "none", name)


def test_cell_that_believes_its_labels_learns_from_them(tiny):
    (told,) = json.loads(read(tiny, "self_training", "metrics.json"))["pseudo_labels"]["folds"]
    assert told["n_unlabelled"] >= told["n_taken"] > 0
    assert read(tiny, "self_training", "fold-0/pseudo_labels.csv").count("\n") == told["n_taken"] + 1
    assert read(tiny, "self_training", "predictions.csv") != read(tiny, "none", "predictions.csv")


@pytest.mark.leak
def test_cell_that_believes_its_labels_is_moved_by_no_test_series(tiny, make_tiny, data, tmp_path, sides_of):
    shutil.copytree(data, tmp_path / "data")
    tested = [motor for motor, side in sides_of(tiny).items() if side == "test"]
    for seed, file in enumerate(sorted((tmp_path / "data").rglob("*.npy"))):
        if file.name.partition("-")[0] in tested:
            np.save(file, np.random.default_rng(seed).normal(size=512).astype(np.float32))
    noise = make_tiny(tmp_path, *OVERRIDES, "axes.pseudo_labels=[self_training]", f"dataset.path={tmp_path / 'data'}")
    noise.build_all()
    for name in ("fold-0/pseudo_labels.csv", "held_out.csv"):
        assert read(noise, "self_training", name) == read(tiny, "self_training", name)
