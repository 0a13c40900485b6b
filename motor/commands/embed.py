"""Write the features that a cell's classifier gets of each series, as a table that method `given` reads."""

import argparse
import io
import sys
from pathlib import Path
from typing import Any

from motor.commands.cell import ended, grid_name
from motor.commands.exits import AT_FAULT, OK
from motor.commands.words import add_config, config_in
from motor.features.vectors import FOLD, SUFFIXES, Vectors, write_vectors
from motor.lazy import pandas as pd
from motor.predicting.parts import CellParts
from motor.predicting.stored import find_cells
from motor.stages.described import KNOWN

CELL = "a key or its start, a name such as C/Joint/4096/svm, or best"


def embed(parts: CellParts) -> Vectors:
    """Return the features that a cell's classifier gets of each series: one row for each fold and item.

    Where the folds see the same, as a model that learns nothing from the data does, one row for each item. Otherwise
    the table says which motors each fold's vectors may have learned from, so that no other split tests them.

    Parameters
    ----------
    parts : CellParts
        Whose files are held against their digests.
    """
    frames, learned, saw_labels = list[pd.DataFrame](), dict[str, list[str]](), dict[str, bool]()
    for fold in parts.folds:
        assert fold.features is not None  # of a storage
        table = _features(parts, fold.features)
        learned[fold.name] = sorted(set(table.loc[table["side"] != "test", "motor"]))
        saw_labels[fold.name] = fold.described.saw_labels
        vectors = table.drop(columns=[name for name in KNOWN if name != "item"])
        frames.append(vectors.assign(**{FOLD: fold.name}))
    together = pd.concat(frames, ignore_index=True)
    about: dict[str, Any] = {"cell": parts.key, "name": parts.name}
    once = together.drop(columns=FOLD).drop_duplicates()
    if len(parts.folds) > 1 and once["item"].is_unique:
        return Vectors(Path(), once, {**about, "learned_from": {}})
    return Vectors(Path(), together, {**about, "learned_from": learned, "saw_labels": saw_labels})


def _features(parts: CellParts, file: Path) -> "pd.DataFrame":
    return pd.read_parquet(io.BytesIO(parts.digests.content(file)))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments: the grid, the cell of it, and the file to write."""
    add_config(parser)
    parser.add_argument("--cell", default="best", metavar="KEY", help=f"{CELL} (default: best)")
    parser.add_argument("--to", type=Path, metavar="FILE", help=f"{' or '.join(SUFFIXES)} (default: KEY.parquet)")


def command(arguments: argparse.Namespace) -> int:
    """Write the table, and say how to use it."""

    def use() -> int:
        cells = find_cells(arguments.storage, arguments.cell, grid_name(str(config_in(arguments))))
        if len(cells) > 1:
            named = ", ".join(f"{cell.key} ({cell.name})" for cell in cells)
            print(f"{arguments.cell} is a cell for each domain: {named}; give --cell one of them", file=sys.stderr)
            return AT_FAULT
        target = arguments.to or Path(f"{cells[0].key}.parquet")
        vectors = embed(cells[0].parts())
        write_vectors(vectors, target)
        n_items, by_fold = vectors.table["item"].nunique(), ", by fold" if FOLD in vectors.table else ""
        print(f"Wrote {target}: vectors of {n_items} items{by_fold}.")
        print(f"Compare by them: features.given.path={target}, method given (docs/given.md)")
        return OK

    return ended(use)
