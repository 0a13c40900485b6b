"""Find grids that cannot be built: counts out of all range, too many combinations, or none; before any is made.

A grid of a million cells, or of as many folds, would be planned for hours; what is asked for so is a slip of the hand.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from grid.config.check import Document, Fault
from grid.config.document import Keys, Node

LARGEST = 1_000_000_000
"""What a setting may count. Of a size beyond this nothing can be made."""
FREE = ("seed", "max_samples")  # numbers that count nothing, or are a limit themselves
MOST_CELLS = 1_000_000
MOST_CELL_FOLDS = 5_000_000


def count_faults(document: Document) -> Iterator[Fault]:
    """Yield the whole numbers of a config that nothing can have."""
    for keys, node in _numbers((), document.root):
        if abs(node.value) > LARGEST and not set(FREE) & set(keys):
            name = next((key for key in reversed(keys) if isinstance(key, str)), "")
            yield Fault(node.place, f"{name} must be at most {LARGEST} (10^9), got {node.value}")


def _numbers(keys: Keys, node: Node) -> Iterator[tuple[Keys, Node]]:
    if isinstance(node.value, dict):
        for key, child in node.value.items():
            yield from _numbers((*keys, key), child)
    elif isinstance(node.value, tuple):
        for index, child in enumerate(node.value):
            yield from _numbers((*keys, index), child)
    elif type(node.value) is int:
        yield keys, node


def grid_faults(document: Document, axes: Iterable[Mapping[str, tuple[Any, ...]]], n_folds: int) -> Iterator[Fault]:
    """Yield what is wrong with the number of combinations, without making one.

    Parameters
    ----------
    document : Document
    axes : iterable of mapping of str to tuple
        The values on each axis, as they are for each method.
    n_folds : int
        Of the split.
    """
    n_cells = sum(math.prod(len(values) for values in of_method.values()) for of_method in axes)
    place = document.place(("axes",))
    if n_cells > MOST_CELLS:
        yield Fault(place, f"the axes make {n_cells} combinations; allowed are {MOST_CELLS}: compare less at once")
    elif n_cells * n_folds > MOST_CELL_FOLDS:
        many = f"{n_cells} combinations in {n_folds} folds are {n_cells * n_folds}"
        yield Fault(place, f"{many}; allowed are {MOST_CELL_FOLDS}: compare less at once, or in fewer folds")


def emptiness_faults(document: Document, places: Iterable[Mapping[str, Any]]) -> Iterator[Fault]:
    """Yield a fault where `axes.exclude` has left no combination of the axes."""
    if next(iter(places), None) is None:
        why = "every combination of the axes is excluded, so that no cell is left; exclude less"
        yield Fault(document.place(("axes", "exclude")), why)
