"""Faulty configs: each fault is said in one message, at its place, with what is allowed."""

import re
from pathlib import Path

import pytest

from grid.config.check import ConfigError
from motor.experiment.reading import read_experiment
from motor.registry import plugins

pytestmark = pytest.mark.hostile

CONFIGS = Path(__file__).parents[2] / "configs"
OF_ONE_QUESTION = {
    "ablation",
    "ablation-hit-sm",
    "forecasters",
    "loop",
    "plain",
    "sensitivity",
    "time-llm",
    "unlabelled",
    "unlabelled-hit-sm",
}  # no grid of all recipes
GOOD = """\
name: good
seed: 1
normal: normal
dataset:
  kind: simulator
  n_samples: 512
  sampling_rate_hz: 4096
  domains: [east, west]
split: {kind: ratio, train: 2, validation: 1, test: 1}
representation: {kind: raw}
scaling: {by: domain}
windows: {prediction_length: 16, stream: memory_map}
augmentation:
  jitter: {sigma: 0.01}
  tone: {classes: [vibrate]}
backbone:
  kind: bolt
  num_layers: 2
quantile_levels: [0.1, 0.5, 0.9]
finetune:
  num_steps: 10
  learning_rate: 1e-3
  trainable_blocks: 1
features:
  residual: {n_lags: 4}
classifiers:
  svm: {}
evaluation: {false_alarm_rate: 0.1}
by_method:
  C: {finetune: {num_steps: 5}}
by_domain:
  east: {scaling: {by: item}}
axes:
  method: [A, B, C, C_two_stage]
  domain: [east, Joint]
  context_length: [64, 128]
  classifier: [svm, lda]
resources:
  finetune: {cpus: 1}
"""
# name: (what is replaced, by what, place, what the message must say)
ONE_FAULT = {
    "unknown section": ("scaling: {by: d", "scalling: {by: d", "11:1, scalling", ["mean 'scaling'?"]),
    "missing section": ("split: {kind: ratio, train: 2, validation: 1, test: 1}", "", "1:1", ["missing key 'split'"]),
    "unknown key": ("num_steps: 10", "num_step: 10", "21:3, finetune.num_step", ["mean 'num_steps'?"]),
    "unknown key of a plug-in": ("n_lags: 4", "lags: 4", "25:14, features.residual.lags", ["loss_levels, n_lags"]),
    "text for a number": ("num_steps: 10", "num_steps: ten", "21:3, finetune.num_steps", ["be an integer", "'ten'"]),
    "float for an integer": ("num_steps: 10", "num_steps: 1.5", "21:3, finetune.num_steps", ["be an integer, got 1.5"]),
    "number for text": ("normal: normal", "normal: 3", "3:1, normal", ["must be a string, got 3"]),
    "scalar for a list": ("[svm, lda]", "svm", "37:3, axes.classifier", ["must be a list, got the string 'svm'"]),
    "unknown reader": ("simulator", "simulater", "5:3, dataset.kind", ["unknown dataset kind", "mean 'simulator'?"]),
    "unknown split": ("{kind: ratio", "{kind: half", "9:9, split.kind", ["combinations, folds, growing, named"]),
    "unknown representation": ("{kind: raw}", "{kind: fft}", "10:18, representation.kind", ["decimated, envelope"]),
    "unknown augmentation": ("jitter:", "noise:", "14:3, augmentation.noise", ["amplitude, jitter, masking, shift"]),
    "unknown backbone": ("kind: bolt", "kind: bold", "17:3, backbone.kind", ["there are: bolt, chronos2", "'bolt'?"]),
    "unknown feature": ("residual:", "residuals:", "25:3, features.residuals", ["mean 'residual'?"]),
    "unknown classifier": ("  svm: {}", "  swm: {}", "27:3, classifiers.swm", ["'svm'?", "lda, lightgbm"]),
    "unknown method on the axis": ("[A, B,", "[A, D,", "34:15, axes.method[1]", ["unknown value 'D'", "A, B, C"]),
    "unknown classifier on the axis": ("[svm, lda]", "[svm, ldb]", "37:21, axes.classifier[1]", ["'lda'?"]),
    "unknown domain on the axis": ("[east, J", "[eats, J", "35:12, axes.domain[0]", ["east, west, Joint"]),
    "value twice on an axis": ("[64, 128]", "[64, 64]", "36:3, axes.context_length", ["64 is given 2 times"]),
    "empty axis": ("[64, 128]", "[]", "36:3, axes.context_length", ["at least 1 item"]),
    "rate of zero": ("1e-3", "0", "22:3, finetune.learning_rate", ["must be greater than 0, got 0"]),
    "share of one": ("rate: 0.1", "rate: 1", "28:14, evaluation.false_alarm_rate", ["must be less than 1, got 1"]),
    "negative strength": ("sigma: 0.01", "sigma: -1", "14:12, augmentation.jitter.sigma", ["greater than 0"]),
    "normal is no class": ("normal: normal", "normal: fine", "3:1, normal", ["'fine'", "normal, spark, vibrate"]),
    "folder of results outside": ("name: good", "name: ../up", "1:1, name", ["match pattern", "'../up'"]),
    "joint with one domain": (
        "kind: simulator\n  n_samples: 512\n  sampling_rate_hz: 4096\n  domains: [east, west]",
        "kind: tree\n  path: x\n  classes: [normal, spark, vibrate]\n  domains: [east]",
        "35:3, axes.domain",
        ["Joint needs at least two dataset.domains"],
    ),
    "domain called joint": ("[east, west]\n", "[east, Joint]\n", "8:3, dataset.domains", ["'Joint' stands for all"]),
    "domain that is no folder": ("[east, west]\n", "[east, we/st]\n", "8:3, dataset.domains", ["cannot name a folder"]),
    "settings of an unknown method": ("  C: {f", "  D: {f", "30:3, by_method.D", ["unknown method 'D'", "A, B, C"]),
    "settings of an unknown domain": ("  east: {s", "  eats: {s", "32:3, by_domain.eats", ["east, west, Joint"]),
    "unknown key by method": ("num_steps: 5", "steps: 5", "30:18, by_method.C.finetune.steps", ["num_steps"]),
    "shared setting by method": ("{finetune: {num_steps: 5}}", "{seed: 5}", "30:7, by_method.C.seed", ["by method"]),
    "by domain for joint": ("  east: {s", "  Joint: {s", "32:11, by_domain.Joint.scaling", ["east, west"]),
    "override that is no mapping": ("{finetune: {num_steps: 5}}", "5", "30:3, by_method.C", ["be a mapping, got 5"]),
    "context off the patch": ("[64, 128]", "[64, 72]", "36:24, axes.context_length[1]", ["multiples", "16", "is 72"]),
    "context longer than a series": ("[64, 128]", "[64, 512]", "36:24, axes.context_length[1]", ["528", "has 512"]),
    "context longer than a decimated series": (
        "{kind: raw}", "{kind: decimated, factor: 4}", "36:24, axes.context_length[1]", ["144", "has 128", "decimated"],
    ),
    "horizon too short": ("prediction_length: 16", "prediction_length: 4", "12:11, windows.prediction_length", ["10"]),
    "levels without the median": ("[0.1, 0.5, 0.9]", "[0.1, 0.9]", "19:1, quantile_levels", ["lack the median, 0.5"]),
    "level that residuals lack": ("[0.1, 0.5, 0.9]", "[0.5, 0.9]", "19:1, quantile_levels", ["0.1 are not among"]),
    "level of another family": ("0.5, 0.9]", "0.5, 0.9, 0.95]", "19:1, quantile_levels", ["[0.95] are not"]),
    "level above one": ("0.5, 0.9]", "0.5, 9]", "19:29, quantile_levels[2]", ["must be less than 1, got 9"]),
    "more blocks than there are": ("blocks: 1", "blocks: 3", "23:3, finetune.trainable_blocks", ["encoder has 2"]),
    "second stage of another backbone": (
        "  C: {finetune: {num_steps: 5}}", "  C_two_stage: {backbone: {d_model: 32}}", "16:1, backbone", ["both"],
    ),
    "augmentation of no class": ("[vibrate]", "[vibrates]", "15:10, augmentation.tone.classes", ["'vibrates'"]),
    "resource that there is not": ("{cpus: 1}", "{cpu: 1}", "39:14, resources.finetune.cpu", ["mean 'cpus'?"]),
    "environment variable not set": ("seed: 1", "seed: ${SEED}", "2:1, seed", ["SEED is not set", "seed=VALUE"]),
    "key twice": ("seed: 1", "seed: 1\nseed: 2", "3:1, seed", ["duplicate key 'seed', first given in line 2"]),
    "tab": ("  kind: bolt", "\tkind: bolt", "17:1", ["indent with spaces, not tabs"]),
    "bracket left open": ("[64, 128]", "[64, 128", "37:13", ["not valid YAML", "while parsing a flow sequence"]),
}  # fmt: skip


@pytest.fixture
def faults_of(tmp_path, monkeypatch):
    """Return the faults of a config, by their places in it."""
    monkeypatch.chdir(tmp_path)

    def find(text, *overrides):
        Path("faulty.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError) as raised:
            read_experiment(Path("faulty.yaml"), overrides, {})
        return [(fault.place, fault.message) for fault in raised.value.faults]

    return find


def test_good_config_has_no_fault(tmp_path):
    (tmp_path / "good.yaml").write_text(GOOD, encoding="utf-8")
    experiment = read_experiment(tmp_path / "good.yaml", (), {})
    assert experiment.name == "good"
    assert experiment.settings("C", "Joint").finetune.num_steps == 5


@pytest.mark.parametrize("name", ONE_FAULT)
def test_faulty_config_is_one_fault_at_its_place(faults_of, name):
    old, new, place, fragments = ONE_FAULT[name]
    assert GOOD.count(old) == 1
    faults = faults_of(GOOD.replace(old, new))
    assert [place for place, _ in faults] == [f"faulty.yaml:{place}"]
    for fragment in fragments:
        assert fragment in faults[0][1]


def test_faults_of_all_sections_are_told_at_once_in_reading_order(faults_of):
    text = GOOD.replace("num_steps: 10", "num_stepps: 10").replace("kind: bolt", "kind: bold")
    text = text.replace("{finetune: {num_steps: 5}}", "{finetune: {rate: 5}}").replace("[A, B,", "[A, D,")
    places = [place.partition(", ")[2] for place, _ in faults_of(text)]
    assert places == ["backbone.kind", "finetune.num_stepps", "by_method.C.finetune.rate", "axes.method[1]"]


def test_faults_of_names_and_of_overrides_are_told_at_once(faults_of):
    text = GOOD.replace("normal: normal", "normal: fine").replace("  C: {f", "  D: {f").replace("num_steps: 5", "n: 5")
    assert [place for place, _ in faults_of(text)] == [
        "faulty.yaml:3:1, normal",
        "faulty.yaml:30:3, by_method.D",
        "faulty.yaml:30:18, by_method.D.finetune.n",
    ]


def test_faults_of_cells_are_told_once_though_many_cells_have_them(faults_of):
    faults = faults_of(GOOD.replace("[64, 128]", "[72, 1024]"))
    assert [place.partition(", ")[2] for place, _ in faults] == ["axes.context_length[0]", "axes.context_length[1]"]


def test_fault_of_the_command_line_is_placed_there(faults_of):
    ((place, message),) = faults_of(GOOD, "finetune.num_steps=many")
    assert place == "command line, finetune.num_steps=many"
    assert message == "num_steps must be an integer, got the string 'many'"


def test_fault_of_a_method_that_another_starts_from_is_told_though_it_is_not_compared(faults_of):
    text = GOOD.replace("  C: {finetune: {num_steps: 5}}", "  B: {finetune: {num_steps: x}}")
    ((place, _),) = faults_of(text.replace("[A, B, C, C_two_stage]", "[C_two_stage]"))
    assert place == "faulty.yaml:30:18, by_method.B.finetune.num_steps"


def test_more_blocks_than_the_backbone_has_by_the_method_itself_names_the_setting(faults_of):
    ((_, message),) = faults_of(GOOD.replace("num_layers: 2", "num_layers: 1").replace("  trainable_blocks: 1\n", ""))
    assert message.startswith("the last 2 encoder blocks are to be trained, but the backbone's encoder has 1")
    assert message.endswith("set by_method.C_two_stage.finetune.trainable_blocks")


def test_feature_that_takes_what_a_backbone_does_not_give_is_a_fault_with_its_line(faults_of):
    text = GOOD.replace("kind: bolt\n  num_layers: 2", "kind: linear").replace("[A, B, C, C_two_stage]", "[A, B]")
    ((place, message),) = faults_of(text)
    assert place == "faulty.yaml:17:3, backbone.kind"
    assert message.startswith(
        "feature embedding of method B takes the forecaster's embedding, but backbone linear has none to give; take B "
        "out of axes.method, or choose another backbone for it: bolt, chronos2"
    )


def test_backbone_whose_package_is_missing_is_one_fault_whatever_is_compared(faults_of, monkeypatch):
    monkeypatch.setattr(plugins("motor.backbones")["bolt"], "PACKAGES", ("chronos-of-nowhere",))
    ((place, message),) = faults_of(GOOD)
    assert place == "faulty.yaml:17:3, backbone.kind"
    assert message.startswith("backbone bolt needs the package chronos-of-nowhere, which is not installed here")


@pytest.mark.parametrize(
    ("objective", "place", "said"),
    [
        (
            "{kind: mes}",
            "finetune.objective",
            "; did you mean 'mse'?",
        ),
        ("[{kind: mse}, {kind: mse}]", "finetune.objective", "objective 'mse' is given 2 times"),
        ("{kind: mse, weight: -1}", "finetune.objective", "weight must be greater than 0, got -1"),
        ("{kind: mse, wait: 1}", "finetune.objective", "unknown key 'wait'"),
    ],
)
def test_objective_at_fault_is_said_at_its_place(faults_of, objective, place, said):
    ((where, message),) = faults_of(GOOD.replace("num_steps: 10\n", f"num_steps: 10\n  objective: {objective}\n"))
    assert where.startswith("faulty.yaml:22:")
    assert place in where
    assert said in message


@pytest.mark.parametrize("kind", ["bolt", "chronos2"])
def test_saved_weights_answer_for_their_own_patch_blocks_and_levels(faults_of, tmp_path, kind):
    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}
    plugins("motor.backbones")[kind](**sizes).create(64, 16, (0.5,), 0.0, ("one",), 0).save(tmp_path / "weights")
    text = GOOD.replace("kind: bolt\n  num_layers: 2", f"kind: {kind}\n  weights: {tmp_path / 'weights'}")
    text = text.replace("[0.1, 0.5, 0.9]", "[0.1, 0.123, 0.5, 0.9]").replace("blocks: 1", "blocks: 2")
    messages = " ".join(message for _, message in faults_of(text))
    assert "[0.123] are not the model's" in messages
    assert "the backbone's encoder has 1" in messages


def test_context_off_the_patch_is_fine_where_no_domain_is_told(tmp_path):
    (tmp_path / "good.yaml").write_text(GOOD.replace("[east, Joint]", "[east, west]").replace("[64, 128]", "[72]"))
    assert read_experiment(tmp_path / "good.yaml", (), {}).base.axes.context_length == (72,)


@pytest.mark.parametrize(
    "file",
    [file for file in sorted(CONFIGS.glob("*.yaml")) if file.name not in ("rehearsal.yaml", "detectors.yaml")],
    ids=lambda file: file.name,
)
def test_shipped_config_has_no_fault(file):
    experiment = read_experiment(file, (), {})
    assert experiment.name == file.stem
    if file.stem not in OF_ONE_QUESTION:
        assert {"A", "B", "C", "C_two_stage"} <= set(experiment.base.axes.method)
        assert {"lightgbm", "mlp", "svm"} <= set(experiment.base.axes.classifier)


def test_config_of_detectors_has_both_sorts_of_judges_and_ranks_them_together():
    experiment = read_experiment(CONFIGS / "detectors.yaml", (), {})
    rooms = plugins("motor.judges")
    sorts = {rooms[name].gives for name in experiment.base.axes.classifier}
    assert len(sorts) == 2
    assert all(experiment.base.ranking().needs <= gives for gives in sorts)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["evaluation.rank_by=accurracy"], "unknown metric 'accurracy'; there are: accuracy, balanced_accuracy"),
        (["evaluation.rank_by=false_alarm_rate"], "recipes cannot be ranked by 'false_alarm_rate'; there are"),
        (
            ["evaluation.rank_by=macro_f1", "axes.classifier=[mahalanobis]"],
            "macro_f1 needs decisions, which mahalanobis",
        ),
        (["evaluation.rank_by=expected_cost"], "expected_cost lacks its settings; give evaluation.costs"),
        (["evaluation.costs={normal: {sparkk: 3}}"], "costs are given for the unknown class 'sparkk'"),
        (["evaluation.goal=1.5"], "a goal of 1.5 means nothing for roc_auc_faulty"),
        (["by_domain={ZhenDong: {evaluation: {rank_by: accuracy}}}"], "rank_by is what all cells are compared by"),
    ],
)
def test_ranking_that_cannot_be_is_a_fault_that_says_why(overrides, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        read_experiment(CONFIGS / "detectors.yaml", overrides, {})


def test_grid_has_the_defaults_of_the_seeds():
    """Seed text, sections 1, 5 and 7."""
    grid = read_experiment(CONFIGS / "grid.yaml", (), {})
    base, c = grid.base, grid.settings("C").finetune
    assert (base.seed, base.windows.prediction_length, base.axes.context_length) == (123, 1024, (2048, 4096, 8192))
    assert (base.finetune.learning_rate, c.learning_rate, base.finetune.num_steps) == (5e-5, 3e-5, 10_000)
    assert (base.finetune.dropout_rate, 4 <= base.finetune.batch_size <= 16) == (0.1, True)
    assert base.quantile_levels == (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    assert (base.split.train, base.split.validation, base.split.test) == (7, 1, 2)
    assert base.resources.finetune.gpus == 1
    assert all(getattr(base.augmentation, name) for name in type(base.augmentation).model_fields)
