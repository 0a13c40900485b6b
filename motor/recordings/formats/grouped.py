"""Numbers whose separators of thousands were taken for decimal marks: ``1.022`` beside ``998``."""

import re
from collections.abc import Iterable

import numpy as np

BEGIN = 4096
LEAST_SHARE, FEWEST, SMALLEST = 0.01, 5, 100.0  # of whole numbers below a thousand
PLAIN = re.compile(rb"(?<![\d.,])[+-]?\d{3}[.,]000(?!\d)")  # a whole number with its decimals


def may_be_grouped(values: np.ndarray) -> bool:
    """Tell whether numbers may have lost their separators of thousands; of most a first look shows that they have not.

    All below a thousand are whole then, several of them above a hundred, and all others have three decimals at most
    and lie above 1: 1022, written as ``1.022``.

    Parameters
    ----------
    values : ndarray of shape (n_samples,), float64
        As they were read, finite.
    """
    if _is_small(values[:BEGIN]).any():
        return False
    is_whole = values == np.rint(values)
    whole = np.abs(values[is_whole])
    if not LEAST_SHARE * len(values) < len(whole) < len(values) or _is_small(values).any():
        return False
    thousands = np.abs(1000 * values[~is_whole])
    are_three = np.abs(thousands - np.rint(thousands)).max() < 1e-6 * thousands.max()
    return bool(are_three and thousands.max() < 1e6 and len(np.unique(whole[whole >= SMALLEST])) >= FEWEST)


def _is_small(values: np.ndarray) -> np.ndarray:
    return (values != 0) & (np.abs(values) < 1)


def are_grouped(values: np.ndarray, lines: Iterable[bytes]) -> bool:
    """Tell whether numbers have lost their separators of thousands: no whole number stands with decimals in `lines`."""
    return may_be_grouped(values) and not any(PLAIN.search(line) for line in lines)


def advice(place: str) -> str:
    """Return the message about such numbers."""
    return (
        f"{place}: numbers below 1000 are whole, and others have just three decimals, none of them below 1: are these "
        "separators of thousands? write numbers without them, or all of them with the same decimals"
    )
