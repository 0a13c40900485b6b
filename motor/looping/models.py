"""An iteration's model: which cell it is, what held-out and test motors say of it, and how two compare."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from grid.plan.plan import Cell
from grid.store.store import Store
from motor.evaluation.cell_metrics import classification_metrics
from motor.evaluation.cells import CellResult
from motor.evaluation.comparisons import Difference, differences
from motor.evaluation.scores import score_cells
from motor.looping.inference import meta_of, read_inferred
from motor.looping.label_sets import resolved
from motor.looping.loop import Loop, LoopError
from motor.review.database.schema import ITEM

if TYPE_CHECKING:
    import pandas as pd

NO_ROWS = 0.0
GAIN = 0.0  # a macro-F1 that is no higher is no gain
PATIENCE = 2


@dataclass(frozen=True)
class Figures:
    """What some motors say of a model.

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


def choose(cells: Sequence[Cell], store: Store, classes: tuple[str, ...], normal: str) -> Model:
    """Return the cell whose macro-F1 is highest on motors of the training and validation sides that it did not see.

    Raises
    ------
    LoopError
        If none of the cells stands.
    """
    standing = [cell for cell in cells if store.holds(cell.stage)]
    if not standing:
        raise LoopError("no cell of this iteration stands yet: launch.py loop train")
    models = [_model(cell, store, classes, normal) for cell in standing]
    return max(models, key=lambda one: one.held_out.macro_f1 if one.held_out else NO_ROWS)


def _model(cell: Cell, store: Store, classes: tuple[str, ...], normal: str) -> Model:
    import pandas as pd

    texts = dict.fromkeys(("item", "motor", "domain", "label", "predicted", "fold"), str)
    held_out = pd.read_csv(store.folder(cell.stage) / "held_out.csv", dtype=texts, keep_default_na=False)
    found = figures(held_out, classes, normal) if len(held_out) and "predicted" in held_out else None
    return Model(cell.stage.key, cell.name(), found)


def figures(predictions: "pd.DataFrame", classes: tuple[str, ...], normal: str) -> Figures:
    """Return what predictions (item, motor, domain, label, predicted, ``probability_<class>``) come to."""
    found = classification_metrics(predictions, classes, normal)
    interval = found.get("macro_f1_interval")
    recall = {name: value for name, value in found["recall"].items() if value is not None}
    return Figures(found["macro_f1"], tuple(interval) if interval else None, recall, found["n_motors"])


def test_predictions(loop: Loop, number: int) -> "pd.DataFrame":
    """Return what an iteration's model says of the test motors, with the labels that hold of them now.

    Nothing is trained for a corrected label: every iteration is scored again by what it said before.
    """
    said, labels = read_inferred(loop, number), test_labels(loop)
    meta = meta_of(loop)
    known = meta[meta["item"].isin(labels) & meta["item"].isin(said.index)]
    rows = known[["item", "motor", "domain"]].assign(label=[labels[item] for item in known["item"]])
    return rows.join(said.drop(columns=["domain"]).rename(columns={"label": "predicted"}), on="item")


def test_labels(loop: Loop) -> dict[str, str]:
    """Return the labels that hold of test items: people's where they agree or one has settled, else the data's."""
    with loop.database.reading() as connection:
        tested = set(connection.scalars(select(ITEM.c.name).where(ITEM.c.side == "test")))
        decided = resolved(connection)
    meta = meta_of(loop)
    own = dict(zip(meta["item"], meta["label"].where(meta["label"].notna(), None), strict=True))
    held = {item: decided[item].label if item in decided and decided[item].action else own[item] for item in tested}
    return {item: label for item, label in held.items() if label is not None}


def compare(loop: Loop, numbers: Sequence[int]) -> tuple[dict[int, Figures], list[Difference]]:
    """Score iterations on the test motors as labelled now, and each against the one before it, paired by motor."""
    classes, normal = loop.facts.classes, loop.facts.normal
    tables = {number: test_predictions(loop, number) for number in numbers}
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


def verdict(models: Sequence[Model], goal: float, goal_recall: float) -> str | None:
    """Return why a loop is complete, by held-out motors of its iterations, the newest last; None where it is not.

    Either the lower bound of macro-F1 and the recall of every class reach the goals, or two iterations brought no gain.
    """
    known = [model.held_out for model in models if model.held_out]
    if not known:
        return None
    newest = known[-1]
    reached = newest.interval is not None and newest.interval[0] >= goal
    if reached and newest.recall and min(newest.recall.values()) >= goal_recall:
        return "goal"
    scores = [one.macro_f1 for one in known]
    if len(scores) > PATIENCE and max(scores[-PATIENCE:]) - max(scores[:-PATIENCE]) <= GAIN:
        return "no gain"
    return None


def as_json(model: Model) -> str:
    """Return a model as it is kept beside what it said."""
    held = model.held_out and vars(model.held_out)
    return json.dumps({"key": model.key, "name": model.name, "held_out": held}, indent=2)


def from_json(text: str) -> Model:
    """Return a model that `as_json` wrote."""
    told: dict[str, Any] = json.loads(text)
    held = told["held_out"]
    if held is None:
        return Model(told["key"], told["name"], None)
    interval = held["interval"] and tuple(held["interval"])
    return Model(told["key"], told["name"], Figures(**{**held, "interval": interval}))
