"""How hard the simulated motors are to tell apart, and how fast they come.

``python -m benchmarks.simulator`` prints both tables of docs/simulator.md (about a minute and a half).
"""

import argparse
import itertools
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

# One core: the ratio below compares single-threaded work, and features are quicker so.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from motor.recordings.readers.simulator import Simulator
from motor.recordings.recording import Recording

DIFFICULTIES = (0.0, 0.25, 0.5, 0.75, 1.0)
# Bands of the envelope, in Hz.
ENVELOPE_BANDS = ((800, 3500), (3500, 10000), (10000, 26000))
# Orders of the shaft where a bearing's defects of common geometries lie, and where commutators do.
OUTER_RACE, INNER_RACE, COMMUTATOR = (1.9, 3.45), (3.55, 6.1), (9.5, 75.0)


def simple_features(recording: Recording) -> dict[str, float]:
    """Return what a single threshold could be put on: level, peak, crest factor, kurtosis, octave bands."""
    signal = recording.signal.astype(np.float64)
    rms = signal.std()
    unit = (signal - signal.mean()) / rms
    peak = float(np.abs(unit).max())
    features = {"offset": float(signal.mean()), "rms": rms, "peak": peak * rms, "crest factor": peak}
    features["kurtosis"] = float(np.mean(unit**4))
    power = np.abs(np.fft.rfft(unit)) ** 2 / len(unit) ** 2 * 2
    frequencies = np.fft.rfftfreq(len(unit), 1 / recording.sampling_rate_hz)
    for low in 32 * 2 ** np.arange(10):
        share = power[(frequencies >= low) & (frequencies < 2 * low)].sum() + 1e-12
        features[f"share of {low} Hz octave"] = share
        features[f"energy of {low} Hz octave"] = share * rms**2
    return features


def physics_features(recording: Recording) -> np.ndarray:
    """Return what an engineer would look at: spectrum in third octaves, shaft orders, envelope spectra in orders.

    Nothing of it depends on the level; the shaft's speed is known, the bearing's and commutator's numbers are not.
    """
    signal = recording.signal.astype(np.float64)
    signal = (signal - signal.mean()) / signal.std()
    spectrum = np.fft.rfft(signal * np.hanning(len(signal)))
    frequencies = np.fft.rfftfreq(len(signal), 1 / recording.sampling_rate_hz)
    assert recording.speed_rpm is not None
    shaft_hz = recording.speed_rpm / 60
    features = third_octaves(np.abs(spectrum) ** 2, frequencies)
    features += order_heights(np.abs(spectrum), frequencies / shaft_hz, np.arange(1, 15) / 2)
    transform = np.fft.rfft(signal)
    for low, high in ENVELOPE_BANDS:
        if high < 0.5 * recording.sampling_rate_hz:
            features += envelope_features(transform, (frequencies >= low) & (frequencies < high), shaft_hz, recording)
    return np.array(features)


def third_octaves(power: np.ndarray, frequencies: np.ndarray) -> list[float]:
    """Return the log share of power in third octaves from 40 Hz up."""
    edges = 40 * 2 ** (np.arange(int(3 * np.log2(frequencies[-1] / 40)) + 1) / 3)
    sums = [power[(frequencies >= low) & (frequencies < high)].sum() for low, high in itertools.pairwise(edges)]
    return list(np.log(np.array(sums) / power.sum() + 1e-9))


def order_heights(magnitudes: np.ndarray, orders: np.ndarray, wanted: np.ndarray) -> list[float]:
    """Return the log height of each wanted order above the median of its surroundings."""
    heights = []
    for order in wanted:
        near = magnitudes[np.abs(orders - order) < 0.2]
        peak = magnitudes[np.abs(orders - order) < max(0.012 * order, 2 * orders[1])].max()
        heights.append(float(np.log(peak / (np.median(near) + 1e-9) + 1e-9)))
    return heights


def envelope_features(transform: np.ndarray, band: np.ndarray, shaft_hz: float, recording: Recording) -> list[float]:
    """Return kurtosis, spread and peaks of the squared envelope's spectrum (in orders) of one band."""
    n_samples = len(recording.signal)
    analytic = np.zeros(n_samples, dtype=complex)
    analytic[: len(transform)] = np.where(band, 2 * transform, 0)
    envelope = np.abs(np.fft.ifft(analytic)) ** 2
    envelope /= envelope.mean()
    shape = [np.log(np.mean(envelope**2)), np.log(np.max(envelope)), np.log(np.median(envelope) + 1e-9)]
    magnitudes = np.abs(np.fft.rfft(envelope * np.hanning(n_samples)))
    orders = np.arange(len(magnitudes)) * recording.sampling_rate_hz / n_samples / shaft_hz
    peaks = [range_height(magnitudes, orders, *limits) for limits in (OUTER_RACE, INNER_RACE, COMMUTATOR)]
    return [float(value) for value in shape] + order_heights(magnitudes, orders, np.array([0.5, 1.0, 1.5, 2.0])) + peaks


def range_height(magnitudes: np.ndarray, orders: np.ndarray, low: float, high: float) -> float:
    """Return the log height of the highest peak within a range of orders, whole orders left out below 10."""
    inside = (orders > low) & (orders < high)
    if high < 10:
        inside &= np.abs(orders - np.rint(orders)) > 0.06
    return float(np.log(magnitudes[inside].max() / np.median(magnitudes[inside])))


def folds(labels: np.ndarray, motors: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return five stratified splits by motor."""
    from sklearn.model_selection import StratifiedGroupKFold

    return list(StratifiedGroupKFold(5, shuffle=True, random_state=0).split(labels, labels, motors))


def threshold_accuracy(values: np.ndarray, faulty: np.ndarray, motors: np.ndarray) -> float:
    """Return the balanced accuracy, normal against faulty, of a threshold chosen on the training motors."""
    scores = []
    for train, test in folds(faulty, motors):
        cuts = np.quantile(values[train], np.linspace(0.01, 0.99, 99))
        gains = [
            (values[train] > cut)[faulty[train]].mean() - (values[train] > cut)[~faulty[train]].mean() for cut in cuts
        ]
        best = int(np.argmax(np.abs(gains)))
        said = (values[test] > cuts[best]) == (gains[best] > 0)
        scores.append((said[faulty[test]].mean() + (~said[~faulty[test]]).mean()) / 2)
    return float(np.mean(scores))


def best_threshold(recordings: list[Recording], normal: str) -> tuple[float, str]:
    """Return the best simple feature's balanced accuracy and name: chosen after the fact, so an upper bound."""
    rows = [simple_features(recording) for recording in recordings]
    faulty = np.array([recording.label != normal for recording in recordings])
    motors = np.array([recording.motor for recording in recordings])
    found = [(threshold_accuracy(np.array([row[name] for row in rows]), faulty, motors), name) for name in rows[0]]
    return max(found)


def macro_f1(recordings: list[Recording], features: Callable[[Recording], np.ndarray], learner: str) -> float:
    """Return the macro-F1 over the classes, of a learner on features, split by motor."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.metrics import f1_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    learners = {
        "lda": make_pipeline(StandardScaler(), LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")),
        "extra trees": ExtraTreesClassifier(300, class_weight="balanced", random_state=0),
    }
    X = np.stack([features(recording) for recording in recordings])
    y = np.array([recording.label for recording in recordings])
    said = np.empty_like(y)
    for train, test in folds(y, np.array([recording.motor for recording in recordings])):
        said[test] = learners[learner].fit(X[train], y[train]).predict(X[test])
    return float(f1_score(y, said, average="macro"))


def level_only(recording: Recording) -> np.ndarray:
    """Return level and offset, which must not tell the class."""
    return np.array([np.log(recording.signal.std()), recording.signal.mean() / recording.signal.std()])


def difficulty_table(motors_per_class: int, n_samples: int) -> None:
    """Print, for each difficulty and sensor, the best threshold and the physics features' macro-F1."""
    print(f"{motors_per_class} motors a class, 1 recording, {n_samples} samples; five splits by motor")
    print(
        "| Difficulty | Sensor | Best single threshold (normal against faulty, balanced accuracy) | "
        "Physics + LDA (macro-F1) | Physics + extra trees | Level alone + extra trees |"
    )
    print("|---|---|---|---|---|---|")
    for difficulty in DIFFICULTIES:
        plant = Simulator(
            motors_per_class=motors_per_class, recordings_per_motor=1, n_samples=n_samples, difficulty=difficulty
        )
        recordings = list(plant.read())
        for domain in plant.domains:
            heard = [recording for recording in recordings if recording.domain == domain]
            accuracy, name = best_threshold(heard, plant.classes[0])
            scores = [macro_f1(heard, physics_features, learner) for learner in ("lda", "extra trees")]
            scores.append(macro_f1(heard, level_only, "extra trees"))
            cells = " | ".join(f"{score:.2f}" for score in scores)
            print(f"| {difficulty} | {domain} | {accuracy:.2f} ({name}) | {cells} |", flush=True)


def series_per_second(make: Callable[[], int], repeats: int = 3) -> float:
    """Return the best rate of `make`, which returns how many series it made."""
    rates = []
    for _ in range(repeats):
        start = time.perf_counter()
        rates.append(make() / (time.perf_counter() - start))
    return max(rates)


def filtered_noise(n_samples: int, n_series: int = 24) -> int:
    """Make the plainest series there is: white noise through one filter, by one pair of transforms."""
    from scipy.fft import irfft, rfft

    random = np.random.default_rng(0)
    response = np.ones(n_samples // 2 + 1, dtype=np.complex64)
    for _ in range(n_series):
        irfft(rfft(random.standard_normal(n_samples, dtype=np.float32)) * response, n_samples)
    return n_series


def draw_figure(path: Path) -> None:
    """Draw waveform, spectrum and envelope spectrum of one motor in its three states, at both sensors."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plant = Simulator(motors_per_class=1, recordings_per_motor=1, labels_per_motor="all", difficulty=0.3)
    recordings = [recording for recording in plant.read() if recording.motor == "motor_000"]
    figure, axes = plt.subplots(2, 3, figsize=(14, 6.5), layout="constrained")
    for recording in sorted(recordings, key=lambda recording: plant.classes.index(recording.label)):
        draw_recording(axes[plant.domains.index(recording.domain)], recording, plant.classes.index(recording.label))
    axes[0, 0].legend(loc="upper right", fontsize=8)
    for row, domain in zip(axes, plant.domains, strict=True):
        row[0].set_ylabel(domain)
    titles = (
        "20 ms, standardised, shifted",
        "power spectral density, dB",
        "envelope spectrum, 3.5-10 kHz, orders of the shaft",
    )
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=10)
    figure.savefig(path, dpi=90)
    print(f"wrote {path}: {recordings[0].motor}, {recordings[0].speed_rpm:.0f} r/min, difficulty {plant.difficulty}")


def draw_recording(axes: np.ndarray, recording: Recording, shift: int) -> None:
    """Draw one recording into a sensor's three panels."""
    from scipy.signal import hilbert, welch

    signal = (recording.signal - recording.signal.mean()) / recording.signal.std()
    rate, style = recording.sampling_rate_hz, {"label": recording.label, "color": f"C{shift}", "linewidth": 0.8}
    n_shown = int(0.02 * rate)
    axes[0].plot(np.arange(n_shown) / rate * 1e3, signal[:n_shown] - 8 * shift, **style)
    axes[0].set_xlabel("ms")
    axes[0].set_yticks([])
    frequencies, density = welch(signal, rate, nperseg=8192)
    axes[1].semilogx(frequencies[2:], 10 * np.log10(density[2:]), **style)
    axes[1].set_xlabel("Hz")
    spectrum = np.fft.rfft(signal)
    low, high = ENVELOPE_BANDS[1]
    bins = np.fft.rfftfreq(len(signal), 1 / rate)
    envelope = np.abs(hilbert(np.fft.irfft(np.where((bins > low) & (bins < high), spectrum, 0), len(signal)))) ** 2
    magnitudes = np.abs(np.fft.rfft(envelope / envelope.mean() * np.hanning(len(signal)))) / len(signal) * 4
    orders = bins / (recording.speed_rpm / 60)
    shown = (orders > 0.2) & (orders < 14)
    axes[2].plot(orders[shown], magnitudes[shown] - 0.4 * shift, **style)
    axes[2].set_xlabel("order")
    axes[2].set_yticks([])


def main() -> None:
    """Print the tables, and the ratio of the simulator's speed to filtered noise's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--motors-per-class", type=int, default=40)
    parser.add_argument("--n-samples", type=int, default=65536)
    parser.add_argument("--figure", type=Path, help="draw docs/simulator.png there instead")
    arguments = parser.parse_args()
    if arguments.figure:
        draw_figure(arguments.figure)
        return
    difficulty_table(arguments.motors_per_class, arguments.n_samples)
    plant = Simulator(motors_per_class=4, n_samples=arguments.n_samples)
    simulated = series_per_second(lambda: sum(1 for _ in plant.read()))
    noise = series_per_second(lambda: filtered_noise(arguments.n_samples))
    print(
        f"| | series a second | ms a series |\n|---|---|---|\n| simulator | {simulated:.0f} | {1e3 / simulated:.1f} |"
    )
    print(f"| white noise through one filter | {noise:.0f} | {1e3 / noise:.1f} |")
    against = f"scipy.fft white noise through one filter, {arguments.n_samples} samples, float32, one core"
    print(json.dumps({"name": "simulator", "ratio": round(simulated / noise, 3), "goal": 0.1, "against": against}))


if __name__ == "__main__":
    main()
