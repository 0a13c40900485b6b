import pytest
from pydantic import ValidationError

from motor.recordings.bearings import BEARINGS
from motor.recordings.machines import Bearing, Machine, machine_of


def test_bearing_orders_are_those_that_its_maker_tells():
    """CWRU tells for its drive end: inner 5.4152, outer 3.5848, cage 0.39828, ball 4.7135 times the shaft."""
    orders = Bearing(n_balls=9, ball_mm=7.94, pitch_mm=39.04).orders()
    told = {"inner_race": 5.4152, "outer_race": 3.5848, "cage": 0.39828, "ball": 4.7135}
    assert orders == pytest.approx(told, rel=2e-3)


@pytest.mark.parametrize("name", BEARINGS)
def test_bearing_of_the_table_can_be_and_has_a_source(name):
    orders = Machine(bearing=name).components(1800.0)
    assert orders["inner_race"] + orders["outer_race"] == pytest.approx(BEARINGS[name][0])
    assert 0.3 < orders["cage"] < 0.5
    assert len(BEARINGS[name][4]) > 10


def test_machine_tells_its_parts_at_a_speed():
    machine = Machine(teeth=23, blades=5, line_hz=50.0, poles=2, bars=28, slots=36)
    parts = machine.components(2950.0)
    assert parts["mesh"] == 23.0
    assert parts["blade_pass"] == 5.0
    assert parts["twice_line"] == pytest.approx(100 / (2950 / 60))
    assert parts["pole_pass"] * 2950 / 60 == pytest.approx(2 * (50 - 2950 / 60))
    assert set(machine.parts()) == set(parts)


def test_machine_unknown_bearing_raises_with_those_there_are():
    with pytest.raises(ValidationError, match="did you mean '6205-2RS JEM SKF'"):
        Machine(bearing="6205-2RS SKF")


def test_bearing_whose_balls_do_not_fit_raises():
    with pytest.raises(ValidationError, match="not below pitch_mm"):
        Bearing(n_balls=9, ball_mm=40.0, pitch_mm=39.0)


def test_machine_of_a_motor_is_its_own_or_every_motors():
    one, every = Machine(blades=3), Machine(blades=4)
    assert machine_of({"one": one, "*": every}, "one") is one
    assert machine_of({"one": one, "*": every}, "two") is every
    with pytest.raises(ValueError, match=r"no machine is given for motor 'two'.*dataset\.machines"):
        machine_of({"one": one}, "two")
