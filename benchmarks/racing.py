"""Racing on planted grids: is the recipe that it advises the whole grid's, and what of the time does it take?

    python -m benchmarks.racing [--grids 50] [--error 0.1]

Each grid has 100 to 140 recipes of known skill, 18 to 48 motors of three classes in five folds, and recipes that cost
from seconds (plain) to hours (forecasters). Motors differ in how hard they are, and recipes in which motors suit them.
The same functions decide as in a launch; what a fold costs is a fifth of its recipe, and no Ray is started.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from motor.evaluation.against import Against, kept
from motor.evaluation.cells import FORECASTER, PLAIN, CellResult, ReportContext
from motor.evaluation.decisions import decide
from motor.evaluation.racing import ERROR, share_of, worse
from motor.evaluation.ranking import Ranking, rank_recipes
from motor.evaluation.scores import Scores, score_cells

CLASSES = ("normal", "inner", "outer")
N_FOLDS, N_SERIES = 5, 4  # series of a motor
MOTOR_SPREAD, RECIPE_SPREAD = 1.0, 0.5
GOAL, GOAL_SHARE = 0.98, 1 / 3


def planted(seed: int) -> tuple[list[CellResult], ReportContext]:
    """Return the cells of a grid, one a recipe, and what surrounds them."""
    random = np.random.default_rng(seed)
    n_recipes, n_motors = int(random.integers(100, 141)), int(random.integers(6, 17))
    skills = random.normal(1.0, random.uniform(0.5, 1.2), n_recipes)
    is_plain = random.random(n_recipes) < 0.3
    seconds = np.where(is_plain, random.lognormal(2, 0.7, n_recipes), random.lognormal(5, 1.0, n_recipes))
    ease_M = MOTOR_SPREAD * random.normal(size=len(CLASSES) * n_motors)
    tested = series(n_motors)
    folds = sorted(set(tested["fold"]))
    inside = pd.concat([tested[tested["fold"] != fold].assign(fold=fold) for fold in folds], ignore_index=True)
    cells = []
    for place, skill in enumerate(skills):
        lift_M = skill + ease_M + RECIPE_SPREAD * random.normal(size=len(ease_M))
        axes = {"method": f"{'plain' if is_plain[place] else 'tuned'} {place}", "domain": "rig"}
        said = answers(tested, lift_M, random), answers(inside, lift_M, random)
        cells.append(CellResult(axes, {}, "", said[0], held_out=said[1], seconds=float(seconds[place])))
    families = {str(cell.axes["method"]): PLAIN if is_plain[n] else FORECASTER for n, cell in enumerate(cells)}
    return cells, ReportContext("planted", "", CLASSES, "normal", families=families)


def series(n_motors: int) -> pd.DataFrame:
    """Return one row a series; `place` is the motor's number."""
    place = np.repeat(np.arange(len(CLASSES) * n_motors), N_SERIES)
    motor = [f"motor {number:03}" for number in place]
    item = [f"{name} series {number % N_SERIES}" for number, name in enumerate(motor)]
    fold = (place % n_motors % N_FOLDS).astype(str)
    label = np.array(CLASSES)[place // n_motors]
    return pd.DataFrame({"item": item, "motor": motor, "label": label, "domain": "rig", "fold": fold, "place": place})


def answers(rows: pd.DataFrame, lift_M: np.ndarray, random: np.random.Generator) -> pd.DataFrame:
    """Return what a recipe says: the true class has the greatest of three noisy scores, raised by `lift_M`."""
    place_n = rows["place"].to_numpy()
    true_n = place_n // (len(lift_M) // len(CLASSES))
    score_nC = random.gumbel(size=(len(rows), len(CLASSES)))
    score_nC[np.arange(len(rows)), true_n] += lift_M[place_n]
    probability_nC = np.exp(score_nC) / np.exp(score_nC).sum(axis=1, keepdims=True)
    said = {name: rows[name].array for name in ("item", "motor", "domain", "label", "fold")}
    said["predicted"] = np.array(CLASSES)[score_nC.argmax(axis=1)]
    return pd.DataFrame(said | {f"probability_{name}": probability_nC[:, n] for n, name in enumerate(CLASSES)})


def race(cells: Sequence[CellResult], context: ReportContext, error: float) -> tuple[list[CellResult], float]:
    """Return the cells that run to the end, and the share of the whole grid's time that the race took."""
    running, spent = list(cells), 0.0
    folds = [str(fold) for fold in range(N_FOLDS)]
    for wave in range(N_FOLDS):
        spent += sum(cell.seconds for cell in running) / N_FOLDS
        if wave == N_FOLDS - 1:
            break
        seen = [so_far(cell, folds[: wave + 1]) for cell in running]
        stopped = {place for stop in worse(seen, context, share_of(wave, N_FOLDS - 1, error)) for place in stop.cells}
        running = [cell for place, cell in enumerate(running) if place not in stopped]
    return running, spent / sum(cell.seconds for cell in cells)


def so_far(cell: CellResult, folds: Sequence[str]) -> CellResult:
    """Return a cell as it is when some folds are done."""
    predictions = cell.predictions[cell.predictions["fold"].isin(folds)]
    return replace(cell, predictions=predictions, held_out=cell.held_out[cell.held_out["fold"] == folds[0]])


def ranked(cells: list[CellResult], context: ReportContext) -> tuple[Ranking, Scores]:
    """Return the ranking of cells with all of their folds."""
    scores = score_cells(cells, context.classes, context.rank_by, context.normal)
    ranking = rank_recipes(cells, scores, context.joint)
    assert ranking is not None
    return ranking, scores


def agrees(cells: list[CellResult], left: list[CellResult], context: ReportContext) -> tuple[bool, bool]:
    """Return whether a race advises what the whole grid does, and whether that is the same or not told from it."""
    whole, scores = ranked(cells, context)
    advised, other = decide(whole, context).recipe, decide(ranked(left, context)[0], context).recipe
    if advised.name == other.name:
        return True, True
    names = [recipe.name for recipe in whole.recipes]
    told = Against(kept(whole, scores), context.rank_by).of(names.index(advised.name))[names.index(other.name)]
    return False, not told.told_apart


def main() -> None:
    """Race planted grids, and print what came of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--grids", type=int, default=50)
    parser.add_argument("--error", type=float, default=ERROR)
    arguments = parser.parse_args()
    shares, same, good = [], 0, 0
    print(f"{'grid':>5}{'recipes':>9}{'motors':>8}{'to the end':>12}{'time':>7}  advised")
    for seed in range(arguments.grids):
        cells, context = planted(seed)
        left, share = race(cells, context, arguments.error)
        is_same, is_good = agrees(cells, left, context)
        shares.append(share)
        same, good = same + is_same, good + is_good
        n_motors = cells[0].predictions["motor"].nunique()
        said = "the same" if is_same else "not told from it" if is_good else "ANOTHER"
        print(f"{seed:>5}{len(cells):>9}{n_motors:>8}{len(left):>12}{share:>7.2f}  {said}", flush=True)
    told = {"name": "racing", "ratio": good / arguments.grids, "goal": GOAL, "against": "the recipe of the whole grid"}
    told |= {"same": same, "grids": arguments.grids, "time": float(np.mean(shares)), "goal_time": GOAL_SHARE}
    print(json.dumps({**told, "most_time": max(shares), "within_goal_time": sum(s <= GOAL_SHARE for s in shares)}))


if __name__ == "__main__":
    main()
