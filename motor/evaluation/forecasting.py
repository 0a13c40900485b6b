"""What the forecaster forecasts, and what its training added: every recipe beside its untrained control."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from motor.evaluation.cells import FORECASTER, Axes, CellResult, ReportContext
from motor.evaluation.comparisons import Difference, Pair, differences
from motor.evaluation.repeats import Repeats, mean_of, slice_pairs
from motor.evaluation.scores import Scores

RowPair = tuple[Repeats, Repeats]  # a recipe, and its untrained control


@dataclass(frozen=True, eq=False)
class Gain:
    """What training added to recipes: them minus their untrained controls, everything else equal.

    Attributes
    ----------
    rows, controls : tuple of Repeats
        The recipes, and the control of each.
    difference : Difference
        On the same motors, averaged over the pairs.
    """

    rows: tuple[Repeats, ...]
    controls: tuple[Repeats, ...]
    difference: Difference


def gains_by_row(rows: list[Repeats], scores: Scores, context: ReportContext) -> dict[int, Gain]:
    """Return what training added to each row, by its place; rows without a control are left out.

    Every interval is for itself.
    """
    found = {}
    for place, pair in _with_controls(rows, context).items():
        if contrast := _contrast(scores, [pair]):
            found[place] = _gain([pair], differences(scores, [contrast])[0])
    return found


def gains_by_method(rows: list[Repeats], scores: Scores, context: ReportContext) -> list[Gain]:
    """Return what training added to each method, over all its settings, intervals for all methods together."""
    groups = _groups(rows, context, ["method"])
    contrasts = [_contrast(scores, pairs) for pairs in groups]
    known = [(pairs, contrast) for pairs, contrast in zip(groups, contrasts, strict=True) if contrast]
    if not known:
        return []
    found = differences(scores, [contrast for _, contrast in known])
    return [_gain(pairs, difference) for (pairs, _), difference in zip(known, found, strict=True)]


def gains_by_tuning(rows: list[Repeats], scores: Scores, context: ReportContext, axes: list[str]) -> list[Gain]:
    """Return what training added for each set of `axes` (all but the classifier), every interval for itself."""
    found = []
    for pairs in _groups(rows, context, axes):
        if contrast := _contrast(scores, pairs):
            found.append(_gain(pairs, differences(scores, [contrast])[0]))
    return found


def without_control(rows: list[Repeats], context: ReportContext) -> list[str]:
    """Name the methods that fine-tune a network and whose untrained control is not in the grid."""
    known = {str(row.axes["method"]) for row, _ in _with_controls(rows, context).values()}
    known |= set(context.controls.values())
    trained = dict.fromkeys(str(row.axes["method"]) for row in rows if _is_trained(row))
    return [name for name in trained if context.families.get(name) == FORECASTER and name not in known]


def _is_trained(row: Repeats) -> bool:
    steps = (row.first.training or {}).get("steps", 0)
    return any(steps) if isinstance(steps, list | tuple) else bool(steps)


def forecast_errors(cell: CellResult, normal: str) -> tuple[float | None, float | None]:
    """Return the forecaster's error over the mean forecast's, on normal series and on faults, if some are normal."""
    skill = cell.skill or {}
    if not normal:
        return None, None
    faults = [error for name, error in skill.items() if name not in (normal, "faulty") and error is not None]
    return skill.get(normal), skill.get("faulty", mean_of(faults))


def mean_errors(rows: Iterable[Repeats], normal: str) -> tuple[float | None, float | None]:
    """Return `forecast_errors` averaged over rows and seeds."""
    errors = [forecast_errors(cell, normal) for row in rows for cell in row.cells]
    return mean_of(error for error, _ in errors), mean_of(error for _, error in errors)


def _groups(rows: list[Repeats], context: ReportContext, axes: list[str]) -> list[list[RowPair]]:
    """Put rows and their controls together that are equal in `axes`."""
    groups: dict[tuple[str, ...], list[RowPair]] = {}
    for row, control in _with_controls(rows, context).values():
        groups.setdefault(tuple(str(row.axes.get(name)) for name in axes), []).append((row, control))
    return list(groups.values())


def _contrast(scores: Scores, pairs: list[RowPair]) -> tuple[str | int, str | int, list[Pair]] | None:
    """Return rows against their controls, slice by slice; None if no slice is in both."""
    slices = [pair for row, control in pairs for pair in slice_pairs(scores, row, control)]
    row, control = pairs[0]
    return (str(row.axes["method"]), str(control.axes["method"]), slices) if slices else None


def _gain(pairs: list[RowPair], difference: Difference) -> Gain:
    return Gain(tuple(row for row, _ in pairs), tuple(control for _, control in pairs), difference)


def _with_controls(rows: list[Repeats], context: ReportContext) -> dict[int, RowPair]:
    """Find the control of each row: the control's method, equal in all axes that mean something for both."""
    by_method: dict[str, list[Repeats]] = {}
    for row in rows:
        by_method.setdefault(str(row.axes["method"]), []).append(row)
    found = {}
    for place, row in enumerate(rows):
        for control in by_method.get(context.controls.get(str(row.axes["method"]), ""), []):
            if control is not row and _equal_but_method(row.axes, control.axes):
                found[place] = (row, control)
                break
    return found


def _equal_but_method(axes: Axes, others: Axes) -> bool:
    return all(
        others.get(name) == value or None in (value, others.get(name))
        for name, value in axes.items()
        if name != "method"
    )
