"""Requests that are judged together get the answers that each would get alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from motor.predicting import recording
from motor.predicting.faults import Outcome
from motor.predicting.inputs import InputOptions, read_recordings
from motor.predicting.together import answer, judge_together


def test_together_each_request_answered_as_alone(joint: Any, tiny_data: Path) -> None:
    options = InputOptions(joint.domains, joint.dataset)
    files = sorted(tiny_data.glob("*/normal/*.npy"))[:4]
    read: list[Any] = list(read_recordings(files, options))
    short = recording(np.arange(9.0), 4096, "ShengYing", "short")
    requests = [read[:2], [short, read[0]], [], read[2:], read[:1]]
    for alone, found in zip(requests, judge_together(joint, requests), strict=True):
        expected = joint.outcome(alone)
        rows = found.predictions.reset_index(drop=True)
        pd.testing.assert_frame_equal(rows, expected.predictions, check_exact=True, check_dtype=bool(len(alone)))
        assert found.faults == expected.faults


def test_answer_of_a_fault_is_422_with_the_predictions_of_the_others(joint: Any, two_files: list[Path]) -> None:
    outcome = joint.outcome([*two_files, "gone.wav"])
    status, content = answer(outcome)
    assert status == 422
    assert len(content["predictions"]) == 2
    assert "no such file" in content["error"]
    assert answer(Outcome(outcome.predictions, []))[0] == 200


def test_page_needs_no_network_and_escapes_names() -> None:
    from motor.predicting.page import page

    shown = page({"paths": {"/predict": {"post": {"summary": "<b>"}}}}, ('so"und', "vibration"))
    assert "http://" not in shown.replace("http://HOST:PORT", "")
    assert "https://" not in shown
    assert "<b>" not in shown
    assert "so&quot;und" in shown
