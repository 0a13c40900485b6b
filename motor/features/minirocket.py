"""MiniRocket: shares of positive values of fixed convolutions (Dempster, Schmidt and Webb 2021, KDD).

Shapes: B windows, T context, D columns.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from motor.features.base import FittedFeature, FittedModel, check_windows
from motor.features.fitted.windows import series_frame, standardised
from motor.lazy import Lazy, numba

if TYPE_CHECKING:
    import pandas as pd

rocket = Lazy("sktime.transformations.rocket")

KERNEL_LENGTH = 9
BATCH_SIZE = 256


class Minirocket(FittedFeature):
    """MiniRocket by sktime, its columns averaged over a series' windows.

    84 fixed kernels at up to `max_dilations` dilations; their biases are quantiles of convolutions of
    training windows that are drawn at random. Columns ``minirocket_0000`` ....
    """

    PACKAGES: ClassVar[tuple[str, ...]] = ("sktime", "numba")

    kind: Literal["minirocket"] = "minirocket"
    needs_labels: ClassVar[bool] = False

    n_columns: int = Field(default=9996, ge=84, multiple_of=84, description="columns, the same number for each kernel")
    max_dilations: int = Field(default=32, ge=1, description="dilations of a kernel, at most")
    level: Literal["standardised", "kept"] = Field(
        default="standardised", description="``standardised`` sets each window to mean 0 and deviation 1 first"
    )

    def fit(
        self, windows_BT: np.ndarray, position_B: np.ndarray, meta: "pd.DataFrame", seed: int, n_threads: int
    ) -> "MinirocketModel":
        """Choose dilations and biases (see `FittedFeature.fit`).

        Raises
        ------
        ValueError
            If windows are shorter than a kernel.
        """
        if windows_BT.shape[1] < KERNEL_LENGTH:
            raise ValueError(
                f"windows have {windows_BT.shape[1]} samples, but MiniRocket's kernels have {KERNEL_LENGTH}; "
                "lengthen axes.context_length"
            )
        transformer = rocket.MiniRocket(self.n_columns, self.max_dilations, n_jobs=1, random_state=seed)
        transformer.fit(_panel(windows_BT, self.level))
        return MinirocketModel(transformer, self.level, windows_BT.shape[1], n_threads)


@dataclass
class MinirocketModel(FittedModel):
    """Fitted kernels, and how windows are brought to them."""

    transformer: Any  # sktime's MiniRocket
    level: Literal["standardised", "kept"]
    context_length: int
    n_threads: int

    def transform(self, windows_BT: np.ndarray, position_B: np.ndarray, meta: "pd.DataFrame") -> "pd.DataFrame":
        """Describe series (see `FittedModel.transform`).

        Raises
        ------
        ValueError
            If windows are not as long as those of the training, or a series has none.
        """
        check_windows(windows_BT, self.context_length)
        self.transformer.n_jobs = min(self.n_threads, numba.config.NUMBA_NUM_THREADS)  # more is an error
        starts = range(0, len(windows_BT), BATCH_SIZE)
        parts = [_panel(windows_BT[start : start + BATCH_SIZE], self.level) for start in starts]
        values_BD = np.concatenate([np.asarray(self.transformer.transform(part), dtype=np.float32) for part in parts])
        names = [f"minirocket_{column:04d}" for column in range(values_BD.shape[1])]
        return series_frame(values_BD, position_B, meta, names)


def _panel(windows_BT: np.ndarray, level: str) -> np.ndarray:
    """Windows as sktime takes a collection of series: (cases, channels, samples)."""
    windows_BT = standardised(windows_BT) if level == "standardised" else windows_BT
    return np.ascontiguousarray(windows_BT[:, None, :], dtype=np.float32)


PLUGIN = Minirocket
