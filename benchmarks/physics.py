"""Which plain program carries over: `python -m benchmarks.physics [--quick]`.

Rows are programs (a method's features, or settings of theirs, with LDA), columns simulated plants
(`benchmarks.plants`), macro-F1 over three folds of motors that the training never saw; with ``--hit-sm FOLDER`` also
the two rigs of HIT-SM by its own folds, at 51.2, 25.6 and 12.8 kHz and with a quarter of each series, alone and nested.
The last column is the worst of the simulated ones. Below: one plant at five sampling rates, and what the features of
1,000 series cost.
"""

import argparse
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.io import loadmat
from scipy.signal import resample, resample_poly
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupKFold

from benchmarks.plants import FULL_RATE_HZ, PLANTS, Plant
from motor.features.base import MachineFeature, RecordingFeature
from motor.judges.lda import Lda
from motor.registry import plugins

PROGRAMS = ("physics", "physics_found", "orders", "classical", "spectrum", "lines")
WITH: dict[str, tuple[str, dict[str, Any]]] = {
    "physics, prewhitened": ("physics", {"prewhitening": "cepstrum"}),
    "orders, prewhitened": ("orders", {"prewhitening": "cepstrum"}),
    "lines, prewhitened": ("lines", {"prewhitening": "cepstrum"}),
    "physics_found, wide": ("physics_found", {"slip": 0.02, "ceiling_db": 12.0}),
    "physics, narrow": ("physics", {"slip": 0.0, "ceiling_db": None, "higher_bands_hz": ()}),
}
"""Further programs: a method, and settings of its feature that looks at lines."""
NESTED, HEADS = ("orders", "physics"), ("lda", "ridge")
RATES_HZ = (8000.0, 12000.0, 25600.0, 51200.0, 65536.0)
N_FOLDS = 3
SERIES = 65536
N_COST = 100  # series that are described to know what 1,000 cost


def features_of(program: str, meta: pd.DataFrame) -> list[RecordingFeature]:
    """Return a program's features with what the data decides of them."""
    rooms = plugins("motor.features")
    method, settings = WITH.get(program, (program, {}))
    kinds = [rooms[name] for name in plugins("motor.methods")[method]().features]  # type: ignore[attr-defined]
    return [kind(**(settings if kind.looks_at_lines else {})).settled(meta) for kind in kinds]  # type: ignore


def described(method: str, plant: Plant, signals: list[np.ndarray], meta: pd.DataFrame) -> np.ndarray:
    """Return the columns of a method: shape (n_recordings, n_columns)."""
    return table_of(method, plant, signals, meta).to_numpy()


def table_of(method: str, plant: Plant, signals: list[np.ndarray], meta: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of a method, one row a recording."""
    features, rows = features_of(method, meta), []
    for signal, rate_hz, speed_rpm in zip(signals, meta["sampling_rate_hz"], meta["speed_rpm"], strict=True):
        row: dict[str, float] = {}
        for feature in features:
            if isinstance(feature, MachineFeature):
                row |= feature.from_machine(signal, rate_hz, speed_rpm, plant.machine.components(speed_rpm))
            else:
                row |= feature.from_recording(signal, rate_hz, speed_rpm)
        rows.append(row)
    return pd.DataFrame(rows)


@lru_cache(maxsize=1)
def recorded(plant: Plant, rate_hz: float) -> tuple[list[np.ndarray], pd.DataFrame]:
    """Return a plant's signals at a rate, and what is known of each."""
    signals, rows = [], []
    for motor, label, speed_rpm, signal in plant.recordings():
        n_samples = round(signal.size * rate_hz / FULL_RATE_HZ)
        signals.append(resample(signal.astype(np.float64), n_samples).astype(np.float32))
        rows.append({"motor": motor, "label": label, "speed_rpm": speed_rpm, "sampling_rate_hz": rate_hz})
    return signals, pd.DataFrame(rows).assign(n_samples=len(signals[0]))


def macro_f1(
    X: np.ndarray | pd.DataFrame,
    labels: pd.Series,
    motors: pd.Series,
    fold: np.ndarray | None = None,
    selecting: Sequence[RecordingFeature] = (),
) -> float:
    """Return macro-F1 over folds; by default of motors, those of each class dealt out in turn.

    Of a table, features that select its columns do so by the training motors of each fold.
    """
    if fold is None:
        fold = motors.str.rpartition("-")[2].astype(int).to_numpy() % N_FOLDS
    y, predicted = labels.to_numpy(), np.empty(len(labels), dtype=object)
    for test in range(N_FOLDS):
        values = X if isinstance(X, np.ndarray) else selected(X, motors, fold != test, selecting)
        estimator = Lda().estimator(0, 1).fit(values[fold != test], y[fold != test])
        predicted[fold == test] = estimator.predict(values[fold == test])
    return float(f1_score(y, predicted, average="macro"))


def selected(
    table: pd.DataFrame, motors: pd.Series, is_training: np.ndarray, features: Sequence[RecordingFeature]
) -> np.ndarray:
    """Return the columns that training motors leave: shape (n_recordings, n_columns)."""
    out = {name for one in features for name in one.left_out(table[is_training], motors[is_training])}
    return table[[name for name in table if name not in out]].to_numpy()


def score(method: str, plant: Plant, rate_hz: float) -> float | None:
    """Return a method's macro-F1 on a plant at a rate; None where it cannot describe it."""
    signals, meta = recorded(plant, rate_hz)
    try:
        table = table_of(method, plant, signals, meta)
        return macro_f1(table, meta["label"], meta["motor"], selecting=features_of(method, meta))
    except ValueError:
        return None


def hit_sm(folder: Path) -> Iterator[tuple[str, str, list[np.ndarray], pd.DataFrame]]:
    """Yield a name, a rig, its series of 65536 points, and what is known of each, decimated or cut."""
    manifest = pd.read_csv(folder / "manifest.csv", dtype={"fault_degrees": str}, keep_default_na=False)
    for rig, files in manifest.groupby("domain", sort=False):
        series, rows = list[np.ndarray](), list[dict[str, Any]]()
        for one in files.itertuples():
            variables = loadmat(folder / str(one.file))
            signal = next(values for name, values in variables.items() if not name.startswith("__")).ravel()
            severity = {600: 0, 900: 1, 1200: 2}[one.speed_rpm] if one.label == "normal" else None
            fold = severity if severity is not None else ("2", "5", "8").index(str(one.fault_degrees))
            for place in range(signal.size // SERIES):
                series.append(signal[place * SERIES : (place + 1) * SERIES].astype(np.float32))
                rows.append({"label": one.label, "motor": one.motor_id, "speed_rpm": one.speed_rpm, "fold": fold})
        for name, factor, share in (("51.2 kHz", 1, 1), ("25.6 kHz", 2, 1), ("12.8 kHz", 4, 1), ("a quarter", 1, 4)):
            signals = [resample_poly(one[: SERIES // share], 1, factor) for one in series]
            meta = pd.DataFrame(rows).assign(sampling_rate_hz=51200 / factor, n_samples=len(signals[0]))
            yield name, str(rig), signals, meta


def score_hit_sm(method: str, signals: list[np.ndarray], meta: pd.DataFrame) -> float | None:
    """Return a method's macro-F1 on a rig of HIT-SM, whose bearings nobody told."""
    try:
        table = table_of(method, next(iter(PLANTS.values())), signals, meta)
    except ValueError:
        return None
    features = features_of(method, meta)
    return macro_f1(table, meta["label"], meta["motor"], meta["fold"].to_numpy(), selecting=features)


def cost_s(method: str) -> float:
    """Return the CPU seconds that the features of 1,000 series of 65536 points take, by a hundred of them."""
    plant = PLANTS["51.2 kHz, 1.28 s, 900 to 2400 r/min"]
    signal = np.random.default_rng(0).normal(size=SERIES).astype(np.float32)
    known = {"speed_rpm": 1500.0, "sampling_rate_hz": plant.rate_hz, "n_samples": SERIES}
    meta = pd.DataFrame([known] * N_COST)
    table_of(method, plant, [signal], meta[:1])  # imports and windows, once
    began = time.process_time()
    table_of(method, plant, [signal] * N_COST, meta)
    return (time.process_time() - began) * 1000 / N_COST


def nested_f1(
    tables: Mapping[str, np.ndarray],
    seconds: Mapping[str, float],
    labels: pd.Series,
    motors: pd.Series,
    fold: np.ndarray,
    rigs: pd.Series,
) -> dict[str, float]:
    """Return macro-F1 by rig where program and head are chosen on training motors alone, fold by fold.

    As in the report, equal scores go to the lower Brier score, the cheaper, the first (`motor.evaluation.nested`).

    Parameters
    ----------
    tables : mapping of str to ndarray of shape (n_recordings, n_columns)
        The programs that can be chosen.
    seconds : mapping of str to float
        CPU time that each took to describe the recordings.
    labels, motors, rigs : Series of n_recordings
    fold : ndarray of shape (n_recordings,)
    """
    y, predicted = labels.to_numpy(), np.empty(len(labels), dtype=object)
    for test in np.unique(fold):
        train = np.flatnonzero(fold != test)
        inner = list(GroupKFold(4).split(train, groups=motors.to_numpy()[train]))
        held_out = {
            (kind, head): (*_held_out(tables[kind][train], y[train], head, inner), -seconds[kind])
            for kind, head in product(tables, HEADS)
        }
        kind, head = max(held_out, key=held_out.__getitem__)
        X, estimator = tables[kind], _head(head)
        predicted[fold == test] = estimator.fit(X[train], y[train]).predict(X[fold == test])
    return {str(rig): float(f1_score(y[rigs == rig], predicted[rigs == rig], average="macro")) for rig in rigs.unique()}


def _held_out(
    X: np.ndarray, y: np.ndarray, head: str, inner: Sequence[tuple[np.ndarray, np.ndarray]]
) -> tuple[float, float]:
    """Return macro-F1 of predictions by heads that did not see the motor, and their Brier score, the more the worse."""
    classes = np.unique(y)
    probability = np.zeros((len(y), len(classes)))  # shape (n_recordings, n_classes)
    for train, test in inner:
        estimator = _head(head).fit(X[train], y[train])
        probability[np.ix_(test, np.searchsorted(classes, estimator.classes_))] = estimator.predict_proba(X[test])
    brier = np.mean(np.sum((probability - (y[:, None] == classes)) ** 2, axis=1))
    f1 = f1_score(y, classes[probability.argmax(axis=1)], average="macro")
    return round(float(f1), 12), -round(float(brier), 12)


def _head(name: str) -> Any:
    return plugins("motor.judges")[name]().estimator(0, 1)  # type: ignore[attr-defined]


def nested_hit_sm(folder: Path) -> pd.DataFrame:
    """Return nested selection among `NESTED` and `HEADS` on HIT-SM: rows of data, columns of rigs alone and joint."""
    found: dict[str, dict[str, tuple[dict[str, np.ndarray], dict[str, float], pd.DataFrame]]] = {}
    for name, rig, signals, meta in hit_sm(folder):
        tables, seconds = dict[str, np.ndarray](), dict[str, float]()
        for kind in NESTED:
            began = time.process_time()
            try:
                tables[kind] = described(kind, next(iter(PLANTS.values())), signals, meta)
            except ValueError:  # too few revolutions
                continue
            seconds[kind] = time.process_time() - began
        found.setdefault(name, {})[rig] = tables, seconds, meta.assign(rig=rig)
    rows = {}
    for name, of_rigs in found.items():
        alone = {}
        for tables, seconds, meta in of_rigs.values():
            alone |= nested_f1(tables, seconds, *_rows(meta))
        both = pd.concat([meta for _, _, meta in of_rigs.values()], ignore_index=True)
        mark = pd.get_dummies(both["rig"]).to_numpy(np.float64)
        kinds = set.intersection(*(set(tables) for tables, _, _ in of_rigs.values()))
        joined = {
            kind: np.hstack([np.vstack([tables[kind] for tables, _, _ in of_rigs.values()]), mark])
            for kind in NESTED
            if kind in kinds
        }
        costs = {kind: sum(seconds[kind] for _, seconds, _ in of_rigs.values()) for kind in joined}
        joint = nested_f1(joined, costs, *_rows(both))
        rows[name] = alone | {f"{rig}, joint": value for rig, value in joint.items()}
    return pd.DataFrame(rows).T


def _rows(meta: pd.DataFrame) -> tuple[pd.Series, pd.Series, np.ndarray, pd.Series]:
    """Return what `nested_f1` is to know of recordings: label, motor, fold and rig."""
    return meta["label"], meta["motor"], meta["fold"].to_numpy(), meta["rig"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one plant, two rates")
    parser.add_argument("--hit-sm", type=Path, help="folder of the HIT-SM bearing data, for its columns")
    arguments = parser.parse_args()
    quick = arguments.quick
    plants = dict(list(PLANTS.items())[: 1 if quick else None])
    began = time.process_time()
    programs = (*PROGRAMS, *WITH)
    table = {name: {kind: score(kind, plant, plant.rate_hz) for kind in programs} for name, plant in plants.items()}
    shown = pd.DataFrame(table)
    shown["worst"] = shown.min(axis=1)
    print(shown.round(2).to_string(na_rep="-"))
    if arguments.hit_sm:
        told = {
            (rig, name): {kind: score_hit_sm(kind, signals, meta) for kind in programs if "lines" not in kind}
            for name, rig, signals, meta in hit_sm(arguments.hit_sm)
        }
        print(pd.DataFrame(told).round(2).to_string(na_rep="-"))
        print(nested_hit_sm(arguments.hit_sm).round(2).to_string())
    first = next(iter(PLANTS.values()))
    by_rate = {f"{rate:g} Hz": score("physics", first, rate) for rate in (RATES_HZ[1:3] if quick else RATES_HZ)}
    print("physics at other rates:", {name: round(value or 0, 2) for name, value in by_rate.items()})
    print("CPU seconds of 1,000 series:", {kind: round(cost_s(kind), 1) for kind in PROGRAMS[: 2 if quick else None]})
    spread = max(value or 0 for value in by_rate.values()) - min(value or 0 for value in by_rate.values())
    summary = {
        "name": "physics",
        "ratio": round(spread, 3),
        "goal": 0.03,
        "against": "the same machines at other rates",
    }
    print(json.dumps({**summary, "cpu_seconds": round(time.process_time() - began, 1)}))


if __name__ == "__main__":
    main()
