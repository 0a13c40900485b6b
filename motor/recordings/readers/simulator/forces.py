"""The forces inside a motor, in time: tones of the rotor, impacts, and the noise of the brushes.

Each has unit power for a healthy motor in the middle of the population, so that decibels add up as written.
Shapes: N samples, E events.
"""

from dataclasses import dataclass

import numpy as np

from motor.lazy import scipy
from motor.recordings.readers.simulator.condition import Condition, Operation
from motor.recordings.readers.simulator.machine import N_SHAFT_HARMONICS, Machine

# A table holds two revolutions, for looseness repeats only after two; at 32768 entries linear interpolation errs
# by less than -60 dB even at the third harmonic of 72 commutator bars.
TABLE_LENGTH = 32768
# How fast load rises as speed falls within a recording: the slope of a series-wound motor, both relative.
LOAD_PER_SPEED = -8.0
# Levels of a healthy motor's contributions, in dB about the force's unit power.
LOOSENESS_DB, HUM_DB, ARC_DB, BEARING_DB, KNOCK_DB, LOOSE_IMPACT_DB = -20.0, -14.0, -12.0, 0.0, 6.0, -4.0


@dataclass(frozen=True)
class Course:
    """The course of a recording, sample by sample: arrays of shape (N,)."""

    sampling_rate_hz: float
    revolutions: np.ndarray
    load: np.ndarray
    mains_cycles: np.ndarray

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.revolutions) / self.sampling_rate_hz

    @property
    def speed_hz(self) -> float:
        """Mean speed over the whole course, in revolutions a second."""
        return self.mean_speed_hz(len(self.revolutions))

    def mean_speed_hz(self, n_samples: int) -> float:
        """Return the mean speed over the last `n_samples`, in revolutions a second."""
        kept = self.revolutions[-n_samples:]
        return float((kept[-1] - kept[0]) / (len(kept) - 1) * self.sampling_rate_hz)


def amplitude(level_db: float) -> float:
    """Return the amplitude of a level in dB."""
    return float(10 ** (level_db / 20))


def run(operation: Operation, n_samples: int, sampling_rate_hz: float) -> Course:
    """Let the motor run: shaft angle (the integral of a drifting speed), load and mains phase."""
    seconds = np.arange(n_samples) / sampling_rate_hz
    # The drift is slower than 3 Hz: a coarse grid, read linearly, errs by less than a millionth of a revolution.
    coarse = np.linspace(0, seconds[-1], int(1000 * seconds[-1]) + 2)
    angle = 2 * np.pi * np.outer(operation.drift_hz, coarse) + operation.drift_phase[:, None]
    relative = np.interp(seconds, coarse, operation.drift_depth @ np.cos(angle))
    integral = np.interp(seconds, coarse, operation.drift_depth / (2 * np.pi * operation.drift_hz) @ np.sin(angle))
    return Course(
        sampling_rate_hz=sampling_rate_hz,
        revolutions=operation.start_revolution + operation.speed_hz * (seconds + integral - integral[0]),
        load=operation.load * (1 + LOAD_PER_SPEED * relative),
        mains_cycles=operation.start_mains + operation.mains_hz * seconds,
    )


def lookup(table: np.ndarray, cycles: np.ndarray) -> np.ndarray:
    """Read a periodic table, its length a power of two, at fractional cycles >= 0: cheaper than a sum of cosines."""
    position = cycles * len(table)
    index = position.astype(np.int64)
    fraction = (position - index).astype(np.float32)
    index &= len(table) - 1
    left = table.astype(np.float32)
    slope = np.roll(left, -1) - left
    return left[index] + fraction * slope[index]


def rotor_force(machine: Machine, condition: Condition, course: Course) -> np.ndarray:
    """Return tones of shaft, blades, slots and commutator, looseness and magnetic hum (N,)."""
    low, high = rotor_spectra(machine, condition, course)
    shaft = np.fft.irfft(low, TABLE_LENGTH) * TABLE_LENGTH / 2
    table = shaft + np.fft.irfft(high, TABLE_LENGTH) * TABLE_LENGTH / 2
    table += amplitude(LOOSENESS_DB + condition.looseness_db) * looseness_waveform(machine, shaft)
    return lookup(table, course.revolutions / 2) + hum(machine, course)


def rotor_spectra(machine: Machine, condition: Condition, course: Course) -> tuple[np.ndarray, np.ndarray]:
    """Return the complex amplitudes of shaft harmonics and of high orders, in bins of half an order.

    Residual imbalance follows a balance quality grade, ISO 21940-11: eccentricity times speed is constant for a
    grade, so the force grows with the rated speed. Slot and commutation tones have sidebands one order away, the
    mark of an eccentric rotor.
    """
    low, high = np.zeros((2, TABLE_LENGTH // 2 + 1), dtype=complex)
    grade_db = 20 * np.log10(machine.speed_rpm / 6000)
    levels_db = machine.shaft_db + np.array([-6.0, -12.0, -15.0, -18.0, -20.0, -22.0])
    levels_db[0] += grade_db + condition.imbalance_db
    low[2 : 2 * N_SHAFT_HARMONICS + 2 : 2] = 10 ** (levels_db / 20) * np.exp(1j * machine.shaft_phase)
    for order, level_db in tones(machine):
        if order * course.speed_hz < 0.47 * course.sampling_rate_hz:
            high[2 * order] += amplitude(level_db) * np.exp(1j * order)
    return low, high


def tones(machine: Machine) -> list[tuple[int, float]]:
    """Return (order, level in dB) of blade, slot and commutation tones with their sidebands."""
    slots, bars = machine.n_slots, machine.n_bars
    orders: tuple[int, ...] = (machine.n_blades, 2 * machine.n_blades, slots - 1, slots, slots + 1, 2 * slots)
    orders += (bars - 1, bars, bars + 1, 2 * bars - 1, 2 * bars, 2 * bars + 1, 3 * bars)
    levels_db = (-8.0, -14.0, -16.0, -8.0, -16.0, -14.0, -18.0, -10.0, -18.0, -22.0, -14.0, -22.0, -18.0)
    return [(order, level + machine.tone_db[i]) for i, (order, level) in enumerate(zip(orders, levels_db, strict=True))]


def looseness_waveform(machine: Machine, shaft: np.ndarray) -> np.ndarray:
    """Return what a loose support adds to the shaft's waveform, over two revolutions, at unit power.

    The support lifts off on every other turn (hence half orders), and the waveform is clipped where the gap closes
    (hence a long row of harmonics): Muszynska, Rotordynamics, 2005, on rotors with looseness.
    """
    cycle = np.arange(TABLE_LENGTH) / TABLE_LENGTH * 2 * np.pi
    scaled = shaft / shaft.std()
    lifted = scaled * (1 + 0.6 * np.cos(cycle + machine.shaft_phase[1])) + 0.3 * np.cos(cycle)
    added = np.minimum(lifted, 0.4) - scaled
    # What moves with the shaft once a turn would be imbalance; looseness is the rest.
    spectrum = np.fft.rfft(added)
    spectrum[[0, 2]] = 0
    added = np.fft.irfft(spectrum, TABLE_LENGTH)
    return added / added.std()


def hum(machine: Machine, course: Course) -> np.ndarray:
    """Return the magnetic pull at twice the mains frequency, with two weak harmonics (N,)."""
    cycle = np.arange(1024) / 1024 * 2 * np.pi
    levels = 10 ** ((machine.tone_db[13:16] + HUM_DB + np.array([0.0, -10.0, -16.0])) / 20)
    table = sum(level * np.cos(k * cycle + k) for k, level in enumerate(levels, start=1))
    return lookup(np.asarray(table), course.mains_cycles * 2) * course.load.astype(np.float32)


def impact_force(random: np.random.Generator, machine: Machine, condition: Condition, course: Course) -> np.ndarray:
    """Return impulses of bearing, loose support and surroundings (N,)."""
    trains = (
        bearing_train(random, machine, condition, course),
        looseness_train(random, condition, course),
        knocks(random, machine, course),
    )
    times, heights = (np.concatenate(parts) for parts in zip(*trains, strict=True))
    return deposit(times, heights, len(course.revolutions))


def bearing_train(
    random: np.random.Generator, machine: Machine, condition: Condition, course: Course
) -> tuple[np.ndarray, np.ndarray]:
    """Return sample positions (E,) and heights (E,) of a struck defect.

    Intervals are random, as rolling elements slip (Antoni & Randall, J. Vib. Acoust. 125 (2003) 282-289), and heights
    follow the load: an inner-race defect turns through the load zone once a revolution (McFadden & Smith, J. Sound
    Vib. 96 (1984) 69-82), an outer-race one stays in it.
    """
    order = machine.bearing.inner_race if condition.inner_race else machine.bearing.outer_race
    first, last = course.revolutions[[0, -1]]
    n_events = int((last - first) * order * 1.02) + 3
    gaps = (1 + 0.005 + random.normal(0, 0.012, n_events)) / order
    turns = first + random.uniform(0, 1) / order + np.cumsum(gaps)
    turns = turns[turns < last]
    zone = 0.8 if condition.inner_race else 0.15
    heights = (1 + zone * np.cos(2 * np.pi * turns)) * random.lognormal(0, 0.35, len(turns))
    heights *= unit_power(heights, course) * amplitude(BEARING_DB + condition.bearing_db)
    times = np.interp(turns, course.revolutions, np.arange(len(course.revolutions)))
    return times, heights * np.interp(times, np.arange(len(course.load)), course.load) / 0.65


def looseness_train(random: np.random.Generator, condition: Condition, course: Course) -> tuple[np.ndarray, np.ndarray]:
    """Return sample positions and heights of the blows when the gap closes: about once in two turns, unevenly."""
    first, last = course.revolutions[[0, -1]]
    turns = np.arange(np.ceil(first), last, 1.0)
    heights = random.gamma(2, 0.5, len(turns)) * np.where(turns % 2 < 1, 1.0, 0.35)
    turns = np.clip(turns + random.normal(0, 0.02, len(turns)), first, last)
    heights *= unit_power(heights, course) * amplitude(LOOSE_IMPACT_DB + condition.looseness_db)
    return np.interp(turns, course.revolutions, np.arange(len(course.revolutions))), heights


def knocks(random: np.random.Generator, machine: Machine, course: Course) -> tuple[np.ndarray, np.ndarray]:
    """Return rare blows from the surroundings, which healthy and faulty motors hear alike."""
    n_events = random.poisson(machine.knocks_per_second * course.seconds)
    times = random.uniform(0, len(course.revolutions) - 1, n_events)
    # One such blow has the energy of a healthy bearing's in a thirtieth of a second, and KNOCK_DB more.
    height = np.sqrt(course.sampling_rate_hz / 30) * amplitude(KNOCK_DB)
    return times, height * random.lognormal(0, 0.6, n_events)


def unit_power(heights: np.ndarray, course: Course) -> float:
    """Return the factor that brings a train of impulses to unit power over the course."""
    return float(np.sqrt(len(course.revolutions) / max(np.sum(heights**2), 1e-12)))


def deposit(times: np.ndarray, heights: np.ndarray, n_samples: int) -> np.ndarray:
    """Return impulses on the sampling grid (N,), each shared between its two neighbours."""
    index = np.clip(times.astype(np.int64), 0, n_samples - 2)
    share = np.clip(times - index, 0.0, 1.0)
    train = np.bincount(index, heights * (1 - share), n_samples) + np.bincount(index + 1, heights * share, n_samples)
    return train.astype(np.float32)


def brush_force(random: np.random.Generator, machine: Machine, condition: Condition, course: Course) -> np.ndarray:
    """Return sliding noise of the brushes and the bursts of their arcs (N,)."""
    n_samples = len(course.revolutions)
    noise = random.standard_normal((2, n_samples), dtype=np.float32)
    friction = noise[0] * (1 + lookup(friction_waveform(machine), course.revolutions))
    envelope = arc_envelope(random, machine, condition, course)
    return friction + amplitude(ARC_DB + condition.spark_db) * envelope * noise[1]


def friction_waveform(machine: Machine) -> np.ndarray:
    """Return how sliding noise swells over a revolution: with each bar, and with the commutator's run-out."""
    cycle = np.arange(4096) / 4096 * 2 * np.pi
    depth = np.clip(0.2 * 10 ** (machine.tone_db[:2] / 20), 0, 0.45)
    return depth[0] * np.cos(cycle) + depth[1] * np.cos(machine.n_bars * cycle)


def arc_envelope(random: np.random.Generator, machine: Machine, condition: Condition, course: Course) -> np.ndarray:
    """Return the envelope (N,) of the arcs' bursts, at unit mean power at medium load.

    An arc is drawn where the brush leaves a bar with current left in its coil. Not every bar sparks on every turn,
    worn ones more often; the height follows the load and, on alternating current, the instantaneous current.
    """
    first, last = course.revolutions[[0, -1]]
    bars = np.arange(int(np.ceil(first * machine.n_bars)), int(last * machine.n_bars))
    wear = machine.bar_wear[bars % machine.n_bars]
    struck = bars[random.uniform(size=len(bars)) < np.clip((1 - machine.miss_rate) * wear, 0, 0.95)]
    turns = (struck + np.abs(random.normal(0, 0.1, len(struck)))) / machine.n_bars
    times = np.interp(turns, course.revolutions, np.arange(len(course.revolutions)))
    at = np.minimum(times.astype(np.int64), len(course.revolutions) - 1)
    current = course.load[at] / 0.65 * np.abs(np.sin(2 * np.pi * course.mains_cycles[at]))
    heights = random.lognormal(0, 0.7, len(struck)) * current * machine.bar_wear[struck % machine.n_bars]
    decay = np.exp(-1 / (machine.burst_seconds * course.sampling_rate_hz))
    envelope = scipy.signal.lfilter([1.0], [1.0, -decay], deposit(times, heights, len(course.revolutions)))
    return (envelope / expected_root_power(machine, course, decay)).astype(np.float32)


def expected_root_power(machine: Machine, course: Course, decay: float) -> float:
    """Return the root mean power of the arcs' envelope at medium load.

    Campbell's theorem for shot noise: Rice, Bell Syst. Tech. J. 23 (1944) 282-332.
    """
    rate = machine.n_bars * (1 - machine.miss_rate) * course.speed_hz / course.sampling_rate_hz
    # First and second moments: lognormal(0, 0.7), |sin|, wear gamma(4, 1/4) (which also weights the probability).
    mean, square = np.exp(0.245) * (2 / np.pi) * 1.25, np.exp(0.98) * 0.5 * 1.875
    return float(np.sqrt(rate * square / (1 - decay**2) + (rate * mean / (1 - decay)) ** 2))
