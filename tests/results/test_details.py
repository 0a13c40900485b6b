"""What the report shows of single cells, gathered from a store."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from grid.store.store import Store
from motor.recordings.table import open_recordings
from motor.report import CellResult
from motor.results.details import MOST_SIGNALS, cell_details, spent, worst_series
from motor.stages.recordings import ImportRecordings


def result_of(cell, store):
    """A cell's result, as far as details need it."""
    folder = store.folder(cell.stage)
    texts = dict.fromkeys(("item", "motor", "domain", "label", "predicted", "fold"), str)
    return CellResult(
        axes=cell.axes,
        metrics=json.loads((folder / "metrics.json").read_text(encoding="utf-8")),
        folder=f"of/{cell.name()}",
        predictions=pd.read_csv(folder / "predictions.csv", dtype=texts),
        seconds=2.5,
    )


@pytest.fixture(scope="module")
def built(tiny_built):
    """The cells of the tiny grid that stand, and their results."""
    cells = [cell for cell in tiny_built.plan.cells if tiny_built.store.holds(cell.stage)]
    return tiny_built, cells, [result_of(cell, tiny_built.store) for cell in cells]


@pytest.fixture(scope="module")
def details(built):
    tiny, cells, results = built
    return cell_details(tiny.experiment, cells, results, tiny.store)


def stage_of(cell, kind):
    return next(stage for stage in cell.stage.walk() if isinstance(stage, kind))


def test_details_have_every_cell_and_are_json(built, details):
    _, cells, _ = built
    assert list(details["cells"]) == [cell.name() for cell in cells]
    assert json.loads(json.dumps(details)) == details
    assert {cell_record["seconds"] for cell_record in details["cells"].values()} == {2.5}
    assert details["cells"]["A/Joint/64/lda"]["folder"] == "of/A/Joint/64/lda"


def test_config_says_what_a_two_stage_cell_was_trained_on(details):
    config = details["cells"]["C_two_stage/Joint/64/lda"]["config"]
    assert (config["finetune 1: labels"], config["finetune 2: labels"]) == ("normal", "all")
    assert config["features: context length"] == "64"
    assert config["classify: classifier"].startswith("kind lda")
    assert not any(word in key for key in config for word in ("audit", "cleared", "digest", "version"))


def test_tsne_of_a_cell_is_the_map_that_was_drawn(built, details):
    tiny, cells, _ = built
    cell = next(cell for cell in cells if cell.name() == "A/Joint/64/lda")
    points = details["cells"][cell.name()]["tsne"]
    features = pd.read_parquet(tiny.store.folder(cell.stage.features[0]) / "features.parquet")
    assert [point["item"] for point in points] == features["item"].tolist()
    assert {point["side"] for point in points} == {"train", "validation", "test"}
    assert all(np.isfinite([point["x"], point["y"]]).all() for point in points)


def test_residuals_are_those_of_the_test_series_by_domain_and_class(built, details):
    tiny, cells, _ = built
    cell = next(cell for cell in cells if cell.name() == "A/Joint/64/lda")
    folders = [tiny.store.folder(features) for features in cell.stage.features]
    table = pd.concat([pd.read_parquet(folder / "features.parquet") for folder in folders])
    table = table[(table["side"] == "test") & (table["domain"] == "ShengYing") & (table["label"] == "spark")]
    found = details["cells"][cell.name()]["residuals"]["ShengYing"]["spark"]
    np.testing.assert_allclose(found, sorted(table["mae"]), rtol=1e-3)
    assert details["cells"]["B/Joint/64/lda"]["residuals"] is None


def test_worst_cases_are_drawn_as_recorded_in_the_declared_unit(built):
    tiny, cells, results = built
    dataset = tiny.experiment.base.dataset.model_copy(update={"units": {"ShengYing": "Pa"}})
    experiment = type("Experiment", (), {"base": tiny.experiment.base.model_copy(update={"dataset": dataset})})
    signals = cell_details(experiment, cells, results, tiny.store)["signals"]
    recordings = open_recordings(tiny.store.folder(stage_of(cells[0], ImportRecordings)))
    place = {item: place for place, item in enumerate(recordings.meta["item"])}
    assert {(signal["domain"], signal["unit"]) for signal in signals.values()} <= {
        ("ShengYing", "Pa"),
        ("ZhenDong", "as recorded"),
    }
    for signal in signals.values():
        recorded = recordings.signal(place[signal["item"]])
        assert max(signal["waveform"]["high"]) == pytest.approx(float(recorded.max()), rel=1e-4)
        assert min(signal["waveform"]["low"]) == pytest.approx(float(recorded.min()), rel=1e-4)


def test_worst_cases_are_named_by_their_cells_and_few(details):
    named = [name for cell_record in details["cells"].values() for name in cell_record["worst"]]
    assert sorted(named) == sorted(details["signals"])
    assert 0 < len(named) <= MOST_SIGNALS


def table_of(rows):
    columns = ["item", "label", "predicted", "probability_normal", "probability_spark"]
    return pd.DataFrame(rows, columns=columns).assign(motor="m", domain="d")


def test_worst_series_are_the_wrong_ones_that_were_surest():
    rows = [("a", "normal", "spark", 0.4, 0.6), ("b", "normal", "spark", 0.1, 0.9), ("c", "spark", "spark", 0.0, 1.0)]
    found = worst_series(table_of(rows))
    assert [(case["item"], case["probability"], case["is_wrong"]) for case in found] == [
        ("b", 0.9, True),
        ("a", 0.6, True),
    ]


def test_worst_series_where_none_is_wrong_are_the_least_sure():
    rows = [(str(n), "spark", "spark", 1 - 0.5 - n / 20, 0.5 + n / 20) for n in range(5)]
    found = worst_series(table_of(rows))
    assert [(case["item"], case["is_wrong"]) for case in found] == [("0", False), ("1", False)]


def test_recordings_that_were_deleted_leave_no_signals(built, tmp_path):
    tiny, cells, results = built
    copy = Store(shutil.copytree(tiny.store.root, tmp_path / "storage"))
    shutil.rmtree(copy.root / "recordings")
    assert cell_details(tiny.experiment, cells, results, copy)["signals"] == {}


def write_provenance(store, stage, **fields):
    folder = store.folder(stage)
    folder.mkdir(parents=True)
    (folder / "provenance.json").write_text(json.dumps({"host": "a", **fields}), encoding="utf-8")


def test_spent_counts_shared_stages_once_and_says_what_each_for_itself_would_cost(built, tmp_path):
    _, cells, _ = built
    pair = [cell for cell in cells if cell.name() in ("A/Joint/64/lda", "B/Joint/64/lda")]
    store, stages = Store(tmp_path), {stage.key: stage for cell in pair for stage in cell.walk()}
    for stage in stages.values():
        asked = "2 x (3 CPU, 1 GPU, 4 GB)" if stage.KIND == "finetune" else "0.5 CPU"
        write_provenance(store, stage, seconds=3600.0, asked_for=asked, energy_wh={"cpu": None, "gpu": 7.0})
    found = spent(pair, store)
    (tuned,) = [row for row in found["by_kind"] if row["kind"] == "finetune"]
    n_tuned = tuned["n_stages"]
    assert (tuned["cpu_hours"], tuned["gpu_hours"], tuned["energy_wh"]) == (6 * n_tuned, 2 * n_tuned, 7 * n_tuned)
    assert found["shared"]["gpu_hours_without_sharing"] == 2 * found["shared"]["gpu_hours"]  # A and B share them
    assert found["shared"]["n_stages"] == len(stages) < found["shared"]["n_stages_without_sharing"]
    assert found["hosts"] == ["a"]


def test_spent_without_any_energy_is_none_and_leaves_out_what_is_gone(built, tmp_path):
    _, cells, _ = built
    write_provenance(Store(tmp_path), cells[0].stage, seconds=36.0, asked_for="1 CPU")
    (row,) = spent(cells[:1], Store(tmp_path))["by_kind"]
    assert row == {"kind": "classify", "n_stages": 1, "cpu_hours": 0.01, "gpu_hours": 0.0, "energy_wh": None}
