"""Build what a grid lacks, and what is found damaged meanwhile once more; then report on all that stands."""

import argparse
import errno
import os
import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING

from grid.config.check import ConfigError, Fault
from grid.plan.plan import Plan, describe, make_plan
from grid.run.cluster import RayError
from grid.run.leftovers import sweep_leftovers
from grid.store.store import StoreError
from motor.commands import rehearse
from motor.commands.exits import AT_FAULT, INTERRUPTED, OK, SOME_FAILED
from motor.commands.grid import Grid
from motor.commands.rehearse import is_rehearsal
from motor.commands.words import ROOT, add_grid, config_in, grid_in
from motor.experiment.cells import resources_of
from motor.registry.sources import packages_of
from motor.results.ahead import ReportAhead
from motor.results.failures import hang_on
from motor.results.reported import set_damaged_aside

if TYPE_CHECKING:
    from grid.run.run import Outcome

REBUILDS = 3  # times that what is found damaged meanwhile is built again by one launch
SHOWN = 10  # damaged stages, by name


@dataclass(frozen=True)
class Ran:
    """The outcome of a launch: what was built, what failed, how many cells stand.

    Attributes
    ----------
    grid : Grid
    outcome : Outcome or None
        None where nothing was to be done.
    n_standing : int
        How many of the cells that were asked for stand.
    """

    grid: Grid
    outcome: "Outcome | None"
    n_standing: int

    @property
    def status(self) -> int:
        """The exit status of the command for this outcome."""
        if self.outcome is None:
            return OK
        if self.outcome.interrupted:
            return INTERRUPTED
        if any(failure.input_fault for failure in self.outcome.failures.values()):
            return AT_FAULT
        all_stand = self.n_standing == len(self.grid.plan.cells)
        return OK if all_stand and not self.outcome.failures else SOME_FAILED


def run(
    grid: Grid, address: str | None = None, code: Path = ROOT, typed: str = "", stream: IO[str] | None = None
) -> Ran:
    """Build what a grid lacks, and write its results.

    Parameters
    ----------
    grid : Grid
    address : str, optional
        Of a Ray cluster; see `grid.run.run.run`.
    code : Path
        What the cluster's nodes are given to import.
    typed : str
        The command that makes this result, for the report.
    stream : file, optional
        Where the plan and the progress are written; by default the terminal.

    Raises
    ------
    ConfigError
        If a stage asks for more than this machine has, and no cluster is named.
    ConnectionError
        If no cluster answers.
    grid.run.cluster.RayError
        If the embedded Ray does not come up.
    """
    from motor.results.folder import is_current, write_results  # the report, which a look at a loop does without

    if not grid.plan.missing:
        sweep_leftovers()  # nothing is run, which would do so; a launch may have died at its very end
        grid.store.sweep()
        if is_current(grid.experiment, grid.cells, grid.store, grid.leaky):
            return Ran(grid, None, len(grid.plan.cells))
    check_fits(grid, address)
    outcome = build_grid(grid, address, code, stream)
    if grid.race is not None:
        grid = replace(grid, plan=grid.race.left(grid.plan))
    write_results(grid.experiment, grid.cells, grid.plan, grid.store, outcome.failures, typed, grid.leaky)
    return Ran(grid, outcome, grid.n_standing)


def check_fits(grid: Grid, address: str | None) -> None:
    """Check that what stages ask for is on this machine, where an embedded Ray will be: before anything starts.

    GPUs are counted by Ray alone, and the nodes of a cluster once it answers.

    Raises
    ------
    ConfigError
        With the line that asks for too much, or that names the grid's resources.
    """
    if (address or os.environ.get("RAY_ADDRESS") or "local") != "local":
        return
    cpus, memory_gb = os.cpu_count() or 1, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    asked = resources_of(grid.experiment, grid.plan.missing.values())
    faults = []
    for key, stage in grid.plan.missing.items():
        of_stage = asked[key]
        for name, amount, there in (("cpus", of_stage.cpus, cpus), ("memory_gb", of_stage.memory_gb, memory_gb)):
            if amount * of_stage.workers > there:
                place = grid.experiment.document.place(("resources", stage.KIND, name))
                times = f"{of_stage.workers} workers of " if of_stage.workers > 1 else ""
                why = f"{stage.KIND} asks for {times}{name} = {amount:g}, but this machine has {there:.6g}"
                faults.append(Fault(place, f"{why}; let it ask for less, or give the --address of a cluster"))
    if faults:
        raise ConfigError(faults)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name a grid."""
    add_grid(parser)


def command(arguments: argparse.Namespace) -> int:
    """Run a grid (or a rehearsal), and print what came of it."""
    if is_rehearsal(config_in(arguments)):
        return rehearse.command(arguments)
    grid = grid_in(arguments)
    for folder, faults in grid.set_aside.items():
        print(f"{folder}/{'; '.join(faults)}: set aside, and built again", file=sys.stderr)
    if arguments.retry_failed and not grid.plan.cells:
        print("Nothing failed: no stage that is missing has been tried in vain; without --retry-failed it is built.")
        return OK
    try:
        ran = run(grid, arguments.address, typed=_typed(arguments))
    except BrokenPipeError:
        raise
    except ConnectionError as error:
        where = arguments.address or os.environ.get("RAY_ADDRESS")
        print(f"no Ray cluster answers at {where!r}: {error}; correct --address or RAY_ADDRESS", file=sys.stderr)
        return AT_FAULT
    except (OSError, StoreError, RayError) as error:  # a full disk, say, or a storage that does not answer
        print(f"{error}\nWhat was built stands; {_remedy(error)}the same command goes on from here.", file=sys.stderr)
        return SOME_FAILED
    _say(ran)
    return ran.status


def _remedy(error: Exception) -> str:
    """Return what a person has to do before the same command goes on."""
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.EROFS, errno.EACCES, errno.EPERM):
        return "let that be written to (or name another place by --storage), and "
    if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "make room where it is written to (its storage, or where the output goes), and "
    return ""


def _typed(arguments: argparse.Namespace) -> str:
    words = ["python", "launch.py", arguments.config, *arguments.overrides]
    words += ["--leaky"] if arguments.leaky else []
    words += ["--only", *arguments.only] if arguments.only else []
    return shlex.join(words)


def _say(ran: Ran) -> None:
    grid, outcome, n_cells = ran.grid, ran.outcome, len(ran.grid.plan.cells)
    if outcome is None:
        print(f"Nothing to do: all {n_cells} cells stand. The report is {grid.shown}/report.html")
        return
    print(f"\n{ran.n_standing} of {n_cells} cells stand.")
    if ran.n_standing:
        print(f"The report is {grid.shown}/report.html; the same to read in an editor: {grid.shown}/result.md")
        print(f"Compare them: tensorboard --logdir {grid.root / 'tensorboard'}")
    for failure in outcome.failures.values():
        stage = f"{failure.stage.KIND} {failure.stage.label()}"
        print(f"failed: {stage}: {failure.cause}\n  log: {failure.log}", file=sys.stderr)
    if outcome.failures:
        print(f"They are listed in {grid.shown}/failed.json; --retry-failed runs just these again.", file=sys.stderr)
    if outcome.interrupted:
        print("Interrupted; the same command goes on from here.", file=sys.stderr)


def build_grid(grid: Grid, address: str | None, code: Path, stream: IO[str] | None = None) -> "Outcome":
    """Build the missing stages of a grid's plan; where damage shows, also what hangs on it.

    Parameters
    ----------
    grid : Grid
    address : str, optional
        Of a Ray cluster; see `grid.run.run.run`.
    code : Path
        What the cluster's nodes are given to import.
    stream : file, optional
        As of `run`.

    Returns
    -------
    Outcome
        Of all rounds together.

    Raises
    ------
    ConnectionError
        If no cluster answers.
    """
    from grid.run.run import Outcome  # as in `_build`

    outcome, todo = Outcome(), grid.plan
    aside = grid.store.set_aside_keys() - todo.missing.keys()
    for left in range(REBUILDS, -1, -1):
        if todo.missing:
            outcome = _joined(outcome, _build(grid, todo, address, code, stream), todo)
        set_damaged_aside(grid.every_cell, grid.store)
        found = _found_damaged(grid, aside, outcome)
        todo = _plan_again(grid, found, outcome)
        if outcome.interrupted or not todo.missing or not left:
            break
        _tell_damage(found, todo, stream)
    return outcome


def _build(grid: Grid, todo: Plan, address: str | None, code: Path, stream: IO[str] | None) -> "Outcome":
    from grid.run.run import run  # not where all stands
    from motor.results.live import LiveLinks

    resources = resources_of(grid.experiment, todo.stages.values())
    print(describe(todo, resources), file=stream, flush=True)
    live, ahead = LiveLinks(grid.experiment, todo, grid.store), ReportAhead()

    def meanwhile() -> None:
        ahead()
        live()

    packages = packages_of(grid.experiment.plugins)
    waves = None if grid.race is None else grid.race.waves(todo)
    outcome = run(
        todo, grid.store, resources, address, code, stream, meanwhile=meanwhile, packages=packages, waves=waves
    )
    ahead.wait()
    return outcome


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
    plan = make_plan(hang_on(grid.every_cell, found), grid.store)
    forced = (grid.plan.forced - outcome.built) & plan.stages.keys()
    missing = {key: stage for key, stage in plan.stages.items() if key in plan.missing or key in forced}
    return replace(plan, missing=missing, forced=forced)


def _tell_damage(found: set[str], todo: Plan, stream: IO[str] | None) -> None:
    named = [f"{stage.KIND} {stage.label()}" for key, stage in todo.stages.items() if key in found]
    more = [f"and {len(named) - SHOWN} more"] if len(named) > SHOWN else []
    print(f"\nrebuilding what was damaged: {', '.join([*named[:SHOWN], *more])}", file=stream, flush=True)
