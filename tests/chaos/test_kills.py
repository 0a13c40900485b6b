"""``kill -9`` at random moments, each followed by the same command: the same numbers, nothing done twice."""

import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.chaos
SHORT, LONG = 3, 100
LONG_ENOUGH_TO_BE_CAUGHT = 150  # steps: on a fast machine 40 are over soon after the first checkpoint


@dataclass
class Kills:
    """Kills that are left to be spent: of driver, worker and raylet in turn, at moments all over a launch's life.

    Moments are shares of a launch's life; that of one that has all to do is measured again wherever one gets through.
    """

    chaos: ModuleType
    watching: ModuleType
    config: Path
    report: Callable[[str], None]
    life_s: float
    moments: list[float]
    spent: int = 0
    faults: list[str] = field(default_factory=list)

    def is_spent(self) -> bool:
        return self.spent == len(self.moments)

    def go_through(self, storage: Path, expected: dict[str, str]) -> None:
        """Disturb one grid until it is complete; keep what is then wrong with it."""
        with self.watching.Watch(storage) as watch:
            status = self._disturb(storage)
            if status != 0:
                self.chaos.finish(self.config, storage)
        found = watch.faults() + self.chaos.differences(expected, self.chaos.fingerprint(storage))
        found += [f"left behind: {left}" for left in self.chaos.left_behind(storage)]
        self.report(f"  complete after {self.spent} kills; went on from {watch.resumed}; {found or 'as it should be'}")
        self.faults += found
        if not found:
            shutil.rmtree(storage)

    def _disturb(self, storage: Path) -> int | None:
        """Launch and kill, and launch again, until a launch gets through or no kill is left."""
        status, first = None, self.spent
        while not self.is_spent():
            launched = self.chaos.launch(self.config, storage)
            kind = self.watching.VICTIMS[self.spent % 3]
            moment_s = self.moments[self.spent] * self.life_s * self.chaos.life_left(storage)
            victim = self.watching.strike(kind, launched, moment_s)
            if victim is None:  # it had ended before
                self.life_s = time.monotonic() - launched.began if self.spent == first else self.life_s
                self.moments[self.spent] *= 0.8  # too late: at a launch's very end no worker is left to be killed
                break
            self.spent += 1
            began = time.monotonic()
            status = launched.end(self.chaos.END_S if kind == "worker" else self.chaos.LETS_GO_S)
            took = time.monotonic() - began
            self.report(f"kill {self.spent}, {storage.name}: {victim}; exit status {status}, {took:.1f} s later")
            if kind == "worker" and status != 0:
                self.faults.append(f"a worker's death ended the launch with {status}:\n{launched.said()}")
            if status == 0:
                break
        else:
            return status
        status = launched.end()
        self.faults += [] if status == 0 else [f"a launch that was let alone ended with {status}:\n{launched.said()}"]
        return status


def moments(count: int, seed: int) -> list[float]:
    """Draw one moment in each of `count` equal parts of a life, in random order."""
    random_numbers = random.Random(seed)
    drawn = [(part + random_numbers.random()) / count for part in range(count)]
    random_numbers.shuffle(drawn)
    return drawn


def test_grid_killed_at_random_moments_ends_with_the_numbers_of_the_undisturbed_run(
    chaos: ModuleType,
    watching: ModuleType,
    config: Path,
    undisturbed: Any,
    make_storage: Callable[[str], Path],
    report: Callable[[str], None],
    seed: int,
    is_long: bool,
) -> None:
    drawn = moments(LONG if is_long else SHORT, seed)
    kills = Kills(chaos, watching, config, report, undisturbed.seconds, drawn)
    number = 0
    while not kills.is_spent():
        number += 1
        kills.go_through(make_storage(f"kills-{number}"), undisturbed.fingerprint)
    assert not kills.faults, "\n".join(kills.faults)


def test_fine_tune_whose_worker_is_killed_goes_on_from_its_last_checkpoint_in_the_same_launch(
    chaos: ModuleType,
    watching: ModuleType,
    config: Path,
    make_storage: Callable[[str], Path],
    report: Callable[[str], None],
) -> None:
    words = [f"finetune.num_steps={LONG_ENOUGH_TO_BE_CAUGHT}", "--only", "method=C_two_stage"]
    calm, storage = make_storage("calm"), make_storage("fine-tune")
    launched = chaos.run(config, calm, *words)
    assert launched.returncode == 0, launched.said()
    with watching.Watch(storage) as watch:
        launched = chaos.launch(config, storage, *words)
        while not (checkpoints := list(storage.glob("unfinished/finetune-*/**/checkpoint.pt"))):
            assert launched.poll() is None, launched.said()
            time.sleep(0.02)
        stage = checkpoints[0].relative_to(storage / "unfinished").parts[0]
        victim = watching.strike("worker", launched, 0, "ray::finetune ")
        assert victim is not None, f"{stage} had ended before its worker could be killed"
        assert launched.end() == 0, launched.said()
    report(f"{victim}; {stage} had a checkpoint, and went on from {watch.resumed.get(stage)}")
    assert watch.faults() == []
    assert watch.resumed.get(stage), f"{stage} began anew"
    assert watch.resumed[stage][0] >= chaos.CHECKPOINT_EVERY
    assert chaos.differences(chaos.fingerprint(calm), chaos.fingerprint(storage)) == []
    assert chaos.left_behind(storage) == []
