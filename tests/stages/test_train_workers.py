"""A fine-tune on several Ray Train workers, and one that serves several context lengths."""

import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from grid.run.limits import WorkerEndedError
from grid.stage import Resources
from motor.backbones.training import OutOfMemory, TrainingError
from motor.stages.train_workers import OVER, _what_failed, in_ray_train

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


@dataclass
class Trial:
    """What a task on two workers is given."""

    folder: Path
    resources: Resources = Resources(workers=2)
    title: str = "a fine-tune"

    def work(self):
        self.folder.mkdir(exist_ok=True)
        return self.folder

    def report(self, **row):
        pass


CLOSED = RuntimeError("[gloo/transport/tcp/pair.cc:554] Connection closed by peer [127.0.0.1]:4711")
LOW = "Task was killed due to the node running low on memory."


def gone(words="The actor is dead because its worker process has died."):
    from ray.exceptions import RayActorError

    return RayActorError(error_msg=words)


@pytest.mark.parametrize(
    ("first", "second", "kind", "words"),
    [
        (None, gone, "lost", "worker 1 of 2 was lost"),
        (lambda: CLOSED, gone, "lost", "worker 1 of 2 was lost"),
        (lambda: CLOSED, None, "lost", "a worker was lost"),
        (lambda: CLOSED, lambda: gone(LOW), "memory", "worker 1 of 2 was killed by Ray"),
    ],
)
def test_what_failed_is_the_worker_that_is_gone(tmp_path, first, second, kind, words):
    failures = {rank: make() for rank, make in enumerate((first, second)) if make}
    failure = _what_failed(failures, Trial(tmp_path), killed=10**9)
    assert isinstance(failure, WorkerEndedError)
    assert failure.kind == kind
    assert str(failure).startswith(words)


def test_what_failed_before_ranks_are_known_is_a_worker_that_is_gone(tmp_path):
    failure = _what_failed({None: gone()}, Trial(tmp_path), killed=10**9)
    assert (failure.kind, str(failure)) == ("lost", "a worker was lost: its process or its node died")


def test_what_failed_where_the_kernel_has_killed_is_memory(tmp_path):
    assert _what_failed({1: gone()}, Trial(tmp_path), killed=-1).kind == "memory"


@pytest.mark.parametrize("own", [TrainingError("step 3: loss is nan"), OutOfMemory("step 3: out of memory")])
def test_what_failed_is_a_workers_own_error_before_what_follows_from_it(tmp_path, own):
    assert _what_failed({0: CLOSED, 1: own}, Trial(tmp_path), killed=0) is own


def test_what_failed_is_the_limit_that_a_worker_has_told(tmp_path):
    (tmp_path / OVER).write_text(json.dumps({"cause": "worker 1 of 2 holds 9 GB", "kind": "memory_limit"}))
    failure = _what_failed({0: CLOSED, 1: gone()}, Trial(tmp_path), killed=0)
    assert (str(failure), failure.kind) == ("worker 1 of 2 holds 9 GB", "memory_limit")


@pytest.mark.filterwarnings("default")  # Ray Train warns of what Ray Data deprecates
@pytest.mark.ray
@pytest.mark.slow
def test_on_two_workers_what_the_first_prints_is_in_the_log_and_what_ends_one_is_told(tmp_path, two_cpus, capsys):
    def speaks(place, report):
        print(f"goes on from step {place.rank + 3} of 9", flush=True)

    def is_killed(place, report):
        time.sleep(1)  # its rank is known
        if place.rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        torch.distributed.barrier()

    def holds_much(place, report):
        held = [bytes([1]) * 10**9 for _ in range(place.rank)]
        torch.distributed.monitored_barrier() if held else torch.distributed.barrier()

    in_ray_train(speaks, Trial(tmp_path / "speaks"))
    assert capsys.readouterr().out.count("goes on from step") == 1
    with pytest.raises(WorkerEndedError, match=r"worker . of 2 was lost: its process or its node died"):
        in_ray_train(is_killed, Trial(tmp_path / "killed"))
    limited = Trial(tmp_path / "limited", Resources(workers=2, memory_limit_gb=0.9))
    with pytest.raises(WorkerEndedError, match=r"worker 1 of 2 holds .* GB, more than resources\.finetune"):
        in_ray_train(holds_much, limited)
