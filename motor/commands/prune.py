"""List the stages of a storage that none of some configs needs, and remove them once that is agreed to."""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grid.config.check import ConfigError, Fault
from grid.keeping.prune import Unneeded, refuse_beside_a_launch, remove, table, unlink_lost, unneeded
from grid.keeping.verify import GB
from grid.store.place import Folder
from grid.store.store import Store
from motor.commands.exits import INTERRUPTED, OK
from motor.commands.needed import Needed, needed_by
from motor.commands.words import add_configs, configs_in, store_in
from motor.looping.retention import configs as configs_of_loops
from motor.looping.retention import is_light
from motor.looping.retention import tables as tables_of_loops
from motor.stages.adapters import keep_adapter
from motor.stages.finetune import Finetune


@dataclass(frozen=True)
class Pruned:
    """What no config needs, and how much of it went.

    Attributes
    ----------
    grids : tuple of str
        Names of the grids whose work stays.
    chosen : list of Unneeded
        What none of them needs.
    removed_bytes : int or None
        None where nothing was to be removed, or it was not agreed to.
    """

    grids: tuple[str, ...]
    chosen: list[Unneeded]
    removed_bytes: int | None = None


def prune(
    configs: Sequence[Path],
    overrides: Sequence[str],
    environ: Mapping[str, str],
    store: Store,
    agrees: Callable[[Pruned], bool] = lambda found: False,
) -> Pruned:
    """Find what no config needs, and remove it if that is agreed to.

    Parameters
    ----------
    configs : sequence of Path
        What these need stays, and what the iterations of every loop do, but for whole weights of old ones.
    overrides : sequence of str
        ``KEY=VALUE`` words, which hold for all of the configs.
    environ : mapping
        What ``${NAME}`` stands for.
    store : Store
    agrees : callable
        Told what would go, says whether it shall; by default it shall not.

    Raises
    ------
    ConfigError, InputError
        As `motor.commands.needed.needed_by`; nothing is removed then.
    StoreError
        If a launch lives on the storage.
    """
    if not configs:
        raise ConfigError([Fault("command line", "prune: name the configs whose work is to stay")])
    refuse_beside_a_launch(store)
    needed = needed_by(configs, overrides, environ, store)
    whole, older = configs_of_loops(store.root)
    for of_loops in (needed_by(whole, (), environ, store), needed_by(older, (), environ, store, is_light)):
        needed = Needed(needed.keys | of_loops.keys, needed.grids | of_loops.grids)
    needed = Needed(needed.keys | tables_of_loops(store.root), needed.grids)
    found = Pruned(tuple(sorted(needed.grids)), unneeded(store, needed.keys, needed.grids))
    if not found.chosen or not agrees(found):
        return found
    refuse_beside_a_launch(store)  # one may have begun while the question stood
    for one in found.chosen:
        if one.what == Finetune.KIND and isinstance(one.place, Folder):
            keep_adapter(one.place.root / one.name, one.name.rpartition("-")[2])
    went = remove(store, found.chosen)
    unlink_lost(store)
    return Pruned(found.grids, found.chosen, went)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments: the configs whose stages stay."""
    add_configs(parser, "+")
    parser.add_argument("--yes", action="store_true", help="remove without asking")


def command(arguments: argparse.Namespace) -> int:
    """Print what no config needs, ask, and print how much went."""
    configs, overrides = configs_in(arguments.words)
    store = store_in(arguments)

    def agrees(found: Pruned) -> bool:
        need = "does" if len(found.grids) == 1 else "do"
        print(f"{store.where}: what {', '.join(found.grids)} {need} not need:")
        print("\n".join(table(found.chosen)), flush=True)
        return arguments.yes or _asked()

    try:
        pruned = prune(configs, overrides, os.environ, store, agrees)
    except KeyboardInterrupt:
        print("\nInterrupted; each stage is whole or gone.", file=sys.stderr)
        return INTERRUPTED
    if not pruned.chosen:
        print(f"{store.where}: nothing to remove: {', '.join(pruned.grids)} may need all that is there.")
    if pruned.removed_bytes is not None:
        print(f"{pruned.removed_bytes / GB:.2f} GB removed.")
    return OK


def _asked() -> bool:
    if not sys.stdin.isatty():
        print("nothing was removed; add --yes")
        return False
    with contextlib.suppress(EOFError):
        if input("Remove? [y/N] ").strip().lower() in ("y", "yes"):
            return True
    print("nothing was removed")
    return False
