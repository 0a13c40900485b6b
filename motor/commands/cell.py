"""Find the trained cell that `predict`, `export` and `serve` are asked for."""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grid.store.store import StoreError
from motor.commands.exits import AT_FAULT, SOME_FAILED
from motor.commands.words import add_storage
from motor.lazy import yaml
from motor.predicting.parts import CellParts, PartError
from motor.predicting.predictor import parts_of
from motor.predicting.stored import CellError

if TYPE_CHECKING:
    from motor.looping.loop import Loop

CELL = "a key or its start, a name such as C/Joint/4096/svm, best, LOOP@champion, or a folder that was exported"
ALIAS = "@"  # between a loop and the name of one of its model versions


def add_cell(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name a trained cell and the storage that it lies in."""
    parser.add_argument("--cell", required=True, metavar="KEY", help=CELL)
    parser.add_argument("--config", metavar="NAME", help="the grid whose cell is meant: its config or its name")
    add_storage(parser)


def find_cell(
    cell: str, storage: str | Path, config: str | None = None, domain: str | None = None, digest: str | None = None
) -> list[CellParts]:
    """Return where the files of a trained cell lie: of one, of one for each domain, or of an exported folder.

    Parameters
    ----------
    cell : str
        A key or its start, a name, ``best``, or an exported folder.
    storage : str or Path
    config : str, optional
        The grid whose cell is meant: its config or its name.
    domain : str, optional
        With one domain asked for, the model of another need not be loaded.
    digest : str, optional
        SHA-256 of an exported folder's ``model.json``.

    Raises
    ------
    CellError
        If no cell, or more than one, is meant.
    PartError
        If a part is missing, damaged, or not the one that was written.
    """
    given = Path(cell)
    if (given / "model.json").is_file():
        return parts_of(given, "", None, digest=digest)
    return parts_of(storage, meant(cell, storage), grid_name(config), domain)


def meant(cell: str, storage: str | Path) -> str:
    """Return the key of the cell that ``LOOP@ALIAS`` names now; any other name of a cell is returned as it is.

    Raises
    ------
    CellError
        If there is no such loop, or it has no model of that name.
    """
    if ALIAS not in cell:
        return cell
    loop, version = find_version(cell, storage)
    loop.database.close()
    return str(version["cell"])


def find_version(cell: str, storage: str | Path) -> tuple["Loop", Mapping[str, Any]]:
    """Return the loop and the model version that ``LOOP@ALIAS`` names; the loop's database is open.

    Raises
    ------
    CellError
        If there is no such loop, or it has no model of that name.
    """
    from motor.looping.iterations import aliases  # SQLAlchemy, which no other cell needs
    from motor.looping.loop import LoopError, open_loop

    name, _, alias = cell.partition(ALIAS)
    try:
        loop = open_loop(Path(storage).absolute(), name)
        known = aliases(loop.database)
    except LoopError as error:
        raise CellError(str(error)) from error
    if alias not in known:
        loop.database.close()
        there = ", ".join(known) or "none yet"
        raise CellError(
            f"loop {name!r} has no model called {alias!r}; there are: {there}; give one that name: "
            f"python launch.py loop promote {name} --as {alias}"
        )
    return loop, known[alias]


def ended(use: Callable[[], int]) -> int:
    """Run what uses a cell and return its exit status; where no cell can be used, say why and return that status."""
    try:
        return use()
    except CellError as error:
        print(error, file=sys.stderr)
        return AT_FAULT
    except (PartError, StoreError, OSError) as error:
        print(error, file=sys.stderr)
        return SOME_FAILED


def grid_name(config: str | None) -> str | None:
    """Return the name of a grid's results: what its config says, else the file's name."""
    if config is None:
        return None

    path = Path(config)
    if path.is_file():
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
        return str(settings["name"]) if isinstance(settings, dict) and settings.get("name") else path.stem
    return path.name.removesuffix(".yaml").removesuffix(".yml")
