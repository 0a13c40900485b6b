import json
import pickle

import numpy as np
import pytest
import torch

from motor.backbones.training import OutOfMemory, TrainingError
from motor.backbones.training.memory import forget_tried, halved, is_out_of_memory, note_tried, remembered, shrink_batch

SMALL = {"num_steps": 4, "batch_size": 4, "log_every": 2, "dropout_rate": 0.0, "precision": "float32"}


def test_train_out_of_memory_goes_on_from_the_last_checkpoint_with_half(start, tmp_path):
    task = {"way": "in_little_memory", "rows": 4096, "folder": tmp_path / "work", "result": tmp_path / "result.pt"}
    process = start(task)
    process.join(120)
    result = torch.load(task["result"])
    assert result["starts"] == [0, 5]
    assert len(result["said"]) == 1
    assert (
        "step 6: out of memory with 4096 windows at once; goes on from the last checkpoint with 2048"
        in result["said"][0]
    )
    assert [row.get("micro_batch") for row in result["history"]] == [None] * 5 + [4, 2048, 2048]


@pytest.mark.parametrize(
    "allocate",
    [lambda: torch.empty(2**60, dtype=torch.uint8), lambda: np.empty(2**60, dtype=np.uint8)],
    ids=["torch", "numpy"],
)
def test_memory_error_of_an_allocation_is_recognised(allocate):
    with pytest.raises((RuntimeError, MemoryError)) as caught:
        allocate()
    assert is_out_of_memory(caught.value)


def test_memory_error_of_a_gpu_is_recognised_and_others_are_not():
    assert is_out_of_memory(torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"))
    assert not is_out_of_memory(RuntimeError("shapes cannot be multiplied"))
    assert not is_out_of_memory(OSError("Cannot allocate memory"))


def test_halved_is_remembered_until_one_window_is_left(tmp_path):
    assert remembered(tmp_path / "work") is None
    assert isinstance(halved(tmp_path / "work", 5, 1, 7), OutOfMemory)
    assert remembered(tmp_path / "work") == 2
    assert isinstance(halved(tmp_path / "work", 2, 1, 7), OutOfMemory)
    assert json.loads((tmp_path / "work" / "memory.json").read_text()) == {"micro_batch": 1}
    last = halved(tmp_path / "work", 1, 1, 7)
    assert not isinstance(last, OutOfMemory)
    assert "step 7: out of memory with 1 windows at once; set finetune.gradient_checkpointing" in str(last)


def test_halved_leaves_groups_whole(tmp_path):
    assert remembered(tmp_path) is None
    halved(tmp_path, 3, 2, 0)
    assert remembered(tmp_path) == 2
    assert not isinstance(halved(tmp_path, 2, 2, 0), OutOfMemory)


def test_halved_without_a_folder_cannot_go_on():
    assert not isinstance(halved(None, 8, 1, 0), OutOfMemory)


@pytest.mark.parametrize(("least", "sizes"), [(1, [16, 8, 4, 2, 1, None]), (3, [16, 8, 4, 3, None])])
def test_shrink_batch_halves_what_was_tried_down_to_the_least(tmp_path, least, sizes):
    note_tried(tmp_path, 32)
    assert [shrink_batch(tmp_path, least) for _ in sizes] == sizes
    assert remembered(tmp_path) == least


def test_shrink_batch_begins_with_what_the_last_start_tried(tmp_path):
    halved(tmp_path, 32, 1, 0)
    note_tried(tmp_path, 12)  # a worker's share of a step
    assert shrink_batch(tmp_path, 1) == 6


def test_shrink_batch_of_a_process_that_died_before_it_took_any_window_is_nothing(tmp_path):
    note_tried(tmp_path, 32)
    forget_tried(tmp_path)  # an earlier start's
    assert shrink_batch(tmp_path, 1) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"micro_batch": null}'])
def test_notes_that_are_spoilt_are_none(tmp_path, text):
    for name in ("memory.json", "tried.json"):
        (tmp_path / name).write_text(text)
    assert remembered(tmp_path) is None
    assert shrink_batch(tmp_path, 1) is None


def test_train_notes_what_it_tries_and_takes_no_more_than_it_was_shrunk_to(tiny, tmp_path):
    undisturbed = tiny.fine_tune("bolt", SMALL, tmp_path / "undisturbed")
    tiny.fine_tune("bolt", SMALL | {"num_steps": 2}, tmp_path / "light")
    (tmp_path / "light" / "checkpoint.pt").unlink()
    assert shrink_batch(tmp_path / "light", 1) == 2
    shrunk = tiny.fine_tune("bolt", SMALL, tmp_path / "light")
    assert [row["micro_batch"] for row in shrunk["history"] if "loss" in row] == [2, 2]
    torch.testing.assert_close(shrunk["weights"], undisturbed["weights"], rtol=1e-4, atol=1e-5)


def test_out_of_memory_pickles():
    error = pickle.loads(pickle.dumps(OutOfMemory("step 3: out of memory")))
    assert isinstance(error, TrainingError)
    assert str(error) == "step 3: out of memory"
