"""What the commands of a loop have in common: beginning one, finding one, and what it has others do."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from grid.store.store import Store, write_text
from motor.commands.check_data import import_data
from motor.commands.finding import find_loop
from motor.commands.grid import Grid, plan_grid
from motor.experiment.reading import Experiment, read_experiment
from motor.looping.inference import Judge, meta_of
from motor.looping.loop import Facts, Loop, begin_loop, folder_of
from motor.looping.manager import IterationManager, Tools
from motor.looping.training_data import beginning
from motor.recordings.recording import DataError, Recording
from motor.recordings.splits.growing import Growing
from motor.recordings.table import labelled
from motor.review.database.items import Item, add_items

if TYPE_CHECKING:
    import pandas as pd

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
    folder = folder_of(store.root, name)
    draft = folder / DRAFT
    write_text(draft, yaml.safe_dump(beginning(whole, folder), sort_keys=False, allow_unicode=True))
    try:
        imported = import_data(read_experiment(draft, (), os.environ), store)
    finally:
        draft.unlink()
    from motor.recordings.table import open_recordings

    meta = open_recordings(imported).meta
    base = experiment.base
    facts = Facts(
        sides=_sides(experiment, meta),
        classes=tuple(base.dataset.classes),
        normal=base.normal,
        recordings=(str(imported.relative_to(store.root)),),
        database=database,
        test_reviewers=base.loop.test_reviewers,
    )
    text = yaml.safe_dump(whole, sort_keys=False, allow_unicode=True)
    loop = begin_loop(store.root, name, text, facts)
    add_items(loop.database, items_of(loop), actor)
    return loop


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


def items_of(loop: Loop) -> list[Item]:
    """Return every recording of a loop as what can be decided on."""
    rows = meta_of(loop).to_dict("records")
    sides: Mapping[str, Any] = loop.facts.sides
    return [
        Item(
            row["item"],
            row["motor"],
            row["domain"],
            sides[row["motor"]],
            loop.facts.recordings[0],
            None if row["moment"] is None else str(row["moment"]),
            None if row["recorded_at"] != row["recorded_at"] else row["recorded_at"],
        )
        for row in rows
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
    from motor.commands.run import run

    return run(grid, address).n_standing == len(grid.plan.cells)


def _judge(key: str, store: Store) -> Judge:
    """Return what judges recordings by a cell, with the features that its classifier sees beside."""
    from motor.commands.cell import find_cell
    from motor.predicting.cell import TrainedCell

    cells = [TrainedCell.open(parts) for parts in find_cell(key, store.root)]

    def judge(recordings: Sequence[Recording]) -> "pd.DataFrame":
        import pandas as pd

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
