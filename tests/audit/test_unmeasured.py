"""Codes for what an instrument could not measure."""

import numpy as np
import pytest

from motor.audit.unmeasured import unmeasured_samples
from motor.recordings.facts import outlier_of

SIGNAL = np.random.default_rng(0).normal(0, 0.5, 4000).astype(np.float32)


def outlier(signal):
    return outlier_of(signal, float(signal.min()), float(signal.max()))


@pytest.mark.parametrize("code", [-999.0, 999.9, 9999.0, -99999.0, 9.9e37, 12345.0])
@pytest.mark.parametrize("length", [1, 20])
def test_recording_with_a_code_is_found_and_named(code, length):
    signal = SIGNAL.copy()
    signal[100 : 100 + length] = code
    (finding,) = unmeasured_samples(["a", "b"], [None, outlier(signal)]).findings
    assert finding.name == "unmeasured_samples"
    assert finding.evidence == {"n_recordings": 1, "recordings": [f"b: {code:g}"]}


@pytest.mark.parametrize("shock", [40.0, 99.0, 998.0, -700.0])
def test_shock_is_no_code(shock):
    signal = SIGNAL.copy()
    signal[200] = shock
    outcome = unmeasured_samples(["a"], [outlier(signal)])
    assert not outcome.findings
    assert outcome.checks[0].passed
