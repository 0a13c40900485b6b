"""Does asking pay: decisions until 95 % of the macro-F1 that all labels of a pool give, strategies against random.

    python -m benchmarks.asking [--hit-sm FOLDER] [--strategies margin badge] [--first-seed 9000] [--runs 36 16 16]

What is asked is what a loop asks (`motor.looping.questions`, its settings' defaults but for the batch): a first batch
at random, a fifth of each other, the strangest motors while labels are few. Motors of the pool are labelled, others
judge; the model is logistic regression on the 32 principal axes that a loop takes. Pools: the bearings of HIT-SM by
their own three folds (where the folder is given), and simulated motors by `orders`, as many of each class, or few
faulty. In a fourth pool each series is scaled by itself and described by `classical`, which cannot tell its classes.
Last: what eight answers by the strangest motors gain where a tenth of the motors has labels.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from motor.experiment.looping import Looping
from motor.judges.lda import Lda
from motor.looping.inference import PROBABILITY
from motor.looping.questions import Candidates, features, questions
from motor.registry import plugins

ENOUGH = 0.95  # of the macro-F1 that all labels of the pool give
GOAL, LEVEL = 0.8, 0.025  # decisions over random's; mean of the curve where features cannot tell
REVIEWS, SHARE, REVIEWS_GAIN = 8, 0.1, 0.08
DRAWS = 2000
MOST = 0.6  # of a pool that is asked for, at most


@dataclass(frozen=True)
class Pool:
    """Recordings to ask for, and others to judge by: what is known (item, motor, label), and features by item."""

    meta: pd.DataFrame
    X: pd.DataFrame
    is_pool: np.ndarray
    batch: int
    normal: str = "normal"

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(sorted(self.meta["label"].unique()))


def main() -> None:
    """Print the table and the result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hit-sm", type=Path)
    parser.add_argument("--strategies", nargs="*", default=[])
    parser.add_argument("--first-seed", type=int, default=9000)
    parser.add_argument(
        "--runs", nargs=3, type=int, default=[36, 16, 16], help="HIT-SM, simulated, where none can tell"
    )
    asked = parser.parse_args()
    began, seeds = time.process_time(), asked.first_seed
    ways = {"random": Looping(asking="random"), "default": Looping()}
    ways |= {name: Looping(asking=name, strangest_until=0) for name in asked.strategies}
    tables = {"HIT-SM": pools_of_hit_sm(asked.hit_sm, asked.runs[0], seeds)} if asked.hit_sm else {}
    tables |= {
        "simulated, balanced": (simulated((80, 80, 80), seeds + k, 10) for k in range(asked.runs[1])),
        "simulated, few faulty": (simulated((120, 18, 18), seeds + k, 5) for k in range(asked.runs[1])),
        "cannot tell": (simulated((48, 48, 48), seeds + k, 10, "classical") for k in range(asked.runs[2])),
    }
    print("| pool | strategy | decisions: median | mean | 75th | over random's | full F1 | mean F1 - random's |")
    print(f"|{'---|' * 8}")
    shown = {}
    for name, pools in tables.items():
        shown[name] = measured(ways, pools, seeds, whole=name == "cannot tell")
        print("\n".join(rows_of(name, shown[name])), flush=True)
    gained = reviews(seeds, asked.runs[1])
    print(gained.round(3).to_string())
    telling = {name: ratio(found, "default") for name, found in shown.items() if name != "cannot tell"}
    apart = float((shown["cannot tell"]["default"]["mean"] - shown["cannot tell"]["random"]["mean"]).mean())
    told = {
        "by_pool": telling,
        "intervals": {name: interval(shown[name], "default") for name in telling},
        "cannot_tell": round(apart, 4),
        "cannot_tell_goal": -LEVEL,
    }
    told |= {"eight_reviews": round(float(gained["strangest"]), 4), "eight_reviews_goal": REVIEWS_GAIN}
    told |= {"cpu_seconds": round(time.process_time() - began)}
    result = {"name": "asking", "ratio": round(max(telling.values()), 3), "goal": GOAL, "against": "random"}
    print(json.dumps({**result, "unit": "decisions, median", **told}))


def simulated(counts: tuple[int, ...], seed: int, batch: int, kind: str = "orders", difficulty: float = 0.05) -> Pool:
    """Return a plant of simulated motors, half of each class to ask for; see docs/simulator.md."""
    reader = plugins("motor.recordings.readers")["simulator"](
        motors_per_class=max(counts), recordings_per_motor=1, n_samples=16384, sampling_rate_hz=16384,
        difficulty=difficulty, seed=seed,
    )  # fmt: skip
    left, feature = dict(zip(reader.classes, counts, strict=True)), plugins("motor.features")[kind.split("_")[0]]()
    rows, described, seen = [], [], dict[str, int]()
    for source in reader.sources():
        motor, label = str(source.own["motor"]), str(source.own["label"])
        if motor not in seen:
            seen[motor], left[label] = left[label], left[label] - 1
        if seen[motor] > 0:
            (one,) = reader.checked([source])
            signal = (one.signal - one.signal.mean()) / one.signal.std() if kind == "classical" else one.signal
            described.append(feature.from_recording(signal, one.sampling_rate_hz, one.speed_rpm))
            rows.append((one.item, motor, label, one.domain, seen[motor] % 2 == 0))
    meta = pd.DataFrame(rows, columns=["item", "motor", "label", "domain", "is_pool"])
    return Pool(meta, pd.DataFrame(described, index=meta["item"]), meta["is_pool"].to_numpy(), batch)


def pools_of_hit_sm(folder: Path, runs: int, seed: int) -> Iterator[Pool]:
    """Yield the bearings of HIT-SM, both rigs, a fold's motors to judge by; each fold as often as the others."""
    from benchmarks.physics import hit_sm

    tables = [(signals, meta) for name, _, signals, meta in hit_sm(folder) if name == "51.2 kHz"]
    meta = pd.concat([meta for _, meta in tables], ignore_index=True)
    feature = plugins("motor.features")["orders"]()
    signals = (signal for of_rig, _ in tables for signal in of_rig)
    rows = [
        feature.from_recording(signal, rate_hz, speed_rpm)
        for signal, rate_hz, speed_rpm in zip(signals, meta["sampling_rate_hz"], meta["speed_rpm"], strict=True)
    ]
    meta = meta.assign(item=[f"series {place}" for place in range(len(meta))])
    for run in range(runs):
        yield Pool(meta, pd.DataFrame(rows, index=meta["item"]), (meta["fold"] != run % 3).to_numpy(), 3)


def measured(ways: dict[str, Looping], pools: Iterator[Pool], seed: int, whole: bool) -> dict[str, pd.DataFrame]:
    """Return for each strategy a row a run: decisions until enough, mean of the `whole` curve, F1 by all labels."""
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    for run, pool in enumerate(pools):
        judged = features(said(pool, None, np.zeros(len(pool.meta), dtype=bool)))
        full = macro_f1(pool, judged, pool.is_pool)
        for name, settings in ways.items():
            curve, reached = list[float](), list[int]()
            for count, score in asked_for(pool, judged, settings, seed + run):
                curve.append(score)
                reached += [count] if score >= ENOUGH * full else []
                if reached and not whole:
                    break
            decisions, mean = min(reached, default=int(pool.is_pool.sum())), float(np.mean(curve)) if whole else np.nan
            rows[name].append({"decisions": decisions, "mean": mean, "full": full})
    return {name: pd.DataFrame(found) for name, found in rows.items()}


def asked_for(pool: Pool, X: pd.DataFrame, settings: Looping, seed: int) -> Iterator[tuple[int, float]]:
    """Yield how many recordings were decided on, and macro-F1 on motors that nobody is asked about."""
    settings = settings.model_copy(update={"batch": pool.batch, "first": pool.batch})
    known = np.zeros(len(pool.meta), dtype=bool)
    while known.sum() < MOST * pool.is_pool.sum():
        labels = pool.meta["label"].astype(object).where(known, None)
        meta = pool.meta[["item", "motor"]].assign(label=labels)[pool.is_pool].reset_index(drop=True)
        inferred = said(pool, X, known) if known.any() else None
        found = questions(Candidates(meta, inferred, seed + int(known.sum()), pool.classes, pool.normal), settings)
        known = known | pool.meta["item"].isin([one.item for one in found]).to_numpy()
        yield int(known.sum()), macro_f1(pool, X, known)


def said(pool: Pool, X: pd.DataFrame | None, known: np.ndarray) -> pd.DataFrame:
    """Return what a model of some labels says of every recording, as a loop keeps it."""
    found = pool.X.add_prefix("feature_")
    if X is None:
        return found
    probability_NC = fitted(pool, X, known).predict_proba(X.to_numpy())
    of_class = pd.DataFrame(0.0, index=pool.X.index, columns=[f"{PROBABILITY}{name}" for name in pool.classes])
    present = sorted(set(pool.meta.loc[known, "label"]))
    of_class[[f"{PROBABILITY}{name}" for name in present]] = probability_NC
    return pd.concat([of_class.assign(unlike=0.0), found], axis=1)


class Constant:
    """The model of a single class."""

    def __init__(self, label: str) -> None:
        self.label = label

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.full(len(X), self.label, dtype=object)

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        return np.ones((len(X), 1))


def fitted(pool: Pool, X: pd.DataFrame, known: np.ndarray) -> LogisticRegression | Constant:
    """Return a model of some labels."""
    labels = pool.meta.loc[known, "label"].to_numpy()
    if len(set(labels)) == 1:
        return Constant(labels[0])
    return LogisticRegression(C=0.1, class_weight="balanced", max_iter=300).fit(X.to_numpy()[known], labels)


def macro_f1(pool: Pool, X: pd.DataFrame, known: np.ndarray) -> float:
    """Return macro-F1 of a model of some labels, on the motors that judge."""
    predicted = fitted(pool, X, known).predict(X.to_numpy()[~pool.is_pool])
    return float(f1_score(pool.meta.loc[~pool.is_pool, "label"], predicted, average="macro"))


def ratio(found: dict[str, pd.DataFrame], name: str) -> float:
    """Return the median of decisions over random's."""
    return round(float(found[name]["decisions"].median() / found["random"]["decisions"].median()), 3)


def interval(found: dict[str, pd.DataFrame], name: str) -> list[float]:
    """Return in what the ratio lies, 95 %, where other runs are drawn; the same of both strategies."""
    own, others = (found[one]["decisions"].to_numpy() for one in (name, "random"))
    drawn = np.random.default_rng(0).integers(len(own), size=(DRAWS, len(own)))
    ratios = np.median(own[drawn], axis=1) / np.median(others[drawn], axis=1)
    return [round(float(bound), 2) for bound in np.quantile(ratios, (0.025, 0.975))]


def rows_of(pool: str, found: dict[str, pd.DataFrame]) -> Iterator[str]:
    """Yield the rows of a pool's table."""
    for name, table in found.items():
        decisions, apart = table["decisions"], (table["mean"] - found["random"]["mean"]).mean()
        low, high = interval(found, name)
        cells = [pool, name, f"{decisions.median():g}", f"{decisions.mean():.1f}", f"{decisions.quantile(0.75):g}"]
        cells += [f"{ratio(found, name):.2f} [{low:.2f}, {high:.2f}]"]
        cells += [f"{table['full'].mean():.2f}", f"{apart:+.3f}"]
        yield f"| {' | '.join(cells)} |"


def reviews(seed: int, runs: int) -> pd.Series:
    """Return the mean gain in macro-F1 by eight answers, with LDA on `classical`, sensor by sensor."""
    rows = []
    for run in range(runs):
        whole = simulated((120, 24, 24), seed + 500 + run, REVIEWS, "classical_as_recorded", 0.1)
        for domain in sorted(whole.meta["domain"].unique()):
            of_sensor = (whole.meta["domain"] == domain).to_numpy()
            meta = whole.meta[of_sensor].reset_index(drop=True)
            rows.append(gains(Pool(meta, whole.X[of_sensor], whole.is_pool[of_sensor], REVIEWS), seed + run))
    return pd.DataFrame(rows).mean()


def gains(pool: Pool, seed: int) -> dict[str, float]:
    """Return macro-F1 by the labels of a tenth of the motors, and what more labels add."""
    from motor.recordings.shown_labels import hidden_motors

    of_pool = pool.meta[pool.is_pool]
    known = (pool.is_pool & ~pool.meta["motor"].isin(hidden_motors(of_pool, SHARE, seed))).astype(bool)
    judge, labels, X = Lda(), pool.meta["label"].to_numpy(), pool.X.to_numpy()

    def score(seen: np.ndarray) -> float:
        predicted = judge.estimator(0, 1).fit(X[seen], labels[seen]).predict(X[~pool.is_pool])
        return float(f1_score(labels[~pool.is_pool], predicted, average="macro"))

    meta = of_pool[["item", "motor"]].assign(label=of_pool["label"].astype(object).where(known[pool.is_pool], None))
    probability_NC = judge.estimator(0, 1).fit(X[known], labels[known]).predict_proba(X)
    of_class = pd.DataFrame(probability_NC, index=pool.X.index, columns=[f"{PROBABILITY}{one}" for one in pool.classes])
    inferred = pd.concat([of_class.assign(unlike=0.0), pool.X.add_prefix("feature_")], axis=1)
    at, base = Candidates(meta.reset_index(drop=True), inferred, seed, pool.classes, pool.normal), score(known)
    found = {"before": base, "all": score(pool.is_pool) - base}
    for name in ("random", "strangest"):
        settings = Looping(asking=name, batch=REVIEWS + 1, random_share=0.01)  # one is always drawn at random
        asked = [one.item for one in questions(at, settings) if one.reason == name][:REVIEWS]
        found[name] = score(known | pool.meta["item"].isin(asked).to_numpy()) - base
    return found


if __name__ == "__main__":
    main()
