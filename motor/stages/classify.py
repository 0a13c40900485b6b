"""Stage `classify`: fit a judge on each fold's training motors, and measure it on the pooled test motors."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from grid.stage import Context, Stage, after, when_set
from grid.store.store import write_json
from motor.cuts.base import Cut
from motor.evaluation.cell_metrics import classification_metrics, every_metric
from motor.evaluation.figures.confusion import confusion_figure
from motor.evaluation.figures.curves import roc_pr_figure
from motor.evaluation.figures.style import DRAWN_BY
from motor.evaluation.metrics.base import Measure
from motor.evaluation.thresholds import Threshold, apply_thresholds
from motor.judges.base import Judge
from motor.judges.trimmed_mahalanobis import TrimmedMahalanobis
from motor.lazy import joblib
from motor.lazy import pandas as pd
from motor.pseudo_labels.base import PseudoLabeller
from motor.stages.curves import CURVES, write_cell
from motor.stages.described import Described, feature_columns, sides
from motor.stages.devices import Threads
from motor.stages.judging import judging
from motor.stages.pseudo_labelling import PseudoLabelling
from motor.stages.review_queue import FILE_NAME as QUEUE
from motor.stages.review_queue import Queue
from motor.stages.scored import ScoredSeries
from motor.stages.unlabelled import FILE_NAME, UnlabelledSeries

SCALARS = ("macro_f1", "accuracy", "roc_auc_macro", "roc_auc_faulty", "false_alarm_rate", "detection_rate")


@dataclass(frozen=True)
class Classify(Stage):
    """One cell: a classifier or a detector over the features of every fold."""

    KIND: ClassVar[str] = "classify"
    READ: ClassVar[tuple[str, ...] | None] = None
    AHEAD: ClassVar[tuple[str, ...]] = ("pandas", "sklearn.pipeline", "sklearn.preprocessing", *DRAWN_BY)

    features: tuple[Described, ...]  # one a fold
    classifier: Judge
    classes: tuple[str, ...]
    normal: str  # "" where no class is healthy: there is then no threshold, and no alarm
    false_alarm_rates: dict[str, float]  # by domain
    seed: int
    axes: dict[str, Any]  # they name the cell in its files, so two methods with one recipe are two cells
    metrics: tuple[Measure, ...] = field(default_factory=every_metric)
    pseudo_labels: PseudoLabeller | None = when_set(None)
    scored_by: Judge | None = when_set(None)  # the labeller's detector
    cut: Cut | None = when_set(None)  # the labeller's
    unlabelled: tuple[UnlabelledSeries, ...] = when_set(())  # one a fold, for the labeller
    scored: tuple[ScoredSeries, ...] = when_set(())  # one a fold, where test motors' labels come in here alone
    cleared: tuple[Stage, ...] = after(default=())
    fitted: tuple[Any, ...] = after(default=())  # then: `motor.stages.heat`, judges that were fitted without them
    heats: tuple[Any, ...] = after(default=())  # of a race: stages that have judged its folds (`motor.stages.heat`)

    def label(self) -> str:
        return "-".join(str(value) for value in self.axes.values() if value is not None)

    def pace(self) -> str:
        """See `grid.stage.Stage.pace`: extra trees take a hundred times as long as a linear judge."""
        return f"{self.KIND} {self.classifier.kind}"

    def build(self, folder: Path, context: Context) -> None:
        """Write ``metrics.json``, ``predictions.csv``, ``held_out.csv``, ``figures/`` and a ``clf_model.pkl`` a fold.

        ``held_out.csv`` has the motors of each fold's train and validation sides, judged by classifiers (detectors)
        that did not see them: what a choice between recipes may look at. It has no rows where features saw their
        labels. A classifier's columns are `predicted` and ``probability_<class>``; a detector's is `score`.
        """
        threads = Threads.of(context.resources)
        if self.heats:
            folds = [heat.take(context.folder(heat), folder) for heat in self.heats]
        else:
            folds = [self._fold(number, context, folder, threads) for number in range(len(self.features))]
        predictions = pd.concat([fold.predictions for fold in folds], ignore_index=True)
        summaries = [_read(context.folder(features) / "summary.json") for features in self.features]
        skill = pooled_skill(summaries)
        metrics = classification_metrics(predictions, self.classes, self.normal, self.metrics, skill)
        summary = {"thresholds": {fold.name: fold.thresholds for fold in folds}, "forecast_skill": skill}
        (folder / "figures").mkdir()
        if "confusion" in metrics:
            confusion_figure(folder / "figures" / "confusion.png", metrics)
        roc_pr_figure(folder / "figures" / "roc_pr.png", predictions, self.classes, self.normal)
        predictions.to_csv(folder / "predictions.csv", index=False)
        honest = [fold.held_out.head(None if fold.is_honest else 0) for fold in folds]
        pd.concat(honest, ignore_index=True).to_csv(folder / "held_out.csv", index=False)
        if self.pseudo_labels is not None:
            summary["pseudo_labels"] = {
                "kind": self.pseudo_labels.kind,
                "folds": [fold.pseudo_labels for fold in folds],
            }
            write_json(folder / QUEUE, {fold.name: fold.queue for fold in folds})
        write_json(folder / "metrics.json", {"axes": self.axes, **metrics, **summary, "folds": summaries})
        shown = {f"cell/{name}": float(metrics[name]) for name in SCALARS if metrics.get(name) is not None}
        write_cell(folder / CURVES, self.axes, shown)

    def _fold(self, number: int, context: Context, folder: Path, threads: Threads) -> "FoldOfCell":
        if self.fitted:
            heat = self.fitted[number]
            return self._with_scored(heat.take(context.folder(heat), folder), number, context, folder)
        return self._fitted_fold(number, context, folder, threads)

    def _with_scored(self, fold: "FoldOfCell", number: int, context: Context, folder: Path) -> "FoldOfCell":
        """Return a fold whose judge, which was fitted before, has judged the labelled series of test motors."""
        kept = joblib.load(folder / f"fold-{fold.name}" / "clf_model.pkl")
        table = pd.read_parquet(context.folder(self.scored[number]) / "features.parquet")
        threads = Threads.of(context.resources)
        at_work = judging(self.classifier, kept["columns"], self.classes, self.normal, self.seed, threads)
        predictions = at_work.predicted(kept["estimator"], table).assign(fold=fold.name)
        if self.normal:
            thresholds = {domain: Threshold(**threshold) for domain, threshold in fold.thresholds.items()}
            predictions["alarm"] = apply_thresholds(predictions, thresholds)
        return replace(fold, predictions=predictions)

    def _fitted_fold(self, number: int, context: Context, folder: Path, threads: Threads) -> "FoldOfCell":
        features = self.features[number]
        name, source = features.of_fold[1], context.folder(features)
        table = pd.read_parquet(source / "features.parquet")
        columns = feature_columns(table)
        train, validation, test = sides(table)
        labelling = self._labelling(number, context, train, columns, threads.asked)
        more = None if labelling is None else labelling.more
        at_work = judging(self.classifier, columns, self.classes, self.normal, self.seed, threads, more)
        model, crossed, reference = at_work.fit(train)
        of_validation = at_work.predicted(model, validation)
        thresholds = self._thresholds(at_work, of_validation, reference, context)
        predictions = at_work.predicted(model, test).assign(fold=name)
        if self.normal:
            predictions["alarm"] = apply_thresholds(predictions, thresholds)
        threshold_records = {domain: asdict(threshold) for domain, threshold in thresholds.items()}
        target = folder / f"fold-{name}"
        target.mkdir()
        kept = {"estimator": model, "columns": columns, "classes": self.classes, "thresholds": threshold_records}
        joblib.dump(kept, target / "clf_model.pkl")
        if labelling is not None:
            labelling.table().to_csv(target / "pseudo_labels.csv", index=False)
        held_out = pd.concat([crossed, of_validation], ignore_index=True).assign(fold=name)
        pseudo_labels = None if labelling is None else {"fold": name, **labelling.facts()}
        is_honest = not _read(source / "summary.json")["saw_labels"]
        queue = self._queue(labelling, train, model, threads.asked)
        return FoldOfCell(name, predictions, held_out, threshold_records, is_honest, pseudo_labels, queue)

    def _thresholds(
        self, at_work: Any, of_validation: "pd.DataFrame", reference: "pd.DataFrame", context: Context
    ) -> dict[str, Threshold]:
        """Choose thresholds on validation motors; where there are none, on training motors as others judged them."""
        return at_work.thresholds(of_validation if len(of_validation) else reference, self._rates())

    def _rates(self) -> dict[str, float]:
        return {domain: self.false_alarm_rates[domain] for domain in self.features[0].of_fold[2] if self.normal}

    def _queue(
        self, labelling: PseudoLabelling | None, train: "pd.DataFrame", model: Any, threads: int
    ) -> list[dict[str, Any]]:
        """Return what a person should look at first of a fold's unlabelled series."""
        if labelling is None:
            return []
        detector: Any = self.scored_by or TrimmedMahalanobis()
        queue = Queue(detector, labelling.columns, self.classes, self.normal, self.seed, threads)
        return queue.of(train, labelling.unlabelled, model)

    def _labelling(
        self, number: int, context: Context, train: "pd.DataFrame", columns: list[str], threads: int
    ) -> PseudoLabelling | None:
        """Return the labeller with the unlabelled series of a fold, where there is one."""
        if self.pseudo_labels is None:
            return None
        unlabelled = pd.read_parquet(context.folder(self.unlabelled[number]) / FILE_NAME)
        at_cell = self.classes, self.normal, self.seed, threads
        labeller = self.pseudo_labels, self.classifier, self.scored_by, self.cut
        return PseudoLabelling(*labeller, unlabelled, train, columns, *at_cell)


@dataclass(frozen=True)
class FoldOfCell:
    """Results of one fold: predictions of test motors, and of held-out ones with whether their labels were unseen."""

    name: str
    predictions: "pd.DataFrame"
    held_out: "pd.DataFrame"
    thresholds: dict[str, Any]
    is_honest: bool
    pseudo_labels: dict[str, Any] | None
    queue: list[dict[str, Any]]


def pooled_skill(summaries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Pool the forecast skill of several folds: errors are averaged over windows."""
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
