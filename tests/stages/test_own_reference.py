"""A machine against its own past: gains of machines cancel, and a machine without a reference is named."""

import json

import numpy as np
import pandas as pd
import pytest

from grid.plan.plan import Cell, make_plan
from grid.stage import InputError
from grid.store.store import Store
from motor.evaluation.cells import CellResult
from motor.experiment.cells import make_cells
from motor.experiment.reading import read_experiment
from motor.predicting import Predictor
from motor.recordings.recording import Recording
from motor.results.trends import trends_of
from motor.stages.own_reference import ANY_MOTOR, OwnReference, OwnReferences

RATE_HZ = 4096.0
CONFIG = """\
dataset: {{kind: manifest, path: {folder}, classes: [normal, worn], domains: [casing]}}
split: {{kind: folds, k: 3, validation: none}}
backbone: {{kind: linear}}
own_reference: {{earliest: 2}}
axes:
  method: [level]
  domain: [casing]
  own_reference: [none, subtract]
  context_length: [64]
  classifier: [lda]
"""


def machine(number: int, is_worn: bool, recording: int) -> np.ndarray:
    """Return noise of a machine whose gain is its own; wear makes it 6 dB stronger."""
    gain = 10 ** (np.random.default_rng(number).uniform(-30, 30) / 20)
    noise = np.random.default_rng((number, recording)).normal(size=2048)
    return (gain * (2.0 if is_worn else 1.0) * noise).astype(np.float32)


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    """Nine machines that wear: four healthy recordings, then three worn ones; the last has no healthy past."""
    folder, rows = tmp_path_factory.mktemp("plant"), []
    for number in range(9):
        for recording in range(7):
            name, is_worn = f"m{number}-{recording}.npy", recording >= 4
            np.save(folder / name, machine(number, is_worn, recording))
            known = {"file": name, "motor": f"m{number}", "domain": "casing", "sampling_rate_hz": RATE_HZ}
            rows.append({**known, "label": "worn" if is_worn else "normal", "recorded_at": 86400 * recording})
    pd.DataFrame(rows).to_csv(folder / "manifest.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def planned(plant, tmp_path_factory):
    """Plan the comparison over the plant, with overrides."""

    def make(*overrides):
        root = tmp_path_factory.mktemp("own")
        (root / "own.yaml").write_text(CONFIG.format(folder=plant), encoding="utf-8")
        store = Store(root / "storage")
        experiment = read_experiment(root / "own.yaml", overrides, {})
        return make_plan(make_cells(experiment, store.root, dry_run=False), store), store

    return make


def build(plan, store, cells=None):
    from grid.run.run import BuildContext, build_stage
    from grid.stage import Resources

    wanted = [cell.stage for cell in plan.cells if cells is None or cell.name() in cells]
    for key, stage in plan.stages.items():
        if key in {made.key for one in wanted for made in one.walk()} and not store.holds(stage):
            build_stage(stage, store, BuildContext(store, stage, Resources(), lambda progress: None))
    return {cell.axes["own_reference"]: cell.stage for cell in plan.cells if cell.stage in wanted}


@pytest.fixture(scope="module")
def built(planned):
    plan, store = planned("audit={accept: [file_order]}")
    return build(plan, store), store


def test_own_reference_cancels_what_machines_differ_in(built):
    cells, store = built
    scores = {
        use: json.loads((store.folder(stage) / "metrics.json").read_text())["macro_f1"] for use, stage in cells.items()
    }
    assert scores["subtract"] > 0.95
    assert scores["none"] < scores["subtract"] - 0.1


def test_own_references_are_scored_nowhere(built):
    cells, store = built
    for stage in cells.values():
        items = pd.read_csv(store.folder(stage) / "predictions.csv")["item"]
        assert len(items) == 9 * 5
        assert not items.str.contains(r"-[01]\.npy").any()


@pytest.mark.parametrize("use", ["none", "subtract"])
def test_trends_of_a_plant_that_wears_leave_the_band_of_its_own_references(built, use):
    cells, store = built
    cell = Cell({"own_reference": use}, cells[use])
    predictions = pd.read_csv(store.folder(cell.stage) / "predictions.csv", dtype={"motor": str})
    metrics = json.loads((store.folder(cell.stage) / "metrics.json").read_text())
    result = CellResult(cell.axes, metrics, "of/it", predictions)
    found = trends_of([cell], [result], store, [result])
    assert json.loads(json.dumps(found)) == found
    assert {one["motor"] for one in found} == {f"m{number}" for number in range(9)}
    for one in found:
        assert one["t_h"] == [24.0 * day for day in range(7)]
        assert one["is_reference"] == [True] * 2 + [False] * 5
        assert one["is_own"]
        first = one["columns"][0]
        assert first["name"].startswith("level_")
        assert len(first["y"]) == 7
        if use == "subtract":  # a recipe that levels themselves mislead leans on whatever column misleads it
            assert min(first["y"][4:]) > first["high"] > max(first["y"][:2])
    assert trends_of([cell], [result], store, []) == []


def test_own_reference_of_new_machines_is_given_or_lacking(built):
    cells, store = built
    predictor = Predictor.load(store.root, cells["subtract"].key)

    def recording(number: int, is_worn: bool, k: int) -> Recording:
        return Recording(f"{number}-{k}", f"new{number}", "casing", None, RATE_HZ, machine(number, is_worn, k))

    asked = [recording(20, True, 5), recording(21, False, 5)]
    healthy = [recording(20, False, 0), recording(20, False, 1)]
    table = predictor.predict(asked, reference=healthy).set_index("item")
    assert table["has_reference"].to_dict() == {"20-5": True, "21-5": False}
    assert table.loc["20-5", "label"] == "worn"
    known = predictor.predict([recording(20, True, 5)])
    assert not known["has_reference"].any()


def test_own_reference_that_no_machine_has_raises_with_the_next_step(planned):
    plan, store = planned("own_reference.earliest=0")
    with pytest.raises(InputError, match=r"own_reference\.earliest"):
        build(plan, store)


def test_own_reference_none_moves_no_key(planned):
    plan, _ = planned("axes.own_reference=[none]")
    other, _ = planned("axes.own_reference=[none]", "own_reference.earliest=0")
    described = [cell.stage.features[0] for cell in (*plan.cells, *other.cells)]
    assert described[0].key == described[1].key
    assert "own" not in described[0].record


VALUES = pd.DataFrame({"level_rms": [10.0, 14.0, 3.0], "line": [1.0, 2.0, 5.0]}, index=["a", "b", "c"])
META = pd.DataFrame({"item": ["a", "b", "c"], "motor": ["one", "one", "two"], "domain": "casing"})


@pytest.mark.parametrize(
    ("use", "level", "columns"),
    [
        ("subtract", "none", ["over own reference: level_rms", "over own reference: line"]),
        ("both", "none", ["level_rms", "line", "over own reference: level_rms", "over own reference: line"]),
        ("none", "own_reference", ["line", "over own reference: level_rms"]),
        ("subtract", "absolute", ["over own reference: line", "level_rms"]),
    ],
)
def test_own_references_columns_are_those_asked_for(use, level, columns):
    references = OwnReferences.of(VALUES, META, {"one", "two"}, ("casing",))
    assert list(references.compared(VALUES, META, OwnReference(use=use, level=level))) == columns


def test_own_references_compare_with_the_own_mean_and_strangers_with_everyones():
    references = OwnReferences.of(VALUES, META.iloc[:2], {"one"}, ("casing",))
    found = references.compared(VALUES, META, OwnReference(use="subtract", level="own_reference"))
    assert found["over own reference: line"].tolist() == [-0.5, 0.5, 3.5]
    assert found["over own reference: level_rms"].tolist() == [-2.0, 2.0, 0.0]
    assert references.has(META).tolist() == [True, True, False]
    assert ANY_MOTOR in references.means.index.get_level_values("motor")


def test_own_references_take_several_columns_of_level():
    values = VALUES.assign(level_velocity=[1.0, 3.0, 9.0])
    references = OwnReferences.of(values, META.iloc[:2], {"one"}, ("casing",))
    found = references.compared(values, META, OwnReference(use="subtract", level="own_reference"))
    assert found["over own reference: level_velocity"].tolist() == [-1.0, 1.0, 0.0]
    assert found["over own reference: level_rms"].tolist() == [-2.0, 2.0, 0.0]


def test_own_references_of_no_training_machine_raise():
    with pytest.raises(ValueError, match="no training motor has a healthy reference"):
        OwnReferences.of(VALUES, META, set(), ("casing",))
