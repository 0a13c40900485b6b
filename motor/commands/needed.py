"""Find the stages of a storage that configs need: `verify` reads them, and `prune` leaves them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grid.stage import InputError, Stage
from grid.store.store import Store
from motor.commands.rehearse import is_rehearsal, read_rehearsal_config, stages_of
from motor.experiment.cells import UNKNOWN, make_cells
from motor.experiment.reading import Experiment, read_experiment

DIGESTS = ("content_digest", "weights_digest")  # of what comes from outside, and is part of keys


@dataclass
class Needed:
    """The stages and the results' folders of a storage that configs need."""

    keys: set[str] = field(default_factory=set)  # of their stages, also of those that a built one hides
    grids: set[str] = field(default_factory=set)  # names of their results' folders


def needed_by(
    configs: Iterable[Path],
    overrides: Sequence[str],
    environ: Mapping[str, str],
    store: Store,
    counts: Callable[[Stage], bool] = lambda stage: True,
) -> Needed:
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
    counts : callable
        Tells whether a stage is wanted; by default all are.

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
        needed.keys |= {stage.key for stage in stages if counts(stage)}
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
