"""Predictions of forecasters with modules: in a storage as they were judged, and in an export as it says."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from motor.predicting import Predictor
from motor.predicting.exporting import export
from motor.predicting.stored import find_cells

ASKED = (
    "axes.method=[A]",
    "axes.domain=[Joint]",
    "modules.use=tapr+gram",
    "modules.tapr={n_scales: 1, width: 8}",
    "finetune={num_steps: 3, learning_rate: 3e-2, validate_every: 3, batch_size: 4, precision: float32}",
)
GRAM = "modules.gram={top_k: 3, key_length: 16, stride: 4, width: 8, gate: plain"
CELL = "A/Joint/64/lda"


def built(make_tiny, folder: Path, gram: str):
    tiny = make_tiny(folder, *ASKED, gram).build_all()
    results = tiny.store.root / "results" / "tiny" / CELL
    results.mkdir(parents=True)
    (results / "metrics.json").symlink_to(tiny.folder(tiny.cell(CELL)) / "metrics.json")
    pd.DataFrame({"folder": [CELL]}).to_csv(results.parents[3] / "cells.csv", index=False)
    return tiny


@pytest.fixture(scope="module")
def stored(make_tiny, tmp_path_factory):
    return built(make_tiny, tmp_path_factory.mktemp("plain"), f"{GRAM}}}")


def exported(tiny, target: Path) -> Path:
    export([cell.parts() for cell in find_cells(tiny.store.root, CELL)], target)
    return target


def test_storage_predicts_what_was_judged(stored, tiny_data):
    judged = pd.read_csv(stored.folder(stored.cell(CELL)) / "predictions.csv")
    found = Predictor.load(stored.store.root, CELL).predict([tiny_data / item for item in judged["item"]])
    columns = [name for name in judged if name.startswith("probability_")]
    np.testing.assert_allclose(found[columns], judged[columns], atol=1e-6)


def test_export_has_no_memory_forecasts_without_modules_and_says_so(stored, tmp_path):
    folder = exported(stored, tmp_path / "winner")
    assert not list(folder.rglob("memory.safetensors"))
    assert "forecasts without modules here" in (folder / "README.md").read_text(encoding="utf-8")
    (forecaster,) = Predictor.load(folder).cells[0].describer.forecasters
    assert not hasattr(forecaster, "parts")


def test_export_with_its_memory_predicts_the_same_bits(make_tiny, two_files, tmp_path):
    tiny = built(make_tiny, tmp_path, f"{GRAM}, in_export: true}}")
    folder = exported(tiny, tmp_path / "winner")
    assert len(list(folder.rglob("memory.safetensors"))) == 1
    assert "holds whole training series" in (folder / "README.md").read_text(encoding="utf-8")
    of_storage = Predictor.load(tiny.store.root, CELL).predict(two_files)
    pd.testing.assert_frame_equal(Predictor.load(folder).predict(two_files), of_storage, check_exact=True)
