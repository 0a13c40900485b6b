"""A training whose checkpoint was damaged ends with the same bits, on one worker and on two."""

import shutil

import pytest
import torch

from motor.backbones.training.checkpoint import CHECKPOINT, PREVIOUS


def damage(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(("n_damaged", "step"), [(1, 10), (2, 0)])
def test_train_checkpoint_damaged_goes_on_from_the_one_before(tiny, tmp_path, capsys, n_damaged, step):
    undisturbed = tiny.fine_tune("bolt", {}, tmp_path)
    for name in (CHECKPOINT, PREVIOUS)[:n_damaged]:  # of steps 12 and 10
        damage(tmp_path / name)
    again = tiny.fine_tune("bolt", {}, tmp_path)
    assert torch.equal(again["weights"], undisturbed["weights"])
    assert capsys.readouterr().out.count(f"training goes on from step {step}") == n_damaged


def test_train_checkpoint_damaged_two_workers_go_on_from_the_same_one(tiny, two_workers, tmp_path):
    tiny.fine_tune("bolt", {}, tmp_path / "damaged")
    (tmp_path / "whole").mkdir()
    shutil.copyfile(tmp_path / "damaged" / PREVIOUS, tmp_path / "whole" / CHECKPOINT)
    damage(tmp_path / "damaged" / CHECKPOINT)
    folders = [tmp_path / name for name in ("damaged", "whole")]
    trainings = [{"kind": "bolt", "settings": {}, "folder": folder, "ends": (0, 2, 4)} for folder in folders]
    (first, second), expected = two_workers(*trainings)
    assert torch.equal(first["weights"], expected[0]["weights"])
    assert torch.equal(second["weights"], expected[0]["weights"])
    assert (tmp_path / "damaged" / "checkpoint.damaged.pt").is_file()
