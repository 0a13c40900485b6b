"""Stage `final`: a cell's judge, fitted on every motor; figures and thresholds are those of the cell's folds."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from grid.stage import Context, Resources
from grid.store.store import write_json
from motor.evaluation.thresholds import Threshold
from motor.lazy import pandas as pd
from motor.stages.classify import Classify
from motor.stages.devices import Threads

OF_FOLDS = ("thresholds", "folds", "forecast_skill", "pseudo_labels")  # what a cell says of models that are not this


@dataclass(frozen=True)
class Final(Classify):
    """A recipe at the end of a comparison: nothing is held out of it, so nothing can be measured on it.

    Attributes
    ----------
    judged : Classify
        The cell whose recipe it is; each of its folds' models judged motors that it had not seen.
    n_steps : dict
        By the backbone and label of a fine-tune: the steps that it takes.
    """

    KIND: ClassVar[str] = "final"
    ASKS: ClassVar[Resources | None] = None  # what a grid's `classify` asks for

    judged: Classify | None = None
    n_steps: dict[str, int] | None = None

    def build(self, folder: Path, context: Context) -> None:
        """Write ``fold-all/clf_model.pkl`` and ``metrics.json``: the cell's held-out figures, and what `final` is."""
        fold = self._fold(0, context, folder, Threads.of(context.resources))
        assert self.judged is not None
        known = json.loads((context.folder(self.judged) / "metrics.json").read_text(encoding="utf-8"))
        figures = {name: value for name, value in known.items() if name not in OF_FOLDS}
        table = pd.read_parquet(context.folder(self.features[0]) / "features.parquet", columns=["motor", "item"])
        final = {
            "n_motors": int(table["motor"].nunique()),
            "n_series": len(table),
            "n_steps": self.n_steps or {},
            "judged_cell": self.judged.key,
            "n_folds": len(self.judged.features),
        }
        write_json(folder / "metrics.json", {**figures, "thresholds": {fold.name: fold.thresholds}, "final": final})

    def _thresholds(
        self, at_work: Any, of_validation: "pd.DataFrame", reference: "pd.DataFrame", context: Context
    ) -> dict[str, Threshold]:
        """Choose thresholds on the cell's test motors, each judged by a fold's model that had not seen it."""
        assert self.judged is not None
        names = dict.fromkeys(("item", "motor", "domain", "label"), str)
        held_out = pd.read_csv(context.folder(self.judged) / "predictions.csv", dtype=names, keep_default_na=False)
        return at_work.thresholds(held_out, self._rates())
