"""What tests of stages read out of their folders."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest


@pytest.fixture(scope="session")
def files_of() -> Callable[[Path], set[str]]:
    """Return the files of a stage's folder, without what the store itself adds; event files by their folder."""

    def find(folder: Path) -> set[str]:
        names = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
        events = {name for name in names if "tfevents" in name}
        kept = names - events - {"manifest.json", "record.json", "provenance.json"}
        return kept | {f"{Path(name).parent}/" for name in events}

    return find


@pytest.fixture(scope="session")
def sides_of() -> Callable[[Any], dict[str, str]]:
    """Return the side of each motor in the one fold of a built experiment."""

    def find(tiny: Any) -> dict[str, str]:
        table = pd.read_csv(tiny.folder(tiny.stages("prepare")[0]) / "split.csv", dtype=str)
        return dict(zip(table["motor"], table["side"], strict=True))

    return find


@pytest.fixture(scope="session")
def features_of() -> Callable[..., pd.DataFrame]:
    """Return the table of features behind a cell, by item."""

    def read(tiny: Any, cell: str) -> pd.DataFrame:
        stage = tiny.cell(cell).features[0]
        return pd.read_parquet(tiny.folder(stage) / "features.parquet").set_index("item", drop=False)

    return read
