"""A fine-tune on several Ray Train workers, and one that serves several context lengths."""

import json

import pytest
import torch
from safetensors.torch import load_file

ONE_METHOD = ("axes.method=[C]", "axes.domain=[ZhenDong]", "finetune.dropout_rate=0.0", "finetune.precision=float32")


def finetune(tiny):
    (stage,) = tiny.stages("finetune")
    return stage


def trained(tiny):
    folder = tiny.folder(finetune(tiny))
    told = json.loads((folder / "training.json").read_text())
    return told, load_file(folder / "predictor" / "model.safetensors")


@pytest.fixture
def two_cpus():
    import ray

    ray.init(address="local", num_cpus=2, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    yield
    ray.shutdown()


@pytest.mark.filterwarnings("default")  # Ray Train warns of what Ray Data deprecates
@pytest.mark.ray
@pytest.mark.slow
def test_finetune_on_two_workers_follows_the_curve_of_one(make_tiny, tmp_path, two_cpus):
    made = []
    for n in (1, 2):
        (tmp_path / str(n)).mkdir()
        made.append(make_tiny(tmp_path / str(n), *ONE_METHOD, f"resources.finetune.workers={n}"))
    assert finetune(made[0]).key == finetune(made[1]).key
    (told, weights), (told_by_two, weights_of_two) = (trained(tiny.build_stages("finetune")) for tiny in made)
    for one, two in zip(told["history"], told_by_two["history"], strict=True):
        assert one == pytest.approx(two, abs=1e-4)
    assert all(torch.allclose(weights[name], weights_of_two[name], atol=1e-4) for name in weights)


def test_finetune_on_several_workers_asks_for_them_where_a_loop_is_run_alone(make_tiny, tmp_path):
    tiny = make_tiny(tmp_path, "axes.method=[A, untrained]", "resources.finetune.workers=3")
    asked = {stage.label(): tiny.context(stage).resources.workers for stage in tiny.stages("finetune")}
    assert {label.partition("-")[0]: n for label, n in asked.items() if "Joint" in label} == {"normal": 3, "none": 1}


@pytest.fixture(scope="module")
def shared(make_tiny, tmp_path_factory):
    """One fine-tune for two context lengths."""
    axes = ("axes.context_length=[32, 64]", "axes.contexts=[each, shared]")
    return make_tiny(tmp_path_factory.mktemp("shared"), *ONE_METHOD, *axes).build_all()


def test_contexts_shared_is_one_finetune_for_all_lengths(shared):
    lengths = sorted(stage.context_lengths for stage in shared.stages("finetune"))
    assert lengths == [(32,), (32, 64), (64,)]


def test_contexts_shared_each_length_is_seen_in_training(shared):
    (stage,) = (stage for stage in shared.stages("finetune") if len(stage.context_lengths) == 2)
    drawn = [stage.drawn_context(step) for step in range(200)]
    assert 70 <= drawn.count(32) <= 130
    assert drawn == [stage.drawn_context(step) for step in range(200)]


def test_contexts_shared_cells_differ_and_tell_their_own_tokens(shared):
    short, long = (shared.cell(f"C/ZhenDong/shared/{length}/lda") for length in (32, 64))
    told = [json.loads((shared.folder(cell) / "metrics.json").read_text())["folds"][0] for cell in (short, long)]
    assert [fold["training"]["n_tokens"] for fold in told] == [3, 5]
    assert [fold["training"]["context_seen"] for fold in told] == [32, 64]
    assert short.features[0].finetunes == long.features[0].finetunes
    assert told[0]["forecast_skill"] != told[1]["forecast_skill"]
