import pytest
import torch

from motor.backbones.training import Training, train, validate
from motor.backbones.training.average import Average


def test_average_follows_the_weights_with_a_decay_that_rises():
    weights = {"w": torch.tensor([0.0])}
    average = Average(weights, decay=0.15)
    weights["w"].fill_(1.0)
    average.follow(0)
    assert average.weights["w"].item() == pytest.approx(0.9)  # decay 1 / 10
    average.follow(1)
    assert average.weights["w"].item() == pytest.approx(1 - 0.1 * 0.15)  # decay 0.15 before 2 / 11


def test_average_in_place_is_there_for_a_while():
    weights = {"w": torch.tensor([0.0])}
    average = Average(weights, decay=0.5)
    weights["w"].fill_(8.0)
    with average.in_place():
        assert weights["w"].item() == 0.0
    assert weights["w"].item() == 8.0
    assert average.weights["w"].item() == 0.0


def test_train_keeps_the_average_that_was_validated(tiny):
    forecaster = tiny.forecaster_of("bolt")
    settings = Training(**tiny.SETTINGS, ema_decay=0.9)
    batches = iter([tiny.sine_windows(step) for step in range(12)])
    history = train(forecaster, lambda first: batches, tiny.held_out, settings, 3, None, lambda row: None)
    scores = [row["validation_wql"] for row in history if "validation_wql" in row]
    assert validate(forecaster, tiny.held_out())["validation_wql"] == min(scores)


def test_train_without_validation_ends_with_the_average(tiny, tmp_path):
    forecaster = tiny.forecaster_of("bolt")
    settings = Training(**tiny.SETTINGS, ema_decay=0.9)
    batches = iter([tiny.sine_windows(step) for step in range(12)])
    train(forecaster, lambda first: batches, None, settings, 3, tmp_path, lambda row: None)
    state, weights = torch.load(tmp_path / "checkpoint.pt"), dict(forecaster.model.named_parameters())
    for name, average in state["average"].items():
        assert torch.equal(weights[name], average), name
    assert not torch.equal(state["weights"]["shared.weight"], state["average"]["shared.weight"])
