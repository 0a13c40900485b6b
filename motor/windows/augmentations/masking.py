"""Short gaps, as of lost packets."""

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import AfterValidator, Field

from motor.windows.augmentations.base import Augmentation, Drawn, ShareInterval, between, ordered, subsets

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

    def n_uniforms(self, window_length: int) -> int:
        """See `Augmentation.n_uniforms`."""
        return 2 + 2 * self.spans[1]

    def draw(self, uniform_BK: np.ndarray, window_length: int, sampling_rate_hz_B: np.ndarray) -> Drawn:
        """See `Augmentation.draw`."""
        n_masked_B = np.rint(between(uniform_BK[:, 0], self.share) * window_length).astype(np.int64)
        fewest, most = self.spans
        n_spans_B = fewest + (uniform_BK[:, 1] * (most - fewest + 1)).astype(np.int64)
        # Between n spans lie n - 1 samples at least, so the free samples limit them too.
        n_spans_B = np.minimum(n_spans_B, np.minimum(n_masked_B, window_length - n_masked_B + 1))
        return _spans(window_length, n_masked_B, n_spans_B, uniform_BK[:, 2:])

    def change(self, window_BN: np.ndarray, *drawn: np.ndarray) -> np.ndarray:
        """Return the windows with gaps."""
        starts_BK, lengths_BK = drawn
        lengths = lengths_BK.ravel()
        rows = np.repeat(np.arange(len(window_BN)), lengths_BK.sum(axis=1))
        ends = np.cumsum(lengths)
        places = np.arange(len(rows)) + np.repeat(starts_BK.ravel() - (ends - lengths), lengths)
        window_BN[rows, places] = np.nan if self.fill == "missing" else window_BN.mean(axis=1)[rows]
        return window_BN


def _spans(
    n_samples: int, n_masked_B: np.ndarray, n_spans_B: np.ndarray, uniform_BK: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return starts and lengths of disjoint spans, uniform over all such sets; what is left of a row has length 0."""
    most = uniform_BK.shape[1] // 2
    inner_BK = subsets(uniform_BK[:, : most - 1], n_masked_B - 1, np.maximum(n_spans_B - 1, 0))
    nothing_B1 = np.zeros_like(n_masked_B)[:, None]
    cuts_BK = np.concatenate([nothing_B1, np.sort(inner_BK, axis=1) + 1, n_masked_B[:, None]], axis=1)
    # A span begins in one of the places around the free samples; different places keep spans apart.
    free_before_BK = np.sort(subsets(uniform_BK[:, most:], n_samples - n_masked_B + 1, n_spans_B), axis=1)
    return free_before_BK + cuts_BK[:, :-1], np.diff(cuts_BK, axis=1)


PLUGIN = Masking
