"""A checkpoint is there whole or not at all, and one that was damaged is never used."""

import random
import resource
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from motor.backbones.training import TrainingError
from motor.backbones.training.checkpoint import DamagedCheckpoint, read_checkpoint, take_up, write_checkpoint

IDENTITY = {"seed": 3, "learning_rate": 0.1}


def state_of(step):
    return {"step": step, "weights": {"w": torch.arange(10_000.0) + step}, "history": [{"step": step, "loss": 0.5}]}


@pytest.fixture
def file(tmp_path):
    """The checkpoint of step 10, with that of step 5 beside it."""
    file = tmp_path / "work" / "checkpoint.pt"
    for step in (5, 10):
        write_checkpoint(file, state_of(step), IDENTITY)
    return file


def names(file):
    return sorted(path.name for path in file.parent.iterdir())


def flip(file: Path, place: int):
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)


def cut(file: Path, size: int):
    file.write_bytes(file.read_bytes()[:size])


def test_checkpoint_read_as_it_was_written(file):
    found = read_checkpoint(file, IDENTITY)
    assert (found["step"], found["history"]) == (10, [{"step": 10, "loss": 0.5}])
    assert torch.equal(found["weights"]["w"], state_of(10)["weights"]["w"])
    assert torch.load(file)["step"] == 10  # what is behind it is not in torch's way
    assert names(file) == ["checkpoint.previous.pt", "checkpoint.pt"]


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda file: flip(file, 30_000), "sha256 [0-9a-f]{12}... expected, [0-9a-f]{12}... found"),
        (lambda file: flip(file, -20), "expected, .* found"),
        (lambda file: flip(file, -75), "expected, .* found"),
        (lambda file: flip(file, -70), "do not end with a seal"),
        (lambda file: cut(file, -1), "do not end with a seal: it was cut short"),
        (lambda file: cut(file, 20_000), "its 20000 bytes do not end with a seal"),
        (lambda file: cut(file, 0), "its 0 bytes"),
        (lambda file: torch.save(state_of(10) | {"of": IDENTITY}, file), "do not end with a seal"),
        (lambda file: file.write_bytes(file.read_bytes() + b"\n"), "do not end with a seal"),
    ],
)
def test_checkpoint_damaged_in_any_way_is_not_used(file, harm, words, capsys):
    harm(file)
    with pytest.raises(DamagedCheckpoint, match=f"checkpoint.pt is damaged .*{words}"):
        read_checkpoint(file, IDENTITY)
    assert take_up(file, IDENTITY)["step"] == 5
    told = capsys.readouterr().out
    assert f"{file} is damaged" in told
    assert "it is set aside as checkpoint.damaged.pt, and training goes on from step 5" in told
    assert names(file) == ["checkpoint.damaged.pt", "checkpoint.previous.pt"]


def test_checkpoint_written_after_damage_keeps_the_good_one(file):
    flip(file, 30_000)
    take_up(file, IDENTITY)
    write_checkpoint(file, state_of(12), IDENTITY)
    assert take_up(file, IDENTITY)["step"] == 12
    flip(file, 30_000)
    assert take_up(file, IDENTITY)["step"] == 5


def test_checkpoints_both_damaged_training_begins_anew(file, capsys):
    flip(file, 30_000)
    cut(file.with_name("checkpoint.previous.pt"), 100)
    assert take_up(file, IDENTITY) is None
    assert capsys.readouterr().out.count("training goes on from step 0\n") == 2
    assert names(file) == ["checkpoint.damaged.pt", "checkpoint.previous.damaged.pt"]
    assert take_up(file, IDENTITY) is None


def test_checkpoint_that_never_was_is_none(tmp_path):
    assert take_up(tmp_path / "checkpoint.pt", IDENTITY) is None


def test_checkpoint_lost_between_two_names_is_the_previous_one(file):
    file.unlink()  # a file system without links, killed between two renames
    assert take_up(file, IDENTITY)["step"] == 5


def test_checkpoint_draft_of_a_killed_process_is_not_looked_at(file):
    file.with_suffix(".draft").write_bytes(b"half")
    assert take_up(file, IDENTITY)["step"] == 10
    write_checkpoint(file, state_of(15), IDENTITY)
    assert names(file) == ["checkpoint.previous.pt", "checkpoint.pt"]


def test_checkpoint_of_another_training_raises(file):
    with pytest.raises(TrainingError, match=r"of another training.*'seed': \(3, 4\).*delete it"):
        take_up(file, IDENTITY | {"seed": 4})
    assert names(file) == ["checkpoint.previous.pt", "checkpoint.pt"]


@pytest.fixture
def no_room():
    """Make it as on a full disk: the system lets no file grow over 30,000 bytes."""
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, limits[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("size", [1, 1_000_000])  # known when the file is closed, and in the midst of it
def test_checkpoint_without_room_told_and_the_last_one_stands(file, size, no_room):
    no_room()
    with pytest.raises(OSError, match=r"File too large: .*checkpoint\.pt could not be written.* bytes are free"):
        write_checkpoint(file, state_of(15) | {"more": torch.zeros(size)}, IDENTITY)
    assert names(file) == ["checkpoint.previous.pt", "checkpoint.pt"]
    assert take_up(file, IDENTITY)["step"] == 10


def kill_at_9(row):
    if row["step"] >= 9:
        raise KeyboardInterrupt


def test_train_taken_up_does_not_ask_the_global_generators(tiny, tmp_path, monkeypatch):
    undisturbed = tiny.fine_tune("bolt", {})
    monkeypatch.setattr(tiny, "kill_at", lambda step: kill_at_9 if step else lambda row: None)
    with pytest.raises(KeyboardInterrupt):
        tiny.fine_tune("bolt", {}, tmp_path, killed_at=9)
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002 - what a library may draw from
    torch.manual_seed(1)
    assert torch.equal(tiny.fine_tune("bolt", {}, tmp_path)["weights"], undisturbed["weights"])
