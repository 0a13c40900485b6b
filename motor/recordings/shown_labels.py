"""Which motors keep their labels where those of others are hidden: every labelled data set tries what few would do."""

from collections import Counter, defaultdict
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas

# Of the streams of one seed: what hides labels draws nothing else.
STREAM = 1801


def hidden_motors(meta: "pandas.DataFrame", share: float, seed: int) -> tuple[str, ...]:
    """Return the motors whose labels are hidden, sorted, so that `share` of those of each class and domain is left.

    One motor of each is always left. What is shown at a share is shown at a greater one, too (but where a motor bears
    several labels, of which another motor may have shown enough by then).

    Parameters
    ----------
    meta : DataFrame
        Labelled recordings of the motors in question: motor, label, domain.
    share : float
        From 0 to 1.
    seed : int
    """
    cells: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for motor, label, domain in zip(meta["motor"], meta["label"], meta["domain"], strict=True):
        cells[motor].add((label, domain))
    n_motors = Counter(cell for of_motor in cells.values() for cell in of_motor)
    quota = {cell: max(1, ceil(share * number - 1e-9)) for cell, number in n_motors.items()}
    order, shown, kept = sorted(cells), Counter[tuple[str, str]](), set[str]()
    for place in np.random.default_rng((seed, STREAM)).permutation(len(order)):
        motor = order[place]
        if any(shown[cell] < quota[cell] for cell in cells[motor]):
            kept.add(motor)
            shown.update(cells[motor])
    return tuple(sorted(set(cells) - kept))
