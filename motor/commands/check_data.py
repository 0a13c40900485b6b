"""Import a config's data, say what was found in it, and train nothing."""

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grid.plan.plan import Cell
from grid.run.build import BuildContext, build_stage
from grid.stage import InputError, Resources
from grid.store.store import DamagedError, Store, name_of
from motor.commands.exits import AT_FAULT, OK
from motor.commands.words import add_config, config_in, store_in
from motor.experiment.cells import UNKNOWN, make_cells
from motor.experiment.public_sets import public_set
from motor.experiment.reading import Experiment, read_experiment
from motor.recordings.data_report import describe
from motor.recordings.readers.base import AS_RECORDED, Reader
from motor.recordings.recording import DataError, SeriesError
from motor.recordings.stated_speeds import contradicted_speeds
from motor.recordings.table import labelled, open_recordings
from motor.stages.audit import Cleared
from motor.stages.classify import Classify
from motor.stages.computable import feature_faults
from motor.stages.faults import input_faults
from motor.stages.labels import LabelsBeside, LabelsByLife, counts_of
from motor.stages.prepare import Prepare
from motor.stages.recordings import REPORT, SUMMARY, ImportRecordings
from motor.stages.untold_speeds import UntoldSpeeds, untold_speeds

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 20
MOST = 1000  # files looked at
WAIT_S = 1.0


@dataclass(frozen=True)
class CheckedData:
    """The contents of a data set, as `check-data` prints them.

    Attributes
    ----------
    summary, report : mapping
        Counts and skipped series; findings.
    folder : Path
        Where both lie as JSON, beside the imported recordings.
    reader : Reader
    split_fault : InputError or None
        Why the config's split cannot be made of it.
    feature_faults : tuple of str
        What the config's features cannot describe of it, each with the settings that would fit.
    untold_speeds : UntoldSpeeds or None
        What signals tell of speeds that nothing else tells.
    """

    summary: Mapping[str, Any]
    report: Mapping[str, Any]
    folder: Path
    reader: Reader
    split_fault: InputError | None
    feature_faults: tuple[str, ...] = ()
    untold_speeds: UntoldSpeeds | None = None


def check_data(experiment: Experiment, store: Store) -> CheckedData:
    """Import a config's dataset if the store has it not yet, and try the split.

    The import is the one that a launch makes, and the next launch finds it. Neither weights nor a cluster are needed.

    Parameters
    ----------
    experiment : Experiment
        The checked config.
    store : Store

    Raises
    ------
    InputError
        If the data is at fault. It lists every bad series, not the first alone.
    """
    try:
        return _checked(experiment, store)
    except InputError as error:
        if experiment.public_set is None:
            raise
        raise InputError(f"{error}\n{_expected(experiment.public_set, experiment.base.dataset.path)}") from error


def import_data(experiment: Experiment, store: Store) -> list[Path]:
    """Import a config's dataset if the store has it not yet, whatever labels it has; return the folder of each table.

    Raises
    ------
    InputError
        If the data is at fault.
    """
    recordings = _prepared_by(make_cells(experiment, store.root, dry_run=True)).recordings
    return [_imported(one, store) for one in recordings.parts]


def _prepared_by(cells: Sequence[Cell]) -> Prepare:
    first: Classify = cells[0].stage  # type: ignore[assignment]
    return first.features[0].of_fold[0]


def _imported(stage: ImportRecordings, store: Store) -> Path:
    for one in stage.parts if len(stage.parts) > 1 else ():
        _imported(one, store)
    with input_faults():
        stage.reader.files()  # a dry run passes over missing data
    if stage.content_digest == UNKNOWN:
        raise InputError(f"{stage.reader.path}: not all of its files can be read; check who may read them")
    if not store.holds(stage):
        _build_once(stage, store)
    try:
        return store.verified(stage)
    except DamagedError as error:  # it was set aside
        print(error, file=sys.stderr)
        _build_once(stage, store)
        return store.folder(stage)


def _checked(experiment: Experiment, store: Store) -> CheckedData:
    """Import, and try the split."""
    cells = make_cells(experiment, store.root, dry_run=True)
    prepared = _prepared_by(cells)
    stage = prepared.recordings
    folder = _imported(stage, store)
    summary, report = (json.loads((folder / name).read_text(encoding="utf-8")) for name in (SUMMARY, REPORT))
    recordings = open_recordings(folder)
    meta = recordings.meta
    report["findings"] += [asdict(finding) for finding in contradicted_speeds(recordings)]
    if isinstance(prepared.labels, LabelsBeside | LabelsByLife):
        meta = prepared.labels.known(meta)
        summary |= counts_of(meta)
    features = next((one.features for cell in cells for one in cell.checks if isinstance(one, Cleared)), ())
    faults = tuple(feature_faults(features, meta, prepared.speed, recordings.has_tacho))
    untold = untold_speeds(recordings, prepared.speed)
    return CheckedData(summary, report, folder, stage.reader, _split_fault(experiment, meta), faults, untold)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the argument that names the config."""
    add_config(parser)


def command(arguments: argparse.Namespace) -> int:
    """Print what was found in the data; return the exit status."""
    experiment = read_experiment(config_in(arguments), arguments.overrides, os.environ)
    checked = check_data(experiment, store_in(arguments))
    print(describe(checked.summary, checked.report))
    print(_units(checked.reader))
    if checked.untold_speeds is not None:
        print(f"\n{checked.untold_speeds.sentence()}")
    if passed_over := checked.reader.passed_over():
        print(f"\nnot read: {passed_over}")
    print(f"\nThe same as JSON, with all names: {checked.folder / REPORT} and {SUMMARY} beside it")
    faults = [*([] if checked.split_fault is None else [str(checked.split_fault)]), *checked.feature_faults]
    print(*faults, sep="\n", end="\n" if faults else "", file=sys.stderr)
    return AT_FAULT if faults else OK


def _expected(name: str, path: str) -> str:
    """Return which files a public set was written for, and which are there."""
    layout = public_set(name).about["layout"].strip().replace("\n", "\n  ")
    there = sorted(file.relative_to(path).as_posix() for file in islice(Path(path).rglob("*"), MOST) if file.is_file())
    found = ", ".join(there[:SHOWN]) + (", ..." if len(there) > SHOWN else "")
    return f"{name} expects:\n  {layout}\nfound in {path}: {found or 'no file'}"


def _split_fault(experiment: Experiment, meta: "pd.DataFrame") -> InputError | None:
    """Return why the config's split cannot be made."""
    base = experiment.base
    try:
        with input_faults():
            base.split.split(labelled(meta), base.seed, base.normal)
    except InputError as error:
        return error
    return None


def _units(reader: Reader) -> str:
    """Say which unit each domain's signals have."""
    units = ", ".join(f"{domain} {reader.units.get(domain, AS_RECORDED)}" for domain in reader.domains)
    return f"\nunits (dataset.units): {units}"


def _build_once(stage: ImportRecordings, store: Store) -> None:
    """Build the import unless a launch does so just now; then wait for what comes of it."""
    is_told = False
    while (lease := store.leases.acquire(name_of(stage), "check-data")) is None:
        if not is_told:
            holder = store.leases.holder(name_of(stage)) or "another process"
            print(f"{holder} imports this data set just now; waiting for it", file=sys.stderr, flush=True)
            is_told = True
        time.sleep(WAIT_S)
    with lease:
        if not store.holds(stage):  # who had the lease may have built it
            _build(stage, store)


def _build(stage: ImportRecordings, store: Store) -> None:
    store.sweep()
    try:
        build_stage(stage, store, BuildContext(store, stage, Resources(), _tell))
    except InputError as error:
        if isinstance(error.__cause__, SeriesError) and stage.reader.on_bad_series == "fail":
            raise InputError(_all_bad_series(stage.reader)) from error
        raise
    finally:
        _end_of_line()


def _all_bad_series(reader: Reader) -> str:
    """Return every bad series with its reason; reading goes on behind each, and nothing is written."""
    lenient = reader.model_copy(update={"on_bad_series": "skip"})
    skipped: list[dict[str, str]] = []
    number, fault = 0, ""
    try:
        for _ in lenient.read(skipped):
            number += 1
    except DataError as error:  # a fault of structure behind the bad series
        fault = f"\n- and then: {error}"
    lines = [f"- {bad['reason']}" for bad in skipped[:SHOWN]]
    lines += [f"- and {len(skipped) - SHOWN} more"] if len(skipped) > SHOWN else []
    return f"{len(skipped)} of {number + len(skipped)} series are bad:\n" + "\n".join(lines) + fault


def _tell(progress: dict[str, float]) -> None:
    if sys.stderr.isatty():
        print(f"\r{progress['recordings']:.0f} series read", end="", file=sys.stderr, flush=True)


def _end_of_line() -> None:
    if sys.stderr.isatty():
        print(file=sys.stderr)
