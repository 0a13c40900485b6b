"""What forecasters reach on HIT-SM, fold by fold: error, intervals, and how well their features tell the classes apart.

    python -m benchmarks.forecasters [--data ../shared/data/hit-sm] [--kinds tft vssm] [--seeds 0 1 2]
        [--storage FOLDER] [--methods C C_regime]

Log order envelope, context 512, horizon 64, both rigs in one model, three folds of unseen severities, no labels in any
forecaster's training. The stages are the project's own, run in this process without Ray; CPU seconds are of the
fine-tune of a fold, data included, on one thread. Errors are over the context mean's (MAE), of test motors, pooled over
folds and averaged over seeds. Macro-F1 is LDA's: each rig alone, and each rig by one LDA of both, in the mean of the
four.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.hit_sm import CLASSES, HIT_SM, RIGS

WINDOWS = 16  # of a series, even
CONFIG = f"""\
{HIT_SM}representation: {{kind: order_envelope}}
windows: {{prediction_length: 64, per_series: 8, per_series_features: {WINDOWS}, stream: memory_map}}
backbone: {{kind: KINDMORE}}
finetune: {{num_steps: STEPS, learning_rate: RATE, batch_size: 64, dropout_rate: 0.0, precision: float32}}
axes: {{method: [METHOD, CONTROL], domain: [Joint], context_length: [512], classifier: [lda]}}
"""
TRAINED = {"tft": (600, 3e-3), "hybrid": (600, 3e-3)}  # steps and rate, chosen with seed 0 in sight
USUALLY = (600, 2e-3)
WHOLE = {
    "linear": ", n_lags: 512",
    "tft": ", linear_skip: true",
    "hybrid": ", temperature: 0.3, branches: {linear: {settings: {kind: linear, n_lags: 512}}, "
    "tft: {settings: {kind: tft, linear_skip: true}}}",
}
MOST = {  # error over the mean forecast's, by rig and class, that each kind is to reach
    "tft": (1.05, 0.58, 0.74, 1.05, 0.59, 0.41),
    "vssm": (1.05, 0.66, 0.80, 1.05, 0.72, 0.45),
    "hybrid": (1.05, 0.52, 0.63, 1.05, 0.51, 0.35),
}


class Bench:
    """The stages of one kind of forecaster and one seed, built in this process."""

    def __init__(self, storage: Path, data: Path) -> None:
        from grid.store.store import Store

        self.store, self.data, self.seconds = Store(storage), data, dict[str, float]()

    def features(self, kind: str, seed: int, method: str, control: str, overrides: Sequence[str]) -> list[Any]:
        """Return the built stages that describe each fold: those of the method, then those of its control."""
        from grid.plan.plan import make_plan
        from motor.experiment.cells import make_cells, resources_of
        from motor.experiment.reading import read_experiment

        steps, rate = TRAINED.get(kind, USUALLY)
        words = {"SEED": seed, "DATA": self.data, "KIND": kind, "MORE": WHOLE.get(kind, ""), "STEPS": steps}
        text = CONFIG
        for word, value in {**words, "RATE": rate, "METHOD": method, "CONTROL": control}.items():
            text = text.replace(word, str(value))
        config = self.store.root / "forecasters.yaml"
        config.write_text(text, encoding="utf-8")
        experiment = read_experiment(config, overrides, {})
        stages = make_plan(make_cells(experiment, self.store.root, dry_run=False), self.store).stages.values()
        self.resources = resources_of(experiment, list(stages))
        described = [cell.stage for cell in make_cells(experiment, self.store.root, dry_run=False)]
        found = [features for cell in described for features in cell.features]
        for stage in found:
            self.build(stage)
        return found

    def build(self, stage: Any) -> None:
        """Build a stage and what it is made from, as far as it is not there."""
        from grid.run.run import build_stage

        if self.store.holds(stage):
            return
        for source in stage.inputs:
            self.build(source)
        began = time.process_time()
        build_stage(stage, self.store, self.context(stage))
        self.seconds[stage.key] = time.process_time() - began

    def context(self, stage: Any) -> Any:
        """Return what a stage is given to build."""
        from grid.run.run import BuildContext
        from grid.stage import Resources

        resources = self.resources.get(stage.key, Resources())
        return BuildContext(self.store, stage, resources, lambda progress: None)

    def forecasts(self, stage: Any) -> Iterator[dict[str, Any]]:
        """Yield one row a test window of a fold: rig, class, errors, and what its intervals cover."""
        from motor.backbones.batch import as_batch
        from motor.backbones.conformal import load_offsets
        from motor.stages.prepare import Prepared

        tuned = stage.finetunes[0]
        context = self.context(stage)
        prepared = Prepared.open(context.folder(tuned.prepared), tuned.prepared)
        meta = prepared.meta(tuned.fold, tuned.domains)
        folder = context.folder(tuned) / "predictor"
        forecaster = tuned.backbone.load(folder, tuned.domains)
        load_offsets(forecaster, folder)
        windows = tuned.fixed(prepared, meta[meta["side"] == "test"], WINDOWS)
        label_of, levels = meta.set_index("item")["label"], np.array(tuned.quantile_levels)
        for cut in windows.batches(256):
            batch = as_batch(windows, cut, tuned.context_length)
            quantiles_BHQ = forecaster.predict_quantiles(batch).numpy()
            yield from _rows(batch, quantiles_BHQ, levels, [RIGS[d] for d in batch.domain_B], label_of[batch.item_B])


def _rows(batch: Any, quantiles_BHQ: Any, levels_Q: Any, rigs: list[str], labels: Any) -> Iterator[dict[str, Any]]:
    y_BH, context_BT = np.asarray(batch.future_BH), np.asarray(batch.context_BT)
    low, middle, high = (int(np.argmin(abs(levels_Q - level))) for level in (0.1, 0.5, 0.9))
    own_B1Q = np.quantile(context_BT, levels_Q, axis=1).T[:, None]
    losses = [_pinball(y_BH, q, levels_Q) for q in (quantiles_BHQ, np.broadcast_to(own_B1Q, quantiles_BHQ.shape))]
    within_B = ((quantiles_BHQ[..., low] <= y_BH) & (y_BH <= quantiles_BHQ[..., high])).mean(axis=1)
    error_B = abs(y_BH - quantiles_BHQ[..., middle]).mean(axis=1)
    of_mean_B = abs(y_BH - context_BT.mean(axis=1, keepdims=True)).mean(axis=1)
    for row, (rig, label) in enumerate(zip(rigs, labels, strict=True)):
        values = {"error": error_B[row], "of_mean": of_mean_B[row], "covered": within_B[row]}
        yield {"rig": rig, "class": label, **values, "wql": losses[0][row], "wql_own": losses[1][row]}


def _pinball(y_BH: Any, quantiles_BHQ: Any, levels_Q: Any) -> Any:
    miss_BHQ = y_BH[..., None] - quantiles_BHQ
    return np.maximum(levels_Q * miss_BHQ, (levels_Q - 1) * miss_BHQ).mean(axis=(1, 2))


def table(rows: list[dict[str, Any]]) -> dict[str, tuple[float, ...]]:
    """Return error over the mean forecast's, WQL over the context's own quantiles', and cover, by rig and class."""
    import pandas as pd

    sums = pd.DataFrame(rows).groupby(["rig", "class"]).mean()
    order = [(rig, label) for rig in RIGS for label in CLASSES]
    found = {"skill": sums["error"] / sums["of_mean"], "wql": sums["wql"] / sums["wql_own"], "cover": sums["covered"]}
    return {name: tuple(round(float(values[place]), 3) for place in order) for name, values in found.items()}


def macro_f1(bench: Bench, stages: Sequence[Any], seed: int) -> tuple[float, ...]:
    """Return LDA's macro-F1 over all folds' test series: each rig alone, then each rig by one LDA of both."""
    import pandas as pd
    from sklearn.metrics import f1_score

    tables = [pd.read_parquet(bench.context(stage).folder(stage) / "features.parquet") for stage in stages]
    found = []
    for trained_on in (RIGS[:1], RIGS[1:], RIGS):
        judged = pd.concat([_judged(table[table["domain"].isin(trained_on)], seed) for table in tables])
        for rig in trained_on:
            own = judged[judged["domain"] == rig]
            found.append(float(f1_score(own["label"], own["judged"], labels=CLASSES, average="macro")))
    return tuple(found)


def _judged(table: Any, seed: int) -> Any:
    from motor.judges.lda import Lda
    from motor.stages.described import feature_columns

    train, test = (table[table["side"] == side] for side in ("train", "test"))
    columns = feature_columns(table)
    estimator = Lda().estimator(seed, 1).fit(train[columns].to_numpy(), train["label"].to_numpy())
    return test.assign(judged=estimator.predict(test[columns].to_numpy()))


def measured(bench: Bench, kind: str, seed: int, methods: Sequence[str], overrides: Sequence[str]) -> dict[str, Any]:
    """Build what is missing of a kind and a seed, and return its figures."""
    found: dict[str, Any] = {"kind": kind, "seed": seed}
    for method in methods:
        control = {"C": "untrained", "A": "untrained_residual"}.get(method, f"untrained_{method.removeprefix('C_')}")
        stages = bench.features(kind, seed, method, control, overrides)
        half = len(stages) // 2
        found[f"f1 {method}"] = [round(value, 3) for value in macro_f1(bench, stages[:half], seed)]
        found[f"f1 {control}"] = [round(value, 3) for value in macro_f1(bench, stages[half:], seed)]
        if "skill" not in found:
            found |= table([row for stage in stages[:half] for row in bench.forecasts(stage)])
            seconds = [bench.seconds.get(stage.finetunes[0].key) for stage in stages[:half]]
            found["cpu_s"] = [round(value, 1) for value in seconds if value is not None]
    return found


def without_ray() -> None:
    """Let a fine-tune run in this process."""
    from motor.backbones.training import ALONE
    from motor.stages import train_workers

    train_workers.in_ray_train = lambda task, context: task(ALONE, lambda row: None)  # type: ignore[assignment]


def main() -> None:
    """Print a row a kind and seed, then the means as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("HIT_SM", "../shared/data/hit-sm")))
    parser.add_argument("--kinds", nargs="+", default=["tft", "vssm"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--methods", nargs="+", default=["C"])
    parser.add_argument("--set", nargs="*", default=[], help="overrides of the config, as launch.py takes them")
    parser.add_argument("--storage", type=Path, help="kept, and gone on from; by default a folder that is deleted")
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported
    without_ray()
    print(f"error, WQL and cover: {', '.join(f'{rig} {label}' for rig in RIGS for label in CLASSES)}")
    results = []
    with tempfile.TemporaryDirectory() as temporary:
        storage = arguments.storage or Path(temporary)
        storage.mkdir(parents=True, exist_ok=True)
        bench = Bench(storage, arguments.data.absolute())
        for kind in arguments.kinds:
            for seed in arguments.seeds:
                results.append(measured(bench, kind, seed, arguments.methods, arguments.set))
                print(json.dumps(results[-1]), flush=True)
    means = {kind: _mean([one for one in results if one["kind"] == kind]) for kind in arguments.kinds}
    ratios = {kind: _worst(means[kind]["skill"], MOST[kind]) for kind in arguments.kinds if kind in MOST}
    print(json.dumps({"name": "forecasters", "ratio": max(ratios.values(), default=None), "goal": 1.0, "means": means}))


def _mean(rows: list[dict[str, Any]]) -> dict[str, list[float]]:
    names = [name for name, value in rows[0].items() if isinstance(value, list | tuple)]
    told = {name: [row[name] for row in rows if row[name]] for name in names}  # no times where nothing was fitted
    return {name: np.mean(found, axis=0).round(3).tolist() for name, found in told.items() if found}


def _worst(found: Sequence[float], most: Sequence[float]) -> float:
    """Return the largest error over what it may be."""
    return round(max(one / limit for one, limit in zip(found, most, strict=True)), 3)


if __name__ == "__main__":
    main()
