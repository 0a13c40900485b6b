"""Stage `heat`: one fold of a cell, judged by itself, so that a race can look at it before the others are done."""

import json
import shutil
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar

from grid.stage import Context, Resources, Stage
from grid.store.store import write_json
from motor.lazy import pandas as pd
from motor.stages.classify import Classify, FoldOfCell
from motor.stages.devices import Threads

PREDICTIONS, HELD_OUT, RECORD = "predictions.parquet", "held_out.parquet", "fold.json"


@dataclass(frozen=True)
class Heat(Classify):
    """The judge of a cell on one fold: what `Classify` does for this fold, kept for it."""

    KIND: ClassVar[str] = "heat"
    ASKS: ClassVar[Resources | None] = None  # as a cell does
    READ: ClassVar[tuple[str, ...] | None] = None

    def label(self) -> str:
        return f"{super().label()}-fold{self.features[0].of_fold[1]}"

    def build(self, folder: Path, context: Context) -> None:
        """Write ``predictions.parquet``, ``held_out.parquet``, ``fold.json`` and ``fold-<name>/``."""
        fold = self._fold(0, context, folder, Threads.of(context.resources))
        fold.predictions.to_parquet(folder / PREDICTIONS, index=False)
        fold.held_out.to_parquet(folder / HELD_OUT, index=False)
        record = {
            one.name: getattr(fold, one.name) for one in fields(fold) if one.name not in ("predictions", "held_out")
        }
        write_json(folder / RECORD, record)

    def read(self, built: Path) -> FoldOfCell:
        """Return what the built stage says of its fold."""
        tables = {"predictions": pd.read_parquet(built / PREDICTIONS), "held_out": pd.read_parquet(built / HELD_OUT)}
        return FoldOfCell(**tables, **json.loads((built / RECORD).read_text(encoding="utf-8")))

    def take(self, built: Path, folder: Path) -> FoldOfCell:
        """Return the same, and copy the fitted judge into a cell's folder."""
        fold = self.read(built)
        shutil.copytree(built / f"fold-{fold.name}", folder / f"fold-{fold.name}")
        return fold


def with_heats(cell: Classify) -> Classify:
    """Return a cell that takes its folds from heats, in the order of its folds: same record, same key, same result."""
    heats: list[Stage] = []
    for place in range(len(cell.features)):
        known: dict[str, Any] = {one.name: getattr(cell, one.name) for one in fields(Classify) if one.init}
        known["features"] = (cell.features[place],)
        for name in ("unlabelled", "scored", "fitted"):
            known[name] = getattr(cell, name)[place : place + 1]
        heats.append(Heat(**known))
    return replace(cell, heats=tuple(heats))
