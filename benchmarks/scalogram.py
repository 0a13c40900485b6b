"""Scalograms a second, beside `pywt`'s continuous wavelet transform and a bank at full rate, in one run.

    python -m benchmarks.scalogram [--series 40] [--samples 8192]

Each way makes power cells of the same signals: this project's bank, each band at its own rate; the same bank at full
rate; and `pywt.cwt` of a complex Morlet wavelet over 128 scales (PyWavelets is needed for that row alone: `pip install
pywavelets`). Seconds are of CPU time. Beside them, how images of logs correlate with those of the bank at full rate,
and with themselves where the signal is moved by 9 samples.
"""

import argparse
import json
import time
from collections.abc import Callable

import numpy as np

from motor.features.wavelets.bank import Bank, log_powers

RATE_HZ, SHIFT = 16384.0, 9
GOALS = {64: 40, 128: 15}  # times as fast as pywt
LEAST_FULL, LEAST_MOVED = 0.999, 0.98


def main() -> None:
    """Print the table and the result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=40)
    parser.add_argument("--samples", type=int, default=8192)
    asked = parser.parse_args()
    random, time_s = np.random.default_rng(0), np.arange(asked.samples + SHIFT) / RATE_HZ
    tone = np.sin(2 * np.pi * 120 * time_s)
    signals = [random.normal(size=len(time_s)) * 0.5 + tone for _ in range(asked.series)]
    peer = pywt_ms(signals[: max(4, asked.series // 8)], asked.samples)
    rows, ratios = {}, {}
    for side in GOALS:
        bank = Bank(asked.samples, RATE_HZ, side, side, 20.0, 0.9, 6.0)
        bank.powers(signals[0][: asked.samples])  # the wavelets are made once
        own = timed_ms(lambda one, bank=bank: bank.powers(one[: asked.samples]), signals)
        images = [log_powers(bank.powers(one[: asked.samples])) for one in signals]
        full = [log_powers(bank.full_rate_powers(one[: asked.samples])) for one in signals]
        moved = [log_powers(bank.powers(one[SHIFT:])) for one in signals]
        rows[side] = (own, correlation(images, full), correlation(images, moved))
        ratios[side] = None if peer is None else peer / own
        told = "pywt is not installed" if peer is None else f"{peer / own:.1f} times as fast as pywt ({peer:.1f} ms)"
        print(f"{side} x {side}: {own:.2f} ms of CPU; {told}; full rate {rows[side][1]:.5f}; moved {rows[side][2]:.4f}")
    least = None if peer is None else min(ratios[side] / goal for side, goal in GOALS.items())  # type: ignore[operator]
    told = {"name": "scalogram", "ratio": least and round(least, 3), "goal": 1.0, "against": "pywt.cwt, times goals"}
    print(json.dumps({**told, "times": ratios, "full_rate": rows[128][1], "moved": rows[128][2]}))


def pywt_ms(signals: list[np.ndarray], n_samples: int) -> float | None:
    """Return pywt's milliseconds a signal, None where it is not installed."""
    try:
        import pywt
    except ImportError:
        return None
    scales = np.geomspace(2, 400, 128)
    return timed_ms(lambda one: pywt.cwt(one[:n_samples], scales, "morl", 1 / RATE_HZ), signals)


def timed_ms(work: Callable[[np.ndarray], object], signals: list[np.ndarray]) -> float:
    """Return the milliseconds of CPU time that a signal takes."""
    began = time.process_time()
    for one in signals:
        work(one)
    return 1000 * (time.process_time() - began) / len(signals)


def correlation(images: list[np.ndarray], others: list[np.ndarray]) -> float:
    """Return the mean correlation of pairs of images."""
    pairs = zip(images, others, strict=True)
    return float(np.mean([np.corrcoef(one.ravel(), other.ravel())[0, 1] for one, other in pairs]))


if __name__ == "__main__":
    main()
