"""TensorBoard while a grid runs: links to the curves of fine-tunes under way, and to the cells that stand."""

import contextlib
import time
from dataclasses import dataclass, field
from pathlib import Path

from grid.plan.plan import Plan
from grid.stage import Stage
from grid.store.store import Store
from motor.experiment.reading import Experiment
from motor.results.folder import results_folder
from motor.results.links import curve_names, link_to
from motor.stages.curves import CURVES

INTERVAL_S = 5.0


@dataclass
class LiveLinks:
    """Keeps ``results/<name>/tensorboard`` as it is to be seen now; to be called every now and then.

    A fine-tune under way writes into its work folder, which goes when it stands; then its own folder has the curves.
    """

    experiment: Experiment
    plan: Plan
    store: Store
    _linked: set[str] = field(default_factory=set)  # to the folder of a stage that stands
    _at: float = -float("inf")

    def __call__(self) -> None:
        """Link what is there; now and then only, and what cannot be linked is not shown."""
        if time.monotonic() - self._at > INTERVAL_S:
            with contextlib.suppress(OSError):
                self.link()
            self._at = time.monotonic()

    def link(self) -> None:
        """Link what is there."""
        root = results_folder(self.experiment, self.store) / CURVES
        under_way = {folder.name.rpartition("-")[2]: folder for folder in (self.store.root / "unfinished").glob("*")}
        for key, name in curve_names(self.plan.stages.values()).items():
            self._link(self.plan.stages[key], under_way.get(key), root / name)
        for cell in self.plan.cells:
            self._link(cell.stage, None, root / cell.name().replace("/", "-"))

    def _link(self, stage: Stage, work: Path | None, link: Path) -> None:
        if work is not None and (work / CURVES).exists():
            self._linked.discard(stage.key)
            link_to(work / CURVES, link)
        elif stage.key not in self._linked and (built := self.store.peek(stage) / CURVES).exists():
            self._linked.add(stage.key)
            link_to(built, link)
