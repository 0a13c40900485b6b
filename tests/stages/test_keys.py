"""Keys of stages: pinned, so that a refactoring cannot quietly retrain everything."""

import json
from dataclasses import replace

import pytest

from grid.plan.plan import make_plan
from grid.stage import Stage
from grid.store.store import Store
from motor.experiment.cells import make_cells
from motor.experiment.reading import read_experiment

PINNED = """\
dataset: {kind: simulator, motors_per_class: 4, recordings_per_motor: 1, n_samples: 512, sampling_rate_hz: 4096}
split: {kind: ratio, train: 2, validation: 1, test: 1}
windows: {prediction_length: 16}
augmentation: {jitter: {}, spikes: {}}
backbone: {kind: bolt, d_model: 16, num_layers: 1}
by_method: {C_two_stage: {finetune: {trainable_blocks: 1}}}
axes:
  {method: [A, B, C, C_two_stage], domain: [ShengYing, ZhenDong, Joint], context_length: [64], classifier: [lda, svm]}
"""
KNOWN = {
    "recordings simulator": "90449b4524b3ca5b",
    "prepare raw": "b13544adc667bf27",
    "finetune normal-Joint-ctx64-fold0": "38426a8fe7c3b79c",
    "features residual-normal-Joint-ctx64-fold0": "94163ab5886eb517",
    "classify A-Joint-64-lda": "456f457c3e703f90",
    "finetune normal-ShengYing-ctx64-fold0": "6e965c6e7a2e0498",
    "finetune normal_then_all-ShengYing-ctx64-fold0": "086004837616c0a3",
    "features embedding-normal_then_all-ShengYing-ctx64-fold0": "1c8a566d679012f5",
    "classify C_two_stage-ShengYing-64-svm": "99c37065c4744874",
}


def made_from(stage):
    """The stages that decide a stage's result, inputs first, and itself."""
    found = {made.key: made for source in stage.inputs for made in made_from(source)}
    return [*found.values(), stage]


@pytest.fixture
def stages(tmp_path):
    """Return the stages that a cell is made from, inputs first, without the checks before it, for some overrides."""

    def of(*overrides, cell="A/Joint/64/lda"):
        config = tmp_path / "pinned.yaml"
        config.write_text(PINNED, encoding="utf-8")
        experiment = read_experiment(config, overrides, {})
        plan = make_plan(make_cells(experiment, tmp_path, dry_run=False), Store(tmp_path))
        stage = next(made.stage for made in plan.cells if made.name() == cell)
        return made_from(stage)

    return of


@pytest.fixture
def keys(stages):
    """Return the key of each stage behind a cell, by kind, for some overrides."""
    return lambda *overrides: {stage.KIND: stage.key for stage in stages(*overrides)}


@pytest.mark.parametrize("cell", ["A/Joint/64/lda", "C_two_stage/ShengYing/64/svm"])
def test_keys_of_a_known_config_stay(stages, cell):
    """A new key here retrains what users have built: does the change to the code change the numbers?"""
    found = {f"{stage.KIND} {stage.label()}": stage.key for stage in stages(cell=cell)}
    assert found == {name: key for name, key in KNOWN.items() if name in found}


@pytest.mark.parametrize(
    "override",
    [
        "resources={finetune: {cpus: 2, gpus: 1, memory_gb: 3}, classify: {cpus: 7}, batch_size: 5}",
        "windows.stream=memory_map",
        "finetune.checkpoint_every=7",
        "finetune.log_every=7",
        "name=another",
        "dataset.path=elsewhere",
        "axes.domain=[Joint]",
        "by_method.B.finetune.learning_rate=1e-2",
    ],
)
def test_keys_what_cannot_change_the_result_does_not_enter(keys, override):
    assert keys(override) == keys()


@pytest.mark.parametrize(
    ("override", "first"),
    [
        ("dataset.difficulty=0.4", "recordings"),
        ("split.test=2", "prepare"),
        ("representation={kind: decimated, factor: 2}", "prepare"),
        ("scaling.by=item", "prepare"),
        ("by_domain.ZhenDong.scaling.by=item", "prepare"),
        ("seed=4", "prepare"),
        ("finetune.learning_rate=1e-3", "finetune"),
        ("finetune.patience=null", "finetune"),
        ("augmentation.jitter.sigma=0.02", "finetune"),
        ("backbone.d_ff=32", "finetune"),
        ("windows.per_series=3", "finetune"),
        ("quantile_levels=[0.1, 0.5, 0.9]", "finetune"),
        ("features.residual.n_lags=5", "features"),
        ("windows.per_series_features=3", "features"),
        ("classifiers.lda={}", None),
        ("evaluation.false_alarm_rate=0.1", "classify"),
    ],
)
def test_keys_what_changes_the_result_enters_there_and_below(keys, override, first):
    before, after = keys(), keys(override)
    kinds = ["recordings", "prepare", "finetune", "features", "classify"]
    changed = [kind for kind in kinds if before[kind] != after[kind]]
    assert changed == (kinds[kinds.index(first) :] if first else [])


def test_keys_regime_is_no_more_than_its_domains(tiny_built):
    tuned = tiny_built.cell("A/Joint/64/lda").features[0].finetunes[0]
    assert "regime" not in tuned.record
    assert "regime" not in str(tuned.record)


def test_keys_hold_no_path(tiny_built, tiny_data):
    for stage in tiny_built.plan.stages.values():
        assert str(tiny_data) not in str(stage.record)
        assert str(tiny_built.store.root) not in str(stage.record)


@pytest.mark.parametrize("kind", ["recordings", "prepare", "audit", "cleared", "finetune", "features", "classify"])
def test_stage_read_back_from_its_record_has_the_same_key(tiny_built, kind):
    stages = tiny_built.stages(kind)
    assert stages
    assert_read_back(stages)


def test_stage_of_plain_methods_read_back_from_its_record_has_the_same_key(make_tiny, tmp_path):
    tiny = make_tiny(tmp_path, "axes.method=[orders, cnn]")
    stages = [*tiny.stages("describe"), *tiny.stages("learn")]
    assert {type(stage).__name__ for stage in stages} == {"Describe", "DescribeFold", "Learn"}
    assert_read_back(stages)


def assert_read_back(stages):
    for stage in stages:
        again = Stage.from_record(json.loads(json.dumps(stage.record)))
        assert type(again) is type(stage)
        assert again.key == stage.key
        assert replace(again).key == stage.key  # a record of its own fields, not the one that it was read from
