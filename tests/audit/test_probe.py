"""The trivial-cue probe on tables."""

import numpy as np
import pandas as pd
import pytest

from motor.audit.probe import power, probe, probe_outcome

CLASSES = ("normal", "spark")


@pytest.fixture
def make():
    """Return recordings and sides: motors of two classes, two recordings each, every other motor tests."""

    def of(shift, cue="dc_offset", n_motors=24, seed=1):
        random = np.random.default_rng(seed)
        rows = [
            {"item": f"{motor}-{series}", "motor": f"m{motor}", "domain": "east", "label": CLASSES[motor % 2]}
            | {cue: random.normal() + shift * (motor % 2)}
            for motor in range(n_motors)
            for series in range(2)
        ]
        recordings = pd.DataFrame(rows)
        testing = recordings["motor"].str[1:].astype(int) // 2 % 2 == 0
        return recordings, recordings[["item"]].assign(fold="0", side=np.where(testing, "test", "train"))

    return of


def test_probe_cue_that_tells_the_class_beats_chance(make):
    (row,) = probe(*make(5.0), CLASSES, seed=1)
    assert row.beats_chance
    assert row.macro_f1 > 0.9
    assert row.interval[0] > row.chance == pytest.approx(0.5)
    assert [finding.name for finding in probe_outcome([row]).findings] == ["dc_offset"]


def test_probe_cue_of_the_motor_alone_does_not(make):
    (row,) = probe(*make(0.0), CLASSES, seed=1)
    assert not row.beats_chance
    assert row.n_motors == 12


def test_probe_level_is_reported_and_no_finding(make):
    rows = probe(*make(5.0, cue="level"), CLASSES, seed=1)
    assert rows[0].beats_chance
    assert probe_outcome(rows).findings == ()


def test_probe_constant_or_unknown_cue_has_no_row(make):
    recordings, sides = make(0.0)
    assert probe(recordings.assign(dc_offset=1.0), sides, CLASSES, seed=1) == ()
    assert probe(recordings.assign(dc_offset=np.nan), sides, CLASSES, seed=1) == ()


def test_probe_same_seed_gives_the_same_rows(make):
    assert probe(*make(1.0), CLASSES, seed=1) == probe(*make(1.0), CLASSES, seed=1)


def test_power_of_few_motors_is_said(make):
    assert not power(make(0.0, n_motors=6)[0], CLASSES, 4, seed=1).passed
    assert power(make(0.0)[0], CLASSES, 4, seed=1).passed


def test_probe_hum_that_cannot_be_told_in_one_class_tells_no_class(make):
    recordings, sides = make(0.0, cue="mains_hum")
    faulty = recordings["label"] == CLASSES[1]
    hum = np.arange(len(recordings)) % 8 < 2
    assert probe(recordings.assign(mains_hum=np.where(faulty, np.nan, 1.0)), sides, CLASSES, seed=1) == ()
    assert probe(recordings.assign(mains_hum=np.where(faulty, np.nan, hum)), sides, CLASSES, seed=1) == ()
    some = faulty & (np.arange(len(recordings)) < 36)
    rows = probe(recordings.assign(mains_hum=np.where(some, np.nan, hum)), sides, CLASSES, seed=1)
    assert [row.beats_chance for row in rows] == [False]


def test_probe_hum_of_one_class_is_found_among_those_that_can_tell(make):
    recordings, sides = make(0.0, cue="mains_hum")
    hum = (recordings["label"] == CLASSES[1]).astype(float).where(np.arange(len(recordings)) % 12 > 1)
    (row,) = probe(recordings.assign(mains_hum=hum), sides, CLASSES, seed=1)
    assert row.beats_chance
    assert row.macro_f1 == 1.0
