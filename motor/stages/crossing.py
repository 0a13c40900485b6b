"""Training series in parts that share no motor, so that each can be judged by what did not see it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from motor.lazy import sklearn

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MOST_PARTS = 5


def n_parts(train: "pd.DataFrame") -> int:
    """Return in how many parts training series are crossed: 1 where a class has one motor, to learn it from.

    Parameters
    ----------
    train : DataFrame
        One row for each training series, columns motor and label.
    """
    return min(MOST_PARTS, int(train.groupby("label")["motor"].nunique().min()))


def crossed(train: "pd.DataFrame", seed: int) -> Iterator[tuple["np.ndarray", "np.ndarray"]]:
    """Yield for each part the rows of the others, and its own: int64, places in `train`; nothing for one part."""
    if n_parts(train) > 1:
        splitter = sklearn.model_selection.StratifiedGroupKFold(n_parts(train), shuffle=True, random_state=seed)
        yield from splitter.split(train, train["label"], train["motor"])
