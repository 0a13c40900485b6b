"""The chosen recipe, trained on every motor: beside the grid, whose results it leaves as they are."""

import json
import shutil
import statistics
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import launch
from grid.store.store import Store
from motor.commands.finalize import finalize
from motor.commands.grid import plan_grid
from motor.evaluation.thresholds import choose_thresholds
from motor.experiment.final import final_of
from motor.predicting import Predictor
from motor.predicting.exporting import ExportError, export, model_facts
from motor.predicting.results import Results
from motor.predicting.stored import CellError, StoredCell, find_cells
from motor.registry import plugins

CELL = "A/Joint/64/lda"
SMALL = (
    "split={kind: folds, k: 2, validation: none}",
    "axes.domain=[Joint]",
    "finetune.num_steps=1",
    "dataset.constants={speed_rpm: 6000}",
    'dataset.machines={"*": {bearing: 6205-2RS JEM SKF, blades: 4}}',
    "features.minirocket.n_columns=84",
    "features.cnn.n_epochs=1",
    "features.orders={revolutions: 2, highest_order: 1, n_harmonics: 1, bands: [[0.02, 0.977]]}",
    "features.classical={psd_highest_hz: 500, high_frequencies_hz: [1000]}",
)
GATED = (
    "backbone={kind: ptft_vssm, branches: {tft: {settings: {kind: tft, patch: 16, width: 8}},"
    " vssm: {settings: {kind: vssm, patch: 16, width: 8}}}}"
)


@pytest.fixture(scope="module")
def store(tiny_built, tmp_path_factory):
    """A copy of the tiny experiment's store."""
    root = tmp_path_factory.mktemp("finalize") / "storage"
    return Store(shutil.copytree(tiny_built.store.root, root, symlinks=True))


@pytest.fixture(scope="module")
def grid(tiny_text, store):
    file = store.root.parent / "tiny.yaml"
    file.write_text(tiny_text, encoding="utf-8")
    return plan_grid(file, (), {}, store)


@pytest.fixture(scope="module")
def judged(tiny_built):
    return tiny_built.cell(CELL)


@pytest.fixture(scope="module")
def built(tiny_built, store, judged):
    """The final stage, built without Ray."""
    final = final_of(judged, store.folder)
    copy = replace(tiny_built, store=store)
    for stage in final.walk():
        if not store.holds(stage):
            copy.build_stage(stage)
    return final


@pytest.fixture(scope="module")
def stored(store, built):
    return StoredCell(store.folder(built), Results(store))


@pytest.fixture(scope="module")
def two_files(tiny_data):
    """One recording of each sensor, of two motors."""
    return [sorted(tiny_data.glob("ShengYing/*/*.npy"))[0], sorted(tiny_data.glob("ZhenDong/*/*.npy"))[-1]]


@pytest.fixture(scope="module")
def source(store, judged):
    return StoredCell(store.folder(judged), Results(store))


@pytest.fixture(scope="module")
def folder(grid, source, stored, tmp_path_factory):
    """All stages stand, so that the folder alone is written."""
    done = finalize(grid, [source], tmp_path_factory.mktemp("final") / "folder")
    assert (done.n_built, done.outcome, done.is_new) == (0, None, True)
    return done.folder


def test_final_of_a_cell_is_its_chain_with_the_best_steps_and_leaves_its_key(judged, built, tiny_built):
    tuned, of_fold = built.features[0].finetunes[0], judged.features[0].finetunes[0]
    best = json.loads((tiny_built.store.folder(of_fold) / "training.json").read_text())["best"]["step"]
    assert (tuned.fold, tuned.training.num_steps) == ("all", best)
    assert tuned.training == of_fold.training.model_copy(update={"num_steps": best})
    assert "holds_out" not in judged.features[0].of_fold[0].record
    assert type(built).from_record(built.record).key == built.key


def test_final_of_several_folds_takes_the_median_of_their_best_steps(make_tiny, tmp_path):
    tiny = make_tiny(tmp_path, "split={kind: folds, k: 4}", "finetune.num_steps=90", "axes.domain=[Joint]")
    cell, given = tiny.cell(CELL), [10, 20, 60, 90]
    for of_fold, step in zip(cell.features, given, strict=True):
        at = tmp_path / of_fold.finetunes[0].key
        at.mkdir()
        (at / "training.json").write_text(json.dumps({"n_steps": 90, "best": {"step": step}}))
    final = final_of(cell, lambda stage: tmp_path / stage.key)
    (described,) = final.features
    assert described.finetunes[0].training.num_steps == statistics.median(given) == 40
    assert list(final.n_steps.values()) == [40]


def test_final_trains_every_motor_and_takes_thresholds_from_held_out_ones(store, built, judged):
    table = pd.read_parquet(store.folder(built.features[0]) / "features.parquet")
    assert (set(table["side"]), table["motor"].nunique(), len(table)) == ({"train"}, 12, 48)
    held_out = pd.read_csv(store.folder(judged) / "predictions.csv")
    told = json.loads((store.folder(built) / "metrics.json").read_text())
    assert told["final"] == {
        "n_motors": 12,
        "n_series": 48,
        "n_steps": built.n_steps,
        "judged_cell": judged.key,
        "n_folds": 1,
    }
    for domain, rate in judged.false_alarm_rates.items():
        (expected,) = choose_thresholds(held_out[held_out["domain"] == domain], judged.normal, rate).values()
        assert told["thresholds"]["all"][domain]["value"] == pytest.approx(expected.value)


def test_final_folder_says_what_to_expect_and_predicts(folder, source, two_files):
    (cell,) = model_facts(folder)["cells"]
    figures = source.parts().metrics
    assert {name: cell["metrics"][name] for name in figures} == figures
    assert cell["metrics"]["final"]["n_motors"] == 12
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert f"{figures['macro_f1']:.2f}" in readme
    assert source.key in readme
    assert [path.parent.name for path in folder.rglob("clf_model.pkl")] == ["fold-all"]
    found = Predictor.load(folder).predict(two_files)
    assert len(found) == 2
    assert np.isfinite(found.filter(like="probability_").to_numpy()).all()


def test_final_enters_no_table_of_cells(store, built, folder):
    assert built.key not in Results(store).cell_keys()
    with pytest.raises(CellError):
        find_cells(store.root, built.key)


def test_finalize_again_does_nothing(grid, source, folder):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    again = finalize(grid, [source], folder)
    assert (again.n_built, again.is_new) == (0, False)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_finalize_onto_something_else_refused_before_anything_runs(grid, source, tmp_path):
    with pytest.raises(ExportError, match="is already there; give --to another folder"):
        finalize(grid, [source], tmp_path)


def test_finalize_cell_of_other_settings_refused(tiny_text, store, source, tmp_path):
    file = tmp_path / "tiny.yaml"
    file.write_text(tiny_text, encoding="utf-8")
    other = plan_grid(file, ["finetune.num_steps=3"], {}, store)
    with pytest.raises(CellError, match="give the settings that it was built with"):
        finalize(other, [source], tmp_path / "folder")


def test_final_of_a_recipe_with_conformal_offsets_refused(make_tiny, tmp_path):
    tiny = make_tiny(tmp_path, "finetune.conformal=true")
    cell = tiny.cell(CELL)
    at = tmp_path / cell.features[0].finetunes[0].key
    at.mkdir()
    (at / "training.json").write_text(json.dumps({"n_steps": 4, "best": None}))
    with pytest.raises(ValueError, match=r"finetune\.conformal=false"):
        final_of(cell, lambda stage: tmp_path / stage.key)


@pytest.mark.slow
@pytest.mark.parametrize("method", sorted(set(plugins("motor.methods")) - {"given"}))  # whose vectors others make
def test_final_of_every_method_predicts(make_tiny, two_files, tmp_path, method):
    needs = {
        need
        for name in plugins("motor.methods")[method]().features
        for need in getattr(plugins("motor.features")[name], "needs", ())
    }
    gated = [GATED] if needs & {"regimes", "gate"} else []
    tiny = make_tiny(tmp_path, f"axes.method=[{method}]", *SMALL, *gated)
    tiny.build(tiny.plan.cells[0].name())
    final = final_of(tiny.plan.cells[0].stage, tiny.store.folder)
    for stage in final.walk():
        if not tiny.store.holds(stage):
            tiny.build_stage(stage)
    parts = StoredCell(tiny.store.folder(final), Results(tiny.store)).parts()
    export([parts], tmp_path / "final")
    assert len(Predictor.load(tmp_path / "final").predict(two_files)) == 2


def bytes_of(root):
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.ray
def test_finalize_best_of_a_launched_grid_leaves_its_results_to_the_byte(tiny_text, two_files, tmp_path, capsys):
    config, storage, target = tmp_path / "tiny.yaml", tmp_path / "storage", tmp_path / "final"
    config.write_text(tiny_text, encoding="utf-8")
    words = ["axes.method=[A, B]", "axes.domain=[Joint]", "--storage", str(storage)]
    assert launch.main([str(config), *words]) == 0
    results, cells = bytes_of(storage / "results"), bytes_of(storage / "classify")
    typed = ["finalize", str(config), *words, "--cell", "best", "--to", str(target)]
    assert launch.main(typed) == 0
    stages = bytes_of(storage / "finetune")
    assert launch.main(typed) == 0
    assert "Nothing to do" in capsys.readouterr().out
    shutil.rmtree(target)  # as if it had been killed before the folder was written
    assert launch.main(typed) == 0
    assert bytes_of(storage / "finetune") == stages
    assert launch.main([str(config), *words]) == 0
    assert bytes_of(storage / "results") == results
    assert bytes_of(storage / "classify") == cells
    assert launch.main(["predict", "--cell", str(target), *map(str, two_files)]) == 0
