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


TABLE = """designation,n_balls,ball_mm,pitch_mm,angle_deg,maker
NU 218,17,19,125,0,A
7310 B,12,20.6,80,40,B
7310 B,12,20.6,80,40,B
bad,12,far,80,,C
wide,12,90,80,,C
"""


@pytest.fixture
def table(tmp_path):
    file = tmp_path / "bearings.csv"
    file.write_text(TABLE, encoding="utf-8")
    return str(file)


def test_bearing_of_a_table_of_ones_own_is_its_geometry(table):
    machine = Machine.model_validate({"bearing": {"table": table, "designation": "NU 218"}})
    assert machine.bearing == Bearing(n_balls=17, ball_mm=19.0, pitch_mm=125.0, angle_deg=0.0)
    assert Machine.model_validate_json(machine.model_dump_json()) == machine
    assert "bearings.csv" not in machine.model_dump_json()


@pytest.mark.parametrize(
    ("designation", "message"),
    [
        ("NU 281", r"no bearing 'NU 281' \(did you mean 'NU 218'\?\); there are 5: NU 218, "),
        ("7310 B", r"lines 3 and 4: '7310 B' comes twice"),
        ("bad", r"line 5: ball_mm is 'far': .*; correct the line"),
        ("wide", r"line 6: .*ball_mm is 90, not below pitch_mm 80"),
    ],
)
def test_bearing_of_a_table_that_is_at_fault_raises_with_its_line(table, designation, message):
    with pytest.raises(ValidationError, match=message):
        Machine.model_validate({"bearing": {"table": table, "designation": designation}})


def test_table_of_bearings_without_a_column_or_file_raises(tmp_path):
    file = tmp_path / "bearings.csv"
    file.write_text("designation,balls,ball_mm,pitch_mm\nx,8,6,40\n", encoding="utf-8")
    with pytest.raises(ValidationError, match=r"no column 'n_balls' .*did you mean 'balls'"):
        Machine.model_validate({"bearing": {"table": str(file), "designation": "x"}})
    with pytest.raises(ValidationError, match="the table of bearings cannot be read"):
        Machine.model_validate({"bearing": {"table": str(tmp_path / "gone.csv"), "designation": "x"}})
