"""Print the plan of a grid and run nothing; neither data nor weights need be at hand."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

from grid.plan.plan import Plan, describe
from grid.stage import Resources
from motor.commands.exits import OK
from motor.commands.grid import Grid
from motor.commands.rehearse import is_rehearsal, plan_in
from motor.commands.words import add_grid, config_in, grid_in, store_in
from motor.experiment.cells import resources_of


@dataclass(frozen=True)
class Planned:
    """The stages that would be built, and the resources that each asks for, by key."""

    plan: Plan
    resources: Mapping[str, Resources]


def dry_run(grid: Grid) -> Planned:
    """Return what `run` would build of a grid."""
    return Planned(grid.plan, resources_of(grid.experiment, grid.plan.stages.values()))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name a grid."""
    add_grid(parser)


def command(arguments: argparse.Namespace) -> int:
    """Print the plan."""
    if is_rehearsal(config_in(arguments)):
        rehearsal = plan_in(arguments, store_in(arguments))
        print(describe(rehearsal.plan, rehearsal.resources))
        return OK
    planned = dry_run(grid_in(arguments, is_look=True))
    print(describe(planned.plan, planned.resources))
    missing = planned.plan.missing
    rows = [
        f"  {cell.name():<43} {'to build' if cell.stage.key in missing else 'built'}" for cell in planned.plan.cells
    ]
    print("\ncells:", *rows, sep="\n")
    return OK
