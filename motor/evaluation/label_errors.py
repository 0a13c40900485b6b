"""Labels that are probably wrong, motor by motor, from what recipes say that did not see the motor.

Confident learning (Northcutt, Jiang and Chuang 2021, J. Artificial Intelligence Research 70, 1373-1411), by cleanlab.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from motor.evaluation.sheet import has
from motor.lazy import cleanlab
from motor.lazy import numpy as np
from motor.lazy import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from motor.evaluation.cells import CellResult

PACKAGE = "cleanlab"
COLUMNS = (
    *("motor", "label", "suggested", "is_confident", "quality", "probability_label", "probability_suggested"),
    *("n_series", "n_said", "domains"),
)


def suspected_labels(cells: Sequence[CellResult], classes: Sequence[str]) -> pd.DataFrame | None:
    """Return the labels of motors that recipes do not believe, the least credible first.

    A series' probability is the mean over all recipes, each of which tested it, or crossed it in training, on a side
    without its motor; a motor's is the mean over its series of one label, for a wrong label is wrong of all of them.

    Parameters
    ----------
    cells : sequence of CellResult
        Those of classifiers are read: `predictions` and `held_out`.
    classes : sequence of str
        All classes.

    Returns
    -------
    DataFrame or None
        One row a motor and label: `suggested`, `is_confident` (confident learning calls it wrong: the other class is as
        probable as on average for motors of that label; that finds about half of what is wrong, and calls little wrong
        that is right), `quality` (0 to 1: how well the label fits), the probability of either, `n_series`, `n_said`
        (verdicts behind it), `domains`. None where cleanlab is not installed, or no classifier judged two classes.
    """
    said = _said(cells, classes)
    if said is None or said["label"].nunique() < 2 or not is_installed():
        return None
    columns = [f"probability_{name}" for name in classes]
    groups = said.groupby(["motor", "label"], sort=True)
    table = groups[columns].mean().reset_index()
    table = table.assign(
        n_series=groups["item"].nunique().to_numpy(),
        n_said=groups.size().to_numpy(),
        domains=groups["domain"].agg(lambda names: " ".join(sorted(set(names)))).to_numpy(),
    )
    return _suspected(table, columns, list(classes))


def is_installed() -> bool:
    """Tell whether cleanlab can be imported, which takes half a second the first time."""
    try:
        importlib.import_module(f"{PACKAGE}.filter")
    except ImportError:
        return False
    return True


def _said(cells: Sequence[CellResult], classes: Sequence[str]) -> pd.DataFrame | None:
    """Return every verdict on a series by a classifier that did not see its motor."""
    columns = ["item", "motor", "domain", "label", *(f"probability_{name}" for name in classes)]
    tables = [table for cell in cells for table in (cell.predictions, cell.held_out)]
    usable = [table[columns] for table in tables if "probabilities" in has(table) and set(columns) <= set(table)]
    if not usable:
        return None
    said = pd.concat(usable, ignore_index=True)
    return said[said[columns[4:]].sum(axis=1) > 0]


def _suspected(table: pd.DataFrame, columns: list[str], classes: list[str]) -> pd.DataFrame:
    probability_MC = table[columns].to_numpy(dtype=float)
    probability_MC = probability_MC / probability_MC.sum(axis=1, keepdims=True)
    label_M = np.array([classes.index(name) for name in table["label"]])
    rows: Any = np.arange(len(table))
    suggested_M = probability_MC.argmax(axis=1)
    is_doubted_M, is_wrong_M = (
        cleanlab.filter.find_label_issues(label_M, probability_MC, filter_by=how, n_jobs=1)
        for how in ("predicted_neq_given", "confident_learning")
    )
    found = table.assign(
        suggested=np.array(classes, dtype=object)[suggested_M],
        quality=cleanlab.rank.get_label_quality_scores(label_M, probability_MC, method="normalized_margin"),
        is_confident=is_wrong_M,
        probability_label=probability_MC[rows, label_M],
        probability_suggested=probability_MC[rows, suggested_M],
    )
    found = found[is_doubted_M]
    return found.sort_values(["quality", "motor"], kind="stable")[list(COLUMNS)].reset_index(drop=True)
