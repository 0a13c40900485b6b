"""The order of the data set as a cue: were the classes recorded one after the other?"""

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

NUMBER = re.compile(r"\d+")
CUT = re.compile(r"#\d+$")  # the number of a series within its recording


def file_order(items: "pd.Series") -> np.ndarray:
    """Return each recording's place in the order of recording, as far as the data set tells one.

    Where the items stand in the order of their names (a listing of folders, a sorted table), their places tell no
    more than the names: classes lie together because a folder or a letter names them. Then only a running number
    in the names, another one for each recording, tells an order. Else it is the place in the table.

    Parameters
    ----------
    items : Series of str
        Names of one domain's recordings, in the order of the data set.

    Returns
    -------
    ndarray of shape (n_items,)
        All 0 where no order is known.
    """
    names = [CUT.sub("", str(item)) for item in items]
    if names not in (sorted(names), sorted(names, key=_natural), sorted(names, key=lambda name: name.split("/"))):
        return np.arange(len(names), dtype=np.float64)
    numbers = [[int(number) for number in NUMBER.findall(name)] for name in names]
    n_files = len(set(names))
    for place in range(-1, -1 - min(map(len, numbers), default=0), -1):
        column = [found[place] for found in numbers]
        if len(set(column)) == n_files > 1:
            return np.array(column, dtype=np.float64)
    return np.zeros(len(names))


def _natural(name: str) -> list[tuple[int, str]]:
    """Return a key by which a2 comes before a10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
