"""Whether a trained forecaster reads names: what it knows of training motors by name it cannot know of a new one."""

from contextlib import suppress

import numpy as np

from motor.backbones.batch import Batch
from motor.backbones.forecaster import Forecaster
from motor.backbones.training.settings import TrainingError

OTHER = "no motor of this name"
FEW = 2  # windows that are looked at
SAME = 1e-3, 1e-4  # relative and absolute, of answers that are one


def check_names_unread(forecaster: Forecaster, batch: Batch) -> None:
    """Raise where forecasts or embeddings of training windows follow from the names of their motors.

    Features of training motors would carry their ids, those of new ones could not: a classifier of the first fails on
    the second (measured: macro-F1 .48, where a coin flip has .67).

    Parameters
    ----------
    forecaster : Forecaster
        As it is when features are made: trained, in evaluation.
    batch : Batch
        Windows of training motors, with their names.

    Raises
    ------
    motor.backbones.training.TrainingError
        If other names give another answer.
    """
    if forecaster.leaves_own_motor_out:
        return
    some = batch if forecaster.sees_together else batch.rows(slice(0, FEW))
    renamed = np.array([OTHER] * some.n_windows)
    others = _answers(forecaster, some._replace(motor_B=renamed, item_B=renamed))
    answers = _answers(forecaster, some)
    if not all(np.allclose(one, other, *SAME) for one, other in zip(answers, others, strict=True)):
        raise TrainingError(
            f"{type(forecaster).__name__}: what it says of a window follows from the name of its motor or recording, "
            "which tells nothing of a motor that it was not trained on; let evaluation take every motor for unknown "
            "(`motor.backbones.layers.ids`), or take the names out"
        )


def _answers(forecaster: Forecaster, batch: Batch) -> list[np.ndarray]:
    answers = [forecaster.forecast(batch).quantiles_BHQ.cpu().numpy()]
    with suppress(NotImplementedError):  # of a forecaster without an encoder
        answers.append(forecaster.embed(batch).cpu().numpy())
    return answers
