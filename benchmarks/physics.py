"""Which plain program carries over: `python -m benchmarks.physics [--quick]`.

Rows are programs (a method's features with LDA), columns simulated plants (`benchmarks.plants`), macro-F1 over three
folds of motors that the training never saw; with ``--hit-sm FOLDER`` also the two rigs of HIT-SM by its own folds, at
51.2, 25.6 and 12.8 kHz and with a quarter of each series. The last column is the worst of the simulated ones. Below:
one plant at five sampling rates, and machines that wear, each with a gain of its own, judged by level with and without
their own reference, beside an oracle that knows each gain.
"""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.io import loadmat
from scipy.signal import resample, resample_poly
from sklearn.metrics import f1_score

from benchmarks.plants import FULL_RATE_HZ, PLANTS, Plant
from motor.features.base import MachineFeature, RecordingFeature
from motor.judges.lda import Lda
from motor.registry import plugins
from motor.stages.own_reference import OwnReference, OwnReferences

PROGRAMS = ("physics", "orders", "classical", "spectrum", "lines")
RATES_HZ = (8000.0, 12000.0, 25600.0, 51200.0, 65536.0)
N_FOLDS = 3
SERIES = 65536
N_HEALTHY, N_RECORDINGS = 3, 9  # of a machine that wears: its reference, and all


def features_of(method: str, meta: pd.DataFrame) -> list[RecordingFeature]:
    """Return a method's features with what the data decides of them."""
    rooms = plugins("motor.features")
    return [rooms[name]().settled(meta) for name in plugins("motor.methods")[method]().features]  # type: ignore


def described(method: str, plant: Plant, signals: list[np.ndarray], meta: pd.DataFrame) -> np.ndarray:
    """Return the columns of a method: shape (n_recordings, n_columns)."""
    features, rows = features_of(method, meta), []
    for signal, rate_hz, speed_rpm in zip(signals, meta["sampling_rate_hz"], meta["speed_rpm"], strict=True):
        row: dict[str, float] = {}
        for feature in features:
            if isinstance(feature, MachineFeature):
                row |= feature.from_machine(signal, rate_hz, speed_rpm, plant.machine.components(speed_rpm))
            else:
                row |= feature.from_recording(signal, rate_hz, speed_rpm)
        rows.append(list(row.values()))
    return np.array(rows)


def recorded(plant: Plant, rate_hz: float) -> tuple[list[np.ndarray], pd.DataFrame]:
    """Return a plant's signals at a rate, and what is known of each."""
    signals, rows = [], []
    for motor, label, speed_rpm, signal in plant.recordings():
        n_samples = round(signal.size * rate_hz / FULL_RATE_HZ)
        signals.append(resample(signal.astype(np.float64), n_samples).astype(np.float32))
        rows.append({"motor": motor, "label": label, "speed_rpm": speed_rpm, "sampling_rate_hz": rate_hz})
    return signals, pd.DataFrame(rows).assign(n_samples=len(signals[0]))


def macro_f1(X: np.ndarray, labels: pd.Series, motors: pd.Series, fold: np.ndarray | None = None) -> float:
    """Return macro-F1 over folds; by default of motors, those of each class dealt out in turn."""
    if fold is None:
        fold = motors.str.rpartition("-")[2].astype(int).to_numpy() % N_FOLDS
    y, predicted = labels.to_numpy(), np.empty(len(labels), dtype=object)
    for test in range(N_FOLDS):
        estimator = Lda().estimator(0, 1).fit(X[fold != test], y[fold != test])
        predicted[fold == test] = estimator.predict(X[fold == test])
    return float(f1_score(y, predicted, average="macro"))


def score(method: str, plant: Plant, rate_hz: float) -> float | None:
    """Return a method's macro-F1 on a plant at a rate; None where it cannot describe it."""
    signals, meta = recorded(plant, rate_hz)
    try:
        return macro_f1(described(method, plant, signals, meta), meta["label"], meta["motor"])
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
        X = described(method, next(iter(PLANTS.values())), signals, meta)
    except ValueError:
        return None
    return macro_f1(X, meta["label"], meta["motor"], meta["fold"].to_numpy())


def wearing(seed: int, n_motors: int = 12) -> dict[str, float]:
    """Return macro-F1 of level on machines that wear by 4 dB, each with a gain of its own within 20 dB.

    Of levels as they are, over each machine's own reference, and of an oracle that knows each gain.
    """
    rows, values = [], []
    for number in range(n_motors):
        random = np.random.default_rng((seed, number))
        gain_db = random.uniform(-20, 20)
        for k in range(N_RECORDINGS):
            level_db = gain_db + (4.0 if k >= N_RECORDINGS // 2 + 1 else 0.0) + random.normal(0, 0.7)
            label = "worn" if k >= N_RECORDINGS // 2 + 1 else "normal"
            rows.append({"item": f"{number}-{k}", "motor": f"m-{number}", "domain": "d", "label": label, "k": k})
            values.append({"level_rms": level_db, "known": level_db - gain_db})
    meta = pd.DataFrame(rows)
    table = pd.DataFrame(values, index=pd.Index(meta["item"]))
    healthy = meta[meta["k"] < N_HEALTHY]
    own = OwnReferences.of(table[["level_rms"]], healthy, set(meta["motor"]), ("d",))
    meta = meta[meta["k"] >= N_HEALTHY]
    level = table.loc[meta["item"], ["level_rms"]]
    over = own.compared(level, meta, OwnReference(use="subtract"))
    known = table.loc[meta["item"], ["known"]]
    columns = {"absolute": level, "own_reference": over, "oracle": known}
    return {name: macro_f1(X.to_numpy(), meta["label"], meta["motor"]) for name, X in columns.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one plant, two rates")
    parser.add_argument("--hit-sm", type=Path, help="folder of the HIT-SM bearing data, for its columns")
    arguments = parser.parse_args()
    quick = arguments.quick
    plants = dict(list(PLANTS.items())[: 1 if quick else None])
    began = time.process_time()
    table = {name: {kind: score(kind, plant, plant.rate_hz) for kind in PROGRAMS} for name, plant in plants.items()}
    shown = pd.DataFrame(table)
    shown["worst"] = shown.min(axis=1)
    print(shown.round(2).to_string(na_rep="-"))
    if arguments.hit_sm:
        told = {
            (rig, name): {kind: score_hit_sm(kind, signals, meta) for kind in PROGRAMS if kind != "lines"}
            for name, rig, signals, meta in hit_sm(arguments.hit_sm)
        }
        print(pd.DataFrame(told).round(2).to_string(na_rep="-"))
    first = next(iter(PLANTS.values()))
    by_rate = {f"{rate:g} Hz": score("physics", first, rate) for rate in (RATES_HZ[1:3] if quick else RATES_HZ)}
    print("physics at other rates:", {name: round(value or 0, 2) for name, value in by_rate.items()})
    worn = pd.DataFrame([wearing(seed) for seed in range(10)]).mean()
    print("level of machines that wear:", worn.round(2).to_dict())
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
