"""How a sensor hears the forces: paths through the structure, the air and the room, noise, gain.

Shapes: S sensors, F sources of force, M modes, K frequencies, N samples.
"""

import numpy as np

from motor.lazy import scipy
from motor.recordings.readers.simulator.condition import Operation
from motor.recordings.readers.simulator.forces import Course, amplitude, lookup
from motor.recordings.readers.simulator.machine import SENSORS, Machine, Structure

# Levels of rotor, impacts and brush at each sensor, in dB: an accelerometer favours what shakes the housing, a
# microphone what moves air. Impacts are those of a healthy bearing.
PATH_DB = {"microphone": (-6.0, -24.0, -4.0), "accelerometer": (0.0, -18.0, -5.0)}
AMBIENT_DB = {"microphone": -4.0, "accelerometer": -14.0}
PICKUP_DB = {"microphone": -32.0, "accelerometer": -32.0}
# What a channel is ranged to: about 0.2 Pa and 2 m/s^2.
RANGE = {"microphone": 0.2, "accelerometer": 2.0}


def transfer(structure: Structure, frequencies_hz: np.ndarray) -> np.ndarray:
    """Return frequency responses of all paths, shape (S, F, K), complex64.

    Accelerance as a sum of modes beside a rigid-body line (Ewins, Modal Testing, 2nd ed., 2000, chapter 2), seen by
    an accelerometer on its resonant mounting, and by a microphone through radiation into a room with echoes.
    """
    f = frequencies_hz.astype(np.float32)
    modal = modes(structure, f)
    paths = 1.0 + structure.residues.astype(np.complex64) @ modal
    paths[0] *= radiation(structure, f)
    # Arcs and sliding brushes also speak straight into the air.
    paths[0, 2] += structure.airborne * root_mean_square(paths[0, 2])
    paths[0] *= room(structure, f)
    paths[1] *= mounting(structure, f)
    paths[:, 1] /= 1 + (f / 9000) ** 2
    weights = np.stack([1 / np.maximum(f, 50), np.ones_like(f), np.ones_like(f)])
    rms = np.sqrt(np.sum(np.abs(paths) ** 2 * weights, axis=-1) / weights.sum(axis=-1))
    levels = np.array([PATH_DB[name] for name in SENSORS])
    gains = structure.path_gain * 10 ** (levels / 20) / rms
    return paths * gains.astype(np.float32)[..., None]


def modes(structure: Structure, f: np.ndarray) -> np.ndarray:
    """Return the accelerance of each mode, shape (M, K): f^2 / (f_m^2 - f^2 + 2 i z f_m f), unit residue."""
    f_m = structure.mode_hz.astype(np.float32)[:, None]
    z = structure.damping.astype(np.float32)[:, None]
    square = f**2
    return square / ((f_m**2 - square) + 2j * z * f_m * f)


def radiation(structure: Structure, f: np.ndarray) -> np.ndarray:
    """Return sound pressure over acceleration: rises up to the radiation corner, falls as 1/f above it.

    Below the corner a small housing radiates badly; above it, pressure follows velocity (Cremer, Heckl & Petersson,
    Structure-Borne Sound, 3rd ed., 2005).
    """
    ratio = f / structure.radiation_hz
    return ratio / (1 + 1j * ratio) ** 2


def room(structure: Structure, frequencies_hz: np.ndarray) -> np.ndarray:
    """Return the room's response: direct sound and a few early echoes, each on the nearest sample."""
    n_samples = 2 * (len(frequencies_hz) - 1)
    delays = structure.echo_seconds * 2 * frequencies_hz[-1]
    response = np.bincount(np.rint(delays).astype(np.int64) % n_samples, structure.echo_gain, n_samples)
    response[0] += 1
    return scipy.fft.rfft(response.astype(np.float32))


def mounting(structure: Structure, f: np.ndarray) -> np.ndarray:
    """Return an accelerometer's mounted resonance: a second-order low-pass, 7 % damped (ISO 5348 on mounting)."""
    ratio = f / structure.mounting_hz
    return 1 / (1 - ratio**2 + 0.14j * ratio)


def root_mean_square(response: np.ndarray) -> float:
    """Return the gain of a response for white noise."""
    return float(np.sqrt(np.mean(np.abs(response) ** 2)))


def hear(
    random: np.random.Generator,
    machine: Machine,
    course: Course,
    forces: np.ndarray,
    responses: np.ndarray,
) -> np.ndarray:
    """Return what the sensors measure, shape (S, N), float32.

    Parameters
    ----------
    forces : ndarray of shape (F, N)
        Float32, all of the same moment.
    responses : ndarray of shape (S, F, K)
        From `transfer`, at the frequencies of a real transform of N samples.

    Notes
    -----
    Filtering is by one circular transform; the caller cuts off the first 0.1 s, into which the end wraps.
    """
    n_samples = forces.shape[1]
    spectra = np.einsum("sfk,fk->sk", responses, scipy.fft.rfft(forces))
    signals = scipy.fft.irfft(spectra + ambient(random, machine, course), n_samples)
    pickup = lookup(pickup_waveform(), course.mains_cycles)
    levels = [amplitude(PICKUP_DB[name] + machine.pickup_db[s]) for s, name in enumerate(SENSORS)]
    signals += np.array(levels, dtype=np.float32)[:, None] * pickup
    return signals


def ambient(random: np.random.Generator, machine: Machine, course: Course) -> np.ndarray:
    """Return the spectra (S, K) of flow and room noise: white up to a corner, falling by 3 dB an octave above.

    A floor of -40 dB stands for the electronics.
    """
    n_samples = len(course.revolutions)
    f = np.arange(n_samples // 2 + 1, dtype=np.float32) * np.float32(course.sampling_rate_hz / n_samples)
    drawn = random.standard_normal((len(SENSORS), len(f), 2), dtype=np.float32).view(np.complex64)[..., 0]
    shape = 1 / (1 + f / machine.ambient_corner_hz[:, None].astype(np.float32))
    shape /= np.sqrt(shape.mean(axis=1, keepdims=True))
    levels = [amplitude(AMBIENT_DB[name] + machine.ambient_db[s]) for s, name in enumerate(SENSORS)]
    gain = np.sqrt(shape) * np.array(levels, dtype=np.float32)[:, None] + np.float32(0.01)
    return drawn * gain * np.float32(np.sqrt(n_samples / 2))


def pickup_waveform() -> np.ndarray:
    """Return one cycle of mains picked up by the cables: the fundamental and odd harmonics."""
    cycle = np.arange(1024) / 1024 * 2 * np.pi
    return np.cos(cycle) + 0.4 * np.cos(3 * cycle + 1) + 0.2 * np.cos(5 * cycle + 2)


def ranged(signals: np.ndarray, machine: Machine, operation: Operation) -> np.ndarray:
    """Bring each sensor's signal (S, N) to a level that its motor and recording drew, whatever the condition.

    Installers range a channel until its level fits; so neither level nor offset tells the class.
    """
    levels_db = machine.level_db + operation.level_db
    target = np.array([RANGE[name] for name in SENSORS]) * 10 ** (levels_db / 20)
    signals = signals - signals.mean(axis=1, keepdims=True)
    unit = signals / signals.std(axis=1, keepdims=True) + machine.offset[:, None]
    return (unit * target[:, None]).astype(np.float32)
