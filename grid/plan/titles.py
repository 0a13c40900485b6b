"""Readable names of a plan's stages: what the screen, the status, TensorBoard and Ray's dashboard call them."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from grid.plan.plan import Plan
from grid.stage import Stage

SUFFIX = 6  # hex digits of the key, where two stages would have one name

Axes = Mapping[str, tuple[Any, ...]]  # of the cells that need a stage: the values on each axis, each once


def titles(plan: Plan) -> dict[str, str]:
    """Return a name for each stage of a plan, by key; no two stages of a kind have the same.

    A stage names itself by the axes of the cells that need it: who shares it is known to the plan alone.
    """
    named = {key: _title(plan.stages[key], axes) for key, axes in _axes(plan).items()}
    taken = Counter((plan.stages[key].KIND, title) for key, title in named.items())
    return {
        key: title if taken[plan.stages[key].KIND, title] == 1 else f"{title} {key[:SUFFIX]}"
        for key, title in named.items()
    }


def _title(stage: Stage, axes: Axes) -> str:
    return stage.title(axes)


def _axes(plan: Plan) -> dict[str, Axes]:
    """Return, by key, the values that the cells that need a stage have on each axis."""
    found: dict[str, dict[str, dict[Any, None]]] = {key: {} for key in plan.stages}
    for cell in plan.cells:
        for key in {stage.key for stage in cell.walk()}:
            for axis, value in cell.axes.items():
                if value is not None:
                    found[key].setdefault(axis, {})[value] = None
    return {key: {axis: tuple(values) for axis, values in axes.items()} for key, axes in found.items()}
