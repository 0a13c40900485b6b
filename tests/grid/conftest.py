"""The toy grid as a module, and an empty store."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from grid.store import Store


@pytest.fixture(scope="session")
def toy() -> ModuleType:
    """The toy stages; test files are importable by nobody, so by path."""
    path = Path(__file__).with_name("toy_grid.py")
    specification = importlib.util.spec_from_file_location("toy_grid", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["toy_grid"] = module  # dataclasses look their module up
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")
