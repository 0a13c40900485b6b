"""Stage `classify`: fit a classifier on each fold's training motors, judge it on the pooled test motors."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from grid.stage import Context, Stage, after
from grid.store.store import write_json
from motor.evaluation.cell_metrics import classification_metrics
from motor.evaluation.thresholds import Threshold, apply_thresholds, choose_thresholds
from motor.judges.base import Classifier
from motor.report.figures.confusion import confusion_figure
from motor.report.figures.curves import roc_pr_figure
from motor.stages.crossing import crossed
from motor.stages.curves import CURVES, write_cell
from motor.stages.described import Described, feature_columns, sides

if TYPE_CHECKING:
    import pandas as pd

SCALARS = ("macro_f1", "accuracy", "roc_auc_macro", "roc_auc_faulty", "false_alarm_rate", "detection_rate")


@dataclass(frozen=True)
class Classify(Stage):
    """One cell: a classifier over the features of every fold."""

    KIND: ClassVar[str] = "classify"

    features: tuple[Described, ...]  # one a fold
    classifier: Classifier
    classes: tuple[str, ...]
    normal: str
    false_alarm_rates: dict[str, float]  # by domain
    seed: int
    axes: dict[str, Any]  # they name the cell in its files, so two methods with one recipe are two cells
    cleared: tuple[Stage, ...] = after(default=())

    def label(self) -> str:
        return "-".join(str(value) for value in self.axes.values() if value is not None)

    def build(self, folder: Path, context: Context) -> None:
        """Write ``metrics.json``, ``predictions.csv``, ``held_out.csv``, ``figures/`` and a ``clf_model.pkl`` a fold.

        ``held_out.csv`` has the motors of each fold's train and validation sides, predicted by classifiers that did
        not see them: what a choice between recipes may look at. It has no rows where features saw their labels.
        """
        import pandas as pd

        threads = max(1, int(context.resources.cpus))
        folds = [self._fold(features, context.folder(features), folder, threads) for features in self.features]
        predictions = pd.concat([fold.predictions for fold in folds], ignore_index=True)
        metrics = classification_metrics(predictions, self.classes, self.normal)
        summaries = [_read(context.folder(features) / "summary.json") for features in self.features]
        thresholds = {fold.name: fold.thresholds for fold in folds}
        told = {"thresholds": thresholds, "forecast_skill": pooled_skill(summaries), "folds": summaries}
        (folder / "figures").mkdir()
        confusion_figure(folder / "figures" / "confusion.png", metrics)
        roc_pr_figure(folder / "figures" / "roc_pr.png", predictions, self.classes, self.normal)
        predictions.to_csv(folder / "predictions.csv", index=False)
        honest = [fold.held_out.head(None if fold.is_honest else 0) for fold in folds]
        pd.concat(honest, ignore_index=True).to_csv(folder / "held_out.csv", index=False)
        write_json(folder / "metrics.json", {"axes": self.axes, **metrics, **told})
        shown = {f"cell/{name}": float(metrics[name]) for name in SCALARS if metrics.get(name) is not None}
        write_cell(folder / CURVES, self.axes, shown)

    def _fold(self, features: Described, source: Path, folder: Path, threads: int) -> "_Fold":
        import joblib
        import pandas as pd

        name = features.of_fold[1]
        table = pd.read_parquet(source / "features.parquet")
        columns = feature_columns(table)
        train, validation, test = sides(table)
        estimator = self.classifier.estimator(self.seed, threads).fit(train[columns].to_numpy(), train["label"])
        crossed, of_validation = self._crossed(train, columns, threads), self._predicted(estimator, validation, columns)
        thresholds = self._thresholds(of_validation if len(validation) else crossed)
        predictions = self._predicted(estimator, test, columns).assign(fold=name)
        predictions["alarm"] = apply_thresholds(predictions, thresholds)
        told = {domain: asdict(threshold) for domain, threshold in thresholds.items()}
        model = {"estimator": estimator, "columns": columns, "classes": self.classes, "thresholds": told}
        target = folder / f"fold-{name}"
        target.mkdir()
        joblib.dump(model, target / "clf_model.pkl")
        held_out = pd.concat([crossed, of_validation], ignore_index=True).assign(fold=name)
        return _Fold(name, predictions, held_out, told, not _read(source / "summary.json")["saw_labels"])

    def _predicted(self, estimator: Any, table: "pd.DataFrame", columns: list[str]) -> "pd.DataFrame":
        rows = table[["item", "motor", "domain", "label"]].reset_index(drop=True)
        if table.empty:
            return rows.assign(predicted="", **{f"probability_{name}": 0.0 for name in self.classes})
        probability_BC = estimator.predict_proba(table[columns].to_numpy())
        for name in self.classes:
            place = list(estimator.classes_).index(name) if name in estimator.classes_ else None
            rows[f"probability_{name}"] = 0.0 if place is None else probability_BC[:, place]
        return rows.assign(predicted=estimator.classes_[probability_BC.argmax(axis=1)])

    def _crossed(self, train: "pd.DataFrame", columns: list[str], threads: int) -> "pd.DataFrame":
        """Predict each training motor by a classifier that did not see it; no rows where a class has one motor."""
        import pandas as pd

        parts = [self._predicted(None, train.head(0), columns)]
        for seen, unseen in crossed(train, self.seed):
            seen_rows = train.iloc[seen]
            estimator = self.classifier.estimator(self.seed, threads)
            estimator.fit(seen_rows[columns].to_numpy(), seen_rows["label"])
            parts.append(self._predicted(estimator, train.iloc[unseen], columns))
        return pd.concat(parts[1:] or parts, ignore_index=True)

    def _thresholds(self, held_out: "pd.DataFrame") -> dict[str, Threshold]:
        thresholds: dict[str, Threshold] = {}
        for domain in self.features[0].of_fold[2]:
            rows = held_out[held_out["domain"] == domain]
            chosen = choose_thresholds(rows, self.normal, self.false_alarm_rates[domain], also=(domain,))
            thresholds[domain] = chosen[domain]
        return thresholds


@dataclass(frozen=True)
class _Fold:
    """What one fold gives: predictions of test motors, and of held-out ones with whether their labels were unseen."""

    name: str
    predictions: "pd.DataFrame"
    held_out: "pd.DataFrame"
    thresholds: dict[str, Any]
    is_honest: bool


def pooled_skill(summaries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Pool the forecast skill of several folds: errors are averaged over windows."""
    import pandas as pd

    rows = pd.DataFrame([row for summary in summaries for row in summary["forecast_skill"]])
    if rows.empty:
        return []
    for column in ("error", "mean_forecast_error"):
        rows[column] = rows[column] * rows["n_windows"]
    sums = ["n_series", "n_windows", "error", "mean_forecast_error"]
    pooled = rows.groupby(["domain", "label", "segment"], as_index=False)[sums].sum()
    pooled["relative_error"] = pooled["error"] / pooled["mean_forecast_error"]
    for column in ("error", "mean_forecast_error"):
        pooled[column] = pooled[column] / pooled["n_windows"]
    return pooled.to_dict("records")


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
