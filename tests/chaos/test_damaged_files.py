"""Truncated and bit-flipped files: each is named, none is used, all are rebuilt, and the numbers are the same."""

import random
import shutil
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.chaos
SHORT, LONG = 5, 20
MANIFEST = "manifest.json"
ALWAYS = ("record.json", MANIFEST, "model.safetensors")  # one of each, whatever else is drawn
CHECKPOINTS_SHORT, CHECKPOINTS_LONG = 1, 4


def damage(file: Path, random_numbers: random.Random) -> str:
    """Cut a file short, or flip one bit of it; return what was done.

    At least two bytes are cut: JSON that ends without its last line break says the same.
    """
    content = bytearray(file.read_bytes())
    if random_numbers.random() < 0.5 and len(content) > 2:
        length = random_numbers.randrange(len(content) - 1)
        file.write_bytes(content[:length])
        return f"cut to {length} of {len(content)} bytes"
    bit = random_numbers.randrange(8 * len(content))
    content[bit // 8] ^= 1 << bit % 8
    file.write_bytes(content)
    return f"bit {bit} of {8 * len(content)} flipped"


def drawn(folders: dict[str, Path], count: int, random_numbers: random.Random) -> list[Path]:
    """Draw files of stages, no two of one stage as long as there are others.

    Without a stage's manifest nothing can be said of its other files: where that one is drawn, no other is.
    """
    stages = random_numbers.sample(sorted(folders), len(folders))
    chosen: list[Path] = []
    names = list(ALWAYS)
    for folder in (folders[stage] for stage in cycle(stages)):
        if len(chosen) == count:
            break
        former = [path.name for path in chosen if path.is_relative_to(folder)]
        if MANIFEST in former:
            continue
        files = sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size > 0)
        files = [path for path in files if path not in chosen and not (former and path.name == MANIFEST)]
        always = next((path for path in files if path.name in names), None)
        chosen.append(always or random_numbers.choice(files))
        if always is not None:
            names.remove(always.name)
    return chosen


@pytest.fixture
def copied(undisturbed: Any, make_storage: Callable[[str], Path]) -> Path:
    """A storage like the undisturbed one."""
    storage = make_storage("copied")
    shutil.copytree(undisturbed.storage, storage, symlinks=True)
    return storage


def test_damaged_files_are_named_by_verify_and_their_stages_alone_are_rebuilt(
    chaos: ModuleType,
    config: Path,
    undisturbed: Any,
    copied: Path,
    report: Callable[[str], None],
    seed: int,
    is_long: bool,
) -> None:
    random_numbers = random.Random(seed)
    before = chaos.builds(copied)
    folders = chaos.stage_folders(copied)
    of_folder = {folder: stage for stage, folder in folders.items()}
    damaged = set()
    unnamed = []
    files = drawn(folders, LONG if is_long else SHORT, random_numbers)
    done = {file: damage(file, random_numbers) for file in files}
    verified = chaos.Launch(copied, ["--verify", "--storage", str(copied)], {})
    assert verified.end() == 1, verified.said()
    for file, what in done.items():
        folder = next(parent for parent in file.parents if parent in of_folder)
        damaged.add(of_folder[folder])
        place = file.relative_to(copied)
        # A manifest with another name or digest in it says that of another file.
        expected = str(folder.relative_to(copied)) if file.name == MANIFEST else str(place)
        unnamed += [] if expected in verified.said() else [str(place)]
        report(f"damaged {place}: {what}; {'not named' if unnamed[-1:] == [str(place)] else 'named'}")
    assert unnamed == [], verified.said()
    again = chaos.finish(config, copied)
    assert chaos.differences(undisturbed.fingerprint, chaos.fingerprint(copied)) == []
    after = chaos.builds(copied)
    assert {stage for stage in before if after[stage] != before[stage]} == damaged, again.said()
    assert chaos.left_behind(copied) == []
    assert chaos.Launch(copied, ["--verify", "--storage", str(copied)], {}).end() == 0


def test_damaged_input_is_met_by_the_run_that_needs_it_and_not_used(
    chaos: ModuleType, config: Path, undisturbed: Any, copied: Path, report: Callable[[str], None], seed: int
) -> None:
    random_numbers = random.Random(seed + 1)
    for folder in chaos.stage_folders(copied).values():
        if folder.parent.name == "classify":
            shutil.rmtree(folder)
        elif folder.parent.name in ("features", "learn"):
            file = folder / "features.parquet"
            report(f"damaged input {file.relative_to(copied)}: {damage(file, random_numbers)}")
    launched = chaos.finish(config, copied)
    assert launched.said().count("features.parquet") >= 2, launched.said()
    assert chaos.differences(undisturbed.fingerprint, chaos.fingerprint(copied)) == []
    assert chaos.left_behind(copied) == []


def test_damaged_checkpoint_is_named_in_the_log_and_not_used(
    chaos: ModuleType,
    config: Path,
    undisturbed: Any,
    make_storage: Callable[[str], Path],
    report: Callable[[str], None],
    seed: int,
    is_long: bool,
) -> None:
    random_numbers = random.Random(seed + 2)
    for number in range(CHECKPOINTS_LONG if is_long else CHECKPOINTS_SHORT):
        storage = make_storage(f"checkpoint-{number}")
        file = killed_after_a_checkpoint(chaos, config, storage)
        report(f"damaged {file.relative_to(storage)}: {damage(file, random_numbers)}")
        chaos.finish(config, storage)
        log = (storage / "logs" / f"{file.parent.name}.log").read_text(encoding="utf-8")
        assert f"{file} is damaged" in log
        assert chaos.differences(undisturbed.fingerprint, chaos.fingerprint(storage)) == []
        assert chaos.left_behind(storage) == []


def killed_after_a_checkpoint(chaos: ModuleType, config: Path, storage: Path) -> Path:
    """Return the checkpoint of a fine-tune whose launch was killed, all its processes at once."""
    launched = chaos.launch(config, storage)
    while not (found := list((storage / "unfinished").glob("finetune-*/checkpoint.pt"))):
        assert launched.poll() is None, launched.said()
        time.sleep(0.02)
    chaos.kill_all(storage)
    launched.end()
    assert chaos.await_silence(storage) == []
    return found[0]
