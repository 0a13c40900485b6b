"""Do pseudo-labels harm, are they as right as they are said to be, and does asking for the strangest motors pay?

    python -m benchmarks.few_labels [--plants 100] [--heads lda] [--labellers scores self_training curriculum]
        [--precision 0.95]
    python -m benchmarks.few_labels --hit-sm ../shared/data/hit-sm [--draws 4] [--heads extra_trees lda]

Planted plants: 60 normal motors and 12 of each of two faults, two series each, 24 columns; motors differ among
themselves, faults move some columns. Of each class 10, 25 or 50 % of the motors are labelled; a test of as many other
motors is what macro-F1 is of. Rows: the mean gain of a labeller over labelled series alone, how often it costs more
than 0.01, how often anything was taken; how many motors of the first eight of the queue are faulty, and what eight
reviews gain; what true labels of half weight gain. `--big` plants have ten times the motors, half of them
labelled: there labels can be proven, and their printed lower bound is compared with the truth.

`--hit-sm` measures the gains on orders of the real bearings instead, each rig alone and both, folds of unseen severity:
of each class and rig 10, 25 or 50 % of the training series keep their labels (one at least), drawn anew each time; and
one of two motors of each class and rig. With `--precision 0` all that is proposed is believed, proven or not.
"""

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score

from benchmarks.hit_sm import CLASSES as BEARINGS
from benchmarks.hit_sm import HIT_SM, RIGS
from motor.judges.trimmed_mahalanobis import TrimmedMahalanobis
from motor.judges.weights import fitted_with_weights
from motor.registry import plugins
from motor.stages.pseudo_labelling import PseudoLabelling
from motor.stages.review_queue import FIRST, Queue

CLASSES, N_COLUMNS, DISTANCE = ("normal", "spark", "vibrate"), 24, 1.6
COUNTS, SHARES, HARM = (60, 12, 12), (0.1, 0.25, 0.5), 0.01
COLUMNS = [f"column {k}" for k in range(N_COLUMNS)]
ORDERS = f"""\
{HIT_SM.replace("SEED", "0")}backbone: {{kind: linear}}
axes: {{method: [orders], domain: [{", ".join(RIGS)}, Joint], context_length: [512], classifier: [lda]}}
"""
LEAST_GAIN, LEAST_FAULTY = -0.005, 6  # the mean over plants; motors of the first eight
ROOMS = {name: plugins(f"motor.{name}") for name in ("judges", "cuts", "pseudo_labels")}


def main() -> None:
    """Print the table and the result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plants", type=int, default=100)
    parser.add_argument("--big", type=int, default=0)
    parser.add_argument("--hit-sm", type=Path, help="the folder of HIT-SM, measured instead of plants")
    parser.add_argument("--draws", type=int, default=4, help="of the labels that HIT-SM keeps, for each fold and share")
    parser.add_argument("--heads", nargs="+", default=["lda"])
    parser.add_argument("--labellers", nargs="+", default=["scores", "self_training", "curriculum"])
    parser.add_argument("--precision", type=float, help="that a class is to be proven with; 0 believes everything")
    asked = parser.parse_args()
    found: dict[str, list[float]] = defaultdict(list)
    cases = _of_bearings(asked.hit_sm, asked.draws) if asked.hit_sm else _of_plants(asked.plants, asked.big)
    for case in cases:
        for head in asked.heads:
            _one(found, case, head, asked.labellers, {} if asked.precision is None else {"precision": asked.precision})
    for name, values in sorted(found.items()):
        hurt = f"  hurt {np.mean(np.array(values) < -HARM):.2f}" if name.startswith("gain") else ""
        print(f"{name:<60}{np.mean(values):+8.3f}  least {np.min(values):+.3f}  n {len(values)}{hurt}")
    gains = [gain for name, values in found.items() if name.startswith("gain") for gain in values]
    told = {"harmed": float(np.mean(np.array(gains) < -HARM))}
    told |= {name: float(np.mean(values)) for name, values in found.items() if name.startswith(("queue", "covers"))}
    result = {"name": "few_labels", "ratio": float(np.mean(gains)), "goal": LEAST_GAIN, "against": "none"}
    print(json.dumps({**result, "unit": "gain in macro-F1", **told}))


@dataclass(frozen=True)
class Case:
    """Training series with a label and without (column label, though hidden), and test series."""

    name: str
    train: pd.DataFrame
    hidden: pd.DataFrame
    test: pd.DataFrame
    columns: list[str]
    classes: tuple[str, ...]


def _of_plants(n_plants: int, n_big: int) -> Iterator[Case]:
    """Yield planted plants with each share of their motors labelled."""
    for seed in range(n_plants):
        for share in SHARES:
            yield _of_plant(seed, share, COUNTS)
    for seed in range(n_big):
        yield _of_plant(10_000 + seed, 0.5, (600, 120, 120))


def _of_plant(seed: int, share: float, counts: tuple[int, ...]) -> Case:
    plant, test = motors(counts, seed, "plant"), motors(counts, seed + 500_000, "test", of_plant=seed)
    is_known = plant["motor"].isin(shown(plant, share, seed))
    name = f"{sum(counts)} motors, {share:.0%} labelled"
    return Case(name, plant[is_known], plant[~is_known], test, COLUMNS, CLASSES)


def _of_bearings(data: Path, n_draws: int) -> Iterator[Case]:
    """Yield the folds of each domain with shares of their series, or of their motors, labelled."""
    from motor.stages.described import feature_columns

    for domain, _, table in orders_of_bearings(data):
        columns = feature_columns(table)
        train, test = (table[table["side"] == side].reset_index(drop=True) for side in ("train", "test"))
        for draw in range(n_draws):
            for name, is_known in _labelled(train, draw):
                told = f"{name} labelled, {'both rigs' if domain == 'Joint' else domain}"
                yield Case(told, train[is_known], train[~is_known], test, columns, BEARINGS)


def _labelled(train: pd.DataFrame, draw: int) -> Iterator[tuple[str, pd.Series]]:
    """Yield which training series keep their label: a share of them, and those of half the motors."""
    order = pd.Series(np.random.default_rng(draw).permutation(len(train)), index=train.index)
    within = order.groupby([train["label"], train["domain"]])
    for share in SHARES:
        yield f"{share:.0%} of series", within.rank() <= np.maximum(1, np.ceil(share * within.transform("size")))
    yield "one motor a class", train["motor"].isin(shown(train, 0.5, draw))


def orders_of_bearings(data: Path) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Yield domain, fold and features of each fold, one row a series."""
    from benchmarks.forecasters import Bench
    from grid.plan.plan import make_plan
    from motor.experiment.cells import make_cells, resources_of
    from motor.experiment.reading import read_experiment

    with tempfile.TemporaryDirectory() as storage:
        bench, config = Bench(Path(storage), data), Path(storage, "few_labels.yaml")
        config.write_text(ORDERS.replace("DATA", str(data.absolute())), encoding="utf-8")
        experiment = read_experiment(config, [], {})
        cells = make_cells(experiment, bench.store.root, dry_run=False)
        bench.resources = resources_of(experiment, list(make_plan(cells, bench.store).stages.values()))
        for cell in cells:
            for stage in cell.stage.features:
                bench.build(stage)
                _, fold, domains, _ = stage.of_fold
                table = pd.read_parquet(bench.context(stage).folder(stage) / "features.parquet")
                yield "Joint" if len(domains) > 1 else domains[0], fold, table


def _one(
    found: dict[str, list[float]], case: Case, head: str, labellers: list[str], settings: dict[str, float]
) -> None:
    """Try every labeller on one case."""
    train, columns = case.train, case.columns
    judge = ROOMS["judges"][head]()
    plain = judge.estimator(0, 1).fit(train[columns].to_numpy(), train["label"])
    base = score(plain, case.test, columns)
    unlabelled = case.hidden.assign(hidden_label=case.hidden["label"]).drop(columns="label")
    tools = judge, TrimmedMahalanobis(), ROOMS["cuts"]["two_groups"]()
    for kind in labellers:
        labeller = ROOMS["pseudo_labels"][kind](**settings)
        at = PseudoLabelling(labeller, *tools, unlabelled, train, columns, case.classes, "normal", 0, 1)  # type: ignore[arg-type]
        more = at.more(train)
        gain = 0.0 if more is None else score(learned(judge, train, columns, *more), case.test, columns) - base
        found[f"gain {kind}, {head}, {case.name}"].append(gain)
        found[f"takes any {kind}, {head}, {case.name}"].append(float(more is not None))
        _coverage(found, at, kind)
    if case.columns is COLUMNS:  # of the bearings eight motors are nearly all
        _queue(found, case, judge, plain, unlabelled, base)
    hidden = case.hidden[columns].to_numpy(), case.hidden["label"].to_numpy(dtype=object)
    truth = learned(judge, train, columns, *hidden, 0.5)
    found[f"true labels of half weight, {head}, {case.name}"].append(score(truth, case.test, columns) - base)


def _coverage(found: dict[str, list[float]], at: PseudoLabelling, kind: str) -> None:
    """Compare the printed lower bound of each class that was proposed with how right its labels are."""
    truth = at.unlabelled["hidden_label"].to_numpy(dtype=object)
    for name, proof in at.proofs.items():
        called = at.proposal.label_M == name
        if proof.n_motors and called.any():
            found[f"covers {kind}"].append(float(proof.lower <= np.mean(truth[called] == name)))


def _queue(
    found: dict[str, list[float]], case: Case, judge: object, plain: object, unlabelled: pd.DataFrame, base: float
) -> None:
    """Ask for eight motors, and learn from what they are."""
    entries = Queue(TrimmedMahalanobis(), case.columns, case.classes, "normal", 0, 1).of(case.train, unlabelled, plain)
    first = {entry["motor"] for entry in entries[:FIRST]}
    answered = case.hidden[case.hidden["motor"].isin(first)]
    faulty = answered.drop_duplicates("motor")["label"] != "normal"
    found[f"queue: six of eight faulty, {case.name}"].append(float(faulty.sum() >= LEAST_FAULTY))
    more = pd.concat([case.train, answered])
    reviewed = judge.estimator(0, 1).fit(more[case.columns].to_numpy(), more["label"])  # type: ignore[attr-defined]
    found[f"queue: gain of eight reviews, {case.name}"].append(score(reviewed, case.test, case.columns) - base)


def motors(counts: tuple[int, ...], seed: int, prefix: str, of_plant: int | None = None) -> pd.DataFrame:
    """Return two series of each motor of a plant; `of_plant` says whose faults they have."""
    random, faults = np.random.default_rng(seed), np.random.default_rng((seed if of_plant is None else of_plant, 1))
    moved = {label: faults.normal(size=N_COLUMNS) for label in CLASSES[1:]}
    rows = []
    for label, number in zip(CLASSES, counts, strict=True):
        for motor in range(number):
            place = random.normal(size=N_COLUMNS)
            if label in moved:
                place = place + DISTANCE * random.uniform(0.5, 1.5) * moved[label]
            for item in range(2):
                values = place + 0.5 * random.normal(size=N_COLUMNS)
                rows.append([f"{prefix} {label} {motor} {item}", f"{prefix} {label} {motor}", "one", label, *values])
    return pd.DataFrame(rows, columns=["item", "motor", "domain", "label", *COLUMNS])


def shown(plant: pd.DataFrame, share: float, seed: int) -> set[str]:
    """Return the motors that keep their labels."""
    from motor.recordings.shown_labels import hidden_motors

    return set(plant["motor"]) - set(hidden_motors(plant, share, seed))


def learned(
    judge: object, train: pd.DataFrame, columns: list[str], X: np.ndarray, labels: np.ndarray, weight: float
) -> object:
    """Return the classifier of labelled series and of others with a weight."""
    weights = np.concatenate([np.ones(len(train)), np.full(len(labels), weight)])
    both = np.concatenate([train[columns].to_numpy(), X])
    names = np.concatenate([train["label"].to_numpy(dtype=object), labels])
    return fitted_with_weights(judge.estimator(0, 1), both, names, weights)  # type: ignore[attr-defined]


def score(estimator: object, test: pd.DataFrame, columns: list[str]) -> float:
    """Return the macro-F1 of a classifier."""
    predicted = estimator.predict(test[columns].to_numpy())  # type: ignore[attr-defined]
    return float(f1_score(test["label"], predicted, average="macro"))


if __name__ == "__main__":
    main()
