"""Predictions with a known truth: recipes of given skill, judged on motors that differ from one another."""

import numpy as np
import pandas as pd
import pytest

from motor.evaluation.report import CellResult, ReportContext

CLASSES = ("normal", "inner", "outer")
DOMAINS = ("rig 1", "rig 2")

MOTOR_SPREAD = 1.0  # how much motors differ in difficulty, for all recipes alike
RECIPE_SPREAD = 0.5  # how much a recipe suits one motor more than another
N_SERIES = 4  # a motor


@pytest.fixture(scope="session")
def truth():
    """What surrounds the simulated cells."""
    return ReportContext("truth", "none", CLASSES, "normal")


@pytest.fixture(scope="session")
def simulate():
    """Give the function that simulates recipes of known skill."""
    return _simulate


def _simulate(skills, seed, n_motors=8, n_folds=4, domains=DOMAINS, seconds=None, methods=None, keeps_held_out=False):
    """Return one cell for each recipe and domain; `n_motors` is for each class and domain.

    A series is answered right where the true class has the greatest of three noisy scores; the true class'
    score is raised by skill + motor's ease + how the recipe suits the motor. Motors are dealt to folds in turn.
    Held-out answers share the motor's effects, as those of a classifier refitted on other motors would.
    """
    generator = np.random.default_rng(seed)
    cells = []
    for domain in domains:
        rows = _series(domain, n_motors, n_folds)
        held_rows = pd.concat([rows[rows["fold"] != fold].assign(fold=fold) for fold in sorted(set(rows["fold"]))])
        ease_M = MOTOR_SPREAD * generator.normal(size=len(CLASSES) * n_motors)
        for place, skill in enumerate(skills):
            lift_M = skill + ease_M + RECIPE_SPREAD * generator.normal(size=len(ease_M))
            axes = {"method": methods[place] if methods else f"m{place}", "domain": domain}
            cell = {"held_out": _answers(held_rows, lift_M, generator)} if keeps_held_out else {}
            cell["seconds"] = 0.0 if seconds is None else seconds[place]
            cells.append(CellResult(axes, {}, f"{domain}/{place}", _answers(rows, lift_M, generator), **cell))
    return cells


def _series(domain, n_motors, n_folds):
    """One row a series, as columns; `place` is the motor's number."""
    place = np.repeat(np.arange(len(CLASSES) * n_motors), N_SERIES)
    label = np.array(CLASSES)[place // n_motors]
    motor = [f"{domain} motor {number:03}" for number in place]
    item = [f"{name} series {number % N_SERIES}" for number, name in enumerate(motor)]
    fold = (place % n_motors % n_folds).astype(str)
    columns = {"item": item, "motor": motor, "label": label, "domain": domain, "fold": fold, "place": place}
    return pd.DataFrame(columns)


def _answers(rows, lift_M, generator):
    place_n = rows["place"].to_numpy()
    true_n = place_n // (len(lift_M) // len(CLASSES))
    score_nC = generator.gumbel(size=(len(rows), len(CLASSES)))
    score_nC[np.arange(len(rows)), true_n] += lift_M[place_n]
    raised = np.exp(score_nC)
    probability_nC = raised / raised.sum(axis=1, keepdims=True)
    columns = {name: rows[name].array for name in ("item", "motor", "domain", "label", "fold")}
    columns["predicted"] = np.array(CLASSES)[score_nC.argmax(axis=1)]
    columns |= {f"probability_{name}": probability_nC[:, place] for place, name in enumerate(CLASSES)}
    return pd.DataFrame(columns)
