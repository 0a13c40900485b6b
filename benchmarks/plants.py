"""Simulated plants of rolling bearings, for `benchmarks.physics`: machines, speeds, geometries and rates of their own.

A machine draws its resonances, its gain, its speed and how its bearing slips; a fault's strikes ring in the resonances
(Randall and Antoni 2011, Mechanical Systems and Signal Processing 25, 485-520), over noise that swells once a turn,
rare knocks, shaft harmonics and hum. All is computed at 65536 Hz and brought to the plant's rate.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from motor.recordings.machines import Bearing, Machine

FULL_RATE_HZ = 65536
SETTLING = FULL_RATE_HZ // 8
CLASSES = ("normal", "inner_race", "outer_race", "ball")
ZONE = {"inner_race": 0.8, "outer_race": 0.2, "ball": 0.9}  # how far strikes follow the load


@dataclass(frozen=True)
class Plant:
    """Machines of one kind: `severity_db` is that of strikes over noise, `rate_hz` that of the recordings."""

    seed: int
    bearing: Bearing
    speed_rpm: tuple[float, float]
    rate_hz: float
    seconds: float
    modes_hz: tuple[float, ...]
    severity_db: tuple[float, float]
    gain_db: float = 10.0
    slip: float = 0.01
    motors_per_class: int = 6
    recordings_per_motor: int = 3

    @property
    def machine(self) -> Machine:
        return Machine(bearing=self.bearing)

    def recordings(self) -> Iterator[tuple[str, str, float, np.ndarray]]:
        """Yield motor, label, speed in r/min and the signal at `FULL_RATE_HZ`."""
        for label in CLASSES:
            for number in range(self.motors_per_class):
                build = np.random.default_rng((self.seed, CLASSES.index(label), number))
                built = Built.draw(build, self)
                for k in range(self.recordings_per_motor):
                    random = np.random.default_rng((self.seed, CLASSES.index(label), number, k))
                    speed_rpm = built.speed_rpm * random.uniform(0.93, 1.07)
                    yield f"{label}-{number}", label, speed_rpm, built.signal(random, self, label, speed_rpm)


@dataclass(frozen=True)
class Built:
    """One machine."""

    modes_hz: np.ndarray
    damping: np.ndarray
    residue: np.ndarray
    gain: float
    severity_db: float
    speed_rpm: float
    slip: float
    shaft_db: np.ndarray
    corner_hz: float

    @classmethod
    def draw(cls, random: np.random.Generator, plant: Plant) -> "Built":
        n_modes = len(plant.modes_hz)
        return cls(
            modes_hz=np.array(plant.modes_hz) * random.lognormal(0, 0.12, n_modes),
            damping=random.uniform(0.015, 0.06, n_modes),
            residue=random.lognormal(0, 0.5, n_modes),
            gain=10 ** (random.uniform(-plant.gain_db, plant.gain_db) / 20),
            severity_db=random.uniform(*plant.severity_db),
            speed_rpm=random.uniform(*plant.speed_rpm),
            slip=1 + random.uniform(-plant.slip, plant.slip),
            shaft_db=random.uniform(-6, 10, 6),
            corner_hz=random.uniform(1500, 6000),
        )

    def signal(self, random: np.random.Generator, plant: Plant, label: str, speed_rpm: float) -> np.ndarray:
        """Return one recording at `FULL_RATE_HZ`."""
        n_samples = int(plant.seconds * FULL_RATE_HZ) + SETTLING
        return self.signal_turning(random, plant, label, speed_rpm / 60 * np.arange(n_samples) / FULL_RATE_HZ)

    def signal_turning(self, random: np.random.Generator, plant: Plant, label: str, turns: np.ndarray) -> np.ndarray:
        """Return one recording at `FULL_RATE_HZ`, given the shaft's turns at each sample, `SETTLING` before it."""
        n_samples = turns.size
        force = 0.7 * random.normal(0, 1, n_samples) * (1 + 0.25 * np.cos(2 * np.pi * turns + random.uniform(0, 6)))
        n_knocks = random.poisson(5 * plant.seconds)
        force += np.bincount(random.integers(0, n_samples, n_knocks), minlength=n_samples) * random.lognormal(3, 0.6)
        if label != "normal":
            strikes = self._strikes(random, plant.bearing.orders(), label, turns)
            force += strikes / np.sqrt(np.mean(strikes**2)) * 10 ** (self.severity_db / 20)
        frequencies_hz = np.fft.rfftfreq(n_samples, 1 / FULL_RATE_HZ)
        spectrum = np.fft.rfft(force) * self._response(frequencies_hz)
        spectrum += 1.5 * np.fft.rfft(random.normal(0, 1, n_samples)) / (1 + frequencies_hz / self.corner_hz)
        signal = np.fft.irfft(spectrum, n_samples)
        level = signal.std()
        for k, level_db in enumerate(self.shaft_db, 1):
            tone = np.cos(2 * np.pi * k * turns + random.uniform(0, 6))
            signal += 0.15 * level * 10 ** (level_db / 20) / k * tone
        return (self.gain * signal[SETTLING:]).astype(np.float32)

    def _strikes(
        self, random: np.random.Generator, orders: dict[str, float], label: str, turns: np.ndarray
    ) -> np.ndarray:
        """Return impulses at the part's order, with slip, jitter and a load zone."""
        order = orders[label] * self.slip
        gaps = (1 + random.normal(0, 0.01, int(turns[-1] * order * 1.1) + 3)) / order
        struck = random.uniform(0, 1) / order + np.cumsum(gaps)
        struck = struck[struck < turns[-1]]
        turning = orders["cage"] if label == "ball" else 1.0
        heights = 1 + ZONE[label] * np.cos(2 * np.pi * struck * turning + random.uniform(0, 6))
        heights *= random.lognormal(0, 0.3, struck.size)
        places = np.interp(struck, turns, np.arange(turns.size))
        first = places.astype(int).clip(0, turns.size - 2)
        share = places - first
        train = np.bincount(first, heights * (1 - share), turns.size)
        return train + np.bincount(first + 1, heights * share, turns.size)

    def _response(self, frequencies_hz: np.ndarray) -> np.ndarray:
        """Return the accelerance: modes beside a rigid body's line, falling above 20 kHz."""
        f = frequencies_hz
        response = np.full(f.size, 0.15, dtype=complex)
        for mode_hz, damping, residue in zip(self.modes_hz, self.damping, self.residue, strict=True):
            response += residue * f**2 / (mode_hz**2 - f**2 + 2j * damping * mode_hz * f)
        return response / (1 + (f / 20000) ** 4)


PLANTS = {
    "12 kHz, 1 s, 1750 r/min": Plant(
        1, Bearing(n_balls=9, ball_mm=7.94, pitch_mm=39.04), (1700, 1800), 12000, 1.0, (900, 2300, 4200, 8500), (-6, 8)
    ),
    "25.6 kHz, 0.5 s, 2850 r/min": Plant(
        2, Bearing(n_balls=8, ball_mm=15.0, pitch_mm=65.0), (2700, 3000), 25600, 0.5, (1400, 3100, 5200, 9000), (-8, 6)
    ),
    "8.2 kHz, 4 s, 400 r/min": Plant(
        3, Bearing(n_balls=13, ball_mm=17.5, pitch_mm=100.0), (300, 500), 8192, 4.0, (700, 1500, 2800, 6000), (-10, 4)
    ),
    "51.2 kHz, 1.28 s, 900 to 2400 r/min": Plant(
        4,
        Bearing(n_balls=9, ball_mm=22.2, pitch_mm=102.0),
        (900, 2400),
        51200,
        1.28,
        (1100, 2600, 6200, 12000),
        (-10, 4),
    ),
}
