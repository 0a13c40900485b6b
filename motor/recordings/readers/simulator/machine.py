"""One simulated motor: its build, drawn once and kept through all its recordings.

Shapes: S sensors, F sources of force, M modes.
"""

from dataclasses import dataclass

import numpy as np

# What excites the structure; each reaches each sensor on a path of its own.
FORCES = ("rotor", "impacts", "brush")
SENSORS = ("microphone", "accelerometer")
N_MODES = 12
N_ECHOES = 6
N_SHAFT_HARMONICS = 6


@dataclass(frozen=True)
class Bearing:
    """Orders of the shaft (events a revolution) at which a single defect is struck.

    Source: Harris & Kotzalas, Essential Concepts of Bearing Technology, 5th ed., 2006; the formulae also stand in
    Randall & Antoni, Mech. Syst. Signal Process. 25 (2011) 485-520.
    """

    outer_race: float
    inner_race: float


@dataclass(frozen=True)
class Structure:
    """Modes and paths between the forces and the sensors.

    `mode_hz` and `damping` have shape (M,), `residues` (S, F, M), `path_gain` (S, F), `echo_seconds` and
    `echo_gain` (N_ECHOES,). Mode frequencies are in Hz, damping is a fraction of the critical one.
    """

    mode_hz: np.ndarray
    damping: np.ndarray
    residues: np.ndarray
    path_gain: np.ndarray
    echo_seconds: np.ndarray
    echo_gain: np.ndarray
    radiation_hz: float
    mounting_hz: float
    airborne: float


@dataclass(frozen=True)
class Machine:
    """A universal motor as built and installed; levels are in dB about the healthy population's middle."""

    speed_rpm: float
    load: float
    n_slots: int
    bars_per_slot: int
    n_blades: int
    bearing: Bearing
    structure: Structure
    shaft_db: np.ndarray
    shaft_phase: np.ndarray
    tone_db: np.ndarray
    baseline_db: dict[str, float]
    bar_wear: np.ndarray
    miss_rate: float
    burst_seconds: float
    knocks_per_second: float
    ambient_corner_hz: np.ndarray
    ambient_db: np.ndarray
    pickup_db: np.ndarray
    level_db: np.ndarray
    offset: np.ndarray

    @property
    def n_bars(self) -> int:
        """Commutator bars: commutations under one brush in a revolution."""
        return self.n_slots * self.bars_per_slot


def draw_machine(random: np.random.Generator, speed_rpm: tuple[float, float], sampling_rate_hz: float) -> Machine:
    """Draw a motor; nothing of it depends on its condition.

    Parameters
    ----------
    random : Generator
        Belongs to this motor alone.
    speed_rpm : tuple of float
        Range of rated speeds, in revolutions a minute; drawn log-uniformly.
    sampling_rate_hz : float
        Modes lie below 0.4 of it.
    """
    n_slots = int(random.choice((10, 11, 12, 14, 16, 20, 22, 24)))
    bars_per_slot = int(random.choice((1, 2, 3)))
    sensors = len(SENSORS)
    return Machine(
        speed_rpm=log_uniform(random, *speed_rpm),
        load=random.uniform(0.4, 0.9),
        n_slots=n_slots,
        bars_per_slot=bars_per_slot,
        n_blades=int(random.integers(7, 14)),
        bearing=draw_bearing(random),
        structure=draw_structure(random, 0.4 * sampling_rate_hz),
        shaft_db=random.normal(0, 4, N_SHAFT_HARMONICS),
        shaft_phase=random.uniform(0, 2 * np.pi, N_SHAFT_HARMONICS),
        tone_db=random.normal(0, 4, 16),
        baseline_db={name: random.normal(0, 3) for name in ("spark", "imbalance", "bearing", "looseness")},
        bar_wear=random.gamma(4, 0.25, n_slots * bars_per_slot),
        miss_rate=random.uniform(0.3, 0.7),
        burst_seconds=log_uniform(random, 4e-5, 2e-4),
        knocks_per_second=random.gamma(1, 1.5),
        ambient_corner_hz=np.exp(random.normal(np.log(1500), 0.5, sensors)),
        ambient_db=random.normal(0, 3, sensors),
        pickup_db=random.normal(0, 5, sensors),
        level_db=random.normal(0, 4, sensors),
        offset=random.normal(0, 0.05, sensors),
    )


def draw_bearing(random: np.random.Generator) -> Bearing:
    """Draw a deep-groove ball bearing (contact angle 0) and return its defect orders."""
    n_balls = int(random.integers(6, 10))
    ball_over_pitch = random.uniform(0.2, 0.32)
    return Bearing(outer_race=n_balls / 2 * (1 - ball_over_pitch), inner_race=n_balls / 2 * (1 + ball_over_pitch))


def draw_structure(random: np.random.Generator, highest_hz: float) -> Structure:
    """Draw the modes of housing and mounting; each path sees them with residues of its own."""
    shape = (len(SENSORS), len(FORCES), N_MODES)
    ceiling = min(16e3, highest_hz)
    floor = min(480.0, 0.2 * ceiling)
    return Structure(
        mode_hz=np.sort(np.exp(random.uniform(np.log(floor), np.log(ceiling), N_MODES))),
        damping=np.exp(random.uniform(np.log(0.01), np.log(0.05), N_MODES)),
        residues=random.normal(0, 1, shape),
        path_gain=10 ** (random.normal(0, 2.5, shape[:2]) / 20),
        echo_seconds=random.uniform(0.0015, 0.03, N_ECHOES),
        echo_gain=random.normal(0, 0.25, N_ECHOES),
        radiation_hz=log_uniform(random, 500, 1500),
        mounting_hz=log_uniform(random, 9e3, 22e3),
        airborne=10 ** (random.normal(-3, 3) / 20),
    )


def log_uniform(random: np.random.Generator, low: float, high: float) -> float:
    """Draw a number whose logarithm is uniform between those of `low` and `high`."""
    return float(np.exp(random.uniform(np.log(low), np.log(high))))
