"""Fine-tuning is shown to learn: the error on motors that no training saw, over the steps, beside the mean forecast.

    python -m benchmarks.learning [--families bolt chronos2] [--steps 600] [--figure docs/learning.png] [--threads 1]

Simulated motors (docs/simulator.md), the accelerometer, its log envelope in shaft angle (8 samples a revolution, so
that every motor's revolution is as long): 32 revolutions are seen, 4 are forecast. Small forecasters with random
weights are trained on normal motors alone, as method A does, and judged on others: normal motors that were in no
training, and faulty ones. Everything is scaled by the training motors' mean and deviation. The mean forecast
(climatology) is each context's mean, continued. Which weights are kept is decided on a third set of normal motors,
whose error is the curve.
"""

import argparse
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from motor.backbones.batch import Batch
from motor.backbones.forecaster import Forecaster
from motor.backbones.training import Training, train
from motor.registry import plugins

SIZES = {"d_model": 64, "d_kv": 16, "d_ff": 128, "num_layers": 2, "num_heads": 4}
LEVELS = (0.1, 0.5, 0.9)
GOAL = 0.85  # of the mean forecast's error, on normal motors that no training saw
EVEN_WINDOWS = 16  # a recording, to judge on


@dataclass(frozen=True)
class Setting:
    """Data and training; the defaults are what the figure in docs/ shows."""

    family: str = "bolt"
    motors_per_class: int = 48
    n_samples: int = 65536
    sampling_rate_hz: float = 16384.0
    samples_per_revolution: int = 8
    difficulty: float = 0.1
    context: int = 256
    horizon: int = 32
    num_steps: int = 600
    batch_size: int = 32
    learning_rate: float = 2e-3
    domain: str = "ZhenDong"
    sizes: dict[str, int] = field(default_factory=lambda: dict(SIZES))


SMALL = Setting(num_steps=200)  # what a test can afford


@dataclass(frozen=True)
class Data:
    """Signals by side; all are scaled by the training motors' mean and deviation."""

    train: list[np.ndarray]
    validation: list[np.ndarray]
    test: dict[str, list[np.ndarray]]  # by class


@dataclass(frozen=True)
class Learned:
    """What a training came to.

    Attributes
    ----------
    curve : list of (int, float)
        Steps, and the error on the validation motors over the mean forecast's.
    mae, untrained, climatology : dict of float
        On test motors, by class: the trained forecaster's, the untrained one's, and the mean forecast's.
    """

    curve: list[tuple[int, float]]
    mae: dict[str, float]
    untrained: dict[str, float]
    climatology: dict[str, float]
    seconds: float


def make_data(setting: Setting) -> Data:
    """Simulate motors, and deal the normal ones to three sides; no motor is on two."""
    plant = plugins("motor.recordings.readers")["simulator"](
        motors_per_class=setting.motors_per_class,
        recordings_per_motor=1,
        n_samples=setting.n_samples,
        sampling_rate_hz=setting.sampling_rate_hz,
        difficulty=setting.difficulty,
    )
    representation = plugins("motor.windows.representations")["order_envelope"](
        samples_per_revolution=setting.samples_per_revolution
    )
    wanted = dict.fromkeys(plant.classes, held_motors(setting)) | {plant.classes[0]: setting.motors_per_class}
    of_class: dict[str, list[np.ndarray]] = {label: [] for label in plant.classes}
    for source in plant.sources():
        label = str(source.own["label"])
        if source.own["domain"] == setting.domain and len(of_class[label]) < wanted[label]:
            (recording,) = plant.checked([source])
            signal, _ = representation.represent(recording.signal, recording.sampling_rate_hz, recording.speed_rpm)
            of_class[label].append(np.asarray(signal, dtype=np.float32))
    normal, n_held = of_class.pop("normal"), held_motors(setting)
    training = normal[2 * n_held :]
    loc, scale = np.concatenate(training).mean(), np.concatenate(training).std()

    def scaled(signals: list[np.ndarray]) -> list[np.ndarray]:
        return [(signal - loc) / scale for signal in signals]

    test = {"normal": normal[:n_held], **of_class}
    return Data(
        scaled(training),
        scaled(normal[n_held : 2 * n_held]),
        {label: scaled(signals) for label, signals in test.items()},
    )


def held_motors(setting: Setting) -> int:
    """Return how many motors of a class one side holds that is not trained on."""
    return max(2, setting.motors_per_class // 6)


def even_windows(signals: list[np.ndarray], setting: Setting) -> Batch:
    """Cut even windows, the same each time."""
    length = setting.context + setting.horizon
    of_signal = [(signal, np.linspace(0, len(signal) - length, EVEN_WINDOWS).astype(int)) for signal in signals]
    window_BN = np.stack([signal[start : start + length] for signal, starts in of_signal for start in starts])
    return Batch(window_BN[:, : setting.context], window_BN[:, setting.context :], np.zeros(len(window_BN), np.int64))


def random_batches(signals: list[np.ndarray], setting: Setting) -> Any:
    """Yield batches of windows from random places of random motors, without end."""
    generator, length = np.random.default_rng(1), setting.context + setting.horizon
    while True:
        rows = generator.integers(0, len(signals), setting.batch_size)
        starts = [int(generator.integers(0, len(signals[row]) - length + 1)) for row in rows]
        window_BN = np.stack([signals[row][start : start + length] for row, start in zip(rows, starts, strict=True)])
        yield Batch(window_BN[:, : setting.context], window_BN[:, setting.context :], np.zeros(len(rows), np.int64))


def create(setting: Setting) -> Forecaster:
    """Return an untrained forecaster."""
    sizes: dict[str, Any] = dict(setting.sizes)
    if setting.family == "bolt":
        sizes["num_decoder_layers"] = 1
    backbone = plugins("motor.backbones")[setting.family](**sizes)
    return backbone.create(setting.context, setting.horizon, LEVELS, 0.1, (), 0)


def mae_of(forecaster: Forecaster, batch: Batch) -> float:
    """Return the mean absolute error of the median forecast."""
    context_BT, domain_B = torch.as_tensor(batch.context_BT), torch.as_tensor(batch.domain_B)
    quantiles_BHQ = forecaster.predict_one_pass(Batch(context_BT, None, domain_B))
    return float(np.abs(quantiles_BHQ[..., LEVELS.index(0.5)].cpu().numpy() - batch.future_BH).mean())


def climatology_of(batch: Batch) -> float:
    """Return the mean absolute error of each context's mean."""
    context_BT, future_BH = np.asarray(batch.context_BT), np.asarray(batch.future_BH)
    return float(np.abs(future_BH - context_BT.mean(axis=1, keepdims=True)).mean())


def learn(setting: Setting, data: Data) -> Learned:
    """Train on normal motors, and judge on others."""
    forecaster, began = create(setting), time.perf_counter()
    test = {label: even_windows(signals, setting) for label, signals in data.test.items()}
    untrained = {label: mae_of(forecaster, batch) for label, batch in test.items()}
    settings = Training(
        num_steps=setting.num_steps,
        learning_rate=setting.learning_rate,
        batch_size=setting.batch_size,
        validate_every=max(1, setting.num_steps // 15),
        patience=None,
    )
    held_out = even_windows(data.validation, setting)
    batches = random_batches(data.train, setting)
    history = train(forecaster, lambda _: batches, lambda: [held_out], settings, 0, None, lambda row: None)
    mean_error = climatology_of(held_out)
    return Learned(
        [(int(row["step"]), row["validation_mae"] / mean_error) for row in history if "validation_mae" in row],
        {label: mae_of(forecaster, batch) for label, batch in test.items()},
        untrained,
        {label: climatology_of(batch) for label, batch in test.items()},
        time.perf_counter() - began,
    )


def row(family: str, label: str, learned: Learned) -> str:
    """Return a row of the table: errors on one class of test motors."""
    mae, mean_error = learned.mae[label], learned.climatology[label]
    cells = [family, label, *(f"{error:.3f}" for error in (mean_error, learned.untrained[label], mae))]
    cells += [f"{mae / mean_error:.2f}", f"{mae / learned.untrained[label]:.2f}", f"{mae / learned.mae['normal']:.2f}"]
    return "| " + " | ".join(cells) + " |"


def draw(path: Path, of_family: dict[str, Learned]) -> None:
    """Draw the curves over the steps, and what the classes' forecasts came to."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 3.6), constrained_layout=True)
    left.axhline(1.0, color="0.5", linestyle=":")
    label_place = {"xycoords": ("axes fraction", "data"), "xytext": (0, -4), "textcoords": "offset points"}
    left.annotate("mean forecast", (0.98, 1.0), ha="right", va="top", color="0.4", **label_place)
    for place, (family, learned) in enumerate(of_family.items()):
        left.plot(*zip(*learned.curve, strict=True), marker="o", markersize=3, label=family)
        positions = np.arange(len(learned.mae)) + 0.4 * (place - (len(of_family) - 1) / 2)
        right.bar(positions, learned.mae.values(), 0.36, label=family)
        for position, error in zip(positions, learned.climatology.values(), strict=True):
            right.plot([position - 0.18, position + 0.18], [error, error], color="0.2", linestyle=":")
        right.set_xticks(np.arange(len(learned.mae)), learned.mae.keys())
    left.set(xlabel="steps", ylabel="MAE over the mean forecast's", title="normal motors that no training saw")
    right.set(ylabel="MAE, training motors' deviations", title="test motors (dotted: the mean forecast)")
    left.legend()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)


def main() -> None:
    """Print the table and the ratio, and draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", nargs="+", default=["bolt", "chronos2"], choices=["bolt", "chronos2"])
    parser.add_argument("--steps", type=int, default=Setting.num_steps)
    parser.add_argument("--figure", type=Path, help="a PNG file to draw")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    data = make_data(Setting())
    print("| family | motors | mean forecast | untrained | trained | / mean forecast | / untrained | / normal |")
    print("|---|---|---|---|---|---|---|---|")
    of_family = {}
    for family in arguments.families:
        of_family[family] = learned = learn(Setting(family=family, num_steps=arguments.steps), data)
        for label in learned.mae:
            print(row(family, label, learned), flush=True)
    if arguments.figure:
        draw(arguments.figure, of_family)
    ratios = {name: learned.mae["normal"] / learned.climatology["normal"] for name, learned in of_family.items()}
    summary = {
        "name": "learning",
        "ratio": round(max(ratios.values()), 3),
        "goal": GOAL,
        "against": "the error of the mean forecast on the same windows of normal motors that no training saw",
        **{
            name: {"ratio": round(ratio, 3), "seconds": round(of_family[name].seconds)}
            for name, ratio in ratios.items()
        },
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
