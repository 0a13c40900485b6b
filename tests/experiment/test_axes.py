"""Axes that stand for a setting: each value is that setting, and nothing else changes."""

import pytest

from grid.config.check import ConfigError

ONE = ("axes.domain=[ZhenDong]", "axes.method=[C]")


@pytest.fixture
def tuned(make_tiny, tmp_path):
    """Return the first fine-tune of each cell, by the value of an axis."""

    def find(axis, *overrides):
        cells = make_tiny(tmp_path, *ONE, *overrides).plan.cells
        return {cell.axes[axis]: cell.stage.features[0].finetunes[0] for cell in cells}

    return find


def test_axis_representation_each_with_its_own_settings(tuned):
    overrides = ("axes.representation=[raw, decimated]", "by_representation.decimated.representation.factor=4")
    found = tuned("representation", *overrides)
    assert found["raw"].prepared.representation.kind == "raw"
    assert found["decimated"].prepared.representation.factor == 4


def test_axis_representation_that_is_the_configs_own_makes_the_same_stages(tuned):
    plain = tuned("domain")["ZhenDong"]
    assert tuned("representation", "axes.representation=[raw]")["raw"].key == plain.key


def test_axis_representation_by_a_name_of_its_own_is_what_the_config_says(tuned):
    overrides = (
        "axes.representation=[raw, slow]",
        "by_representation.slow.representation={kind: decimated, factor: 8}",
    )
    assert tuned("representation", *overrides)["slow"].prepared.representation.factor == 8


def test_axis_representation_by_an_unknown_name_is_a_fault(tuned):
    with pytest.raises(ConfigError, match=r"unknown representation 'slow'.*by_representation"):
        tuned("representation", "axes.representation=[slow]")


def test_axis_backbone_each_with_its_own_settings(tuned):
    overrides = (
        "axes.backbone=[tft, slim]",
        "by_backbone.tft.backbone.width=8",
        "by_backbone.slim={backbone: {kind: vssm, width: 4}, finetune: {num_steps: 3}}",
    )
    found = {value: (stage.backbone, stage.training) for value, stage in tuned("backbone", *overrides).items()}
    assert (found["tft"][0].kind, found["tft"][0].width) == ("tft", 8)
    assert (found["slim"][0].kind, found["slim"][0].width, found["slim"][1].num_steps) == ("vssm", 4, 3)


def test_axis_backbone_that_a_feature_cannot_take_may_be_left_out(make_tiny, tmp_path):
    compared = ("axes.backbone=[tft, linear]", "axes.domain=[ZhenDong]", "axes.method=[A, C]")
    with pytest.raises(ConfigError, match="backbone linear has none to give"):
        make_tiny(tmp_path, *compared)
    left_out = "axes.exclude=[{method: [C], backbone: [linear]}]"
    names = {
        cell.axes["method"] + " " + cell.axes["backbone"]
        for cell in make_tiny(tmp_path, *compared, left_out).plan.cells
    }
    assert names == {"A tft", "A linear", "C tft"}


def test_conformal_without_validation_motors_is_a_fault_and_off_it_moves_no_key(make_tiny, tuned, tmp_path):
    with pytest.raises(ConfigError, match=r"finetune\.conformal.*split folds has none.*let it have some"):
        make_tiny(tmp_path, "finetune.conformal=true", "split={kind: folds, k: 2, validation: none}")
    plain, off, on = (
        tuned("domain", *more)["ZhenDong"].key
        for more in ((), ("finetune.conformal=false",), ("finetune.conformal=true",))
    )
    assert plain == off != on


def test_axis_objective_by_kind_and_by_a_name_of_its_own(tuned):
    lively = "by_objective.lively.finetune.objective=[{kind: quantile}, {kind: mse, weight: 0.1}]"
    found = tuned("objective", "axes.objective=[quantile, mse, lively]", lively)
    kinds = {value: [(one.kind, one.weight) for one in stage.training.objective] for value, stage in found.items()}
    assert kinds == {
        "quantile": [("quantile", 1.0)],
        "mse": [("mse", 1.0)],
        "lively": [("quantile", 1.0), ("mse", 0.1)],
    }
    assert found["quantile"].key == tuned("domain")["ZhenDong"].key


def test_axis_objective_by_an_unknown_name_is_a_fault(tuned):
    with pytest.raises(ConfigError, match=r"unknown objective 'lively'.*by_objective"):
        tuned("objective", "axes.objective=[lively]")


def test_hybrids_begin_with_fine_tunes_that_the_grid_builds_once(make_tiny, tmp_path):
    overrides = (
        "axes.backbone=[tft, vssm, hybrid, cold]",
        "axes.domain=[ZhenDong]",
        "axes.method=[A, C, untrained]",
        "by_backbone.hybrid.backbone.begin=finetunes",
        "by_backbone.cold={backbone: {kind: hybrid, temperature: 0.5, begin: finetunes}}",
    )
    stages = make_tiny(tmp_path, *overrides).plan.stages.values()
    tuned = [stage for stage in stages if stage.KIND == "finetune"]
    of = {name: [one for one in tuned if one.backbone.kind == name] for name in ("linear", "tft", "vssm", "hybrid")}
    n_folds = len({one.fold for one in tuned})
    trained = {name: [one for one in found if one.labels != "none"] for name, found in of.items()}
    assert {name: len(found) / n_folds for name, found in trained.items()} == {
        "linear": 2,  # A's and C's, each shared by both hybrids
        "tft": 2,
        "vssm": 2,
        "hybrid": 4,
    }
    assert all(
        [part.backbone.kind for part in one.begins_with] == ["linear", "tft", "vssm"] for one in trained["hybrid"]
    )
    assert not any(one.begins_with for one in of["hybrid"] if one.labels == "none")


def test_axis_prediction_length_stands_against_the_command_line(tuned):
    found = tuned("prediction_length", "windows.prediction_length=32", "axes.prediction_length=[8, 16]")
    assert {value: stage.prediction_length for value, stage in found.items()} == {8: 8, 16: 16}


def test_axis_patch_length_is_the_backbones(tuned):
    found = tuned("patch_length", "axes.patch_length=[8, 16]")
    assert {value: stage.backbone.input_patch_size for value, stage in found.items()} == {8: 8, 16: 16}


def test_axis_seed_repeats_training_on_the_same_split(tuned):
    found = tuned("seed", "axes.seed=[1, 2]")
    assert (found[1].seed, found[2].seed) == (1, 2)
    assert found[1].prepared.key == found[2].prepared.key


def test_axis_scaling_is_the_scalings_way(tuned):
    found = tuned("scaling", "axes.scaling=[domain, item]")
    assert {value: stage.prepared.scaling["ZhenDong"].by for value, stage in found.items()} == {
        "domain": "domain",
        "item": "item",
    }


def test_axes_exclude_leaves_out_the_cells_that_have_all_its_values(make_tiny, tmp_path):
    overrides = ("axes.method=[A, C]", "axes.domain=[ZhenDong, Joint]", "axes.exclude=[{method: [A], domain: [Joint]}]")
    names = [cell.name() for cell in make_tiny(tmp_path, *overrides).plan.cells]
    assert names == ["A/ZhenDong/64/lda", "C/ZhenDong/64/lda", "C/Joint/64/lda"]


@pytest.mark.parametrize("what", ["{sensor: [Joint]}", "{domain: [Both]}"])
def test_axes_exclude_of_what_the_grid_does_not_have_is_a_fault(what, make_tiny, tmp_path):
    with pytest.raises(ConfigError, match="the grid has no"):
        make_tiny(tmp_path, f"axes.exclude=[{what}]")


BATCHES = """
from typing import Any, ClassVar, Literal

from motor.evaluation.axes.base import Axis, Concern


class Batches(Axis):
    \"\"\"Windows a step.\"\"\"

    kind: Literal["batches"] = "batches"
    setting: ClassVar[tuple[str, ...]] = ("finetune", "batch_size")
    values: ClassVar[Any] = int
    concerns: ClassVar[Concern] = "training"
    folder: ClassVar[str] = "b{}"


PLUGIN = Batches
"""


@pytest.fixture
def batches(make_tiny, tmp_path):
    """Return the tiny experiment with an axis of one's own, for some overrides."""
    (tmp_path / "batches.py").write_text(BATCHES, encoding="utf-8")
    return lambda *overrides: make_tiny(tmp_path, "plugins=[batches.py]", "axes.domain=[ZhenDong]", *overrides)


def test_axis_of_ones_own_is_its_setting_and_stands_in_names_and_folders(batches):
    from motor.registry import using
    from motor.results.folder import cell_folder

    tiny = batches("axes.method=[C, untrained, classical]", "axes.batches=[2, 4]")
    cells = {cell.name(): cell for cell in tiny.plan.cells}
    assert list(cells) == [
        "C/ZhenDong/2/64/lda",
        "C/ZhenDong/4/64/lda",
        "untrained/ZhenDong/-/64/lda",
        "classical/ZhenDong/-/-/lda",
    ]
    assert [cells[f"C/ZhenDong/{n}/64/lda"].stage.features[0].finetunes[0].training.batch_size for n in (2, 4)] == [
        2,
        4,
    ]
    with using(tiny.experiment.plugins):
        assert (
            cell_folder(tiny.experiment, cells["C/ZhenDong/2/64/lda"]).as_posix()
            == "methodC_embed_all_ft/ZhenDong/b2/ctx64/lda"
        )


def test_axis_of_ones_own_that_a_grid_does_not_name_changes_nothing(batches, make_tiny, tmp_path):
    def keys(tiny):
        return {cell.name(): cell.stage.key for cell in tiny.plan.cells}

    assert keys(batches()) == keys(make_tiny(tmp_path, "axes.domain=[ZhenDong]"))


def test_axis_of_ones_own_with_a_wrong_value_is_a_fault(batches):
    with pytest.raises(ConfigError, match=r"axes\.batches.*must be an integer, got the string 'many'"):
        batches("axes.batches=[many]")
