"""Trends of what the advised recipe leans on, gathered from a store; see `motor.evaluation.trends`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from grid.plan.plan import Cell
from grid.store.store import Store
from motor.evaluation.cells import CellResult
from motor.evaluation.sheet import fault_scores
from motor.evaluation.trends import leant_on, trends
from motor.features.base import DOMAIN_MARK
from motor.lazy import pandas as pd
from motor.stages.classify import Classify
from motor.stages.describe import FILE_NAME as EVERY_RECORDING
from motor.stages.describe import DescribeFold
from motor.stages.described import feature_columns
from motor.stages.own_reference import OVER_OWN
from motor.stages.prepare import Prepared


def trends_of(
    cells: Sequence[Cell], results: Sequence[CellResult], store: Store, advised: Sequence[CellResult]
) -> list[dict[str, Any]]:
    """Return the trends of the first cell of an advised recipe whose recordings have times; [] where none has.

    Parameters
    ----------
    cells, results : sequences of Cell and CellResult
        That stand, in one order.
    store : Store
    advised : sequence of CellResult
        Cells of the advised recipe, some of `results`.
    """
    names = {id(one) for one in advised}
    for cell, result in zip(cells, results, strict=True):
        if id(result) in names:
            found = _of_cell(cell.stage, result, store)  # type: ignore[arg-type]
            if found:
                return found
    return []


def _of_cell(stage: Classify, result: CellResult, store: Store) -> list[dict[str, Any]]:
    prepared_stage = stage.features[0].of_fold[0]
    tables = [store.folder(one) / "features.parquet" for one in stage.scored or stage.features]
    if not (store.folder(prepared_stage) / "split.csv").exists() or not all(table.exists() for table in tables):
        return []
    meta = _meta(Prepared.open(store.folder(prepared_stage), prepared_stage))
    normal = prepared_stage.normal
    score = fault_scores(result.predictions, normal)
    if score is None or meta["recorded_at"].isna().all():
        return []
    seen = _tested(tables)
    scores = dict(zip(result.predictions["item"], score, strict=True))
    seen = seen[seen.index.isin(scores)]
    columns = leant_on(seen, seen.index.map(scores).to_numpy(dtype=float))
    if not columns:
        return []
    return trends(_values(stage, store, seen, columns), meta, normal)


def _meta(prepared: Prepared) -> "pd.DataFrame":
    """Return what is known of every recording, with whether it is its motor's own healthy reference."""
    meta = prepared.recordings.meta
    if not prepared.stage.references:
        return meta.assign(is_reference=meta["reference"].astype(bool))
    return meta.assign(is_reference=meta.index.isin(prepared.stage.reference_rows(meta).index))


def _tested(tables: Sequence[Path]) -> "pd.DataFrame":
    """Return what the classifiers saw of the series that were tested, of all folds, indexed by item."""
    found = []
    for file in tables:
        table = pd.read_parquet(file)
        table = table[table["side"] == "test"].set_index("item")
        found.append(table[[name for name in feature_columns(table) if not name.startswith(DOMAIN_MARK)]])
    joined = pd.concat(found)
    return joined[~joined.index.duplicated()]


def _values(stage: Classify, store: Store, seen: "pd.DataFrame", columns: Sequence[str]) -> "pd.DataFrame":
    """Return the columns to draw: of features of recordings as they came, references included, else of tested series.

    What was compared with a motor's reference is drawn as it was, beside the reference's band.
    """
    first = stage.features[0]
    every = store.folder(first.described) / EVERY_RECORDING if isinstance(first, DescribeFold) else None
    if every is None or not every.exists():
        return seen[list(columns)]
    plain = list(dict.fromkeys(name.removeprefix(OVER_OWN) for name in columns))
    return pd.read_parquet(every, columns=["item", *plain]).set_index("item")
