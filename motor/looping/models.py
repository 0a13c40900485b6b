"""Choose an iteration's model, score it on held-out and test motors, and compare iterations."""

import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from grid.plan.plan import Cell
from grid.store.store import Store
from motor.evaluation.cell_metrics import classification_metrics
from motor.evaluation.cells import CellResult
from motor.evaluation.comparisons import Difference, differences
from motor.evaluation.scores import score_cells
from motor.lazy import pandas as pd
from motor.looping.inference import labels_of_data, meta_of, read_inferred
from motor.looping.iterations import iterations
from motor.looping.label_sets import decided_in, read_set
from motor.looping.loop import Loop, LoopError

NO_ROWS = 0.0
GAIN = 0.0  # a macro-F1 that is no higher is no gain
PATIENCE = 2


@dataclass(frozen=True)
class Figures:
    """Figures of a model on some motors.

    Attributes
    ----------
    macro_f1 : float
    interval : (low, high) or None
        95 %, over motors; None where they are too few.
    recall : mapping
        By class.
    n_motors : int
    """

    macro_f1: float
    interval: tuple[float, float] | None
    recall: Mapping[str, float]
    n_motors: int


@dataclass(frozen=True)
class Model:
    """The cell that an iteration chose, on held-out motors alone."""

    key: str
    name: str
    held_out: Figures | None
    rivals: Mapping[str, tuple[float, int]] = field(default_factory=dict)  # cell -> held-out macro-F1, steps trained


def choose(
    cells: Sequence[Cell], store: Store, classes: tuple[str, ...], normal: str, fair: Set[str]
) -> tuple[Model, "pd.DataFrame"]:
    """Return the cell whose macro-F1 is highest on motors of the training and validation sides that it did not see.

    Parameters
    ----------
    cells : sequence of Cell
    store : Store
    classes : tuple of str
    normal : str
    fair : set of str
        Items that nobody chose: what a strategy asked for are hard ones, and say less of a model than it is worth.

    Returns
    -------
    model : Model
    held_out : DataFrame
        What it said of all items of those motors.

    Raises
    ------
    LoopError
        If none of the cells stands.
    """
    standing = [cell for cell in cells if store.holds(cell.stage)]
    if not standing:
        raise LoopError("no cell of this iteration stands yet: launch.py loop train")
    found = [_model(cell, store, classes, normal, fair) for cell in standing]
    best, held_out = max(found, key=lambda one: one[0].held_out.macro_f1 if one[0].held_out else NO_ROWS)
    steps = {cell.stage.key: _steps(cell) for cell in standing}
    rivals = {one.name: (one.held_out.macro_f1, steps[one.key]) for one, _ in found if one.held_out is not None}
    return replace(best, rivals=rivals), held_out


def _steps(cell: Cell) -> int:
    """Return how many steps a cell's newest fine-tune trains; 0 of what trains no forecaster."""
    finetunes = getattr(getattr(cell.stage, "features", (None,))[0], "finetunes", ())
    return sum(one.training.num_steps for one in finetunes)


def _model(
    cell: Cell, store: Store, classes: tuple[str, ...], normal: str, fair: Set[str]
) -> tuple[Model, "pd.DataFrame"]:
    held_out = read_predictions(store.folder(cell.stage) / "held_out.csv")
    counting = held_out[held_out["item"].isin(fair)]
    found = figures(counting, classes, normal) if len(counting) and "predicted" in counting else None
    return Model(cell.stage.key, cell.name(), found), held_out


def read_predictions(file: Path) -> "pd.DataFrame":
    """Return a table of predictions."""
    texts = dict.fromkeys(("item", "motor", "domain", "label", "predicted", "fold"), str)
    return pd.read_csv(file, dtype=texts, keep_default_na=False)


def alike_scores(held_out: Sequence["pd.DataFrame"], classes: tuple[str, ...], normal: str) -> list[float] | None:
    """Return the macro-F1 of several models on the very items that all of them were judged on, as the last labels them.

    None where there is no such item.
    """
    if not held_out or any("predicted" not in table for table in held_out):
        return None
    tables = [table.drop_duplicates("item").set_index("item", drop=False) for table in held_out]
    items = sorted(set(tables[0].index).intersection(*(table.index for table in tables)))
    if not items:
        return None
    labels = tables[-1].loc[items, "label"]
    return [figures(table.loc[items].assign(label=labels), classes, normal).macro_f1 for table in tables]


def figures(predictions: "pd.DataFrame", classes: tuple[str, ...], normal: str) -> Figures:
    """Return the figures of predictions (columns item, motor, domain, label, predicted, ``probability_<class>``)."""
    found = classification_metrics(predictions, classes, normal)
    interval = found.get("macro_f1_interval")
    recall = {name: value for name, value in found["recall"].items() if value is not None}
    return Figures(found["macro_f1"], tuple(interval) if interval else None, recall, found["n_motors"])


def predictions_on(loop: Loop, number: int, labels: Mapping[str, str]) -> "pd.DataFrame":
    """Return the predictions of an iteration's model for the test motors, with given labels.

    Nothing is trained for a corrected label: every iteration is scored again by what it said before.
    """
    said, meta = read_inferred(loop, number), meta_of(loop)
    known = meta[meta["item"].isin(labels) & meta["item"].isin(said.index)]
    rows = known[["item", "motor", "domain"]].assign(label=[labels[item] for item in known["item"]])
    return rows.join(said.drop(columns=["domain"]).rename(columns={"label": "predicted"}), on="item")


def test_labels(loop: Loop) -> dict[str, str]:
    """Return the labels that hold of test items: people's where they agree or one has settled, else the data's."""
    decided, tested = decided_in(loop), {item for item, side in loop.sides().items() if side == "test"}
    own = labels_of_data(loop)
    held = {item: decided[item].label if item in decided and decided[item].action else own[item] for item in tested}
    return {item: label for item, label in held.items() if label is not None}


def sealed_test_labels(loop: Loop) -> dict[str, str]:
    """Return the test labels that the newest label set holds: those of before any correction."""
    sets = [one.label_set for one in iterations(loop.database) if one.label_set]
    sides = loop.sides()
    held = read_set(loop.label_set(sets[-1])) if sets else {}
    return {item: label for item, label in held.items() if label is not None and sides.get(item) == "test"}


@dataclass(frozen=True)
class Compared:
    """Iterations beside one another on the test motors.

    Attributes
    ----------
    figures : mapping
        By iteration, as the test set is labelled now.
    differences : list of Difference
        Each iteration against the one before it, paired by motor.
    sealed : mapping
        By iteration, as the test set was labelled when the newest labels were sealed; empty where nothing changed.
    n_corrected : int
        Test labels that changed since.
    looks : int
        How often anybody looked at the test motors.
    """

    figures: Mapping[int, Figures]
    differences: Sequence[Difference]
    sealed: Mapping[int, Figures]
    n_corrected: int
    looks: int = 0


def compare(loop: Loop, numbers: Sequence[int], looks: int = 0) -> Compared:
    """Score iterations on the test motors, as labelled now and, where that differs, as sealed."""
    now, sealed = test_labels(loop), sealed_test_labels(loop)
    n_corrected = sum(now.get(item) != label for item, label in sealed.items())
    before = _scored(loop, numbers, sealed)[0] if n_corrected else {}
    return Compared(*_scored(loop, numbers, now), before, n_corrected, looks)


def _scored(
    loop: Loop, numbers: Sequence[int], labels: Mapping[str, str]
) -> tuple[dict[int, Figures], list[Difference]]:
    classes, normal = loop.facts.classes, loop.facts.normal
    tables = {number: predictions_on(loop, number, labels) for number in numbers}
    found = {number: figures(table, classes, normal) for number, table in tables.items() if len(table)}
    if len(found) < 2:
        return found, []
    cells = [CellResult({"method": str(number)}, {}, str(number), tables[number]) for number in found]
    scores = score_cells(cells, classes, normal=normal)
    places = list(found)
    contrasts = [
        (places[late], places[late - 1], [((late, domain), (late - 1, domain)) for domain in scores.domains])
        for late in range(1, len(places))
    ]
    return found, differences(scores, contrasts)


def verdict(newest: Figures | None, scores: Sequence[float] | None, goal: float, goal_recall: float) -> str | None:
    """Return why a loop is complete, by held-out motors of its iterations; None where it is not.

    Parameters
    ----------
    newest : Figures or None
        Of the newest iteration.
    scores : sequence of float or None
        Macro-F1 of all iterations on the same items, the newest last.
    goal, goal_recall : float
        What the lower bound of macro-F1 and the recall of every class have to reach. Or two iterations bring no gain.
    """
    reached = newest is not None and newest.interval is not None and newest.interval[0] >= goal
    if newest is not None and reached and newest.recall and min(newest.recall.values()) >= goal_recall:
        return "goal"
    if scores and len(scores) > PATIENCE and max(scores[-PATIENCE:]) - max(scores[:-PATIENCE]) <= GAIN:
        return "no gain"
    return None


def as_json(model: Model) -> str:
    """Return a model as JSON text, as it is kept beside its predictions."""
    held = model.held_out and vars(model.held_out)
    record = {"key": model.key, "name": model.name, "held_out": held, "rivals": model.rivals}
    return json.dumps(record, indent=2)


def from_json(text: str) -> Model:
    """Return a model that `as_json` wrote."""
    record: dict[str, Any] = json.loads(text)
    held = record["held_out"]
    rivals = {name: (score, steps) for name, (score, steps) in record.get("rivals", {}).items()}
    if held is None:
        return Model(record["key"], record["name"], None, rivals)
    interval = held["interval"] and tuple(held["interval"])
    return Model(record["key"], record["name"], Figures(**{**held, "interval": interval}), rivals)
