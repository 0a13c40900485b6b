"""A fine-tune that is really killed, and the same call again."""

import signal

import pytest
import torch

WAYS = {
    "all weights": {},
    "last block": {"trainable_blocks": 1},
    "adapters": {"lora": {"rank": 4, "dropout_rate": 0.1}},
    "average": {"ema_decay": 0.9},
    "float32": {"precision": "float32"},
    "accumulated": {},
}


def assert_killed_and_resumed_is_equal(tiny, start, folder, **arguments):
    undisturbed = tiny.fine_tune(**arguments)
    training = arguments | {"folder": folder, "killed_at": 9}
    process = start({"way": "alone", "training": training, "result": folder / "never.pt"})
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    assert torch.load(folder / "checkpoint.pt")["step"] == 5
    resumed = tiny.fine_tune(**arguments, folder=folder)
    assert torch.equal(resumed["weights"], undisturbed["weights"])


def test_train_killed_by_the_system_and_called_again_gives_the_same_bits(tiny, start, tmp_path):
    assert_killed_and_resumed_is_equal(tiny, start, tmp_path, kind="bolt", settings=WAYS["average"])


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_train_killed_in_any_way_of_training_gives_the_same_bits(tiny, start, tmp_path, kind, way):
    micro_batch = 3 if way == "accumulated" else None
    arguments = {"kind": kind, "settings": WAYS[way], "micro_batch": micro_batch}
    assert_killed_and_resumed_is_equal(tiny, start, tmp_path, **arguments)
