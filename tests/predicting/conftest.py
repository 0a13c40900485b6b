"""Cells of the tiny experiment, and the files that they were trained on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

CELLS = ("A/Joint/64/lda", "B/Joint/64/lda", "C/Joint/64/lda", "A/ShengYing/64/lda", "A/ZhenDong/64/lda")


@pytest.fixture(scope="session")
def storage(tiny_built: Any) -> Path:
    """A storage with results as a launch lays them out, as far as a prediction looks at them."""
    root = tiny_built.store.root
    folders = []
    for name in CELLS:
        folder = root / "results" / "tiny" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "metrics.json").symlink_to(tiny_built.folder(tiny_built.cell(name)) / "metrics.json")
        folders.append(name)
    pd.DataFrame({"folder": folders}).to_csv(root / "results" / "tiny" / "cells.csv", index=False)
    return root


@pytest.fixture(scope="session")
def judged(tiny_built: Any) -> Callable[[str], pd.DataFrame]:
    """Return what a cell said of its test series when it was built, by item."""

    def read(name: str) -> pd.DataFrame:
        table = pd.read_csv(tiny_built.folder(tiny_built.cell(name)) / "predictions.csv")
        return table.set_index("item").sort_index()

    return read


@pytest.fixture(scope="session")
def joint(storage: Path) -> Any:
    """A predictor of both sensors, by residuals."""
    from motor.predicting import Predictor

    return Predictor.load(storage, "A/Joint/64/lda")


@pytest.fixture(scope="session")
def two_files(tiny_data: Path) -> list[Path]:
    """One recording of each sensor, of two motors."""
    return [sorted(tiny_data.glob("ShengYing/*/*.npy"))[0], sorted(tiny_data.glob("ZhenDong/*/*.npy"))[-1]]
