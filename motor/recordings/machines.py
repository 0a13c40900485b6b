"""What a machine is made of, and at which orders of its shaft its parts show."""

import json
from collections.abc import Mapping
from math import cos, radians
from typing import Any

from pydantic import Field, field_validator, model_validator

from motor.recordings.bearings import BEARINGS
from motor.recordings.recording import near
from motor.registry import Record

EVERY_MOTOR = "*"
"""In the place of a motor's name: any motor that is not named."""


class Bearing(Record):
    """Geometry of a rolling bearing.

    Attributes
    ----------
    n_balls : int
        Rolling elements.
    ball_mm, pitch_mm : float
        Diameters of an element, and of the circle that their centres lie on.
    angle_deg : float
        Contact angle.
    """

    n_balls: int = Field(ge=3)
    ball_mm: float = Field(gt=0)
    pitch_mm: float = Field(gt=0)
    angle_deg: float = Field(default=0.0, ge=0, lt=90)

    @model_validator(mode="after")
    def _elements_fit(self) -> "Bearing":
        if self.ball_mm >= self.pitch_mm:
            raise ValueError(f"ball_mm is {self.ball_mm:g}, not below pitch_mm {self.pitch_mm:g}")
        return self

    def orders(self) -> dict[str, float]:
        """Return how often a defect is struck in a revolution of the inner ring, the outer one at rest.

        Harris and Kotzalas, Essential Concepts of Bearing Technology, 5th ed., 2006; also in Randall and Antoni 2011,
        Mechanical Systems and Signal Processing 25, 485-520, equations 1 to 4. A ball's defect strikes both races.
        """
        ratio = self.ball_mm / self.pitch_mm * cos(radians(self.angle_deg))
        return {
            "cage": (1 - ratio) / 2,
            "ball": self.pitch_mm / self.ball_mm * (1 - ratio**2),
            "outer_race": self.n_balls / 2 * (1 - ratio),
            "inner_race": self.n_balls / 2 * (1 + ratio),
        }


class Machine(Record):
    """Parts of a machine, as far as they are known.

    Attributes
    ----------
    bearing : Bearing or str, optional
        Geometry, or a designation of the table of `motor.recordings.bearings`.
    teeth : int, optional
        Of the gear on the shaft.
    blades : int, optional
        Of a fan or an impeller on the shaft.
    line_hz : float, optional
        Frequency of the supply.
    poles, slots, bars : int, optional
        Of the motor: poles, stator slots, rotor bars.
    """

    bearing: Bearing | str | None = None
    teeth: int | None = Field(default=None, ge=2)
    blades: int | None = Field(default=None, ge=2)
    line_hz: float | None = Field(default=None, gt=0)
    poles: int | None = Field(default=None, ge=2)
    slots: int | None = Field(default=None, ge=2)
    bars: int | None = Field(default=None, ge=2)

    @field_validator("bearing")
    @classmethod
    def _check_designation(cls, bearing: Bearing | str | None) -> Bearing | str | None:
        if isinstance(bearing, str) and bearing not in BEARINGS:
            known = ", ".join(BEARINGS)
            raise ValueError(
                f"unknown bearing {bearing!r}{near(bearing, BEARINGS)}; there are: {known}; or give its geometry, "
                "{n_balls: 9, ball_mm: 7.94, pitch_mm: 39.04}"
            )
        return bearing

    @property
    def geometry(self) -> Bearing | None:
        """The bearing's geometry, if it is known."""
        if isinstance(self.bearing, str):
            n_balls, ball_mm, pitch_mm, angle_deg, _ = BEARINGS[self.bearing]
            return Bearing(n_balls=n_balls, ball_mm=ball_mm, pitch_mm=pitch_mm, angle_deg=angle_deg)
        return self.bearing

    def components(self, speed_rpm: float) -> dict[str, float]:
        """Return the order of the shaft at which each known part shows, at a speed in r/min.

        Electrical ones as in Nandi, Toliyat and Li 2005, IEEE Transactions on Energy Conversion 20(4), 719-729: twice
        the line frequency; poles times the slip frequency, where the shaft lags; rotor bars and stator slots.
        """
        geometry, found = self.geometry, {"shaft": 1.0}
        found |= geometry.orders() if geometry else {}
        turning = {"mesh": self.teeth, "blade_pass": self.blades, "bar_pass": self.bars, "slot_pass": self.slots}
        found |= {name: float(count) for name, count in turning.items() if count}
        if self.line_hz:
            line_order = self.line_hz * 60 / speed_rpm
            found["twice_line"] = 2 * line_order
            if self.poles:
                found["pole_pass"] = max(0.0, 2 * line_order - self.poles)
        return found

    def parts(self) -> tuple[str, ...]:
        """Return the names of its parts, whatever the speed."""
        return tuple(self.components(1.0))


def components_of(machines: Mapping[str, Machine], motor: str, speed_rpm: float) -> dict[str, float]:
    """Return the order of each known part of a motor: of a machine that nobody told, its shaft alone."""
    return (machines.get(motor) or machines.get(EVERY_MOTOR) or Machine()).components(speed_rpm)


def machines_from(told: Mapping[str, Any]) -> dict[str, Machine]:
    """Return machines by motor, as JSON told them."""
    return {motor: Machine.model_validate_json(json.dumps(machine)) for motor, machine in told.items()}


def machine_of(machines: Mapping[str, Machine], motor: str) -> Machine:
    """Return a motor's machine.

    Raises
    ------
    ValueError
        If none is given for it, nor for every motor.
    """
    found = machines.get(motor) or machines.get(EVERY_MOTOR)
    if found is None:
        raise ValueError(
            f"no machine is given for motor {motor!r}; name it in dataset.machines, or give one for every motor, "
            f'dataset: {{machines: {{"{EVERY_MOTOR}": {{bearing: ...}}}}}}'
        )
    return found
