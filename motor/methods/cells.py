"""From a checked config to the cells of its grid."""

from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from grid.plan import Cell
from grid.stage import InputError, Resources, Stage
from motor.backbones.weights import WeightsError, is_at_hand, model_files, weights_folder
from motor.methods.chain import Chain
from motor.recordings.digest import content_digest
from motor.recordings.readers.base import Reader
from motor.recordings.recording import DataError
from motor.stages.recordings import ImportRecordings

if TYPE_CHECKING:  # `motor.settings` reads this folder for the names of the methods
    from motor.settings import Experiment

UNKNOWN = "not there"  # stands for a digest in a dry run where the data or the weights are elsewhere
AXES = ("method", "domain", "context_length", "classifier")


def make_cells(experiment: "Experiment", storage: Path, dry_run: bool) -> list[Cell]:
    """Return a cell for each combination of the axes.

    Parameters
    ----------
    experiment : Experiment
        The checked config.
    storage : Path
        Where digests of files are remembered.
    dry_run : bool
        Whether data and weights may be missing.

    Raises
    ------
    InputError
        If the data or the weights are not there.
    """
    settings = experiment.base
    reader = _absolute(settings.dataset)
    chain = Chain(
        experiment=experiment,
        recordings=ImportRecordings(reader, _data_digest(reader, storage, dry_run)),
        folds=settings.split.fold_names(),
        weights_digest=_weights_digests(experiment, storage, dry_run),
    )
    axes = settings.axes
    combinations = product(axes.method, axes.domain, axes.context_length, axes.classifier)
    named = [dict(zip(AXES, values, strict=True)) for values in combinations]
    return [
        Cell(cell, chain.classify(cell["method"], cell["domain"], cell["context_length"], cell["classifier"]))
        for cell in named
    ]


def chosen_cells(cells: Iterable[Cell], chosen: dict[str, set[str]]) -> list[Cell]:
    """Return the cells that `--only` keeps; an axis that it does not name keeps all."""
    return [cell for cell in cells if all(str(cell.axes[axis]) in values for axis, values in chosen.items())]


def parse_only(words: Iterable[str], experiment: "Experiment") -> dict[str, set[str]]:
    """Read ``AXIS=VALUE[,VALUE]`` words.

    Raises
    ------
    ValueError
        If an axis or a value is not in the grid.
    """
    chosen: dict[str, set[str]] = {}
    for word in words:
        axis, _, values = word.partition("=")
        if axis not in AXES:
            known = f"there are: {', '.join(AXES)}; settings (KEY=VALUE) stand before --only"
            raise ValueError(f"--only {word}: there is no axis {axis!r}; {known}")
        there = [str(value) for value in getattr(experiment.base.axes, axis)]
        for value in values.split(","):
            if value not in there:
                raise ValueError(f"--only {word}: the grid has no {axis} {value!r}; it has: {', '.join(there)}")
            chosen.setdefault(axis, set()).add(value)
    return chosen


def resources_of(experiment: "Experiment", stages: Iterable[Stage]) -> dict[str, Resources]:
    """Return what each stage asks of the cluster, by key."""
    asked = {stage.key: getattr(experiment.base.resources, stage.KIND) for stage in stages}
    return {key: Resources(of.cpus, of.gpus, of.memory_gb) for key, of in asked.items()}


def _absolute(reader: Reader) -> Reader:
    """Return the reader with a path that means the same on a worker, whose working directory is another."""
    return reader.model_copy(update={"path": str(Path(reader.path).absolute())}) if reader.path else reader


def _data_digest(reader: Reader, storage: Path, dry_run: bool) -> str:
    try:
        files = reader.files()
        return content_digest(files, reader.base_folder(), storage / "digests.json") if files else ""
    except (DataError, OSError) as error:
        if dry_run:
            return UNKNOWN
        raise InputError(str(error)) from error


def _weights_digests(experiment: "Experiment", storage: Path, dry_run: bool) -> dict[str, str]:
    axes = experiment.base.axes
    named = {experiment.settings(m, d).backbone.weights for m in axes.method for d in axes.domain}
    return {weights: _weights_digest(weights, storage, dry_run) for weights in sorted(named - {None})}


def _weights_digest(weights: str, storage: Path, dry_run: bool) -> str:
    if dry_run and not is_at_hand(weights):  # a dry run downloads nothing
        return UNKNOWN
    try:
        folder = weights_folder(weights)
        return content_digest(model_files(folder), folder, storage / "digests.json")
    except (WeightsError, OSError) as error:
        if dry_run:
            return UNKNOWN
        raise InputError(str(error)) from error
