"""The one command: read a config, plan, run what is missing, report.

    python launch.py grid.yaml [KEY=VALUE ...] [--only AXIS=VALUE ...] [--dry-run | --status | --check-data]
                                  [--force [KIND ...]] [--retry-failed]
    python launch.py --verify [CONFIG ...]
    python launch.py --prune CONFIG ... [--yes]
    python launch.py predict | export | serve --cell KEY ...

Exit status: 0 every cell stands; 1 some failed; 2 the config or the data is at fault; 130 interrupted.
"""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from grid.config.check import ConfigError
from grid.plan.plan import Cell, Plan, describe, make_plan
from grid.run.cluster import RayError
from grid.stage import InputError
from grid.store.opening import open_store
from grid.store.store import Store, StoreError
from motor.commands.building import Grid, build_grid
from motor.commands.rehearse import is_rehearsal, rehearse
from motor.experiment.cells import chosen_cells, make_cells, parse_only, resources_of
from motor.experiment.reading import Experiment, read_experiment

if TYPE_CHECKING:
    from grid.run.run import Outcome

ROOT = Path(__file__).resolve().parent
CONFIGS = ROOT / "configs"
USES = ("predict", "export", "serve")  # of what a grid has built
OK, SOME_FAILED, AT_FAULT, INTERRUPTED = 0, 1, 2, 130
STORAGE = "where results lie: a folder that every node sees, or s3://bucket/prefix (default: storage/)"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    argv = list(sys.argv[1:] if argv is None else argv)
    if argv and argv[0] in USES:
        from motor.commands.using import main as use

        return use(argv, ROOT)
    arguments = _parse(argv)
    try:
        store = open_store(arguments.storage)
        if arguments.verify or arguments.prune:
            return _keep(arguments, store)
        if is_rehearsal(_config_path(arguments.config)):
            return _rehearse(arguments, store)
        experiment = read_experiment(_config_path(arguments.config), arguments.overrides, os.environ)
        is_look = arguments.dry_run or arguments.status  # the data may be elsewhere
        if arguments.check_data:
            return _check_data(experiment, store)
        cells = make_cells(experiment, store.root, is_look)
        leaky = make_cells(experiment, store.root, is_look, unit="series") if arguments.leaky else []
        only = parse_only(arguments.only, experiment)
        plan = _plan([*chosen_cells(cells, only), *chosen_cells(leaky, only)], store, arguments)
        grid = Grid(experiment, cells, leaky, plan, store)
        if arguments.retry_failed:
            grid = replace(grid, plan=_failed_alone(grid, _forced(arguments)))
    except (ConfigError, InputError, StoreError, ValueError) as error:
        print(error, file=sys.stderr)
        return AT_FAULT
    except BrokenPipeError:
        raise
    except OSError as error:  # a full disk, say
        print(error, file=sys.stderr)
        return SOME_FAILED
    return _do(arguments, grid)


def _do(arguments: argparse.Namespace, grid: Grid) -> int:
    if arguments.status:
        from motor.commands.status import show_status

        return show_status(grid.experiment, grid.plan, grid.store)
    if arguments.dry_run:
        print(_dry_run(grid.experiment, grid.plan))
        return OK
    if arguments.retry_failed and not grid.plan.cells:
        print("Nothing failed: no stage that is missing has been tried in vain; without --retry-failed it is built.")
        return OK
    try:
        return _launch(arguments, grid)
    except BrokenPipeError:
        raise
    except (OSError, StoreError, RayError) as error:  # a full disk, say, or a storage that does not answer
        print(f"{error}\nWhat was built stands; the same command goes on from here.", file=sys.stderr)
        return SOME_FAILED


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare recipes that watch motors.")
    config = "a path, or the name of a file in configs/; then any setting, say finetune.num_steps=200"
    parser.add_argument("words", nargs="*", metavar="CONFIG KEY=VALUE", help=config)
    parser.add_argument("--only", nargs="+", action="extend", default=[], metavar="AXIS=VALUE[,VALUE]")
    parser.add_argument("--leaky", action="store_true", help="also split by series, to show what a leak would claim")
    parser.add_argument("--force", nargs="*", metavar="KIND", help="rebuild all, or some kinds and what hangs on them")
    failed = "run only what failed and what hangs on it; without it, all that is missing is run, what failed, too"
    parser.add_argument("--retry-failed", action="store_true", help=failed)
    parser.add_argument("--storage", default=str(ROOT / "storage"), help=STORAGE)
    parser.add_argument("--address", help="a Ray cluster (default: RAY_ADDRESS, else an embedded one)")
    parser.add_argument("--yes", action="store_true", help="with --prune: remove without asking")
    looks = parser.add_mutually_exclusive_group()
    looks.add_argument("--dry-run", action="store_true", help="print the plan and run nothing")
    looks.add_argument("--status", action="store_true", help="say what stands, runs and failed, from storage alone")
    looks.add_argument("--check-data", action="store_true", help="import the data, say what is in it, train nothing")
    verify = "read the digests of all that is stored, or of some configs' stages; set aside what is damaged"
    looks.add_argument("--verify", action="store_true", help=verify)
    prune = "say what no config in a list needs of the storage, then remove it"
    looks.add_argument("--prune", action="store_true", help=prune)
    arguments = parser.parse_intermixed_args(argv)
    if arguments.yes and not arguments.prune:
        parser.error("--yes belongs to --prune")
    if not arguments.words and not arguments.verify:
        parser.error(f"name a config: a path, or one of {', '.join(sorted(file.name for file in CONFIGS.glob('*')))}")
    return _with_configs(arguments)


def _with_configs(arguments: argparse.Namespace) -> argparse.Namespace:
    """Tell the configs among the words from their overrides; where there may be several, overrides have a ``=``."""
    words = arguments.words
    if arguments.verify or arguments.prune:
        overrides = [word for word in words if "=" in word and not Path(word).exists()]
        configs = [word for word in words if word not in overrides]
    else:
        configs, overrides = words[:1], words[1:]
    arguments.configs, arguments.overrides = configs, overrides
    arguments.config = configs[0] if configs else None
    return arguments


def _keep(arguments: argparse.Namespace, store: Store) -> int:
    from motor.commands.keeping import prune, show_verified

    configs = [_config_path(name) for name in arguments.configs]
    try:
        if arguments.prune:
            return prune(configs, arguments.overrides, store, arguments.yes)
        return show_verified(configs, arguments.overrides, store)
    except KeyboardInterrupt:
        print("\nInterrupted; each stage is whole or gone.", file=sys.stderr)
        return INTERRUPTED


def _rehearse(arguments: argparse.Namespace, store: Store) -> int:
    path, forced = _config_path(arguments.config), arguments.force is not None
    given = (path, arguments.overrides, os.environ, store, arguments.address, ROOT, forced, arguments.dry_run)
    return rehearse(*given)


def _failed_alone(grid: Grid, force: frozenset[str]) -> Plan:
    """Return the plan of those cells alone that hang on a stage that failed."""
    from motor.results.failures import failed_keys, hang_on

    return make_plan(hang_on(grid.plan.cells, failed_keys(grid.root, grid.plan, grid.store)), grid.store, force)


def _check_data(experiment: Experiment, store: Store) -> int:
    from motor.commands.check_data import check_data

    check_data(experiment, make_cells(experiment, store.root, dry_run=True), store)
    return OK


def _config_path(name: str) -> Path:
    here = Path(name)
    return here if here.exists() or here.parent != Path() else CONFIGS / name


def _forced(arguments: argparse.Namespace) -> frozenset[str]:
    return frozenset() if arguments.force is None else frozenset(arguments.force or ["all"])


def _plan(cells: list[Cell], store: Store, arguments: argparse.Namespace) -> Plan:
    """Plan; where a record is damaged, so that nobody knows what its folder holds, set it aside and say so."""
    from grid.keeping.verify import set_false_records_aside

    try:
        return make_plan(cells, store, _forced(arguments))
    except StoreError:
        if arguments.status or arguments.dry_run:
            raise
        aside = set_false_records_aside(store, {stage.key for cell in cells for stage in cell.walk()})
        if not aside:
            raise
    for folder, faults in aside.items():
        print(f"{folder}/{'; '.join(faults)}: set aside, and built again", file=sys.stderr)
    return make_plan(cells, store, _forced(arguments))


def _dry_run(experiment: Experiment, plan: Plan) -> str:
    lines = [describe(plan, resources_of(experiment, plan.stages.values())), "", "cells:"]
    lines += [
        f"  {cell.name():<44}{'built' if cell.stage.key not in plan.missing else 'to build'}" for cell in plan.cells
    ]
    return "\n".join(lines)


def _launch(arguments: argparse.Namespace, grid: Grid) -> int:
    from grid.run.leftovers import sweep_leftovers
    from motor.results.folder import is_current

    if grid.plan.missing:
        return _run(arguments, grid)
    sweep_leftovers()  # nothing is run, which would do so; a launch may have died at its very end
    grid.store.sweep()
    if not is_current(grid.experiment, grid.cells, grid.store, grid.leaky):
        return _run(arguments, grid)
    print(f"Nothing to do: all {len(grid.plan.cells)} cells stand. The report is {grid.shown}/report.html")
    return OK


def _run(arguments: argparse.Namespace, grid: Grid) -> int:
    from motor.results.folder import write_results

    try:
        outcome = build_grid(grid, arguments.address, ROOT)
    except BrokenPipeError:
        raise
    except ConnectionError as error:
        where = arguments.address or os.environ.get("RAY_ADDRESS")
        print(f"no Ray cluster answers at {where!r}: {error}; correct --address or RAY_ADDRESS", file=sys.stderr)
        return AT_FAULT
    written = (grid.experiment, grid.cells, grid.plan, grid.store, outcome.failures, _command(arguments), grid.leaky)
    write_results(*written)
    standing = grid.n_standing
    _say_goodbye(standing, outcome, grid)
    return _status(outcome, standing == len(grid.plan.cells))


def _command(arguments: argparse.Namespace) -> str:
    words = ["python", "launch.py", arguments.config, *arguments.overrides]
    words += ["--leaky"] if arguments.leaky else []
    words += ["--only", *arguments.only] if arguments.only else []
    return shlex.join(words)


def _say_goodbye(standing: int, outcome: "Outcome", grid: Grid) -> None:
    root = grid.root
    print(f"\n{standing} of {len(grid.plan.cells)} cells stand.")
    if standing:
        print(f"The report is {grid.shown}/report.html; the same to read in an editor: {grid.shown}/result.md")
        print(f"Compare them: tensorboard --logdir {root / 'tensorboard'}")
    for failure in outcome.failures.values():
        stage = f"{failure.stage.KIND} {failure.stage.label()}"
        print(f"failed: {stage}: {failure.cause}\n  log: {failure.log}", file=sys.stderr)
    if outcome.failures:
        print(f"They are listed in {grid.shown}/failed.json; --retry-failed runs just these again.", file=sys.stderr)
    if outcome.interrupted:
        print("Interrupted; the same command goes on from here.", file=sys.stderr)


def _status(outcome: "Outcome", all_stand: bool) -> int:
    if outcome.interrupted:
        return INTERRUPTED
    if any(failure.input_fault for failure in outcome.failures.values()):
        return AT_FAULT
    return OK if all_stand and not outcome.failures else SOME_FAILED


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(OK)
