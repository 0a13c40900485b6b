"""Using what a grid has found: predictions from the command line, Python, an HTTP endpoint and an exported folder."""

from motor.predicting.faults import PredictingError
from motor.predicting.predictor import Predictor, recording

__all__ = ["PredictingError", "Predictor", "recording"]
