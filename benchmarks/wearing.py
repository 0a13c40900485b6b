"""Machines that run to failure, with and without their own past: `python -m benchmarks.wearing [--quick] [--seeds ..]`.

Each machine of a simulated plant has resonances (its mounting), a speed and a gain within 20 dB of its own, and wears
in level (4 dB), in lines (a bearing that is struck), or in both. Columns of `classical` and of `level`, LDA over folds
of machines: levels as they are; everything over the mean of the machine's own first three recordings; and over what an
oracle knows of each healthy machine (the mean of thirty other recordings).
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.signal import resample

from benchmarks.physics import macro_f1
from benchmarks.plants import FULL_RATE_HZ, PLANTS, Built, Plant
from motor.features.classical import Classical
from motor.features.level import Level
from motor.stages.own_reference import OwnReference, OwnReferences

WEAR = ("level", "lines", "both")
N_REFERENCES, N_HEALTHY, N_WORN = 3, 4, 4
N_KNOWN = 30  # recordings that the oracle has heard of each healthy machine
WORN_DB, JITTER_DB = 4.0, 0.7
OVER = OwnReference(use="subtract", level="own_reference")


@dataclass(frozen=True)
class Wearing:
    """Machines of a plant that wear in one way."""

    plant: Plant
    wear: str
    seed: int
    n_motors: int = 12

    def life(self, number: int) -> Iterator[tuple[str, str, np.ndarray]]:
        """Yield what each recording of a machine is for (reference, scored or oracle), its label and its signal."""
        built = Built.draw(np.random.default_rng((self.seed, number)), self.plant)
        uses = ["reference"] * N_REFERENCES + ["scored"] * (N_HEALTHY + N_WORN) + ["oracle"] * N_KNOWN
        for k, use in enumerate(uses):
            is_worn = N_REFERENCES + N_HEALTHY <= k < N_REFERENCES + N_HEALTHY + N_WORN
            yield use, "worn" if is_worn else "normal", self._signal(built, (self.seed, number, k), is_worn)

    def _signal(self, built: Built, seed: tuple[int, ...], is_worn: bool) -> np.ndarray:
        random = np.random.default_rng(seed)
        is_struck = is_worn and self.wear in ("lines", "both")
        level_db = random.normal(0, JITTER_DB) + (WORN_DB if is_worn and self.wear in ("level", "both") else 0.0)
        label = "outer_race" if is_struck else "normal"
        signal = built.signal(random, self.plant, label, built.speed_rpm * random.uniform(0.98, 1.02))
        signal = resample(signal.astype(np.float64), round(signal.size * self.plant.rate_hz / FULL_RATE_HZ))
        return signal * 10 ** (level_db / 20)


def scores(wearing: Wearing) -> dict[str, float]:
    """Return macro-F1 of levels as they are, over each machine's own references, and over what an oracle knows."""
    rate_hz = wearing.plant.rate_hz
    features = [Classical(), Level().settled(pd.DataFrame({"sampling_rate_hz": [rate_hz]}))]
    rows, values = [], []
    for number in range(wearing.n_motors):
        for k, (use, label, signal) in enumerate(wearing.life(number)):
            columns = [feature.from_recording(signal, rate_hz, None) for feature in features]
            values.append({name: value for of in columns for name, value in of.items()})
            rows.append({"item": f"{number}-{k}", "motor": f"m-{number}", "domain": "d", "label": label, "use": use})
    meta = pd.DataFrame(rows)
    table = pd.DataFrame(values, index=pd.Index(meta["item"]))
    scored = meta[meta["use"] == "scored"]
    seen = table.loc[scored["item"]]
    own, known = (
        OwnReferences.of(table, meta[meta["use"] == use], set(meta["motor"]), ("d",)) for use in ("reference", "oracle")
    )
    columns = {
        "absolute": own.compared(seen, scored, OwnReference(level="absolute")),
        "own_reference": own.compared(seen, scored, OVER),
        "oracle": known.compared(seen, scored, OVER),
    }
    return {name: macro_f1(X.to_numpy(), scored["label"], scored["motor"]) for name, X in columns.items()}


def plant() -> Plant:
    """Return the plant whose machines wear: the first, with gains within 20 dB."""
    return replace(next(iter(PLANTS.values())), gain_db=20.0, severity_db=(-2.0, 6.0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed, and one way to wear")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the machines; their mean is told")
    arguments = parser.parse_args()
    quick = arguments.quick
    seeds = arguments.seeds[: 1 if quick else None]
    began = time.process_time()
    found = {
        wear: pd.DataFrame([scores(Wearing(plant(), wear, seed)) for seed in seeds]).mean()
        for wear in (WEAR[:1] if quick else WEAR)
    }
    table = pd.DataFrame(found).T
    print(table.round(3).to_string())
    summary = {
        "name": "wearing",
        "ratio": round(float((table["oracle"] - table["own_reference"]).max()), 3),
        "goal": 0.03,
        "against": "an oracle that knows each healthy machine",
    }
    print(json.dumps({**summary, "cpu_seconds": round(time.process_time() - began, 1)}))


if __name__ == "__main__":
    main()
