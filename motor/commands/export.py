"""Write one folder that predicts without Ray and without this project."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from motor.commands.cell import add_cell, ended, find_cell
from motor.commands.exits import AT_FAULT, OK
from motor.predicting import exporting
from motor.predicting.parts import CellParts


@dataclass(frozen=True)
class Exported:
    """A folder that was written: which cells it has, and the SHA-256 of its ``model.json``."""

    folder: Path
    cells: tuple[str, ...]
    digest: str


def export(parts: Sequence[CellParts], target: Path | None = None) -> Exported:
    """Write a folder with all that some cells need.

    Parameters
    ----------
    parts : sequence of CellParts
        As of `motor.commands.cell.find_cell`.
    target : Path, optional
        The folder, which must not be there yet; by default ``exported-<key>``.

    Raises
    ------
    motor.predicting.exporting.ExportError
        If something stands there, or the cells are of an exported folder.
    """
    target = target or Path(f"exported-{parts[0].key}")
    return Exported(target, tuple(cell.name for cell in parts), exporting.export(parts, target))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments: the cell, and the folder to write."""
    add_cell(parser)
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="default: exported-KEY")


def command(arguments: argparse.Namespace) -> int:
    """Export, and print how to use it."""

    def use() -> int:
        try:
            done = export(find_cell(arguments.cell, arguments.storage, arguments.config), arguments.to)
        except exporting.ExportError as error:
            print(error, file=sys.stderr)
            return AT_FAULT
        print(f"Exported {', '.join(done.cells)} to {done.folder}")
        print(f"It predicts without Ray: python {done.folder / 'predict.py'} RECORDINGS")
        print(f"SHA-256 of model.json, for --digest: {done.digest}")
        return OK

    return ended(use)
