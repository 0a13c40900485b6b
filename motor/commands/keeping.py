"""``launch.py --verify`` and ``--prune``: what a storage holds, read again, and what no config needs removed."""

import contextlib
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grid.config.check import ConfigError, Fault
from grid.keeping.prune import refuse_beside_a_launch, remove, table, unlink_lost, unneeded
from grid.keeping.verify import GB, told, verify
from grid.stage import InputError, Stage
from grid.store.store import Store
from motor.commands.rehearse import is_rehearsal, read_rehearsal_config, stages_of
from motor.experiment.cells import UNKNOWN, make_cells
from motor.experiment.reading import Experiment, read_experiment

OK, DAMAGED = 0, 1
DIGESTS = ("content_digest", "weights_digest")  # of what comes from outside, and is part of keys


@dataclass
class Needed:
    """What configs need of a storage."""

    keys: set[str] = field(default_factory=set)  # of their stages, also of those that a built one hides
    grids: set[str] = field(default_factory=set)  # names of their results' folders


def needed_by(configs: Iterable[Path], overrides: Sequence[str], environ: Mapping[str, str], store: Store) -> Needed:
    """Return every stage of every cell of some configs, their leaky twins and rehearsals, too.

    Parameters
    ----------
    configs : iterable of Path
    overrides : sequence of str
        ``KEY=VALUE`` words, which hold for all of them.
    environ : mapping
        What ``${NAME}`` stands for.
    store : Store
        Where digests of files are remembered.

    Raises
    ------
    ConfigError
        If a config is at fault.
    InputError
        If the data or the weights of one cannot be read: nobody knows then which stages it needs.
    """
    needed = Needed()
    for path in configs:
        if is_rehearsal(path):
            config = read_rehearsal_config(path, overrides, environ)
            stages, name = [made for stage in stages_of(config) for made in stage.walk()], config.name
        else:
            experiment = read_experiment(path, overrides, environ)
            units = ("motor", "series")  # the second: their leaky twins
            cells = [cell for unit in units for cell in make_cells(experiment, store.root, dry_run=True, unit=unit)]
            stages, name = [made for cell in cells for made in cell.walk()], experiment.name
            _check_known(path, experiment, stages, store)
        needed.keys |= {stage.key for stage in stages}
        needed.grids.add(name)
    return needed


def _check_known(path: Path, experiment: Experiment, stages: Iterable[Stage], store: Store) -> None:
    """Raise InputError where a stage's key rests on data or weights that are not at hand."""
    unknown = {name for stage in stages for name in DIGESTS if vars(stage).get(name) == UNKNOWN}
    advice = f"nobody knows which stages {path} needs; nothing was done"
    if "content_digest" in unknown:
        try:
            make_cells(experiment, store.root, dry_run=False)
        except InputError as error:
            raise InputError(f"{error}\nwithout the data {advice}") from error
    if unknown:
        weights = experiment.base.backbone.source
        raise InputError(f"the weights {weights} are not at hand; without them {advice}")


def show_verified(configs: Sequence[Path], overrides: Sequence[str], store: Store) -> int:
    """Read the digests of a storage again, set damaged stages aside, say so, and return the exit status.

    Parameters
    ----------
    configs : sequence of Path
        Look at their stages alone; without any at all that is stored.
    overrides : sequence of str
        ``KEY=VALUE`` words, which hold for all of them.
    store : Store
    """
    keys = needed_by(configs, overrides, os.environ, store).keys if configs else None
    is_watched = sys.stderr.isatty()

    def tell(done: int, total: int) -> None:
        print(f"\r{done / GB:.2f} of {total / GB:.2f} GB read", end="", file=sys.stderr, flush=True)

    found = verify(store, keys, tell) if is_watched else verify(store, keys)
    if is_watched:
        print("\r\x1b[K", end="", file=sys.stderr)
    print("\n".join(told(found, store.where)))
    return DAMAGED if found.damaged else OK


def prune(configs: Sequence[Path], overrides: Sequence[str], store: Store, is_agreed: bool) -> int:
    """Say what no config needs, ask, remove it, and return the exit status.

    Parameters
    ----------
    configs : sequence of Path
        What these need stays.
    overrides : sequence of str
        ``KEY=VALUE`` words, which hold for all of them.
    store : Store
    is_agreed : bool
        Whether to remove it without asking.

    Raises
    ------
    ConfigError, InputError
        As `needed_by`; nothing is removed then.
    StoreError
        If a launch lives on the storage.
    """
    if not configs:
        raise ConfigError([Fault("command line", "--prune: name the configs whose work is to stay")])
    refuse_beside_a_launch(store)
    needed = needed_by(configs, overrides, os.environ, store)
    chosen = unneeded(store, needed.keys, needed.grids)
    names = ", ".join(sorted(needed.grids))
    if not chosen:
        print(f"{store.where}: nothing to remove: {names} may need all that is there.")
        return OK
    print(f"{store.where}: what {names} do{'es' if len(needed.grids) == 1 else ''} not need:")
    print("\n".join(table(chosen)), flush=True)
    if not (is_agreed or _agrees()):
        return OK
    refuse_beside_a_launch(store)  # one may have begun while the question stood
    went = remove(store, chosen)
    unlink_lost(store)
    print(f"{went / GB:.2f} GB removed.")
    return OK


def _agrees() -> bool:
    if not sys.stdin.isatty():
        print("nothing was removed; add --yes")
        return False
    with contextlib.suppress(EOFError):
        if input("Remove? [y/N] ").strip().lower() in ("y", "yes"):
            return True
    print("nothing was removed")
    return False
