"""Slices that are equal in all but one axis: what a paired comparison compares."""

from __future__ import annotations

from collections.abc import Callable

from motor.evaluation.cells import CellResult
from motor.evaluation.comparisons import Group, Level
from motor.evaluation.scores import Scores

Setting = tuple[tuple[str, str | None], ...]  # the other axes by name; None: the axis means nothing here


def axis_groups(cells: list[CellResult], scores: Scores, axis: str) -> list[Group]:
    """Group slices that are equal in all axes but one, and in the domain they are tested on.

    Cells for which the axis means nothing take no part. Along `method`, a cell for which some other axis
    means nothing (physics features have no context) stands in every group that it does not contradict.
    """
    if axis == "method":
        return _method_groups(cells, scores)
    return _groups(cells, scores, axis, lambda cell: _level(cell, axis))


def regime_groups(cells: list[CellResult], scores: Scores, joint: str) -> list[Group]:
    """Group the slice of a domain's own cell with the one of the joint cell in the same domain."""
    return _groups(cells, scores, "domain", lambda cell: joint if cell.axes["domain"] == joint else "alone")


def _groups(cells: list[CellResult], scores: Scores, axis: str, level_of: Callable[[CellResult], Level]) -> list[Group]:
    groups: dict[tuple[Setting, str], Group] = {}
    for index, domain in scores.values_R:
        cell = cells[index]
        if cell.axes.get(axis) is not None:
            groups.setdefault((_setting(cell, axis), domain), {})[level_of(cell)] = (index, domain)
    return list(groups.values())


def _method_groups(cells: list[CellResult], scores: Scores) -> list[Group]:
    """Group by the settings that no other one refines, and put every slice where it fits."""
    settings = {key: (_setting(cells[key[0]], "method"), key[1]) for key in scores.values_R}
    distinct = list(dict.fromkeys(settings.values()))
    finest = [one for one in distinct if not any(_refines(other, one) for other in distinct)]
    groups: dict[tuple[Setting, str], Group] = {one: {} for one in finest}
    for key, found in settings.items():
        method = _level(cells[key[0]], "method")
        for one in finest:
            if one == found or _refines(one, found):
                groups[one].setdefault(method, key)
    return list(groups.values())


def _refines(fine: tuple[Setting, str], coarse: tuple[Setting, str]) -> bool:
    """Whether one setting says all that another says, and more."""
    if fine == coarse or fine[1] != coarse[1] or all(value is not None for _, value in coarse[0]):
        return False
    known = dict(fine[0])
    return all(value is None or known.get(name) == value for name, value in coarse[0])


def _setting(cell: CellResult, axis: str) -> Setting:
    rest = {name: value for name, value in cell.axes.items() if name != axis}
    return tuple((name, None if value is None else str(value)) for name, value in sorted(rest.items()))


def _level(cell: CellResult, axis: str) -> Level:
    level = cell.axes[axis]
    if level is None:
        raise ValueError(f"axis {axis!r} of cell {cell.folder!r} has no value; ask only for cells that have one")
    return level
