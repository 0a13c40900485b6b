"""The prompt: statistics of a context in words, rounded so that few different words are needed.

Shapes: B windows, T context, P tokens of the longest prompt of a batch.
"""

import numpy as np
import torch
from torch import Tensor

from motor.backbones.time_llm.language_model import Tokenize
from motor.backbones.time_llm.settings import LONGEST_PROMPT

N_PERIODS = 3
MOST = 99.9  # deviations; larger ones are said to be as large
FLAT = 0.1  # deviations over the whole context, below which there is no trend


class Prompts:
    """Prompts as token numbers; the tokens of each phrase are looked up once."""

    def __init__(self, tokenize: Tokenize) -> None:
        self._tokenize = tokenize
        self._known: dict[str, tuple[int, ...]] = {}

    def __call__(self, context_BT: Tensor) -> tuple[Tensor, Tensor]:
        """Return token numbers, filled up with 0, and which of them are real: (B, P) each."""
        rows = [
            [token for phrase in one for token in self._tokens(phrase)][:LONGEST_PROMPT] for one in phrases(context_BT)
        ]
        longest = max(map(len, rows))
        tokens_BP = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
        is_real_BP = torch.tensor([[place < len(row) for place in range(longest)] for row in rows])
        return tokens_BP.to(context_BT.device), is_real_BP.to(context_BT.device)

    def _tokens(self, phrase: str) -> tuple[int, ...]:
        if phrase not in self._known:
            self._known[phrase] = tuple(self._tokenize(phrase))
        return self._known[phrase]


def phrases(context_BT: Tensor) -> list[list[str]]:
    """Return what is said of each normalised context: least, largest, median, trend and the periods."""
    # each row by itself and in double precision, so that no rounding depends on the rest of the batch
    values_BT = context_BT.detach().cpu().double().numpy()
    statistics_BN = np.stack([values_BT.min(axis=1), values_BT.max(axis=1), np.median(values_BT, axis=1)], axis=1)
    rounded_BN = statistics_BN.clip(-MOST, MOST).round(1) + 0.0  # no minus before a zero
    said = []
    for values_T, (least, largest, median) in zip(values_BT, rounded_BN, strict=True):
        numbers = [f" min {least:.1f}", f" max {largest:.1f}", f" median {median:.1f}"]
        periods = [f" {period}" for period in periods_of(values_T)]
        said.append([*numbers, f" trend {_trend(values_T)}", " lags", *periods])
    return said


def periods_of(values_T: np.ndarray) -> list[int]:
    """Return the lags of the highest peaks of the autocorrelation, the highest first, up to half the length.

    A peak is higher than its neighbours, which leaves out lag 0 and the slopes beside it.
    """
    spectrum = np.fft.rfft(values_T - values_T.mean(), 2 * len(values_T))
    correlation = np.fft.irfft(np.abs(spectrum) ** 2)[: len(values_T) // 2 + 1]
    middle = correlation[1:-1]
    peaks = 1 + np.flatnonzero((middle > correlation[:-2]) & (middle >= correlation[2:]) & (middle > 0))
    return [int(lag) for lag in peaks[np.argsort(-correlation[peaks], kind="stable")][:N_PERIODS]]


def _trend(values_T: np.ndarray) -> str:
    """Return where the least-squares line leads."""
    place_T = np.linspace(-0.5, 0.5, len(values_T)) if len(values_T) > 1 else np.zeros(1)
    rise = place_T @ values_T / max(place_T @ place_T, 1e-9)
    return "flat" if abs(rise) < FLAT else ("up" if rise > 0 else "down")
