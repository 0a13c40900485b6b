"""Dealing motors out to sides, so that each class of each domain is spread over them."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from motor.recordings.recording import DataError

if TYPE_CHECKING:
    import pandas

Cell = tuple[str, str]
"""One class in one domain: (label, domain)."""

TRIES = 200


def cells_of_motors(meta: "pandas.DataFrame") -> dict[str, frozenset[Cell]]:
    """Return the cells of each motor, sorted by motor; one that fell ill has several labels."""
    rows = meta[["motor", "label", "domain"]].drop_duplicates().sort_values(["motor", "label", "domain"])
    cells: dict[str, set[Cell]] = {}
    for motor, label, domain in rows.itertuples(index=False):
        cells.setdefault(motor, set()).add((label, domain))
    return {motor: frozenset(found) for motor, found in cells.items()}


def deal(
    motors: Mapping[str, frozenset[Cell]],
    shares: Mapping[str, float],
    seats: Callable[[Cell, int], tuple[str, ...]],
    seed: int,
    advice: str,
) -> dict[str, str]:
    """Deal motors out to sides by their shares, alike in each cell.

    First one motor of each cell is seated on each side that needs one; the others follow by iterative
    stratification (Sechidis, Tsoumakas, Vlahavas 2011, "On the Stratification of Multi-Label Data", algorithm 1),
    with cells in the place of labels, for a motor may have several.

    Parameters
    ----------
    motors : mapping
        Cells of each motor, in an order that does not depend on the table's.
    shares : mapping
        Share of the motors that each side should get, above 0; they add up to 1.
    seats : callable
        Sides that need a motor of a cell, given the cell and how many motors it has.
    seed : int
        Decides among equals.
    advice : str
        Next step if there are too few motors.

    Returns
    -------
    dict
        Side of each motor.

    Raises
    ------
    DataError
        If a cell has too few motors, or motors of several cells leave no way to spread all of them.
    """
    sizes = Counter(cell for cells in motors.values() for cell in sorted(cells))
    needs = {cell: seats(cell, size) for cell, size in sorted(sizes.items())}
    for (label, domain), sides in needs.items():
        if (size := sizes[label, domain]) < len(sides):
            raise DataError(
                f"class {label!r} in domain {domain!r} has {size} motors, but {len(sides)} are needed, one for each of "
                f"{', '.join(sides)}; {advice}"
            )
    generator = np.random.default_rng(seed)
    for _ in range(TRIES):
        dealt = _seat(motors, needs, sizes, generator)
        if dealt is not None:
            return _fill(motors, shares, dealt, sizes, generator)
    several = [motor for motor, cells in motors.items() if len(cells) > 1]
    raise DataError(
        f"no split found in {TRIES} tries that gives each class in each domain a motor on each side it needs, for "
        f"{len(several)} motors have several classes or domains ({', '.join(several[:5])}); {advice}"
    )


def _seat(
    motors: Mapping[str, frozenset[Cell]],
    needs: Mapping[Cell, tuple[str, ...]],
    sizes: Mapping[Cell, int],
    generator: np.random.Generator,
) -> dict[str, str] | None:
    """Give each cell, rare ones first, a motor on each side it needs; None if this try fails."""
    dealt: dict[str, str] = {}
    for cell in sorted(needs, key=lambda cell: (sizes[cell], cell)):
        members = [motor for motor, cells in motors.items() if cell in cells]
        for side in needs[cell]:
            if any(dealt.get(motor) == side for motor in members):
                continue
            free = [motor for motor in members if motor not in dealt]
            if not free:
                return None
            dealt[free[generator.integers(len(free))]] = side
    return dealt


def _fill(
    motors: Mapping[str, frozenset[Cell]],
    shares: Mapping[str, float],
    dealt: dict[str, str],
    sizes: Mapping[Cell, int],
    generator: np.random.Generator,
) -> dict[str, str]:
    """Deal the motors that are left: the rarest cell first, each to the side that lacks most of that cell."""
    wanted = {(cell, side): share * size for cell, size in sizes.items() for side, share in shares.items()}
    total = {side: share * len(motors) for side, share in shares.items()}

    def give(motor: str, side: str) -> None:
        dealt[motor] = side
        total[side] -= 1
        for cell in motors[motor]:
            wanted[cell, side] -= 1

    for motor, side in list(dealt.items()):
        give(motor, side)
    free = [motor for motor in motors if motor not in dealt]
    free = [free[k] for k in generator.permutation(len(free))]
    while free:
        left = Counter(cell for motor in free for cell in motors[motor])
        rarest = min(left, key=lambda cell: (left[cell], cell))
        members = [motor for motor in free if rarest in motors[motor]]
        for motor in members:
            lots = dict(zip(shares, generator.permutation(len(shares)), strict=True))
            give(
                motor, max(shares, key=lambda side: (round(wanted[rarest, side], 9), round(total[side], 9), lots[side]))
            )
        free = [motor for motor in free if motor not in dealt]
    return dealt
