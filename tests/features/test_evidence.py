"""Evidence names what was planted in simulated machines, and seldom accuses a healthy one."""

from collections.abc import Iterator

import numpy as np
import pytest
from scipy.signal import resample

from benchmarks.plants import CLASSES, FULL_RATE_HZ, PLANTS, Built, Plant
from motor.features.evidence import strongest_lines

FAULTS = CLASSES[1:]


def machines(plant: Plant, label: str, count: int) -> Iterator[tuple[np.ndarray, float]]:
    """Yield one recording, at the plant's rate, and the speed of so many machines."""
    for number in range(count):
        random = np.random.default_rng((11, plant.seed, CLASSES.index(label), number))
        built = Built.draw(random, plant)
        signal = built.signal(random, plant, label, built.speed_rpm)
        yield resample(signal, round(signal.size * plant.rate_hz / FULL_RATE_HZ)), built.speed_rpm


def named_and_accused(plants: list[Plant], n_faulty: int, n_healthy: int) -> tuple[float, float]:
    """Return the share of faulty recordings whose part is named, and of healthy ones with a line that accuses."""
    named, accused = [], []
    for plant in plants:
        for label in CLASSES:
            for signal, speed_rpm in machines(plant, label, n_healthy if label == "normal" else n_faulty):
                lines = strongest_lines(signal, plant.rate_hz, speed_rpm, plant.machine.components(speed_rpm))
                if label == "normal":
                    accused.append(any(line.accuses for line in lines))
                else:
                    named.append(any(line.component == label and line.stands_out for line in lines))
    return float(np.mean(named)), float(np.mean(accused))


def test_evidence_names_the_planted_part_of_a_few_machines() -> None:
    named, accused = named_and_accused([next(iter(PLANTS.values()))], n_faulty=2, n_healthy=4)
    assert named == 1.0
    assert accused == 0.0


@pytest.mark.slow
def test_evidence_names_90_of_100_faults_and_accuses_5_of_100_healthy_machines() -> None:
    named, accused = named_and_accused(list(PLANTS.values()), n_faulty=9, n_healthy=25)
    assert named >= 0.90
    assert accused <= 0.05


def struck(order: float) -> np.ndarray:
    """Return a resonance at 2 kHz that is struck `order` times a turn of 25 Hz, in noise, at 12.8 kHz."""
    time = np.arange(12800) / 12800
    since = time % (1 / 25 / order)
    return np.exp(-500 * since) * np.sin(2 * np.pi * 2000 * since) + 0.1 * np.random.default_rng(0).normal(size=12800)


def test_evidence_of_a_struck_part_has_its_order_hertz_and_height() -> None:
    first = strongest_lines(struck(3.56), 12800, 1500, {"shaft": 1.0, "outer_race": 3.58, "inner_race": 5.42})[0]
    assert (first.component, first.stands_out) == ("outer_race", True)
    assert first.order == pytest.approx(3.56, abs=0.03)
    assert first.hertz == pytest.approx(3.56 * 25, abs=0.75)
    assert first.height_db > 15


def test_evidence_of_a_line_that_no_part_makes_names_none() -> None:
    first = strongest_lines(struck(4.37), 12800, 1500, {"shaft": 1.0, "outer_race": 3.58, "inner_race": 5.42})[0]
    assert (first.component, first.accuses) == (None, True)
    assert first.order == pytest.approx(4.37, abs=0.03)


def test_evidence_of_a_shaft_does_not_accuse() -> None:
    noise = np.random.default_rng(0).normal(size=12800)
    tone = 3 * np.sin(2 * np.pi * 25 * np.arange(12800) / 12800)
    shaft = next(line for line in strongest_lines(noise + tone, 12800, 1500, {"shaft": 1.0}) if line.component)
    assert (shaft.component, shaft.stands_out, shaft.accuses) == ("shaft", True, False)


def test_evidence_of_less_than_two_turns_is_none() -> None:
    assert strongest_lines(struck(3.56)[:1000], 12800, 1500, {"shaft": 1.0}) == ()
