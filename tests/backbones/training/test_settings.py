import pytest
from pydantic import ValidationError

from motor.backbones.training import Lora, Training


def test_training_fields_that_cannot_change_the_weights_are_not_in_the_record():
    assert {"checkpoint_every", "log_every", "gradient_checkpointing"}.isdisjoint(Training().model_dump())


def test_training_frozen_in_two_ways_raises():
    with pytest.raises(ValidationError, match="lora and trainable_blocks = 2 both say what is frozen"):
        Training(lora=Lora(), trainable_blocks=2)
