"""From a config to cells and distinct stages."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from grid.config.check import ConfigError
from grid.plan.plan import make_plan
from grid.stage import KEY_LENGTH, InputError, Resources, digest
from grid.store.store import Store
from motor.backbones.weights import is_at_hand
from motor.experiment.cells import chosen_cells, make_cells, parse_only, resources_of
from motor.experiment.reading import read_experiment
from motor.registry import plugins
from motor.stages.prepare import Prepare

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.fixture
def grid_plan(tmp_path):
    """Plan grid.yaml where there are neither data nor weights."""

    def plan(*overrides, only=()):
        environment = {"MOTOR_DATA": "/nowhere/motors.csv", "CHRONOS_WEIGHTS": "/nowhere/weights"}
        experiment = read_experiment(CONFIGS / "grid.yaml", overrides, environment)
        cells = make_cells(experiment, tmp_path, dry_run=True)
        chosen = chosen_cells(cells, parse_only(only, experiment))
        return make_plan(chosen, Store(tmp_path)), experiment

    return plan


def kinds(plan):
    return Counter(stage.KIND for stage in plan.stages.values())


def test_grid_81_cells_of_a_b_c_plan_to_18_fine_tunes(grid_plan):
    plan, _ = grid_plan("axes.method=[A, B, C]")
    assert len(plan.cells) == 81
    assert kinds(plan) == {
        "recordings": 1,
        "prepare": 1,
        "audit": 1,
        "cleared": 1,
        "finetune": 18,
        "features": 27,
        "classify": 81,
    }


def test_grid_108_cells_with_two_stage_plan_to_27_fine_tunes(grid_plan):
    plan, _ = grid_plan("axes.method=[A, B, C, C_two_stage]")
    assert len(plan.cells) == 108
    assert kinds(plan) == {
        "recordings": 1,
        "prepare": 1,
        "audit": 1,
        "cleared": 1,
        "finetune": 27,
        "features": 36,
        "classify": 108,
    }


def test_grid_each_fine_tune_asks_for_one_gpu(grid_plan):
    plan, experiment = grid_plan()
    asked = resources_of(experiment, plan.stages.values())
    gpus = {stage.KIND: asked[key].gpus for key, stage in plan.stages.items()}
    assert {kind for kind, number in gpus.items() if number} == {"finetune", "features"}


def test_grid_each_kind_of_stage_has_limits_and_retries_of_its_own(grid_plan):
    limits = "{time_limit_s: 60, memory_limit_gb: 5, retries: 0}"
    plan, experiment = grid_plan(f"resources.features={limits}")
    asked = resources_of(experiment, plan.stages.values())
    found = {plan.stages[key].KIND: (of.time_limit_s, of.memory_limit_gb, of.retries) for key, of in asked.items()}
    assert (found["features"], found["finetune"]) == ((60, 5, 0), (0, 0, 2))


def test_grid_resources_of_an_unknown_kind_are_a_fault_with_those_there_are(grid_plan):
    with pytest.raises(
        ConfigError, match=r"unknown key 'fine_tune'.*finetune.*allowed: .*classify, .*learn, .*prepare"
    ):
        grid_plan("resources.fine_tune={cpus: 2}")


def test_grid_resources_what_is_not_given_is_what_the_stage_asks_for(grid_plan, monkeypatch):
    monkeypatch.setattr(Prepare, "ASKS", Resources(cpus=3, memory_gb=2))
    plan, experiment = grid_plan("resources.prepare={cpus: 2, retries: 1}")
    (prepared,) = (stage for stage in plan.stages.values() if stage.KIND == "prepare")
    assert resources_of(experiment, [prepared])[prepared.key] == Resources(cpus=2, memory_gb=2, retries=1)


def test_grid_only_a_stage_that_is_trained_has_several_workers(grid_plan):
    plan, experiment = grid_plan("axes.method=[A, untrained]", "resources.finetune.workers=3")
    asked = resources_of(experiment, plan.stages.values())
    tuned = [stage for stage in plan.stages.values() if stage.KIND == "finetune"]
    assert {(stage.is_trained, asked[stage.key].workers) for stage in tuned} == {(True, 3), (False, 1)}


def test_grid_limits_change_no_key(grid_plan):
    plan, _ = grid_plan("resources.finetune={time_limit_s: 60, memory_limit_gb: 5, retries: 0}")
    assert plan.stages.keys() == grid_plan()[0].stages.keys()


def test_grid_memory_limit_below_what_is_reserved_is_a_fault(grid_plan):
    with pytest.raises(ConfigError, match=r"memory_limit_gb = 5 is less than memory_gb = 8.*raise the limit"):
        grid_plan("resources.finetune={memory_gb: 8, memory_limit_gb: 5}")


def test_grid_without_data_is_an_input_error_unless_it_is_a_dry_run(tmp_path):
    environment = {"MOTOR_DATA": "/nowhere/motors.csv", "CHRONOS_WEIGHTS": "/nowhere/weights"}
    experiment = read_experiment(CONFIGS / "grid.yaml", (), environment)
    assert len(make_cells(experiment, tmp_path, dry_run=True)) == 198
    with pytest.raises(InputError, match=r"/nowhere/motors\.csv"):
        make_cells(experiment, tmp_path, dry_run=False)


def test_grid_dry_run_downloads_no_weights(tmp_path, monkeypatch):
    """A hub name that is not in the cache would reach for the network, which raises here."""
    monkeypatch.setattr("socket.getaddrinfo", lambda *_: pytest.fail("the network was asked"))
    name = "nobody/such-weights-as-these"
    assert not is_at_hand(name)
    experiment = read_experiment(
        CONFIGS / "grid.yaml", [f"backbone={{kind: bolt, weights: {name}}}"], {"MOTOR_DATA": "/nowhere"}
    )
    assert len(make_cells(experiment, tmp_path, dry_run=True)) == 198


def test_weights_moved_have_the_same_keys_and_changed_have_others(make_tiny, tmp_path):
    plugins("motor.backbones")["bolt"](d_model=16).create(64, 16, (0.5,), 0.0, ("one",), 0).save(tmp_path / "weights")
    (tmp_path / "moved").mkdir()
    first = make_tiny(tmp_path, f"backbone={{kind: bolt, weights: {tmp_path / 'weights'}}}", "by_method={}")
    (tmp_path / "weights").rename(tmp_path / "moved" / "weights")
    moved = make_tiny(tmp_path, f"backbone={{kind: bolt, weights: {tmp_path / 'moved' / 'weights'}}}", "by_method={}")
    assert moved.plan.stages.keys() == first.plan.stages.keys()
    with (tmp_path / "moved" / "weights" / "config.json").open("a") as config:
        config.write("\n")
    changed = make_tiny(tmp_path, f"backbone={{kind: bolt, weights: {tmp_path / 'moved' / 'weights'}}}", "by_method={}")
    same = changed.plan.stages.keys() & first.plan.stages.keys()
    assert {changed.plan.stages[key].KIND for key in same} == {"recordings", "prepare", "audit", "cleared"}


def test_weights_missing_are_an_input_error_with_the_next_step(make_tiny, tmp_path):
    with pytest.raises(InputError, match="no folder '/nowhere/at/all'; give a local folder"):
        make_tiny(tmp_path, "backbone={kind: bolt, weights: /nowhere/at/all}")


def test_two_methods_of_one_recipe_are_two_cells_over_the_same_features(grid_plan):
    """Who copies a method's file to begin a new one gets a cell of each."""
    plan, _ = grid_plan("axes.method=[B, C]")
    cells = {cell.axes["method"]: cell.stage for cell in plan.cells}
    renamed = replace(cells["B"], axes={**cells["B"].axes, "method": "mine"})
    assert renamed.key != cells["B"].key
    assert renamed.features == cells["B"].features


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("methods=A", "there is no axis 'methods'; there are: method, domain, context_length, classifier"),
        ("method=D", "the grid has no method 'D'; it has: A, B, C, C_two_stage"),
        ("context_length=64", "the grid has no context_length '64'; it has: 2048, 4096, 8192"),
        ("method", "the grid has no method ''"),
    ],
)
def test_only_unknown_axis_or_value_is_said_with_those_there_are(grid_plan, word, message):
    with pytest.raises(ValueError, match=message):
        grid_plan(only=[word])


def test_only_keeps_the_product_of_its_values(grid_plan):
    plan, _ = grid_plan(only=["method=A,C", "domain=Joint", "context_length=4096", "classifier=svm"])
    assert [cell.name() for cell in plan.cells] == ["A/Joint/4096/svm", "C/Joint/4096/svm"]


def test_seeds_share_all_settings_but_the_seed(grid_plan):
    plan, experiment = grid_plan("axes.method=[A]", "axes.domain=[Joint]", "axes.seed=[1, 2, 3]")
    one, two = (experiment.settings("A", "Joint", (("seed", seed),)) for seed in (1, 2))
    assert (one.seed, two.seed) == (1, 2)
    assert all(getattr(one, name) is getattr(two, name) for name in type(one).model_fields if name != "seed")
    tuned = [stage for stage in plan.stages.values() if stage.KIND == "finetune"]
    assert {stage.seed for stage in tuned} == {1, 2, 3}
    assert len({id(stage.prepared) for stage in tuned}) == 1
    assert len({id(stage.training) for stage in tuned}) == 1


def test_keys_of_shared_parts_are_those_of_the_whole_records(grid_plan):
    overrides = "axes.method=[B, C_two_stage, C_lora, class_forecasters, classical]", "axes.seed=[1, 2]"
    plan, _ = grid_plan(*overrides, only=("context_length=2048", "classifier=svm"))
    for key, stage in plan.stages.items():
        assert digest(stage.record)[:KEY_LENGTH] == key
