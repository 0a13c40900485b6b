"""The race of a grid: which of its recipes still run, decided fold by fold from the heats that stand."""

import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from grid.plan.plan import Cell, Plan
from grid.plan.waves import Waves
from grid.stage import digest
from grid.store.store import Store, write_json
from motor.evaluation.cells import JOINT, CellResult, ReportContext, rankable
from motor.evaluation.racing import share_of, worse
from motor.experiment.reading import Experiment
from motor.lazy import pandas as pd
from motor.results.folder import RACING, results_folder
from motor.stages.heat import Heat, with_heats


class Race:
    """The recipes of a grid, and which of them were stopped.

    What was decided is kept beside the results, so that a launch that goes on decides nothing anew; with other cells,
    or another error, the race begins again, with the heats that stand.

    Parameters
    ----------
    experiment : Experiment
        Its ``search`` is racing.
    cells : list of Cell
        The whole grid, with heats (see `raced`).
    store : Store
    """

    def __init__(self, experiment: Experiment, cells: Sequence[Cell], store: Store) -> None:
        self.experiment, self.cells, self.store = experiment, cells, store
        self.error = experiment.base.search.error
        self.n_waves = max((len(_heats(cell)) for cell in cells), default=0)
        self.file = results_folder(experiment, store) / RACING
        self._of = digest({"cells": [cell.stage.key for cell in cells], "error": self.error})
        record = self._read()
        self.n_done: int = record.get("n_done", 0)
        self.stopped: dict[str, dict[str, Any]] = record.get("stopped", {})  # by the key of the cell

    def left(self, plan: Plan) -> Plan:
        """Return a plan without what was stopped, and without what only that needs."""
        cells = [cell for cell in plan.cells if cell.stage.key not in self.stopped]
        wanted = {stage.key for cell in cells for stage in cell.walk()}
        return replace(
            plan,
            cells=cells,
            stages={key: stage for key, stage in plan.stages.items() if key in wanted},
            missing={key: stage for key, stage in plan.missing.items() if key in wanted},
            forced=plan.forced & wanted,
        )

    def waves(self, plan: Plan) -> Waves:
        """Return the waves of a plan: the stages of the first folds, those of the second, and so on."""
        of: dict[str, int] = {}
        for cell in plan.cells:
            for wave, heat in enumerate(_heats(cell)):
                for stage in heat.walk():
                    of[stage.key] = min(wave, of.get(stage.key, wave))
            of.setdefault(cell.stage.key, max(len(_heats(cell)) - 1, 0))

        def between(wave: int, lost: Set[str]) -> Set[str]:
            self.decide(wave, lost)
            return plan.missing.keys() - self.left(plan).missing.keys()

        return Waves(of, between, self.n_waves)

    def decide(self, wave: int, lost: Set[str] = frozenset()) -> None:
        """Look at the recipes after a wave, and stop those that cannot be the best; once for each wave.

        Parameters
        ----------
        wave : int
            From 0; the last one is not looked at, for there is nothing left to save.
        lost : set of str
            Keys of what failed: such a cell neither stops nor is compared with.
        """
        if wave < self.n_done or wave >= self.n_waves - 1:
            return
        running = [cell for cell in self.cells if cell.stage.key not in self.stopped and self._ran(cell, wave, lost)]
        base = self.experiment.base
        classes, rank_by = tuple(base.dataset.classes), base.ranking()
        context = ReportContext("", "", classes, base.normal, JOINT, rank_by=rank_by)
        made = [self._result(cell, wave) for cell in running]
        results = {id(result): cell for result, cell in zip(made, running, strict=True)}
        compared = rankable(made, context.rank_by)
        for stop in worse(compared, context, share_of(wave, self.n_waves - 1, self.error)):
            record = {"recipe": stop.recipe, "after": wave + 1, "of": self.n_waves, "behind": stop.behind}
            record |= {"lead": stop.lead, "n_motors": stop.n_motors}
            for place in stop.cells:
                cell = results[id(compared[place])]
                self.stopped[cell.stage.key] = {"axes": dict(cell.axes), **record}
        self.n_done = wave + 1
        write_json(self.file, {"of": self._of, "n_done": self.n_done, "error": self.error, "stopped": self.stopped})
        self.store.share(self.file)

    def _ran(self, cell: Cell, wave: int, lost: Set[str]) -> bool:
        heats = _heats(cell)[: wave + 1]
        held = self.store.held(heats)
        return len(heats) == wave + 1 and all(heat.key in held and heat.key not in lost for heat in heats)

    def _result(self, cell: Cell, wave: int) -> CellResult:
        """Return what a cell has said by now: of the test motors of its folds, and inside the first one."""
        folds = [heat.read(self.store.folder(heat)) for heat in _heats(cell)[: wave + 1]]
        predictions = pd.concat([fold.predictions for fold in folds], ignore_index=True)
        held_out = folds[0].held_out.head(None if folds[0].is_honest else 0)
        return CellResult(cell.axes, {}, "", predictions, held_out=held_out)

    def _read(self) -> Mapping[str, Any]:
        self.store.receive(self.file)
        try:
            record = json.loads(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return record if isinstance(record, dict) and record.get("of") == self._of else {}


def raced(cells: Sequence[Cell]) -> list[Cell]:
    """Return the cells with a heat for each fold; their keys stay."""
    return [replace(cell, stage=with_heats(cell.stage)) for cell in cells]  # type: ignore[arg-type]


def _heats(cell: Cell) -> tuple[Heat, ...]:
    return cell.stage.heats  # type: ignore[attr-defined]
