"""Predictions as text."""

import json

import pandas as pd

from motor.predicting.printing import as_rows, as_text


def test_rows_of_a_detector_have_a_score_in_place_of_probabilities():
    table = pd.DataFrame(
        {"item": ["a"], "domain": ["rig"], "label": ["faulty"], "score": [4.5], "alarm": [True], "unlike": [0.9]}
    )
    expected = {"item": "a", "domain": "rig", "label": "faulty", "score": 4.5, "alarm": True, "unlike": 0.9}
    assert as_rows(table) == [expected]
    assert json.loads(as_text(table, "json")) == {"predictions": [expected]}
