"""From a cell that was compared to the same recipe trained on every motor."""

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from grid.stage import Stage
from motor.stages.classify import Classify
from motor.stages.final import Final
from motor.stages.finetune import Finetune
from motor.stages.labels import LabelsBeside, LabelsTogether
from motor.stages.prepare import EVERY_MOTOR, Prepare


def final_of(cell: Classify, folder: Callable[[Stage], Path]) -> Final:
    """Return the stage that ends a cell's recipe with every motor trained upon.

    Its chain is the cell's own, with one fold that holds nothing out. Each fine-tune takes the median of the steps
    that were best in the folds; where they had no validation motors, as many as they took.

    Parameters
    ----------
    cell : Classify
    folder : callable
        From a built fine-tune to its folder.

    Raises
    ------
    ValueError
        If the recipe takes something from validation motors that steps cannot stand for.
    OSError
        If a fold's fine-tune is not there.
    """
    joined = _Joined(folder, cell.scored[0].labels if cell.scored else None)
    known = {field.name: getattr(cell, field.name) for field in fields(cell) if field.init}
    known["features"] = (joined.stage(cell.features),)
    known |= {"heats": (), "fitted": (), "scored": ()}
    known["unlabelled"] = (joined.stage(cell.unlabelled),) if cell.unlabelled else ()
    return Final(**known, judged=cell, n_steps=joined.n_steps)


class _Joined:
    """Stages that stand at one place of the folds' chains, made into one."""

    def __init__(self, folder: Callable[[Stage], Path], of_test: LabelsBeside | None = None) -> None:
        self.folder, self.of_test = folder, of_test
        self.n_steps: dict[str, int] = {}
        self._known: dict[tuple[str, ...], Any] = {}

    def stage(self, of_folds: Sequence[Stage]) -> Any:
        """Return a stage with the fields of the first, of the one fold of every motor."""
        place = tuple(stage.key for stage in of_folds)
        if place not in self._known:
            self._known[place] = self._made(of_folds)
        return self._known[place]

    def _made(self, of_folds: Sequence[Stage]) -> Stage:
        first: Any = of_folds[0]
        deciding = [field.name for field in fields(first) if field.init and not field.metadata.get("beside")]
        made = {name: self._value([getattr(stage, name) for stage in of_folds]) for name in deciding}
        if "fold" in made:
            made["fold"] = EVERY_MOTOR
        if isinstance(first, Prepare):
            made["holds_out"] = False
            if self.of_test is not None:  # which have their labels beside those of the others
                made["labels"] = LabelsTogether(made["labels"], self.of_test)
        stage: Any = replace(first, **made)
        if isinstance(first, Finetune) and first.is_trained:
            n_steps = self._steps(of_folds)
            stage = replace(stage, training=stage.training.model_copy(update={"num_steps": n_steps}))
            self.n_steps[f"{stage.backbone.kind} {stage.label()}"] = n_steps
        if isinstance(first, Finetune) and first.training.conformal and first.labels != "none":
            raise ValueError(
                "finetune.conformal is true: the offsets come from validation motors, and a final model has none; "
                "finalize a cell of a grid with finetune.conformal=false"
            )
        return stage

    def _value(self, values: Sequence[Any]) -> Any:
        first = values[0]
        if isinstance(first, Stage):
            return self.stage(values)
        if isinstance(first, tuple) and any(isinstance(one, Stage) for one in first):
            return tuple(self.stage(of_folds) for of_folds in zip(*values, strict=True))
        if isinstance(first, dict) and any(isinstance(one, Stage) for one in first.values()):
            return {name: self.stage([value[name] for value in values]) for name in first}
        return first

    def _steps(self, of_folds: Sequence[Stage]) -> int:
        """Return the median of the steps whose weights the folds' fine-tunes kept."""
        texts = [(self.folder(stage) / "training.json").read_text(encoding="utf-8") for stage in of_folds]
        trained = [json.loads(text) for text in texts]
        return round(statistics.median((one["best"] or {"step": one["n_steps"]})["step"] for one in trained))
