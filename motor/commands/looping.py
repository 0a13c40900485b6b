"""Begin or open a loop, and run grids and models for it: shared by the commands of a loop."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from grid.store.store import Store, write_text
from motor.commands.check_data import import_data
from motor.commands.finding import find_loop
from motor.commands.grid import Grid, plan_grid
from motor.commands.run import run
from motor.experiment.reading import Experiment, read_experiment
from motor.lazy import pandas as pd
from motor.looping.inference import Judge, meta_of
from motor.looping.loop import Facts, Loop, LoopError, begin_loop, folder_of
from motor.looping.loop import deliver as take_delivery
from motor.looping.manager import IterationManager, Tools
from motor.looping.training_data import beginning
from motor.recordings.checks import check_dataset
from motor.recordings.recording import DataError, Recording
from motor.recordings.splits.growing import Growing
from motor.recordings.table import labelled, open_recordings
from motor.review.database.items import Item, add_items
from motor.stages.faults import input_faults

DRAFT = ".beginning.yaml"


@dataclass(frozen=True)
class Opened:
    """A loop with the settings of its config, and its manager."""

    loop: Loop
    experiment: Experiment
    manager: IterationManager


def new_loop(
    config: Path, overrides: Sequence[str], store: Store, name: str, database: str | None = None, actor: str = "loop"
) -> Loop:
    """Begin a loop over a config's data: import it, give every motor its side for ever, make the database.

    Parameters
    ----------
    config : Path
    overrides : sequence of str
        ``KEY=VALUE`` words.
    store : Store
    name : str
    database : str, optional
        ``postgresql://...``; SQLite in the loop's folder by default.
    actor : str
        Who does it, in the trail.

    Raises
    ------
    ConfigError, InputError
        If the config or the data is at fault, or there is a loop of that name.
    """
    experiment = read_experiment(config, overrides, os.environ)  # with every fault at its line
    whole = _with_overrides(yaml.safe_load(config.read_text(encoding="utf-8")), overrides)
    whole["plugins"] = [_reachable(entry, config.parent) for entry in whole.get("plugins") or ()]
    if path := experiment.base.dataset.path:  # which means the same from anywhere
        whole["dataset"]["path"] = str(Path(path).absolute())
    if later := experiment.base.dataset.deliveries:
        whole["dataset"]["deliveries"] = [str(Path(path).absolute()) for path in later]
    folder = folder_of(store.root, name)
    draft = folder / DRAFT
    write_text(draft, yaml.safe_dump(beginning(whole, folder), sort_keys=False, allow_unicode=True))
    try:
        imported = import_data(read_experiment(draft, (), os.environ), store)
    finally:
        draft.unlink()

    meta = pd.concat([open_recordings(folder).meta for folder in imported], ignore_index=True)
    base = experiment.base
    facts = Facts(
        sides=_sides(experiment, meta),
        classes=tuple(base.dataset.classes),
        normal=base.normal,
        recordings=_below(store, imported),
        database=database,
        test_reviewers=base.loop.test_reviewers,
    )
    text = yaml.safe_dump(whole, sort_keys=False, allow_unicode=True)
    loop = begin_loop(store.root, name, text, facts)
    add_items(loop.database, items_of(loop, experiment), actor)
    return loop


def deliver(found: Opened, path: Path, store: Store, actor: str = "loop") -> int:
    """Take a delivery of recordings into a loop, which its next iteration knows; return how many are new.

    It is imported by itself: nothing that was built of those before is built anew, and no motor moves. Killed, and
    done again, it comes to the same.

    Parameters
    ----------
    found : Opened
    path : Path
        Recordings that the loop's `dataset` reads as it reads its own.
    store : Store
    actor : str
        Who does it, in the trail.

    Raises
    ------
    ConfigError, InputError
        If it is at fault, or a recording of it has the name of one that is there.
    """
    loop, whole = found.loop, yaml.safe_load(found.loop.config.read_text(encoding="utf-8"))
    known = [str(one) for one in whole["dataset"].get("deliveries") or ()]
    if str(path.absolute()) not in known:
        whole["dataset"]["deliveries"] = [*known, str(path.absolute())]
    draft = loop.folder / DRAFT
    write_text(draft, yaml.safe_dump(beginning(whole, loop.folder), sort_keys=False, allow_unicode=True))
    try:
        experiment = read_experiment(draft, (), os.environ)
        names = _below(store, import_data(experiment, store))
    finally:
        draft.unlink()
    meta = meta_of(replace(loop, facts=replace(loop.facts, recordings=names)))
    if twice := sorted(meta.loc[meta.duplicated("item"), "item"]):
        raise LoopError(
            f"{path}: recording {twice[0]!r} has the name of one that is there; give each delivery names of its own, "
            "by a folder of its own inside of it, say"
        )
    with input_faults():
        check_dataset(meta.assign(label=None), (), experiment.base.dataset.domains)
    text = yaml.safe_dump(whole, sort_keys=False, allow_unicode=True)
    return add_items(loop.database, items_of(take_delivery(loop, text, names), experiment), actor)


def _below(store: Store, folders: Sequence[Path]) -> tuple[str, ...]:
    """Return the names of folders below a store."""
    return tuple(str(folder.relative_to(store.root)) for folder in folders)


def _sides(experiment: Experiment, meta: "pd.DataFrame") -> dict[str, str]:
    """Return the side of every motor: by the config's split where its labels allow one, of others by hash."""
    base = experiment.base
    growing = base.split if isinstance(base.split, Growing) else Growing()
    found: dict[str, str] = {
        str(motor): growing.side(str(motor), base.seed) for motor in sorted(meta["motor"].unique())
    }
    known = labelled(meta)
    if growing is base.split or known.empty:
        return found
    try:
        dealt = base.split.split(known, base.seed, base.normal)
    except DataError:
        return found
    first = dealt[dealt["fold"] == dealt["fold"].iloc[0]]
    return found | dict(zip(first["motor"], first["side"], strict=True))


def items_of(loop: Loop, experiment: Experiment) -> list[Item]:
    """Return every recording of a loop as what can be decided on; the side of a motor that came later is by hash."""
    base = experiment.base
    growing = base.split if isinstance(base.split, Growing) else Growing()
    sides: dict[str, Any] = dict(loop.facts.sides)
    rows = [
        (source, row)
        for source, folder in zip(loop.facts.recordings, loop.tables(), strict=True)
        for row in open_recordings(folder).meta.to_dict("records")
    ]
    return [
        Item(
            row["item"],
            row["motor"],
            row["domain"],
            sides.setdefault(row["motor"], growing.side(row["motor"], base.seed)),
            source,
            None if row["moment"] is None else str(row["moment"]),
            None if row["recorded_at"] != row["recorded_at"] else row["recorded_at"],
        )
        for source, row in rows
    ]


def opened(store: Store, name: str | None, address: str | None = None, actor: str = "loop") -> Opened:
    """Open a loop with what it needs to go on."""
    loop = find_loop(store, name)
    experiment = read_experiment(loop.config, (), os.environ)
    base = experiment.base
    tools = Tools(
        plan=lambda config: plan_grid(config, (), os.environ, store),
        build=lambda grid: _build(grid, address),
        judge=lambda key: _judge(key, store),
    )
    return Opened(loop, experiment, IterationManager(loop, store, base.loop, base.seed, tools, actor))


def _build(grid: Grid, address: str | None) -> bool:
    return run(grid, address).n_standing == len(grid.plan.cells)


def _judge(key: str, store: Store) -> Judge:
    """Return what judges recordings by a cell, with the features that its classifier sees beside."""
    from motor.commands.cell import find_cell  # prediction, for the first labels alone
    from motor.predicting.cell import TrainedCell

    cells = [TrainedCell.open(parts) for parts in find_cell(key, store.root)]

    def judge(recordings: Sequence[Recording]) -> "pd.DataFrame":
        tables = []
        for cell in cells:
            own = [one for one in recordings if one.domain in cell.parts.domains]
            table, _ = cell.predict(own)
            features = cell.features(own).add_prefix("feature_")
            tables.append(table.join(features, on="item"))
        return pd.concat(tables, ignore_index=True)

    return judge


def _with_overrides(config: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Return a config with ``KEY=VALUE`` words in it, which were checked before."""
    found: dict[str, Any] = json.loads(json.dumps(config))
    for word in overrides:
        place, _, value = word.partition("=")
        *parents, last = place.split(".")
        inner = found
        for name in parents:
            inner = inner.setdefault(name, {})
        inner[last] = yaml.safe_load(value)
    return found


def _reachable(entry: str, folder: Path) -> str:
    """Return a plug-in's entry so that it means the same from the loop's folder."""
    return str((folder / entry).absolute()) if (folder / entry).exists() else entry
