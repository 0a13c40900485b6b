"""Predictions of methods that look at lines name the strongest, wherever they come from."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from motor.predicting import Predictor
from motor.predicting.exporting import export
from motor.predicting.printing import as_text
from motor.predicting.stored import find_cells
from motor.report import CellResult
from motor.results.details import cell_details


@pytest.fixture(scope="module")
def built(make_tiny: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A storage with a cell of physics, and results that tell of the machines."""
    settings = ("axes.method=[physics]", "axes.domain=[ShengYing]", "dataset.constants={speed_rpm: 6000}")
    tiny = make_tiny(tmp_path_factory.mktemp("physics"), *settings)
    (cell,) = tiny.plan.cells
    tiny.build(cell.name())
    root = tiny.store.root / "results" / "tiny"
    folder = root / cell.name()
    folder.mkdir(parents=True)
    (folder / "metrics.json").symlink_to(tiny.folder(cell.stage) / "metrics.json")
    pd.DataFrame({"folder": [cell.name()]}).to_csv(root / "cells.csv", index=False)
    machine = {"blades": 4, "iso_20816": {"group": 2, "support": "rigid"}}
    record = {"machines": {"*": machine}, "units": {"ShengYing": "m/s²"}}
    (root / "machines.json").write_text(json.dumps(record), encoding="utf-8")
    return tiny


@pytest.fixture(scope="module")
def storage(built: Any) -> Path:
    return built.store.root


def test_evidence_of_a_prediction_stands_in_the_table_json_and_csv(storage: Path, tiny_data: Path) -> None:
    (stored,) = find_cells(storage, _key(storage))
    found = Predictor.open([stored.parts()]).predict([sorted(tiny_data.glob("ShengYing/*/*.npy"))[0]])
    (lines,) = found["evidence"]
    assert 1 <= len(lines) <= 3
    assert set(lines[0]) == {"order", "hertz", "height_db", "component", "stands_out"}
    assert json.loads(as_text(found, "json"))["predictions"][0]["evidence"] == lines
    assert f"{lines[0]['order']:g} x {lines[0]['hertz']:g} Hz" in as_text(found, "csv")


def test_evidence_of_an_exported_folder_is_the_same(storage: Path, tiny_data: Path, tmp_path: Path) -> None:
    files = sorted(tiny_data.glob("ShengYing/*/*.npy"))[:2]
    parts = [cell.parts() for cell in find_cells(storage, _key(storage))]
    assert parts[0].machines["*"].blades == 4
    export(parts, tmp_path / "folder")
    exported = Predictor.load(tmp_path / "folder")
    assert {"velocity_mm_s", "iso_zone"} <= set(exported.predict(files).columns)
    assert exported.cells[0].parts.machines == parts[0].machines
    assert exported.predict(files)["evidence"].tolist() == Predictor.open(parts).predict(files)["evidence"].tolist()


def test_evidence_of_worst_cases_is_gathered_for_the_report(built: Any) -> None:
    (cell,) = built.plan.cells
    folder = built.folder(cell.stage)
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    result = CellResult(cell.axes, metrics, "of/it", pd.read_csv(folder / "predictions.csv", dtype={"fold": str}))
    details = cell_details(built.experiment, [cell], [result], built.store)
    assert isinstance(details["cells"][cell.name()]["rests_on"], list)
    signals = details["signals"]
    assert signals
    assert all(1 <= len(signal["evidence"]) <= 3 for signal in signals.values())
    assert json.loads(json.dumps(signals)) == signals


def _key(storage: Path) -> str:
    (folder,) = (storage / "classify").iterdir()
    return folder.name[-16:]
