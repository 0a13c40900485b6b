"""Recordings of simulated universal motors: healthy, with sparking brushes, or vibrating; see docs/simulator.md."""

from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from threading import Lock
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from motor.lazy import scipy
from motor.recordings.fields import Value
from motor.recordings.readers.base import Reader, Source
from motor.recordings.readers.simulator.condition import STATES, draw_condition, draw_operation
from motor.recordings.readers.simulator.forces import brush_force, impact_force, rotor_force, run
from motor.recordings.readers.simulator.machine import Machine, draw_machine
from motor.recordings.readers.simulator.sensors import hear, ranged, transfer
from motor.recordings.signals import MOST_SAMPLES

# Cut from the start of what is computed: filtering is circular, and in 0.1 s each mode and echo has died away.
SETTLING_SECONDS = 0.1
# Kinds of random streams; each recording's is (seed, kind, motor, recording), so none depends on how many there are.
ORDER, BUILD, CONDITION, OPERATION, NOISE = range(5)


class Simulator(Reader):
    """A plant of universal motors, heard by a microphone and an accelerometer at the same time.

    Attributes
    ----------
    path : str
        Not needed, for there are no files.
    classes : tuple of str
        Names of the healthy, the sparking and the vibrating state, in this order.
    domains : tuple of str
        Names of the microphone and the accelerometer, in this order.
    motors_per_class : int
        Number of motors is this times the number of classes.
    recordings_per_motor : int
        Moments recorded at each motor (for each of its labels); each gives one recording a sensor.
    labels_per_motor : {"one", "all"}
        A motor keeps its condition, as in a plant, or is recorded in all three, as on a rig.
    sampling_rate_hz : float
        Of both sensors.
    n_samples : int
        Length of a recording.
    difficulty : float
        From 0 (faults stand out) to 1 (they hardly differ from healthy motors).
    speed_rpm : tuple of float
        Range of rated speeds.
    mains_hz : float
        Frequency of the supply.
    seed : int
        Motor m's recording k is a function of the seed, m and k (and of the settings above) alone.
    """

    kind: Literal["simulator"] = "simulator"
    path: str = Field(default="", exclude=True)
    classes: tuple[str, str, str] = ("normal", "spark", "vibrate")
    domains: tuple[str, str] = ("ShengYing", "ZhenDong")
    motors_per_class: int = Field(default=8, ge=1, le=1_000_000)
    recordings_per_motor: int = Field(default=2, ge=1, le=1_000_000)
    labels_per_motor: Literal["one", "all"] = "one"
    sampling_rate_hz: float = Field(default=65536.0, ge=2000, le=100_000_000)
    n_samples: int = Field(default=65536, ge=64, le=MOST_SAMPLES)
    difficulty: float = Field(default=0.5, ge=0, le=1)
    speed_rpm: tuple[float, float] = (3000.0, 12000.0)
    mains_hz: float = Field(default=50.0, gt=0)
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _check_speed(self) -> "Simulator":
        low, high = self.speed_rpm
        if not 0 < low <= high:
            raise ValueError(f"speed_rpm {self.speed_rpm}: the first has to be above 0 and at most the second")
        return self

    def files(self) -> list[Path]:
        """Return nothing: all that decides the recordings stands in the settings."""
        return []

    def known_length(self) -> tuple[int | None, float | None]:
        """Return the samples of every series and their rate; see `Reader.known_length`."""
        return self.series_length or self.n_samples, self.sampling_rate_hz

    def sources(self) -> Iterator[Source]:
        """Yield both sensors of each moment, motor by motor."""
        for motor in range(self.n_motors()):
            yield from self.sources_of(motor)

    def n_motors(self) -> int:
        """Return how many motors there are."""
        return self.motors_per_class * len(self.classes)

    def sources_of(self, motor: int) -> Iterator[Source]:
        """Yield both sensors of each moment of one motor, counted from 0."""
        machine = draw_machine(self._stream(BUILD, motor), self.speed_rpm, self.sampling_rate_hz)
        responses = _once(partial(transfer, machine.structure, self._frequencies()))
        for recording, label in enumerate(self._labels(motor)):
            yield from self._moment(motor, recording, label, machine, responses)

    def _moment(
        self, motor: int, recording: int, label: str, machine: Machine, responses: Callable[[], np.ndarray]
    ) -> Iterator[Source]:
        """Yield the sensors' sources of one moment; its signals are computed once, when the first is loaded."""
        operation = draw_operation(self._stream(OPERATION, motor, recording), machine, self.mains_hz)
        course = run(operation, self._n_computed(), self.sampling_rate_hz)
        state = self.classes.index(label)
        condition = draw_condition(self._stream(CONDITION, motor, state), machine, STATES[state], self.difficulty)

        def compute() -> np.ndarray:
            random = self._stream(NOISE, motor, recording)
            impacts = impact_force(random, machine, condition, course)
            brush = brush_force(random, machine, condition, course)
            forces = np.stack([rotor_force(machine, condition, course), impacts, brush])
            heard = hear(random, machine, course, forces, responses())
            return ranged(heard[:, -self.n_samples :], machine, operation)

        signals = _once(compute)
        name = f"motor_{motor:03d}"
        moment = f"{name}-{recording:02d}"
        speed_rpm = 60 * course.mean_speed_hz(self.n_samples)
        own: dict[str, Value] = {"motor": name, "label": label, "moment": moment, "speed_rpm": speed_rpm}
        for sensor, domain in enumerate(self.domains):
            load = partial(self._load_sensor, signals, sensor)
            yield Source(f"{moment}-{domain}", f"simulator, {moment}", load, own={**own, "domain": domain})

    def _load_sensor(self, signals: Callable[[], np.ndarray], sensor: int) -> tuple[np.ndarray, float | None]:
        """Return one sensor's signal out of a moment's."""
        return signals()[sensor], self.sampling_rate_hz

    def _labels(self, motor: int) -> list[str]:
        """Return the label of each recording of a motor.

        Motors get their classes in shuffled rounds, so neither order nor the number of motors tells the class.
        """
        round_number, place = divmod(motor, len(self.classes))
        if self.labels_per_motor == "all":
            order = self._stream(ORDER, motor, 1).permutation(len(self.classes))
        else:
            order = self._stream(ORDER, round_number).permutation(len(self.classes))[place : place + 1]
        return [self.classes[k] for k in order for _ in range(self.recordings_per_motor)]

    def _stream(self, kind: int, motor: int, recording: int = 0) -> np.random.Generator:
        """Return the random stream of one purpose."""
        return np.random.default_rng((self.seed, kind, motor, recording))

    def _n_computed(self) -> int:
        """Return how many samples are computed: with the settling, a length that transforms fast."""
        return scipy.fft.next_fast_len(self.n_samples + int(SETTLING_SECONDS * self.sampling_rate_hz), real=True)

    def _frequencies(self) -> np.ndarray:
        """Return the frequencies of the transform, in Hz."""
        return np.fft.rfftfreq(self._n_computed(), 1 / self.sampling_rate_hz)


def _once(compute: Callable[[], np.ndarray]) -> Callable[[], np.ndarray]:
    """Return a function that computes at its first call alone, also when threads call it at once."""
    lock, stored = Lock(), cache(compute)

    def get() -> np.ndarray:
        with lock:
            return stored()

    return get


PLUGIN = Simulator
