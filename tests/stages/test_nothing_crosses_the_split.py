"""What test motors, validation motors and faulty motors must not touch: their signals are changed, and it stays."""

import json
import shutil
import zlib
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from safetensors.torch import load_file

from motor.stages.described import feature_columns

CELLS = ("A/Joint/64/lda", "C_two_stage/Joint/64/lda")


@pytest.fixture(scope="session")
def change_data(tiny_data):
    """Copy the recordings, with other signals for some of them."""

    def change(folder: Path, is_changed) -> Path:
        shutil.copytree(tiny_data, folder / "data")
        for file in (folder / "data").rglob("*.npy"):
            if is_changed(file.name.partition("-")[0], file.parent.name):
                own = np.random.default_rng(zlib.crc32(str(file.relative_to(folder)).encode()))  # else they are copies
                noise = own.normal(size=512).astype(np.float32)
                np.save(file, 7 * np.load(file)[::-1] + noise + 3)
        return folder / "data"

    return change


@pytest.fixture(scope="session")
def other_test(tiny_built, make_tiny, change_data, sides_of, tmp_path_factory):
    """The tiny experiment with other signals of its test motors."""
    folder, sides = tmp_path_factory.mktemp("other_test"), sides_of(tiny_built)
    data = change_data(folder, lambda motor, label: sides[motor] == "test")
    return make_tiny(folder, f"dataset.path={data}").build(*CELLS)


@pytest.fixture(scope="session")
def other_validation(tiny_built, make_tiny, change_data, sides_of, tmp_path_factory):
    """The tiny experiment with other signals of its validation motors."""
    folder, sides = tmp_path_factory.mktemp("other_validation"), sides_of(tiny_built)
    data = change_data(folder, lambda motor, label: sides[motor] == "validation")
    return make_tiny(folder, f"dataset.path={data}").build_stages("finetune", regime="ShengYing", labels="normal")


def read(tiny, stage, name):
    return (tiny.folder(stage) / name).read_text()


def chain(tiny, cell):
    """The stages of a cell, inputs first, under names."""
    return {f"{stage.KIND} {getattr(stage, 'labels', '')}": stage for stage in tiny.cell(cell).walk()}


def model_of(tiny, cell):
    return joblib.load(tiny.folder(tiny.cell(cell)) / "fold-0" / "clf_model.pkl")


def test_split_does_not_depend_on_signals(tiny_built, other_test):
    first, second = (read(tiny, tiny.stages("prepare")[0], "split.csv") for tiny in (tiny_built, other_test))
    assert first == second


def test_scalers_do_not_depend_on_test_motors(tiny_built, other_test):
    first, second = (read(tiny, tiny.stages("prepare")[0], "scalers.json") for tiny in (tiny_built, other_test))
    assert first == second


def test_scalers_do_not_depend_on_validation_motors_or_faulty_ones(
    tiny_built, make_tiny, change_data, sides_of, tmp_path
):
    sides = sides_of(tiny_built)
    data = change_data(tmp_path, lambda motor, label: sides[motor] != "train" or label != "normal")
    changed = make_tiny(tmp_path, f"dataset.path={data}").build_stages("prepare")
    first, second = (read(tiny, tiny.stages("prepare")[0], "scalers.json") for tiny in (tiny_built, changed))
    assert first == second


def test_scalers_depend_on_normal_training_motors(tiny_built, make_tiny, change_data, sides_of, tmp_path):
    sides = sides_of(tiny_built)
    data = change_data(tmp_path, lambda motor, label: sides[motor] == "train" and label == "normal")
    changed = make_tiny(tmp_path, f"dataset.path={data}").build_stages("prepare")
    first, second = (read(tiny, tiny.stages("prepare")[0], "scalers.json") for tiny in (tiny_built, changed))
    assert first != second


@pytest.mark.parametrize("tuned", ["finetune normal", "finetune all"])
def test_finetune_does_not_depend_on_test_motors(tiny_built, other_test, tuned):
    first, second = (tiny.folder(chain(tiny, CELLS[1])[tuned]) for tiny in (tiny_built, other_test))
    assert (first / "training.json").read_text() == (second / "training.json").read_text()
    weights = load_file(second / "predictor" / "model.safetensors")
    for name, weight in load_file(first / "predictor" / "model.safetensors").items():
        assert weight.equal(weights[name])
    assert (first / "skill.json").read_text() != (second / "skill.json").read_text()  # of test motors: it must move


def test_finetune_stops_early_by_validation_motors_which_it_does_not_train_on(tiny_built, other_validation):
    rows = []
    for tiny in (tiny_built, other_validation):
        stage = tiny.cell("A/ShengYing/64/lda").features[0].finetunes[0]
        rows.append(json.loads(read(tiny, stage, "training.json"))["history"])
    columns = {name: [[row.get(name) for row in history] for history in rows] for name in ("loss", "validation_wql")}
    assert columns["loss"][0] == columns["loss"][1]
    assert columns["validation_wql"][0] != columns["validation_wql"][1]


def test_finetune_on_normal_series_does_not_depend_on_faulty_ones(tiny_built, make_tiny, change_data, tmp_path):
    data = change_data(tmp_path, lambda motor, label: label != "normal")
    changed = make_tiny(tmp_path, f"dataset.path={data}", "audit.accept=[dc_offset]")  # which tells the faulty ones
    changed.build_stages("finetune", regime="ShengYing", labels="normal")
    name = "predictor/model.safetensors"
    first, second = (
        tiny.folder(tiny.cell("A/ShengYing/64/lda").features[0].finetunes[0]) / name for tiny in (tiny_built, changed)
    )
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("cell", CELLS)
def test_features_of_training_and_validation_motors_do_not_depend_on_test_motors(
    tiny_built, other_test, features_of, cell
):
    first, second = (features_of(tiny, cell) for tiny in (tiny_built, other_test))
    is_test = first["side"] == "test"
    pd.testing.assert_frame_equal(first[~is_test], second[~is_test])
    columns = feature_columns(first)
    assert not np.isclose(first.loc[is_test, columns], second.loc[is_test, columns]).all(axis=1).any()


@pytest.mark.parametrize("cell", CELLS)
def test_classifier_and_thresholds_do_not_depend_on_test_motors(tiny_built, other_test, features_of, cell):
    first, second = (model_of(tiny, cell) for tiny in (tiny_built, other_test))
    X = features_of(tiny_built, cell)[first["columns"]].to_numpy()
    np.testing.assert_array_equal(first["estimator"].predict_proba(X), second["estimator"].predict_proba(X))
    assert first["thresholds"] == second["thresholds"]
    paths = [tiny.folder(tiny.cell(cell)) / "predictions.csv" for tiny in (tiny_built, other_test)]
    assert paths[0].read_text() != paths[1].read_text()


def test_classifier_does_not_depend_on_validation_motors_but_thresholds_do(
    tiny_built, make_tiny, change_data, sides_of, tmp_path
):
    sides, cell = sides_of(tiny_built), "untrained/ShengYing/64/lda"
    data = change_data(tmp_path, lambda motor, label: sides[motor] == "validation")
    methods = "axes.method=[untrained]"
    (tmp_path / "as_it_was").mkdir()
    before = make_tiny(tmp_path / "as_it_was", methods).build(cell)
    after = make_tiny(tmp_path, methods, f"dataset.path={data}").build(cell)
    first, second = (model_of(tiny, cell) for tiny in (before, after))
    X = np.random.default_rng(0).normal(size=(20, len(first["columns"])))
    np.testing.assert_array_equal(first["estimator"].predict_proba(X), second["estimator"].predict_proba(X))
    assert first["thresholds"] != second["thresholds"]
