"""The training loop of every forecaster: exact under the same seed, and exact when it is taken up again.

The same call gives the same weights to the bit on the same kind of device, with as many threads, workers and windows
at once, undisturbed or killed and called again. What differs otherwise, after 50 steps of small models (width 64,
context 512, batch 8, rate 1e-3; on a CPU), as the largest relative difference of a step's loss, and that of the
validation WQL:

===================================================  ==============  ================
compared with one worker, all windows at once,
float32, no dropout                                  Bolt            Chronos-2
===================================================  ==============  ================
two workers                                          1.3e-7, 1.6e-8  1.5e-7, 2.8e-9
four windows at once, accumulated                    1.7e-7, 1.6e-8  1.5e-7, 2.8e-9
products in bfloat16 (``precision: mixed``)          3.8e-4, 2.3e-4  1.1e-3, 2.2e-3
two workers, with dropout of 0.1 (other draws)       1.0e-2, 1.2e-3  9.5e-3, 2.0e-3
===================================================  ==============  ================
"""

from motor.backbones.lora import Lora
from motor.backbones.training.checkpoint import CHECKPOINT
from motor.backbones.training.loop import train
from motor.backbones.training.memory import beginning_again, forget_tried, going_on, shrink_batch
from motor.backbones.training.precision import precision_used
from motor.backbones.training.schedule import learning_rate_at
from motor.backbones.training.settings import ALONE, OutOfMemory, Place, Training, TrainingError, training_schema
from motor.backbones.training.trainer import History, Trainer, TrainingData
from motor.backbones.training.validation import validate

__all__ = [
    "ALONE",
    "CHECKPOINT",
    "History",
    "Lora",
    "OutOfMemory",
    "Place",
    "Trainer",
    "Training",
    "TrainingData",
    "TrainingError",
    "beginning_again",
    "forget_tried",
    "going_on",
    "learning_rate_at",
    "precision_used",
    "shrink_batch",
    "train",
    "training_schema",
    "validate",
]
