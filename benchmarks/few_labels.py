"""Do pseudo-labels harm, are they as right as they are said to be, and does asking for the strangest motors pay?

    python -m benchmarks.few_labels [--plants 100] [--heads lda] [--labellers scores self_training curriculum]

Planted plants: 60 normal motors and 12 of each of two faults, two series each, 24 columns; motors differ among
themselves, faults move some columns. Of each class 10, 25 or 50 % of the motors are labelled; a test of as many other
motors is what macro-F1 is of. Rows: the mean gain of a labeller over labelled series alone, how often it costs more
than 0.01, how often anything was taken; how many motors of the first eight of the queue are faulty, and what eight
reviews gain; what true labels of half weight gain. `--big` plants have ten times the motors, half of them
labelled: there labels can be proven, and their printed lower bound is compared with the truth.
"""

import argparse
import json
from collections import defaultdict

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score

from motor.judges.trimmed_mahalanobis import TrimmedMahalanobis
from motor.judges.weights import fitted_with_weights
from motor.registry import plugins
from motor.stages.pseudo_labelling import PseudoLabelling
from motor.stages.review_queue import FIRST, Queue

CLASSES, N_COLUMNS, DISTANCE = ("normal", "spark", "vibrate"), 24, 1.6
COUNTS, SHARES, HARM = (60, 12, 12), (0.1, 0.25, 0.5), 0.01
COLUMNS = [f"column {k}" for k in range(N_COLUMNS)]
LEAST_GAIN, LEAST_FAULTY = -0.005, 6  # the mean over plants; motors of the first eight
ROOMS = {name: plugins(f"motor.{name}") for name in ("judges", "cuts", "pseudo_labels")}


def main() -> None:
    """Print the table and the result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plants", type=int, default=100)
    parser.add_argument("--big", type=int, default=0)
    parser.add_argument("--heads", nargs="+", default=["lda"])
    parser.add_argument("--labellers", nargs="+", default=["scores", "self_training", "curriculum"])
    asked = parser.parse_args()
    found: dict[str, list[float]] = defaultdict(list)
    for head in asked.heads:
        for seed in range(asked.plants):
            for share in SHARES:
                _one(found, head, asked.labellers, seed, share, COUNTS)
        for seed in range(asked.big):
            _one(found, head, asked.labellers, 10_000 + seed, 0.5, (600, 120, 120))
    for name, values in sorted(found.items()):
        print(f"{name:<44}{np.mean(values):+8.3f}  least {np.min(values):+.3f}  n {len(values)}")
    gains = [gain for name, values in found.items() if name.startswith("gain") for gain in values]
    told = {"harmed": float(np.mean(np.array(gains) < -HARM))}
    told |= {name: float(np.mean(values)) for name, values in found.items() if name.startswith(("queue", "covers"))}
    result = {"name": "few_labels", "ratio": float(np.mean(gains)), "goal": LEAST_GAIN, "against": "none"}
    print(json.dumps({**result, "unit": "gain in macro-F1", **told}))


def _one(
    found: dict[str, list[float]], head: str, labellers: list[str], seed: int, share: float, counts: tuple[int, ...]
) -> None:
    """Try every labeller on one plant with a share of its motors labelled."""
    plant, test = motors(counts, seed, "plant"), motors(counts, seed + 500_000, "test", of_plant=seed)
    known = shown(plant, share, seed)
    train, hidden = plant[plant["motor"].isin(known)], plant[~plant["motor"].isin(known)]
    judge = ROOMS["judges"][head]()
    plain = judge.estimator(0, 1).fit(train[COLUMNS].to_numpy(), train["label"])
    base = score(plain, test)
    unlabelled = hidden.assign(hidden_label=hidden["label"]).drop(columns="label")
    tools = judge, TrimmedMahalanobis(), ROOMS["cuts"]["two_groups"]()
    for kind in labellers:
        labeller = ROOMS["pseudo_labels"][kind]()
        at = PseudoLabelling(labeller, *tools, unlabelled, train, COLUMNS, CLASSES, "normal", 0, 1)  # type: ignore[arg-type]
        more = at.more(train)
        gain = 0.0 if more is None else score(learned(judge, train, *more), test) - base
        found[f"gain {kind}, {sum(counts)} motors, {share:.0%} labelled"].append(gain)
        found[f"takes any {kind}, {sum(counts)} motors"].append(float(more is not None))
        _coverage(found, at, kind)
    _queue(found, judge, plain, train, hidden, unlabelled, (base, test), share)
    truth = learned(judge, train, hidden[COLUMNS].to_numpy(), hidden["label"].to_numpy(dtype=object), 0.5)
    found[f"true labels of half weight, {share:.0%} labelled"].append(score(truth, test) - base)


def _coverage(found: dict[str, list[float]], at: PseudoLabelling, kind: str) -> None:
    """Compare the printed lower bound of each class that was proposed with how right its labels are."""
    truth = at.unlabelled["hidden_label"].to_numpy(dtype=object)
    for name, proof in at.proofs.items():
        called = at.proposal.label_M == name
        if proof.n_motors and called.any():
            found[f"covers {kind}"].append(float(proof.lower <= np.mean(truth[called] == name)))


def _queue(
    found: dict[str, list[float]],
    judge: object,
    plain: object,
    train: pd.DataFrame,
    hidden: pd.DataFrame,
    unlabelled: pd.DataFrame,
    base: tuple[float, pd.DataFrame],
    share: float,
) -> None:
    """Ask for eight motors, and learn from what they are."""
    entries = Queue(TrimmedMahalanobis(), COLUMNS, CLASSES, "normal", 0, 1).of(train, unlabelled, plain)
    first = {entry["motor"] for entry in entries[:FIRST]}
    answered = hidden[hidden["motor"].isin(first)]
    faulty = answered.drop_duplicates("motor")["label"] != "normal"
    found[f"queue: six of eight faulty, {share:.0%} labelled"].append(float(faulty.sum() >= LEAST_FAULTY))
    more = pd.concat([train, answered])
    reviewed = judge.estimator(0, 1).fit(more[COLUMNS].to_numpy(), more["label"])  # type: ignore[attr-defined]
    found[f"queue: gain of eight reviews, {share:.0%} labelled"].append(score(reviewed, base[1]) - base[0])


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


def learned(judge: object, train: pd.DataFrame, X: np.ndarray, labels: np.ndarray, weight: float) -> object:
    """Return the classifier of labelled series and of others with a weight."""
    weights = np.concatenate([np.ones(len(train)), np.full(len(labels), weight)])
    both = np.concatenate([train[COLUMNS].to_numpy(), X])
    names = np.concatenate([train["label"].to_numpy(dtype=object), labels])
    return fitted_with_weights(judge.estimator(0, 1), both, names, weights)  # type: ignore[attr-defined]


def score(estimator: object, test: pd.DataFrame) -> float:
    """Return the macro-F1 of a classifier."""
    predicted = estimator.predict(test[COLUMNS].to_numpy())  # type: ignore[attr-defined]
    return float(f1_score(test["label"], predicted, average="macro"))


if __name__ == "__main__":
    main()
