"""The small grid as a module, its config, and the numbers of a run that nobody disturbed."""

import importlib.util
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest


def _load(name: str) -> ModuleType:
    """Load a neighbour by path: test files are importable by nobody."""
    specification = importlib.util.spec_from_file_location(f"chaos_{name}", Path(__file__).with_name(f"{name}.py"))
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[f"chaos_{name}"] = module
    specification.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Undisturbed:
    """A storage that nobody disturbed, how long its launch took, and what it came to."""

    storage: Path
    seconds: float
    fingerprint: dict[str, str]


@pytest.fixture(scope="session")
def chaos() -> ModuleType:
    """``tests/chaos/grid.py``: launches of the small grid, their processes, what they came to and what they left."""
    return _load("grid")


@pytest.fixture(scope="session")
def watching(chaos: ModuleType) -> ModuleType:
    """``tests/chaos/watching.py``: what happens in a storage while it is worked on."""
    return _load("watching")


@pytest.fixture(scope="session")
def cluster(chaos: ModuleType) -> ModuleType:
    """``tests/chaos/cluster.py``: clusters whose nodes can be killed."""
    return _load("cluster")


@pytest.fixture(scope="session")
def is_long() -> bool:
    """Whether the long form is asked for, by ``CHAOS=long``."""
    asked = os.environ.get("CHAOS", "short")
    if asked not in ("short", "long"):
        raise ValueError(f"CHAOS is {asked!r}; it may be 'short' (the default) or 'long'")
    return asked == "long"


@pytest.fixture(scope="session")
def seed() -> int:
    """Of all moments, files and bits that are drawn; CHAOS_SEED draws the same ones again."""
    given = os.environ.get("CHAOS_SEED")
    return int(given) if given else int.from_bytes(os.urandom(3))


@pytest.fixture(scope="session")
def report(seed: int) -> Callable[[str], None]:
    """Give a function that keeps a line of what was done: in the test's output, and in the file CHAOS_REPORT."""
    file = os.environ.get("CHAOS_REPORT")

    def add(line: str) -> None:
        print(line, flush=True)
        if file:
            with Path(file).open("a", encoding="utf-8") as stream:
                stream.write(f"{line}\n")

    add(f"CHAOS_SEED={seed}")
    return add


@pytest.fixture(scope="session")
def config(chaos: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The config of the small grid."""
    return chaos.write_config(tmp_path_factory.mktemp("config"))


@pytest.fixture
def make_storage(chaos: ModuleType, tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Give a function that names a new storage; what its launches leave running is killed at the end."""
    made: list[Path] = []

    def make(name: str = "storage") -> Path:
        made.append(tmp_path / name)
        return made[-1]

    yield make
    for storage in made:
        chaos.clean(storage)


@pytest.fixture(scope="session")
def undisturbed(
    chaos: ModuleType, config: Path, tmp_path_factory: pytest.TempPathFactory, report: Callable[[str], None]
) -> Iterator[Undisturbed]:
    """The small grid as nobody disturbed it."""
    storage = tmp_path_factory.mktemp("undisturbed") / "storage"
    launched = chaos.finish(config, storage)
    seconds = time.monotonic() - launched.began
    report(f"undisturbed: {seconds:.1f} s, {len(chaos.stage_folders(storage))} stages")
    yield Undisturbed(storage, seconds, chaos.fingerprint(storage))
    chaos.clean(storage)
