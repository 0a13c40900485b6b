"""What a cell of extra trees costs on thousands of series: the fits of its folds, as the stage `classify` does them.

    python -m benchmarks.trees [--series 3762] [--columns 120] [--folds 5] [--trees 500]

The table is made: three classes, twelve series a motor, classes that a third of the columns tell apart. In each fold a
fifth of the motors is tested, the others are fitted on, whole and crossed by motor in five parts (six fits). The first
fit has one thread, as the stage asks for; the others have what the node has idle. Beside it stand the same fits by
scikit-learn's `ExtraTreesClassifier` with balanced weights, in one thread. Goal and ratio are of CPU time over the CPUs
that there are, which other processes do not change; the time on the wall stands beside.

Before it was run: 40 s on two cores.
"""

import argparse
import json
import os
import time
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score

from motor.judges.extra_trees import ExtraTrees
from motor.stages.devices import Threads
from motor.stages.judging import judging

LIMIT_S, CLASSES, PER_MOTOR = 60.0, ("normal", "spark", "vibrate"), 12


def table_of(n_series: int, n_columns: int) -> pd.DataFrame:
    """Return features of series, one row each: columns item, motor, domain, label and those of the features."""
    generator = np.random.default_rng(0)
    motor_N = np.arange(n_series) // PER_MOTOR
    class_N = motor_N % len(CLASSES)
    told = n_columns // len(CLASSES)
    direction_CK = np.zeros((len(CLASSES), n_columns))
    direction_CK[:, :told] = generator.standard_normal((len(CLASSES), told)) * 0.35
    of_motor_NK = 0.5 * generator.standard_normal((motor_N.max() + 1, n_columns))[motor_N]
    X_NK = direction_CK[class_N] + of_motor_NK + generator.standard_normal((n_series, n_columns))
    known = {"item": [f"s{n}" for n in range(n_series)], "motor": [f"m{motor}" for motor in motor_N], "domain": "a"}
    features = pd.DataFrame(X_NK, columns=[f"f{k}" for k in range(n_columns)])
    return pd.concat([pd.DataFrame({**known, "label": np.array(CLASSES)[class_N]}), features], axis=1)


def of_fold(train: pd.DataFrame, test: pd.DataFrame, judge: Any) -> pd.DataFrame:
    """Return what a cell says of a fold's test series, the crossed fits of the training series done besides."""
    columns = [name for name in train.columns if name.startswith("f")]
    at_work = judging(judge, columns, CLASSES, CLASSES[0], 0, Threads(1))
    model, _, _ = at_work.fit(train)
    return at_work.predicted(model, test)


def stock_seconds(train: pd.DataFrame, n_trees: int) -> float:
    """Return the CPU time of one fit of scikit-learn's forest."""
    from sklearn.ensemble import ExtraTreesClassifier

    X_NK = train[[name for name in train.columns if name.startswith("f")]].to_numpy()
    began = time.process_time()
    ExtraTreesClassifier(n_trees, class_weight="balanced", random_state=0, n_jobs=1).fit(X_NK, train["label"])
    return time.process_time() - began


def main() -> None:
    """Print a row for each fold, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=3762)
    parser.add_argument("--columns", type=int, default=120)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--trees", type=int, default=500)
    given = parser.parse_args()
    table, judge = table_of(given.series, given.columns), ExtraTrees(n_estimators=given.trees)
    fold_N = table["motor"].str[1:].astype(int) // len(CLASSES) % 5
    print("| fold | macro-F1 | CPU, s | wall, s | one fit of scikit-learn's, CPU s |\n|---|---|---|---|---|")
    cpu_s = wall_s = 0.0
    for fold in range(given.folds):
        train, test = table[fold_N != fold].reset_index(drop=True), table[fold_N == fold].reset_index(drop=True)
        began, began_wall = time.process_time(), time.perf_counter()
        told = of_fold(train, test, judge)
        took, on_wall = time.process_time() - began, time.perf_counter() - began_wall
        cpu_s, wall_s = cpu_s + took, wall_s + on_wall
        score = f1_score(told["label"], told["predicted"], average="macro")
        cells = [str(fold), f"{score:.3f}", f"{took:.1f}", f"{on_wall:.1f}", f"{stock_seconds(train, given.trees):.2f}"]
        print("| " + " | ".join(cells) + " |", flush=True)
    n_cpus = len(os.sched_getaffinity(0))
    summary = {"name": "trees", "ratio": round(cpu_s * 5 / given.folds / n_cpus / LIMIT_S, 3), "goal": 1.0}
    summary |= {"against": f"{LIMIT_S:g} s a cell of five folds on the CPUs that there are; at most the goal"}
    print(json.dumps(summary | {"cpu_s": round(cpu_s, 1), "wall_s": round(wall_s, 1), "cpus": n_cpus}))


if __name__ == "__main__":
    main()
