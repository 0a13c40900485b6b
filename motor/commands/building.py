"""Build what a grid lacks, and what is found damaged meanwhile once more."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from grid.plan.plan import Cell, Plan, describe, make_plan
from grid.store.store import Store
from motor.experiment.cells import resources_of
from motor.experiment.reading import Experiment
from motor.sources import packages_of

if TYPE_CHECKING:
    from grid.run.run import Outcome

REBUILDS = 3  # times that what is found damaged meanwhile is built again by one launch
SHOWN = 10  # damaged stages, by name


@dataclass(frozen=True)
class Grid:
    """What a command line asks for: all cells of the config, their leaky twins if wanted, and what is to be done."""

    experiment: Experiment
    cells: list[Cell]
    leaky: list[Cell]
    plan: Plan
    store: Store

    @property
    def root(self) -> Path:
        """Where the results lie."""
        from motor.results.folder import results_folder

        return results_folder(self.experiment, self.store)

    @property
    def shown(self) -> str:
        """What people call the place of the results."""
        return self.store.place(self.root)

    @property
    def every_cell(self) -> list[Cell]:
        """What the report shows, also of what this launch was not asked to build."""
        return [*self.cells, *self.leaky]

    @property
    def n_standing(self) -> int:
        """How many of the cells that were asked for stand."""
        held = self.store.held({cell.stage.key: cell.stage for cell in self.plan.cells}.values())
        return sum(cell.stage.key in held for cell in self.plan.cells)


def build_grid(grid: Grid, address: str | None, code: Path) -> "Outcome":
    """Build the missing stages of a grid's plan; where damage shows, also what hangs on it.

    Parameters
    ----------
    grid : Grid
    address : str, optional
        Of a Ray cluster; see `grid.run.run.run`.
    code : Path
        What the cluster's nodes are given to import.

    Returns
    -------
    Outcome
        Of all rounds together.

    Raises
    ------
    ConnectionError
        If no cluster answers.
    """
    from grid.run.run import Outcome
    from motor.results.reported import set_damaged_aside

    outcome, todo = Outcome(), grid.plan
    aside = grid.store.set_aside_keys() - todo.missing.keys()
    for left in range(REBUILDS, -1, -1):
        if todo.missing:
            outcome = _joined(outcome, _build(grid, todo, address, code), todo)
        set_damaged_aside(grid.every_cell, grid.store)
        found = _found_damaged(grid, aside, outcome)
        todo = _plan_again(grid, found, outcome)
        if outcome.interrupted or not todo.missing or not left:
            break
        _tell_damage(found, todo)
    return outcome


def _build(grid: Grid, todo: Plan, address: str | None, code: Path) -> "Outcome":
    from grid.run.run import run
    from motor.results.live import LiveLinks

    resources = resources_of(grid.experiment, todo.stages.values())
    print(describe(todo, resources), flush=True)
    live = LiveLinks(grid.experiment, todo, grid.store)
    packages = packages_of(grid.experiment.plugins)
    return run(todo, grid.store, resources, address, code, meanwhile=live, packages=packages)


def _joined(before: "Outcome", after: "Outcome", todo: Plan) -> "Outcome":
    """Return what two runs came to together; the second has tried again what of the first it was to build."""
    failures = {key: failure for key, failure in before.failures.items() if key not in todo.missing}
    elsewhere = before.elsewhere | after.elsewhere
    return replace(after, built=before.built | after.built, failures=failures | after.failures, elsewhere=elsewhere)


def _found_damaged(grid: Grid, before: set[str], outcome: "Outcome") -> set[str]:
    """Return the keys of what was set aside in this launch, but for what hangs on a failure that would come again."""
    lost = {key for key, failure in outcome.failures.items() if failure.kind != "damaged"}
    stages = {stage.key: stage for cell in grid.every_cell for stage in cell.walk()}
    found = (grid.store.set_aside_keys() - before) & stages.keys()
    return {key for key in found if lost.isdisjoint(stage.key for stage in stages[key].walk())}


def _plan_again(grid: Grid, found: set[str], outcome: "Outcome") -> Plan:
    """Return the plan of what hangs on something; of what was to be built anew though it stood, what is not yet."""
    from motor.results.failures import hang_on

    plan = make_plan(hang_on(grid.every_cell, found), grid.store)
    forced = (grid.plan.forced - outcome.built) & plan.stages.keys()
    missing = {key: stage for key, stage in plan.stages.items() if key in plan.missing or key in forced}
    return replace(plan, missing=missing, forced=forced)


def _tell_damage(found: set[str], todo: Plan) -> None:
    named = [f"{stage.KIND} {stage.label()}" for key, stage in todo.stages.items() if key in found]
    more = [f"and {len(named) - SHOWN} more"] if len(named) > SHOWN else []
    print(f"\nrebuilding what was damaged: {', '.join([*named[:SHOWN], *more])}", flush=True)
