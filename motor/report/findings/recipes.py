"""The cells of a recipe, and what it gets wrong on which motors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from motor.evaluation.cells import CellResult
from motor.evaluation.decisions import decide
from motor.evaluation.ranking import Recipe
from motor.evaluation.scores import Scores

if TYPE_CHECKING:
    from motor.report.findings.find import Findings


@dataclass(frozen=True)
class Errors:
    """A recipe's errors on its test series, over all domains (and seeds).

    Attributes
    ----------
    n_wrong, n_series : int
        Test series.
    motors : list of (place of the cell, row of `by_motor`)
        Those with a wrong series, the worst first.
    n_motors, n_motors_wrong : int
        Test motors, and those with a wrong series.
    confused : list of ((true class, class taken for it), count)
        The commonest first.
    """

    n_wrong: int
    n_series: int
    motors: list[tuple[int, Mapping[str, Any]]]
    n_motors: int
    n_motors_wrong: int
    confused: list[tuple[tuple[str, str], int]]


def cell_name(axes: Mapping[str, Any]) -> str:
    """Return a cell's name: its coordinates joined, as the planner joins them."""
    return "/".join("-" if value is None else str(value) for value in axes.values())


def advised_cells(findings: Findings) -> list[int]:
    """Return the places of the cells that the advised recipe consists of; [] where no recipe could be ranked."""
    advised = advised_recipe(findings)
    return [] if advised is None else cells_of(advised)


def advised_recipe(findings: Findings) -> Recipe | None:
    """Return the recipe to take; None where none could be ranked."""
    return None if findings.ranking is None else decide(findings.ranking, findings.context).recipe


def cells_of(recipe: Recipe) -> list[int]:
    """Return the places of a recipe's cells."""
    return sorted({index for index, _ in recipe.slices})


def best_first(findings: Findings) -> list[int]:
    """Return the places of all cells, the best first by the metric that ranks recipes; those that lack it come last.

    Places are those in `everything`.
    """
    rank_by, everything = findings.context.rank_by, findings.everything

    def loss(place: int) -> tuple[bool, float]:
        value = everything[place].metrics.get(rank_by.kind)
        return value is None, 0.0 if value is None else -rank_by.sign * value

    return sorted(range(len(everything)), key=loss)


def no_skill(scores: Scores) -> float | None:
    """Return the best that an answer reaches that looks at no signal, averaged over the domains; None if unknown."""
    best = [
        scores.rank_by.sign * max(scores.rank_by.sign * value for value in scores.chance[name].values())
        for name in scores.domains
        if scores.chance[name]
    ]
    return sum(best) / len(best) if best else None


def errors_of(cells: list[CellResult], recipe: Recipe) -> Errors:
    """Return a recipe's errors."""
    found = [(index, row) for index in cells_of(recipe) for row in cells[index].metrics["by_motor"]]
    wrong = [one for one in found if one[1]["n_errors"]]
    wrong.sort(key=lambda one: (-one[1]["n_errors"] / one[1]["n_series"], -one[1]["n_series"], str(one[1]["motor"])))
    confused: Counter[tuple[str, str]] = Counter()
    for index in cells_of(recipe):
        table = cells[index].predictions
        if "predicted" in table:  # a detector names no class
            missed = table[table["label"] != table["predicted"]]
            confused.update(zip(missed["label"], missed["predicted"], strict=True))
    return Errors(
        sum(row["n_errors"] for _, row in found),
        sum(row["n_series"] for _, row in found),
        wrong,
        len({row["motor"] for _, row in found}),
        len({row["motor"] for _, row in wrong}),
        sorted(confused.items(), key=lambda item: (-item[1], item[0])),
    )


def motor_classes(cells: list[CellResult], recipe: Recipe) -> dict[tuple[str, str], Counter[str]]:
    """Return (motor, domain) -> class that its series were named, with counts, over the recipe's cells."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for index in cells_of(recipe):
        table = cells[index].predictions
        if "predicted" not in table:
            continue
        for motor, domain, named in zip(table["motor"], table["domain"], table["predicted"], strict=True):
            found.setdefault((str(motor), str(domain)), Counter())[str(named)] += 1
    return found
