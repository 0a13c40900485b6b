"""Short gaps, as of lost packets."""

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import AfterValidator, Field

from motor.windows.augmentations.base import Augmentation, ShareInterval, ordered

Count = Annotated[int, Field(ge=1)]


class Masking(Augmentation):
    """Blank a few disjoint spans, `share` of the window in total.

    Parameters
    ----------
    share : (float, float)
        Interval of the masked share, drawn uniformly and rounded to whole samples; a window too
        short for one sample stays whole.
    spans : (int, int)
        Interval of the number of spans; their lengths are random, with at least one sample between.
    fill : {"missing", "mean"}
        "missing" writes NaN: Chronos-Bolt and Chronos-2 take NaN as "not observed" in the context, and
        their losses leave out NaN in the future. "mean" writes the window's mean, for a backbone that
        takes no NaN; in the future it is then a target like any other.

    Notes
    -----
    It comes last, so that no other augmentation meets NaN.
    """

    order: ClassVar[int] = 90
    kind: Literal["masking"] = "masking"
    share: ShareInterval = (0.01, 0.03)
    spans: Annotated[tuple[Count, Count], AfterValidator(ordered)] = (2, 8)
    fill: Literal["missing", "mean"] = "missing"

    def change(self, window_T: np.ndarray, generator: np.random.Generator, sampling_rate_hz: float) -> np.ndarray:
        """Return a copy with gaps."""
        n_masked = round(generator.uniform(*self.share) * window_T.size)
        # Between n spans lie n - 1 samples at least, so the free samples limit them too.
        n_spans = min(int(generator.integers(*self.spans, endpoint=True)), n_masked, window_T.size - n_masked + 1)
        changed_T = window_T.copy()
        if n_spans < 1:
            return changed_T
        value = np.float32(np.nan) if self.fill == "missing" else window_T.mean()
        for start, length in zip(*_spans(window_T.size, n_masked, n_spans, generator), strict=True):
            changed_T[start : start + length] = value
        return changed_T


def _spans(size: int, n_masked: int, n_spans: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return starts and lengths of disjoint spans, uniform over all such sets."""
    inner_cuts = np.sort(generator.choice(n_masked - 1, n_spans - 1, replace=False)) + 1
    cuts = np.concatenate([[0], inner_cuts, [n_masked]])
    # A span begins in one of the places around the free samples; different places keep spans apart.
    free_before = np.sort(generator.choice(size - n_masked + 1, n_spans, replace=False))
    return free_before + cuts[:-1], np.diff(cuts)


PLUGIN = Masking
