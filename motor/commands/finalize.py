"""Train a grid's chosen recipe on every motor, and write it as a folder that predicts."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from grid.plan.plan import Cell, describe, make_plan
from motor.commands.cell import ended
from motor.commands.exits import AT_FAULT, INTERRUPTED, OK, SOME_FAILED
from motor.commands.grid import Grid
from motor.commands.run import check_fits
from motor.commands.words import ROOT, add_config, grid_in
from motor.experiment.cells import resources_of
from motor.experiment.final import final_of
from motor.predicting.exported import MODEL
from motor.predicting.exporting import ExportError, export, model_facts
from motor.predicting.parts import PartError
from motor.predicting.results import Results
from motor.predicting.stored import CellError, StoredCell, find_cells
from motor.registry.sources import packages_of
from motor.stages.final import Final

if TYPE_CHECKING:
    from grid.run.run import Outcome

CELL = "a key or its start, a name such as C/Joint/4096/svm, or best"


@dataclass(frozen=True)
class Finalized:
    """The outcome of finalizing a recipe: the folder, and what was built for it.

    Attributes
    ----------
    folder : Path
        Which predicts, unless something failed.
    n_built : int
        Stages that were built for it now.
    outcome : Outcome or None
        None where no stage was missing.
    is_new : bool
        Whether the folder was written now.
    """

    folder: Path
    n_built: int = 0
    outcome: "Outcome | None" = None
    is_new: bool = False


def finalize(
    grid: Grid, cells: Sequence[StoredCell], target: Path | None = None, address: str | None = None, code: Path = ROOT
) -> Finalized:
    """Train the recipes of some cells of a grid on every motor, and export them as one folder.

    The stages stand beside the grid's own, which are left as they are; the results of no grid know of them.

    Parameters
    ----------
    grid : Grid
    cells : sequence of StoredCell
        As of `motor.predicting.stored.find_cells`: one, or one for each domain.
    target : Path, optional
        By default ``final-<key>``. Where the very same stands already, nothing is done.
    address : str, optional
        Of a Ray cluster; see `grid.run.run.run`.
    code : Path
        What the cluster's nodes are given to import.

    Raises
    ------
    CellError
        If a cell is none of this grid, or its recipe cannot be trained on every motor.
    ExportError
        If something else stands in the place of the folder.
    """
    finals = [_final(grid, cell) for cell in cells]
    folder = target or Path(f"final-{finals[0].key}")
    if (folder / MODEL).is_file() and [cell["key"] for cell in model_facts(folder)["cells"]] == [
        final.key for final in finals
    ]:
        return Finalized(folder)
    if folder.exists():
        raise ExportError(f"{folder} is already there; give --to another folder, or remove it first")
    plan = make_plan([Cell(final.axes, final) for final in finals], grid.store)
    outcome = None
    if plan.missing:
        from grid.run.run import run  # not where all stands

        planned = replace(grid, plan=plan)
        check_fits(planned, address)
        resources = resources_of(grid.experiment, plan.stages.values())
        print(describe(plan, resources), flush=True)
        packages = packages_of(grid.experiment.plugins)
        outcome = run(plan, grid.store, resources, address, code, packages=packages)
        if planned.n_standing < len(plan.cells):
            return Finalized(folder, len(outcome.built), outcome)
    results = Results(grid.store)
    export([StoredCell(grid.store.folder(final), results, grid.experiment.name).parts() for final in finals], folder)
    return Finalized(folder, 0 if outcome is None else len(outcome.built), outcome, is_new=True)


def _final(grid: Grid, found: StoredCell) -> Final:
    """Return the final stage of a cell, which the config has to have as it is now."""
    cell = next((one.stage for one in grid.cells if one.stage.key == found.key), None)
    if cell is None:
        raise CellError(
            f"cell {found.name} ({found.key}) is none of {grid.experiment.name} as its config is now: a setting or the "
            "data has changed since; give the settings that it was built with, or run the grid again"
        )
    try:
        return final_of(cell, grid.store.folder)  # type: ignore[arg-type]
    except ValueError as error:
        raise CellError(f"cell {found.name}: {error}") from error
    except FileNotFoundError as error:
        raise PartError(
            f"cell {found.name}: {error.filename} is missing; its fine-tunes say how many steps to take; run the grid "
            "again: python launch.py CONFIG --force finetune"
        ) from error


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments: the grid, the cell of it, and the folder to write."""
    add_config(parser)
    parser.add_argument("--cell", default="best", metavar="KEY", help=f"{CELL} (default: best)")
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="default: final-KEY")
    parser.add_argument("--address", help="a Ray cluster (default: RAY_ADDRESS, else an embedded one)")
    parser.set_defaults(only=[], leaky=False, force=None, retry_failed=False)


def command(arguments: argparse.Namespace) -> int:
    """Finalize, and print how to use it."""

    def use() -> int:
        grid = grid_in(arguments)
        cells = find_cells(arguments.storage, arguments.cell, grid.experiment.name)
        try:
            done = finalize(grid, cells, arguments.to, arguments.address)
        except ExportError as error:
            print(error, file=sys.stderr)
            return AT_FAULT
        except ConnectionError as error:
            print(f"no Ray cluster answers: {error}; correct --address or RAY_ADDRESS", file=sys.stderr)
            return AT_FAULT
        return _said(done)

    return ended(use)


def _said(done: Finalized) -> int:
    """Print what became of it, and return the exit status."""
    failures = () if done.outcome is None else done.outcome.failures.values()
    for failure in failures:
        print(
            f"failed: {failure.stage.KIND} {failure.stage.label()}: {failure.cause}\n  log: {failure.log}",
            file=sys.stderr,
        )
    if done.outcome is not None and done.outcome.interrupted:
        print("Interrupted; the same command goes on from here.", file=sys.stderr)
        return INTERRUPTED
    if failures:
        return SOME_FAILED
    if not done.is_new:
        print(f"Nothing to do: {done.folder} is this recipe, trained on every motor.")
        return OK
    print(f"Built {done.n_built} stages, and wrote {done.folder}: trained on every motor, so that none is left to")
    print(f"measure it on. The figure to expect stands in {done.folder / 'README.md'}.")
    print(f"Use it: python launch.py predict --cell {done.folder} RECORDINGS (or serve --cell {done.folder})")
    return OK
