"""The one command: read a config, plan, run what is missing, report.

    python launch.py grid.yaml [KEY=VALUE ...] [--only AXIS=VALUE ...] [--dry-run | --status | --check-data]
                                  [--force [KIND ...]]
    python launch.py predict | export | serve --cell KEY ...

Exit status: 0 every cell stands; 1 some failed; 2 the config or the data is at fault; 130 interrupted.
"""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from grid.config import ConfigError
from grid.plan import Cell, Plan, describe, make_plan
from grid.stage import InputError
from grid.store import Store, StoreError
from motor.experiment import Experiment, read_experiment
from motor.methods.cells import chosen_cells, make_cells, parse_only, resources_of
from motor.rehearsal import is_rehearsal, rehearse

if TYPE_CHECKING:
    from grid.run import Outcome

ROOT = Path(__file__).resolve().parent
CONFIGS = ROOT / "configs"
USES = ("predict", "export", "serve")  # of what a grid has built
OK, SOME_FAILED, AT_FAULT, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    argv = list(sys.argv[1:] if argv is None else argv)
    if argv and argv[0] in USES:
        from motor.predicting.command import main as use

        return use(argv, ROOT)
    arguments = _parse(argv)
    try:
        if is_rehearsal(_config_path(arguments.config)):
            return _rehearse(arguments)
        experiment = read_experiment(_config_path(arguments.config), arguments.overrides, os.environ)
        store = Store(Path(arguments.storage).absolute())
        is_look = arguments.dry_run or arguments.status  # the data may be elsewhere
        if arguments.check_data:
            return _check_data(experiment, store)
        cells = make_cells(experiment, store.root, is_look)
        leaky = make_cells(experiment, store.root, is_look, unit="series") if arguments.leaky else []
        only = parse_only(arguments.only, experiment)
        plan = make_plan([*chosen_cells(cells, only), *chosen_cells(leaky, only)], store, _forced(arguments))
    except (ConfigError, InputError, StoreError, ValueError) as error:
        print(error, file=sys.stderr)
        return AT_FAULT
    if arguments.status:
        from motor.status import show_status

        return show_status(experiment, plan, store)
    if arguments.dry_run:
        print(_dry_run(experiment, plan))
        return OK
    return _launch(arguments, Grid(experiment, cells, leaky, plan, store))


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
        from motor.results import results_folder

        return results_folder(self.experiment, self.store)


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare recipes that watch motors.")
    parser.add_argument("config", help="a path, or the name of a file in configs/")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="any setting, say finetune.num_steps=200")
    parser.add_argument("--only", nargs="+", action="extend", default=[], metavar="AXIS=VALUE[,VALUE]")
    parser.add_argument("--leaky", action="store_true", help="also split by series, to show what a leak would claim")
    parser.add_argument("--dry-run", action="store_true", help="print the plan and run nothing")
    parser.add_argument("--status", action="store_true", help="say what stands, runs and failed, from storage alone")
    parser.add_argument("--check-data", action="store_true", help="import the data, say what is in it, train nothing")
    parser.add_argument("--force", nargs="*", metavar="KIND", help="rebuild all, or some kinds and what hangs on them")
    parser.add_argument("--storage", default=str(ROOT / "storage"), help="where results lie (default: storage/)")
    parser.add_argument("--address", help="a Ray cluster (default: RAY_ADDRESS, else an embedded one)")
    return parser.parse_intermixed_args(argv)


def _rehearse(arguments: argparse.Namespace) -> int:
    store = Store(Path(arguments.storage).absolute())
    path, forced = _config_path(arguments.config), arguments.force is not None
    given = (path, arguments.overrides, os.environ, store, arguments.address, ROOT, forced, arguments.dry_run)
    return rehearse(*given)


def _check_data(experiment: Experiment, store: Store) -> int:
    from motor.check_data import check_data

    try:
        check_data(experiment, make_cells(experiment, store.root, dry_run=True), store)
    except BrokenPipeError:
        raise
    except OSError as error:  # a full disk, say
        print(error, file=sys.stderr)
        return SOME_FAILED
    return OK


def _config_path(name: str) -> Path:
    here = Path(name)
    return here if here.exists() or here.parent != Path() else CONFIGS / name


def _forced(arguments: argparse.Namespace) -> frozenset[str]:
    return frozenset() if arguments.force is None else frozenset(arguments.force or ["all"])


def _dry_run(experiment: Experiment, plan: Plan) -> str:
    lines = [describe(plan, resources_of(experiment, plan.stages.values())), "", "cells:"]
    lines += [
        f"  {cell.name():<44}{'built' if cell.stage.key not in plan.missing else 'to build'}" for cell in plan.cells
    ]
    return "\n".join(lines)


def _launch(arguments: argparse.Namespace, grid: Grid) -> int:
    from motor.results import is_current

    if not grid.plan.missing and is_current(grid.experiment, grid.cells, grid.store, grid.leaky):
        print(f"Nothing to do: all {len(grid.plan.cells)} cells stand. The report is {grid.root / 'report.html'}")
        return OK
    return _run(arguments, grid)


def _run(arguments: argparse.Namespace, grid: Grid) -> int:
    from grid.run import Outcome, run
    from motor.live import LiveLinks
    from motor.results import write_results

    outcome, plan = Outcome(), grid.plan
    if plan.missing:
        resources = resources_of(grid.experiment, plan.stages.values())
        print(describe(plan, resources), flush=True)
        try:
            live = LiveLinks(grid.experiment, plan, grid.store)
            outcome = run(plan, grid.store, resources, arguments.address, ROOT, meanwhile=live)
        except ConnectionError as error:
            where = arguments.address or os.environ.get("RAY_ADDRESS")
            print(f"no Ray cluster answers at {where!r}: {error}; correct --address or RAY_ADDRESS", file=sys.stderr)
            return AT_FAULT
    written = (grid.experiment, grid.cells, plan, grid.store, outcome.failures, _command(arguments), grid.leaky)
    write_results(*written)
    _say_goodbye(plan, outcome, grid.root)
    return _status(outcome)


def _command(arguments: argparse.Namespace) -> str:
    words = ["python", "launch.py", arguments.config, *arguments.overrides]
    words += ["--leaky"] if arguments.leaky else []
    words += ["--only", *arguments.only] if arguments.only else []
    return shlex.join(words)


def _say_goodbye(plan: Plan, outcome: "Outcome", root: Path) -> None:
    standing = sum(cell.stage.key not in plan.missing or cell.stage.key in outcome.built for cell in plan.cells)
    print(f"\n{standing} of {len(plan.cells)} cells stand.")
    if standing:
        print(f"The report is {root / 'report.html'}; the same to read in an editor: {root / 'result.md'}")
        print(f"Compare them: tensorboard --logdir {root / 'tensorboard'}")
    for failure in outcome.failures.values():
        stage = f"{failure.stage.KIND} {failure.stage.label()}"
        print(f"failed: {stage}: {failure.cause}\n  log: {failure.log}", file=sys.stderr)
    if outcome.interrupted:
        print("Interrupted; the same command goes on from here.", file=sys.stderr)


def _status(outcome: "Outcome") -> int:
    if outcome.interrupted:
        return INTERRUPTED
    if any(failure.input_fault for failure in outcome.failures.values()):
        return AT_FAULT
    return SOME_FAILED if outcome.failures else OK


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(OK)
