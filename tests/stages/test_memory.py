"""The memory of a fold: training motors' series alone, once for all that look windows up."""

import numpy as np
import pytest

from grid.config.check import ConfigError
from motor.retrieval.memory import Memory
from motor.stages.memory import FILE_NAME

ASKED = (
    "axes.method=[A, B, C, untrained]",
    "axes.domain=[Joint]",
    "axes.modules=[none, tapr, gram, tapr+gram]",
    "modules.gram={top_k: 3, key_length: 16}",
    "modules.tapr.n_scales=1",
)


def memory_of(tiny):
    (stage,) = tiny.build_stages("memory", labels="all").stages("memory")[-1:]
    return tiny.folder(stage) / FILE_NAME


def test_is_there_once_for_each_fold_regime_and_labels(make_tiny, tmp_path):
    stages = make_tiny(tmp_path, *ASKED, "axes.domain=[Joint, ZhenDong]").stages("memory")
    places = [(stage.fold, stage.domains, stage.labels) for stage in stages]
    assert len(places) == len(set(places)) == 4


def test_modules_mean_nothing_where_nothing_is_trained(make_tiny, tmp_path):
    cells = make_tiny(tmp_path, *ASKED).plan.cells
    used = {method: [c.axes["modules"] for c in cells if c.axes["method"] == method] for method in ("A", "untrained")}
    assert used == {"A": ["none", "tapr", "gram", "tapr+gram"], "untrained": [None]}
    cells = make_tiny(tmp_path, *ASKED, "axes.method=[A]", "axes.backbone=[tft, linear]").plan.cells
    assert [c.axes["modules"] for c in cells if c.axes["backbone"] == "linear"] == [None]


def test_cells_without_modules_are_those_of_a_grid_that_names_none(make_tiny, tmp_path):
    plain = make_tiny(tmp_path, "axes.method=[A]", "axes.domain=[Joint]").plan.cells
    others = make_tiny(tmp_path, *ASKED, "axes.method=[A]").plan.cells
    keys = {cell.axes["modules"]: cell.stage.features[0].key for cell in others}
    assert plain[0].stage.features[0].key == keys["none"]
    assert len(set(keys.values())) == 4


def test_holds_training_motors_alone(make_tiny, tmp_path, sides_of):
    tiny = make_tiny(tmp_path, *ASKED)
    memory = Memory.load(memory_of(tiny))
    sides = sides_of(tiny)
    assert set(memory.motors) == {motor for motor, side in sides.items() if side == "train"}


def test_changed_test_and_validation_series_change_no_byte(make_tiny, tmp_path, tiny_data, sides_of):
    (tmp_path / "one").mkdir()
    tiny = make_tiny(tmp_path / "one", *ASKED)
    before, sides = memory_of(tiny).read_bytes(), sides_of(tiny)
    for file in tiny_data.rglob("*.npy"):
        target = tmp_path / "data" / file.relative_to(tiny_data)
        target.parent.mkdir(parents=True, exist_ok=True)
        signal = np.load(file)
        changed = signal if sides[file.name.partition("-")[0]] == "train" else 7 * signal[::-1] + 3
        np.save(target, changed)
    (tmp_path / "two").mkdir()
    other = make_tiny(tmp_path / "two", *ASKED, f"dataset.path={tmp_path / 'data'}")
    assert memory_of(other).read_bytes() == before


def test_faults_of_modules_are_found_in_the_config(make_tiny, tmp_path):
    for setting, why in {
        "modules.tapr.n_scales=3": r"3 scales need 32 patches.*context of 64 samples has",
        "modules.gram.key_length=128": r"last 128 samples.*it has 64",
        "axes.modules=[none, gramm]": "unknown module 'gramm'",
    }.items():
        with pytest.raises(ConfigError, match=why):
            make_tiny(tmp_path, *ASKED, setting)
