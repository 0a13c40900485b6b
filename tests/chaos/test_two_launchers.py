"""Two launchers started together on one storage: they finish the grid, and each stage is built once."""

import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.chaos
SHORT, LONG = 1, 5


def test_two_launchers_started_together_build_each_stage_once(
    chaos: ModuleType,
    watching: ModuleType,
    config: Path,
    undisturbed: Any,
    make_storage: Callable[[str], Path],
    report: Callable[[str], None],
    is_long: bool,
) -> None:
    for number in range(LONG if is_long else SHORT):
        storage = make_storage(f"shared-{number}")
        with watching.Watch(storage) as watch:
            both = [chaos.launch(config, storage) for _ in range(2)]
            statuses = [launched.end() for launched in both]
        assert statuses == [0, 0], "\n".join(launched.said() for launched in both)
        assert watch.faults() == []
        assert {stage: len(drafts) for stage, drafts in watch.drafts.items() if len(drafts) != 1} == {}
        assert chaos.differences(undisturbed.fingerprint, chaos.fingerprint(storage)) == []
        assert chaos.left_behind(storage) == []
        report(f"two launchers: {builders(chaos, storage)} stages built by each")


def test_launcher_whose_partner_is_killed_finishes_alone(
    chaos: ModuleType,
    watching: ModuleType,
    config: Path,
    undisturbed: Any,
    make_storage: Callable[[str], Path],
    report: Callable[[str], None],
    seed: int,
    is_long: bool,
) -> None:
    if not is_long:
        pytest.skip("the long form: CHAOS=long")
    random_numbers = random.Random(seed)
    for number in range(LONG):
        storage = make_storage(f"left-alone-{number}")
        with watching.Watch(storage) as watch:
            alone, partner = [chaos.launch(config, storage) for _ in range(2)]
            victim = watching.strike("driver", partner, random_numbers.uniform(0.3, 1) * undisturbed.seconds)
            assert alone.end() == 0, alone.said()
            partner.end()
        assert watch.faults() == []
        assert chaos.differences(undisturbed.fingerprint, chaos.fingerprint(storage)) == []
        chaos.finish(config, storage)  # sweeps what the dead one left
        assert chaos.left_behind(storage) == []
        report(f"two launchers, {victim or 'none was killed'}: {builders(chaos, storage)} stages built by each")


def builders(chaos: ModuleType, storage: Path) -> list[int]:
    """Return how many stages each launch has built, by what the stages' provenance says."""
    files = [folder / "provenance.json" for folder in chaos.stage_folders(storage).values()]
    launches = Counter(json.loads(file.read_text(encoding="utf-8"))["launch"] for file in files)
    return sorted(launches.values())
