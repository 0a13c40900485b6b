"""What is said by method or by domain reaches the cells that it is said for, and no other."""

import numpy as np
import pytest

from grid.config.check import ConfigError
from motor.stages.prepare import Prepared

METHODS, REGIMES = ("A", "B", "C", "C_two_stage"), ("ShengYing", "ZhenDong", "Joint")


@pytest.fixture
def changed_cells(make_tiny, tmp_path):
    """Return the cells whose fine-tune, features or classify stage an override changes, by kind of stage."""

    def find(override):
        before, after = make_tiny(tmp_path), make_tiny(tmp_path, override)
        found = {}
        for kind in ("prepare", "finetune", "features", "classify"):
            pairs = zip(before.plan.cells, after.plan.cells, strict=True)
            names = {f"{a.axes['method']}/{a.axes['domain']}" for a, b in pairs if key(a, kind) != key(b, kind)}
            found[kind] = names
        return found

    return find


def key(cell, kind):
    """The key of the last stage of a kind in a cell; what is prepared is what its features see."""
    if kind == "prepare":
        return cell.stage.features[0].of_fold[0].key
    return [stage.key for stage in cell.stage.walk() if kind == stage.KIND][-1]


def cells(methods=METHODS, regimes=REGIMES):
    return {f"{method}/{regime}" for method in methods for regime in regimes}


def test_by_method_learning_rate_changes_that_method_alone(changed_cells):
    changed = changed_cells("by_method.C.finetune.learning_rate=3e-5")
    assert changed["finetune"] == changed["classify"] == cells(["C"])
    assert changed["prepare"] == set()


def test_by_method_fine_tune_of_b_moves_what_goes_on_from_it_but_not_a(changed_cells):
    changed = changed_cells("by_method.B.finetune.learning_rate=3e-5")
    assert changed["finetune"] == cells(["B", "C_two_stage"])


def test_by_method_features_leave_the_fine_tune_alone(changed_cells):
    changed = changed_cells("by_method.B.features.embedding.tokens=attention")
    assert changed["finetune"] == set()
    assert changed["features"] == changed["classify"] == cells(["B"])


def test_by_method_classifier_changes_the_last_stage_alone(changed_cells):
    changed = changed_cells("by_method.A.evaluation.false_alarm_rate=0.2")
    assert changed["features"] == set()
    assert changed["classify"] == cells(["A"])


def test_by_domain_augmentation_reaches_its_domain_and_joint(changed_cells):
    changed = changed_cells("by_domain.ShengYing.augmentation.shift={}")
    assert changed["finetune"] == cells(regimes=["ShengYing", "Joint"])
    assert changed["prepare"] == set()


def test_by_domain_scaling_reaches_its_domain_and_joint(changed_cells):
    changed = changed_cells("by_domain.ShengYing.scaling.by=item")
    assert changed["prepare"] == changed["finetune"] == cells(regimes=["ShengYing", "Joint"])


def test_by_domain_threshold_reaches_its_domain_and_joint(changed_cells):
    changed = changed_cells("by_domain.ZhenDong.evaluation.false_alarm_rate=0.2")
    assert changed["features"] == set()
    assert changed["classify"] == cells(regimes=["ZhenDong", "Joint"])


@pytest.mark.parametrize("regime", REGIMES)
def test_by_domain_fine_tune_is_of_the_regime_alone(changed_cells, regime):
    changed = changed_cells(f"by_domain.{regime}.finetune.num_steps=3")
    assert changed["finetune"] == changed["classify"] == cells(regimes=[regime])


def test_by_domain_counts_before_by_method(make_tiny, tmp_path):
    both = ("by_method.C.finetune.num_steps=7", "by_domain.Joint.finetune.num_steps=9")
    tiny = make_tiny(tmp_path, *both)
    steps = {r: tiny.cell(f"C/{r}/64/lda").features[0].finetunes[0].training.num_steps for r in REGIMES}
    assert steps == {"ShengYing": 7, "ZhenDong": 7, "Joint": 9}


def test_by_domain_augmentation_in_joint_changes_the_windows_of_that_domain_alone(tiny_built, make_tiny, tmp_path):
    other = make_tiny(tmp_path, "by_domain.ShengYing.augmentation={jitter: {sigma: 0.5}}")
    batches = []
    for tiny in (tiny_built, other):
        stage = tiny.cell("C/Joint/64/lda").features[0].finetunes[0]
        prepared = Prepared.open(tiny_built.folder(stage.prepared), stage.prepared)
        meta = prepared.meta(stage.fold, stage.domains)
        stream = stage.stream_of(prepared, meta[meta["side"] == "train"])
        batches.append(stream.batch(np.arange(stream.windows_per_epoch)))
    np.testing.assert_array_equal(batches[0]["domain"], batches[1]["domain"])
    unequal = (batches[0]["window"] != batches[1]["window"]).any(axis=1)
    np.testing.assert_array_equal(unequal, batches[0]["domain"] == 0)


def test_relative_folder_of_weights_means_the_same_in_another_working_directory(
    tiny_built, make_tiny, tmp_path, monkeypatch
):
    tuned = next(stage for stage in tiny_built.cell("A/Joint/64/lda").walk() if stage.KIND == "finetune")
    (tmp_path / "weights").symlink_to(tiny_built.folder(tuned) / "predictor")
    monkeypatch.chdir(tmp_path)
    changed = make_tiny(tmp_path, "backbone={kind: bolt, weights: weights}", "axes.method=[A]")
    stages = [stage for cell in changed.plan.cells for stage in cell.stage.walk() if stage.KIND == "finetune"]
    assert {stage.backbone.weights for stage in stages} == {str(tmp_path / "weights")}


def test_methods_setting_of_one_changes_what_it_builds_alone(changed_cells):
    changed = changed_cells("methods.C.features=[embedding, residual]")
    assert changed["finetune"] == set()
    assert changed["features"] == changed["classify"] == cells(["C"])


def test_methods_setting_of_b_moves_what_goes_on_from_it(changed_cells):
    assert changed_cells("methods.B.lora_rank=2")["finetune"] == cells(["B", "C_two_stage"])


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("methods.C.features=[gone]", "unknown feature 'gone'; there are: .*residual"),
        (
            "methods.C.features=[classical]",
            "C takes features of one kind, such as .*embedding, .*; classical is of anot",
        ),
        ("methods.C.labels=some", "methods.C.labels.*'some'"),
        ("methods.mine={}", "methods.*'mine'"),
        ("by_method.A.methods={}", "methods is shared by all cells"),
    ],
)
def test_methods_setting_at_fault_is_said(make_tiny, tmp_path, override, words):
    with pytest.raises(ConfigError, match=words):
        make_tiny(tmp_path, override)
