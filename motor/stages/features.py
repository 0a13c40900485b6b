"""Stage `features`: one row a series, for every classifier alike."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from grid.stage import Context, Stage, beside
from grid.store import write_json
from motor.evaluation.figures.residuals import residual_figure
from motor.evaluation.figures.tsne import tsne_figure
from motor.features.base import Feature, WindowFeatures
from motor.stages.faults import input_faults
from motor.stages.finetune import Finetune, one_device, read_training
from motor.stages.prepare import Prepared
from motor.windows.cutting import FixedWindows

if TYPE_CHECKING:
    import pandas as pd

SIDES = ("train", "validation", "test")
KNOWN = ["item", "motor", "domain", "label", "side"]  # what stands before the features in `features.parquet`


@dataclass(frozen=True)
class Features(Stage):
    """Describe every series of a fold's domains, as a fine-tuned forecaster sees it."""

    KIND: ClassVar[str] = "features"

    finetune: Finetune
    feature: Feature
    windows_per_series: int
    classes: tuple[str, ...]
    batch_size: int = beside(default=32)

    def label(self) -> str:
        return f"{self.feature.kind}-{self.finetune.label()}"

    def build(self, folder: Path, context: Context) -> None:
        """Write ``features.parquet``, the seeds' files by side, ``figures/`` and ``summary.json``."""
        tuned = self.finetune
        prepared = Prepared.open(context.folder(tuned.prepared), tuned.prepared)
        meta = prepared.meta(tuned.fold, tuned.domains)
        forecaster = tuned.backbone.load(context.folder(tuned) / "predictor", tuned.domains)
        forecaster.to(one_device(context))
        windows = WindowFeatures.join(*self._windows(forecaster, prepared, meta, context))
        features = self.feature.per_series(windows, meta)
        table = meta.set_index("item", drop=False)[KNOWN].join(features, validate="one_to_one")
        table.reset_index(drop=True).to_parquet(folder / "features.parquet", index=False)
        self._write_by_side(table, features.columns, folder)
        self._draw(table, features, folder / "figures")
        write_json(folder / "summary.json", self._summary(context.folder(tuned), len(features.columns)))

    def _windows(
        self, forecaster: Any, prepared: Prepared, meta: "pd.DataFrame", context: Context
    ) -> tuple[list[WindowFeatures], list[str], list[int]]:
        parts, items, numbers = [], [], []
        for rate, of_rate in meta.groupby("sampling_rate_hz"):
            fixed = self._fixed(prepared, of_rate)
            for cut in fixed.batches(self.batch_size):
                arguments = (cut["window"], cut["domain"], self.finetune.context_length, float(rate))
                parts.append(self.feature.per_window(forecaster, *arguments))
                items += [fixed.series[place].item for place in cut["item"]]
                numbers += cut["window_index"].tolist()
                context.report(windows=len(items))
        return parts, items, numbers

    def _fixed(self, prepared: Prepared, meta: "pd.DataFrame") -> FixedWindows:
        tuned = self.finetune
        length = tuned.context_length + (tuned.prediction_length if self.feature.needs_future else 0)
        with input_faults():
            series = prepared.series(meta, tuned.fold)
            return FixedWindows(prepared.recordings, series, tuned.domains, length, self.windows_per_series)

    def _write_by_side(self, table: "pd.DataFrame", columns: "pd.Index", folder: Path) -> None:
        """Write ``residual_features_train.csv`` or ``embeddings_train.npy``, and so on (the seeds' names)."""
        for side in SIDES:
            rows = table[table["side"] == side]
            if self.feature.kind == "embedding":
                np.save(folder / f"embeddings_{side}.npy", rows[columns].to_numpy(np.float32))
                rows[KNOWN].to_csv(folder / f"embeddings_{side}.csv", index=False)
            else:
                rows.to_csv(folder / f"{self.feature.kind}_features_{side}.csv", index=False)

    def _draw(self, table: "pd.DataFrame", features: "pd.DataFrame", folder: Path) -> None:
        names = (table["label"], table["motor"], table["domain"])
        folder.mkdir()
        tsne_figure(folder / "tsne.png", features.to_numpy(), *names, self.classes, self.finetune.seed)
        if "mae" in features:
            residual_figure(folder / "residuals.png", table.rename(columns={"mae": "residual"}), self.classes)

    def _summary(self, finetuned: Path, n_features: int) -> dict[str, Any]:
        training = read_training(finetuned)
        training.pop("history")
        skill = json.loads((finetuned / "skill.json").read_text(encoding="utf-8"))
        return {"fold": self.finetune.fold, "n_features": n_features, "training": training, "forecast_skill": skill}


def feature_columns(table: "pd.DataFrame") -> list[str]:
    """Return the columns of `features.parquet` that a classifier sees."""
    return [column for column in table if column not in KNOWN]


def sides(table: "pd.DataFrame") -> Iterator["pd.DataFrame"]:
    """Yield the rows of each side: train, validation, test."""
    yield from (table[table["side"] == side] for side in SIDES)
