"""From a checked config to the cells of its grid."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from grid.plan.plan import Cell
from grid.stage import InputError, Resources, Stage
from motor.backbones.weights import WeightsError, is_at_hand, model_files, weights_folder
from motor.experiment.chain import Chain
from motor.experiment.link import leaky_split
from motor.experiment.resources import given_to
from motor.recordings.digest import content_digest
from motor.recordings.readers.base import Reader
from motor.recordings.recording import DataError
from motor.registry import using
from motor.stages.labels import LabelsBeside, LabelsByLife
from motor.stages.recordings import Deliveries, ImportRecordings

if TYPE_CHECKING:  # `motor.experiment.settings` reads this folder for the names of the methods
    from motor.experiment.reading import Experiment

UNKNOWN = "not there"  # stands for a digest in a dry run where the data or the weights are elsewhere
LEAKY = "split by"  # stands in the name of a cell whose split deals out series


def make_cells(experiment: "Experiment", storage: Path, dry_run: bool, unit: str = "motor") -> list[Cell]:
    """Return a cell for each combination of the axes.

    Parameters
    ----------
    experiment : Experiment
        The checked config.
    storage : Path
        Where digests of files are remembered.
    dry_run : bool
        Whether data and weights may be missing.
    unit : {"motor", "series"}
        What the split deals out; by series it leaks, and shows by how much.

    Raises
    ------
    InputError
        If the data or the weights are not there.
    """
    with using(experiment.plugins):
        return _cells(experiment, storage, dry_run, unit)


def _cells(experiment: "Experiment", storage: Path, dry_run: bool, unit: str) -> list[Cell]:
    settings = experiment.base
    reader = _absolute(settings.dataset)
    recordings = _recordings(reader, storage, dry_run)
    chain = Chain(
        experiment=experiment,
        recordings=recordings,
        labels=_labels(recordings, storage, dry_run),
        of_test=_test_labels(recordings, storage, dry_run),
        folds=(settings.split if unit == "motor" else leaky_split(settings.split)).fold_names(),
        weights_digest=cache(lambda weights: _weights_digest(weights, storage, dry_run)),
        file_digest=cache(lambda path: _file_digest(path, storage, dry_run)),
        labels_of=cache(lambda path: _labels_beside(recordings, path, storage, dry_run)),
        unit=unit,
    )
    places = list(experiment.places())
    # A split by series leaks, and is made to show it.
    checks = (chain.check(places),) if unit == "motor" else ()
    chain = replace(chain, cleared=checks)
    leak = {} if unit == "motor" else {LEAKY: unit}
    ends = [chain.classify(axes) for axes in places]
    return [Cell(end.axes | leak if leak else end.axes, end, checks) for end in ends]


def chosen_cells(cells: Iterable[Cell], chosen: dict[str, set[str]]) -> list[Cell]:
    """Return the cells that `--only` keeps; an axis that it does not name, or that is idle in a cell, keeps it."""

    def keeps(cell: Cell) -> bool:
        return all(cell.axes[axis] is None or str(cell.axes[axis]) in values for axis, values in chosen.items())

    return [cell for cell in cells if keeps(cell)]


def parse_only(words: Iterable[str], experiment: "Experiment") -> dict[str, set[str]]:
    """Read ``AXIS=VALUE[,VALUE]`` words.

    Raises
    ------
    ValueError
        If an axis or a value is not in the grid.
    """
    chosen: dict[str, set[str]] = {}
    with using(experiment.plugins):
        given = experiment.base.axes.given()
    for word in words:
        axis, _, values = word.partition("=")
        if axis not in given:
            known = f"there are: {', '.join(given)}; settings (KEY=VALUE) stand before --only"
            raise ValueError(f"--only {word}: there is no axis {axis!r}; {known}")
        there = [str(value) for value in given[axis]]
        for value in values.split(","):
            if value not in there:
                raise ValueError(f"--only {word}: the grid has no {axis} {value!r}; it has: {', '.join(there)}")
            chosen.setdefault(axis, set()).add(value)
    return chosen


def resources_of(experiment: "Experiment", stages: Iterable[Stage]) -> dict[str, Resources]:
    """Return what each stage asks of the cluster, by key."""
    stages = list(stages)
    given = {kind: given_to(experiment.base.resources, kind) for kind in {type(stage) for stage in stages}}
    return {stage.key: stage.asks(given[type(stage)]) for stage in stages}


def _absolute(reader: Reader) -> Reader:
    """Return the reader with a path that means the same on a worker, whose working directory is another."""
    if not reader.path:
        return reader
    later = tuple(str(Path(path).absolute()) for path in reader.deliveries)
    return reader.model_copy(update={"path": str(Path(reader.path).absolute()), "deliveries": later})


def _recordings(reader: Reader, storage: Path, dry_run: bool) -> ImportRecordings:
    """Return the stage that gives the recordings: of the data, and of what was delivered since."""
    places = (reader.path, *reader.deliveries)
    first, *later = (reader.model_copy(update={"path": path, "deliveries": ()}) for path in places)
    imports = [ImportRecordings(first, _data_digest(first, storage, dry_run))]
    imports += [ImportRecordings(one, _data_digest(one, storage, dry_run), is_later=True) for one in later]
    return Deliveries.of(imports)


def _data_digest(reader: Reader, storage: Path, dry_run: bool) -> str:
    try:
        files = reader.files()
        return content_digest(files, reader.base_folder(), storage / "digests.json") if files else ""
    except (DataError, OSError) as error:
        if dry_run:
            return UNKNOWN
        raise InputError(str(error)) from error


def _labels(recordings: ImportRecordings, storage: Path, dry_run: bool) -> LabelsBeside | LabelsByLife | None:
    """Return the stage that reads a file of labels beside the data, or assumes them by life, if there is one."""
    if recordings.reader.life is not None:
        return LabelsByLife(recordings, recordings.reader.life)
    if recordings.reader.labels_file is None:
        return None
    return _labels_beside(recordings, recordings.reader.labels_file, storage, dry_run)


def _test_labels(recordings: ImportRecordings, storage: Path, dry_run: bool) -> LabelsBeside | None:
    """Return the stage that reads the labels of test motors, where a file of their own has them."""
    path = recordings.reader.test_labels_file
    return None if path is None else replace(_labels_beside(recordings, path, storage, dry_run), is_partial=True)


def _labels_beside(recordings: ImportRecordings, path: str, storage: Path, dry_run: bool) -> LabelsBeside:
    file = Path(path).absolute()
    try:
        return LabelsBeside(recordings, content_digest([file], file.parent, storage / "digests.json"), str(file))
    except OSError as error:
        if dry_run:
            return LabelsBeside(recordings, UNKNOWN, str(file))
        why = error.strerror or error
        raise InputError(f"{file}: {why}; correct dataset.labels_file (seen from {Path.cwd()})") from error


def _file_digest(path: str, storage: Path, dry_run: bool) -> str:
    file = Path(path).expanduser().absolute()
    try:
        return content_digest([file], file, storage / "digests.json")  # under no name: a file may be renamed
    except OSError as error:
        if dry_run:
            return UNKNOWN
        why = error.strerror or error
        raise InputError(f"{file}: {why}; correct the setting that names it (seen from {Path.cwd()})") from error


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
