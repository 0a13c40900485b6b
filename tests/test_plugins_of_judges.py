"""A detector and a metric of one's own, each one file: a small grid runs to its end, report, prediction and export."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import launch

ROOT = Path(launch.__file__).parent
DETECTOR = '''
"""The farthest column, in deviations from the normal mean."""

from typing import Literal

import numpy as np
from pydantic import Field

from motor.judges.base import Detector


class Farthest(Detector):
    """Strange is what is far off in any one column."""

    kind: Literal["farthest"] = "farthest"
    floor: float = Field(default=1e-9, gt=0, description="of a column's deviation")

    def estimator(self, seed, n_threads):
        return _Farthest(self.floor)


class _Farthest:
    def __init__(self, floor):
        self.floor = floor

    def fit(self, X):
        self.mean_, self.deviation_ = X.mean(axis=0), np.maximum(X.std(axis=0), self.floor)
        return self

    def score_samples(self, X):
        return -np.abs((X - self.mean_) / self.deviation_).max(axis=1)


PLUGIN = Farthest
'''
METRIC = '''
"""The recall of the class that is told worst."""

from typing import Literal

import numpy as np

from motor.evaluation.metrics.base import Metric


class WorstRecall(Metric):
    """What the plant can rely on."""

    kind: Literal["worst_recall"] = "worst_recall"
    needs = frozenset({"decisions"})
    title = "recall of the worst class"

    def value(self, sheet, weight_n):
        hit_n = sheet.named_nC[np.arange(len(sheet.true_n)), sheet.true_n]
        of_class = [sheet.true_n == place for place in np.unique(sheet.true_n)]
        return min(np.average(hit_n[rows], weights=weight_n[rows] + 1e-9) for rows in of_class)


PLUGIN = WorstRecall
'''
AXES = "{{method: [untrained], domain: [ShengYing], context_length: [64], classifier: [{judges}]}}"


def typed(folder, *words, program=(str(ROOT / "launch.py"),)):
    """Run a command in a folder as a person does and return what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "PYTHONPATH"))}
    told = subprocess.run(
        [sys.executable, *program, *map(str, words)], capture_output=True, text=True, env=environment, cwd=folder
    )
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout


@pytest.fixture(scope="module")
def grid(tiny_text, tmp_path_factory):
    """A folder with both, its grid built and ranked by the metric; and how that grid is called."""
    folder = tmp_path_factory.mktemp("judges")
    (folder / "mine").mkdir()
    (folder / "mine" / "farthest.py").write_text(DETECTOR, encoding="utf-8")
    (folder / "mine" / "worst_recall.py").write_text(METRIC, encoding="utf-8")
    (folder / "own.yaml").write_text("plugins: [mine]\n" + tiny_text, encoding="utf-8")
    words = ("own.yaml", "axes=" + AXES.format(judges="farthest, mahalanobis, lda, ridge"), "--storage", "storage")
    typed(folder, *words, "evaluation.rank_by=worst_recall")
    return folder, words


@pytest.mark.ray
def test_metric_of_ones_own_ranks_the_grid(grid, tiny_data):
    folder, words = grid
    results = folder / "storage" / "results" / "own"
    table = pd.read_csv(results / "cells.csv").set_index("classifier")
    assert table.loc[["lda", "ridge"], "worst_recall"].between(0, 1).all()
    assert (results / "report.html").is_file()
    shown = typed(folder, "status", *words, "evaluation.rank_by=worst_recall")
    assert f"recall of the worst class so far: {table['worst_recall'].max():.3f}" in shown
    new = sorted((tiny_data / "ShengYing").rglob("*.npy"))[:1]
    judged = typed(folder, "predict", *new, "--cell", "best", "--storage", "storage")
    assert judged.startswith("item,domain,label,probability_normal")


@pytest.mark.ray
def test_detector_of_ones_own_runs_to_report_prediction_and_export(grid, tiny_data):
    folder, words = grid
    typed(folder, *words, "evaluation.rank_by=roc_auc_faulty")  # which nothing that was built hangs on
    results = folder / "storage" / "results" / "own"
    table = pd.read_csv(results / "cells.csv").set_index("classifier")
    assert table["roc_auc_faulty"].notna().all()
    there = table["macro_f1"].notna().to_dict()
    assert there == {"farthest": False, "mahalanobis": False, "lda": True, "ridge": True}
    assert "farthest" in (results / "result.md").read_text(encoding="utf-8")
    (folder / "mine").rename(folder / "elsewhere")  # what was built carries the source
    new, cell = sorted((tiny_data / "ShengYing").rglob("*.npy"))[:3], ("--cell", "untrained/ShengYing/64/farthest")
    judged = typed(folder, "predict", *new, *cell, "--storage", "storage")
    assert judged.splitlines()[0] == "item,domain,label,score,alarm,unlike"
    assert judged.count("\n") == 4
    typed(folder, "export", *cell, "--to", folder / "exported", "--storage", "storage")
    assert typed(folder, *new, program=(str(folder / "exported" / "predict.py"),)) == judged
