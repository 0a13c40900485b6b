"""A cell that scales by reference needs healthy recordings of the same motor, and uses nothing else of them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from motor.predicting import PredictingError, Predictor
from motor.predicting.cell import TrainedCell
from motor.windows.scaling import Scaler


def with_scaling(predictor: Any, by: str, scalers: dict[Any, Scaler]) -> Predictor:
    """Return the predictor with another scaling in its record, and these fitted scalers."""
    (cell,) = predictor.cells
    (features,) = cell.parts.stage.features
    (tuned,) = features.finetunes
    scaling = {domain: one.model_copy(update={"by": by}) for domain, one in cell.parts.prepared.scaling.items()}
    tuned = replace(tuned, prepared=replace(tuned.prepared, scaling=scaling))
    stage = replace(cell.parts.stage, features=(replace(features, finetunes=(tuned,)),))
    fold = replace(cell.folds[0], scalers=scalers)
    return Predictor((TrainedCell(replace(cell.parts, stage=stage), (fold,)),))


@pytest.fixture
def motor_files(tiny_data: Path) -> list[Path]:
    """Two recordings of one motor by one sensor."""
    return sorted(tiny_data.glob("ShengYing/normal/*.npy"))[:2]


def test_reference_that_is_lacking_told_with_the_option(joint: Any, motor_files: list[Path]) -> None:
    with pytest.raises(PredictingError, match=r"no healthy recording of motor .motor_.*--reference FILES"):
        with_scaling(joint, "reference", {}).predict(motor_files[1:])


def test_reference_scales_as_its_own_level_and_strength(joint: Any, motor_files: list[Path]) -> None:
    healthy, other = motor_files
    found = with_scaling(joint, "reference", {}).predict([other], reference=[healthy])
    signal = np.load(healthy).astype(np.float64)
    own = Scaler(float(signal.mean()), float(signal.std()))
    expected = with_scaling(joint, "domain", {"ShengYing": own}).predict([other])
    numbers = [table.select_dtypes("number") for table in (found, expected)]
    pd.testing.assert_frame_equal(*numbers, rtol=0, atol=1e-6)


def test_reference_of_another_motor_does_not_serve(joint: Any, motor_files: list[Path], tiny_data: Path) -> None:
    stranger = sorted(tiny_data.glob("ShengYing/spark/*.npy"))[0]
    with pytest.raises(PredictingError, match="no healthy recording of motor"):
        with_scaling(joint, "reference", {}).predict(motor_files[1:], reference=[stranger])


def test_reference_of_a_motor_of_the_training_is_known(joint: Any, motor_files: list[Path]) -> None:
    motor = motor_files[0].name.partition("-")[0]
    known = {(motor, "ShengYing"): Scaler(0.0, 1.0)}
    assert len(with_scaling(joint, "reference", known).predict(motor_files)) == 2
