"""The unit of each domain's signals: what the report writes at its axes."""

import pytest

from motor.recordings.readers.simulator import Simulator


def test_units_of_an_unknown_domain_are_refused_with_those_there_are():
    with pytest.raises(ValueError, match="units names 'Sound', which is not in domains: sound, vibration"):
        Simulator(domains=("sound", "vibration"), units={"Sound": "Pa"})


def test_units_enter_no_record():
    plain, told = (Simulator(domains=("sound", "vibration"), units=units) for units in ({}, {"sound": "Pa"}))
    assert told.model_dump() == plain.model_dump()
    assert told.units == {"sound": "Pa"}
