"""What is wrong with a motor, and how it runs during one recording."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from motor.recordings.readers.simulator.machine import Machine

State = Literal["healthy", "sparking", "vibrating"]
# In the order of the reader's `classes`.
STATES: tuple[State, ...] = ("healthy", "sparking", "vibrating")
MECHANISMS = ("imbalance", "bearing", "looseness")
# How far a fault's mechanism stands above a healthy motor's, in dB, at difficulty 0 and 1: measured, see
# docs/simulator.md. The healthy population's own spread is 3 dB.
EASIEST_DB, HARDEST_DB = 38.0, 0.5
N_DRIFT_TONES = 3


@dataclass(frozen=True)
class Condition:
    """Levels of the four fault mechanisms, in dB above the healthy population's middle."""

    spark_db: float
    imbalance_db: float
    bearing_db: float
    looseness_db: float
    inner_race: bool


@dataclass(frozen=True)
class Operation:
    """How the motor runs during one recording; `drift_*` describe the slow change of its speed."""

    speed_hz: float
    load: float
    mains_hz: float
    start_revolution: float
    start_mains: float
    drift_hz: np.ndarray
    drift_phase: np.ndarray
    drift_depth: np.ndarray
    level_db: np.ndarray


def severity_db(difficulty: float) -> float:
    """Return how far faults stand out, in dB: linear in `difficulty`."""
    return EASIEST_DB + difficulty * (HARDEST_DB - EASIEST_DB)


def draw_condition(random: np.random.Generator, machine: Machine, state: State, difficulty: float) -> Condition:
    """Draw how a motor in `state` differs from its own baseline.

    A vibrating motor has one leading mechanism, and each other one with probability 0.35 at half the decibels;
    its brushes bounce, which makes them spark a little more.
    """
    severity = severity_db(difficulty) * random.uniform(0.75, 1.25)
    leading = random.integers(len(MECHANISMS))
    shares = np.where(random.uniform(size=len(MECHANISMS)) < 0.35, 0.5, 0.0)
    shares[leading] = 1.0
    bounce = random.uniform(0, 0.2)
    inner_race = bool(random.uniform() < 0.5)
    raised = dict.fromkeys(("spark", *MECHANISMS), 0.0)
    if state == "sparking":
        raised["spark"] = severity
    elif state == "vibrating":
        raised = {"spark": bounce * severity, **dict(zip(MECHANISMS, shares * severity, strict=True))}
    levels = {f"{name}_db": machine.baseline_db[name] + added for name, added in raised.items()}
    return Condition(inner_race=inner_race, **levels)


def draw_operation(random: np.random.Generator, machine: Machine, mains_hz: float) -> Operation:
    """Draw load, speed, drift and phases of one recording.

    A universal motor is series-wound: its speed falls as its load rises (Fitzgerald, Kingsley & Umans, Electric
    Machinery, 6th ed., 2003, section 7.10).
    """
    load = float(np.clip(machine.load + random.normal(0, 0.08), 0.2, 1.0))
    slowing = 1.0 - 0.25 * (load - 0.65)
    return Operation(
        speed_hz=machine.speed_rpm / 60 * slowing * (1 + random.normal(0, 0.01)),
        load=load,
        mains_hz=mains_hz * (1 + random.normal(0, 4e-4)),
        start_revolution=random.uniform(0, 2),
        start_mains=random.uniform(0, 1),
        drift_hz=random.uniform(0.2, 3.0, N_DRIFT_TONES),
        drift_phase=random.uniform(0, 2 * np.pi, N_DRIFT_TONES),
        drift_depth=random.normal(0, 2e-3, N_DRIFT_TONES),
        level_db=random.normal(0, 1, len(machine.level_db)),
    )
