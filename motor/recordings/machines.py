"""What a machine is made of, and at which orders of its shaft its parts show."""

import csv
import json
from collections.abc import Mapping
from math import cos, radians
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from motor.recordings.bearings import BEARINGS
from motor.recordings.recording import near
from motor.registry import Record

COLUMNS = ("designation", "n_balls", "ball_mm", "pitch_mm")  # of a table of bearings
OF_SUPPLY = ("twice_line", "pole_pass")  # parts whose orders change with the speed
SHOWN = 20
ZONE_LIMITS_MM_S = {
    (1, "rigid"): (2.3, 4.5, 7.1),
    (1, "flexible"): (3.5, 7.1, 11.0),
    (2, "rigid"): (1.4, 2.8, 4.5),
    (2, "flexible"): (2.3, 4.5, 7.1),
}
"""Ends of zones A, B and C by group and support: ISO 10816-3:2009, annex A, tables A.1 (group 1) and A.2 (group 2).

ISO 20816-3:2022 took its place. Held against public transcriptions (docs/physics.md), not against either text. Pumps
are not meant: theirs is ISO 10816-7.
"""
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


class BearingOfTable(Record):
    """A bearing of a CSV file with the columns designation, n_balls, ball_mm, pitch_mm and, if need be, angle_deg.

    Attributes
    ----------
    table : str
        The file, seen from the working directory.
    designation : str
    """

    table: str
    designation: str

    def geometry(self) -> Bearing:
        """Return the bearing's geometry.

        Raises
        ------
        ValueError
            If the file cannot be read, a column or the designation is not there or comes twice, or a number is none
            that a bearing has; it names the line.
        """
        rows = self._rows()
        found = [number for number, row in rows.items() if row["designation"].strip() == self.designation]
        if not found:
            known = [row["designation"].strip() for row in rows.values()]
            raise ValueError(
                f"{self.table}: no bearing {self.designation!r}{near(self.designation, known)}; there are "
                f"{len(known)}: {', '.join(known[:SHOWN])}{', ...' if len(known) > SHOWN else ''}"
            )
        if len(found) > 1:
            raise ValueError(f"{self.table}, lines {found[0]} and {found[1]}: {self.designation!r} comes twice")
        values = {name: rows[found[0]].get(name) for name in Bearing.model_fields}
        try:
            return Bearing.model_validate(
                {name: value.strip() for name, value in values.items() if value}, strict=False
            )
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"])) or "geometry"
            raise ValueError(
                f"{self.table}, line {found[0]}: {field} is {first['input']!r}: {first['msg']}; correct the line"
            ) from error

    def _rows(self) -> dict[int, dict[str, str]]:
        """Return the lines of the table by their numbers."""
        try:
            with Path(self.table).open(encoding="utf-8-sig", newline="") as file:
                reader = csv.DictReader(file)
                rows = {number: row for number, row in enumerate(reader, 2) if row.get("designation")}
                header = [name.strip() for name in reader.fieldnames or ()]
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(
                f"{self.table}: the table of bearings cannot be read: {error} (seen from {Path.cwd()})"
            ) from error
        for name in COLUMNS:
            if name not in header:
                raise ValueError(
                    f"{self.table}: no column {name!r}{near(name, header)}; there are: {', '.join(header)}"
                )
        return rows


class Iso20816(Record):
    """How ISO 20816-3 classes an industrial machine above 15 kW.

    Attributes
    ----------
    group : {1, 2}
        1: above 300 kW, or of a shaft height of 315 mm and more; 2: 15 to 300 kW, or 160 to 315 mm.
    support : {"rigid", "flexible"}
    """

    group: Literal[1, 2]
    support: Literal["rigid", "flexible"]

    def zone(self, velocity_mm_s: float) -> str:
        """Return the zone of a velocity (root mean square, 10 to 1000 Hz).

        A: as new; B: fit for long operation; C: for a limited time; D: may do damage.
        """
        return "ABCD"[sum(velocity_mm_s > limit for limit in ZONE_LIMITS_MM_S[self.group, self.support])]


class Machine(Record):
    """Parts of a machine, as far as they are known.

    Attributes
    ----------
    bearing : Bearing or str, optional
        Geometry; a designation of the table of `motor.recordings.bearings`; or ``{table: FILE.csv, designation: NAME}``
        of a table of your own (see `BearingOfTable`).
    teeth : int, optional
        Of the gear on the shaft.
    blades : int, optional
        Of a fan or an impeller on the shaft.
    line_hz : float, optional
        Frequency of the supply.
    poles, slots, bars : int, optional
        Of the motor: poles, stator slots, rotor bars.
    iso_20816 : Iso20816, optional
        Its class in ISO 20816-3, by which predictions and the report name the zone of its velocity.
    """

    bearing: Bearing | str | None = None
    teeth: int | None = Field(default=None, ge=2)
    blades: int | None = Field(default=None, ge=2)
    line_hz: float | None = Field(default=None, gt=0)
    poles: int | None = Field(default=None, ge=2)
    slots: int | None = Field(default=None, ge=2)
    bars: int | None = Field(default=None, ge=2)
    iso_20816: Iso20816 | None = Field(default=None, exclude_if=lambda value: value is None)

    @field_validator("bearing", mode="before")
    @classmethod
    def _look_up(cls, bearing: Any) -> Any:
        """Return the geometry that a table of the user's own has, so that the table's place counts for nothing."""
        is_of_table = isinstance(bearing, dict) and "table" in bearing
        return BearingOfTable.model_validate(bearing).geometry() if is_of_table else bearing

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
    """Return the order of each known part of a motor: of an unknown machine, its shaft alone."""
    return (machines.get(motor) or machines.get(EVERY_MOTOR) or Machine()).components(speed_rpm)


def zone_of(machines: Mapping[str, Machine], motor: str, velocity_mm_s: float | None) -> str | None:
    """Return the zone of a motor's velocity; None where either its class or the velocity is not known."""
    known = (machines.get(motor) or machines.get(EVERY_MOTOR) or Machine()).iso_20816
    return None if known is None or velocity_mm_s is None else known.zone(velocity_mm_s)


def machines_from(records: Mapping[str, Any]) -> dict[str, Machine]:
    """Return machines by motor, from their JSON."""
    return {motor: Machine.model_validate_json(json.dumps(machine)) for motor, machine in records.items()}


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
