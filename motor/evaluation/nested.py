"""Nested selection: what a recipe chosen among many is worth, when the choice never saw the motors it is judged on.

For each test fold the recipe is chosen by its held-out score inside the training folds (series that its
classifiers predicted without having seen their motor), then its test predictions of that fold are taken;
pooled over the folds they are scored once (Varma & Simon, BMC Bioinformatics 7, 2006). Beside it stands the
naive figure: the best of all on the very motors that judge it. Their figures are of the metric that ranks recipes.

Shapes: n series, C classes, M motors, R = 1 + resamples (row 0 is the measured sample), K recipes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from motor.evaluation import resampling
from motor.evaluation.cells import FORECASTER, PLAIN, Axes, CellResult, ReportContext, axes_text, varying_axes
from motor.evaluation.column_judge import ColumnJudge
from motor.evaluation.columns import (
    Readings,
    all_motors,
    can_choose,
    choice_columns,
    put_together,
    vote,
)

ALL = "all"
FAMILIES = (ALL, FORECASTER, PLAIN)


@dataclass(frozen=True)
class Figure:
    """A value of the metric and its 95 % interval from resampled motors.

    There is none where the resamples agree or a class has one motor.
    """

    value: float
    interval: tuple[float, float] | None


class Chosen(NamedTuple):
    """A recipe that was chosen: the axes that tell it apart, and whether one model serves all domains."""

    axes: Axes
    is_joint: bool


@dataclass(frozen=True)
class NestedFigure:
    """One column of the table, for one family of recipes.

    Attributes
    ----------
    family : str
        "all", "forecaster" or "plain".
    regime, domain : str
        What the recipes were trained on (a domain, or the joint regime), and the domain that judges them.
    n_recipes : int
        Recipes that could be chosen.
    chosen_inside : Figure
        Nested selection.
    best_of_all : Figure
        The naive figure: chosen on the test motors themselves, so it flatters.
    best_of_all_name : str
        The recipe of the naive figure.
    vote_of_all, vote_within_reach : Figure
        Mean probability over all recipes (mean rank of the scores, where some give no probabilities), and over those
        whose held-out score is within one standard error of the best one's (Breiman et al., Classification and
        Regression Trees, 1984).
    choices : mapping
        Fold -> the recipe chosen for it.
    chosen, best : mapping, Chosen
        The recipes that `choices` and `best_of_all_name` name.
    """

    family: str
    regime: str
    domain: str
    n_recipes: int
    chosen_inside: Figure
    best_of_all: Figure
    best_of_all_name: str
    vote_of_all: Figure
    vote_within_reach: Figure
    choices: Mapping[str, str]
    chosen: Mapping[str, Chosen] = field(default_factory=dict)
    best: Chosen | None = None


@dataclass(frozen=True)
class Overall:
    """One family over all domains: the recipe and its regime are chosen by the mean held-out score of the domains.

    Attributes
    ----------
    n_recipes : int
        Recipes, each regime for itself, that could be chosen.
    chosen_inside, best_of_all : Figure
        Averaged over the domains.
    best_of_all_name : str
        The recipe of the naive figure, with its regime.
    choices : mapping
        Fold -> the recipe chosen for it, with its regime.
    chosen, best : mapping, Chosen
        The recipes that `choices` and `best_of_all_name` name.
    """

    family: str
    n_recipes: int
    chosen_inside: Figure
    best_of_all: Figure
    best_of_all_name: str
    choices: Mapping[str, str]
    chosen: Mapping[str, Chosen] = field(default_factory=dict)
    best: Chosen | None = None


@dataclass(frozen=True)
class Nested:
    """All columns, the same over all domains, and the cells that took no part because nothing was held out for them."""

    figures: tuple[NestedFigure, ...] = ()
    overall: tuple[Overall, ...] = ()
    without_held_out: tuple[str, ...] = ()
    idle: tuple[Axes, ...] = ()  # the cells that `without_held_out` names

    def of(self, family: str) -> list[NestedFigure]:
        """Return the columns of one family."""
        return [figure for figure in self.figures if figure.family == family]

    def overall_of(self, family: str) -> Overall | None:
        """Return the figure over all domains of one family."""
        return next((found for found in self.overall if found.family == family), None)


def nested_selection(cells: list[CellResult], context: ReportContext, readings: Readings | None = None) -> Nested:
    """Score nested selection beside the naive best, in each domain alone and with Joint judged in each domain.

    Parameters
    ----------
    cells : list of CellResult
        The finished cells. `predictions` need a column `fold`; cells with an empty `held_out`, or with one that
        lacks some test fold, take no part and are named.
    context : ReportContext
        Its `classes`, `normal`, `joint`, `families` and `rank_by` are used.
    readings : Readings, optional
        Tables that were read before, of the same classes.

    Returns
    -------
    Nested
        Without figures where no cell holds anything out. The score is that of `rank_by` in the domain that judges, a
        recipe's seeds averaged; ties go to the lower Brier score, the cheaper recipe, the first.
    """
    readings = readings or Readings(context.classes, context.normal)
    able = [can_choose(cell, readings) for cell in cells]
    taking = [cell for cell, is_able in zip(cells, able, strict=True) if is_able]
    shown = [name for name in varying_axes(cells) if name != "seed"]
    idle = {axes_text(cell.axes, shown): cell.axes for cell, is_able in zip(cells, able, strict=True) if not is_able}
    if not taking:
        return Nested(without_held_out=tuple(idle), idle=tuple(idle.values()))
    motors = all_motors(taking, readings)
    columns = choice_columns(taking, motors, context, readings)
    everyone = [ColumnJudge.of(column, motors, context.rank_by, readings) for column in columns]
    figures, overall = [], []
    for family in FAMILIES:
        judges = [judge for one in everyone if (judge := one.narrowed(_of_family(one, family, context))).members]
        figures += [_figure(judge, family, context.joint) for judge in judges]
        overall += [_overall(judges, family, context.joint)] if judges else []
    known = tuple(found for found in overall if found is not None)
    return Nested(tuple(figures), known, tuple(idle), tuple(idle.values()))


def _of_family(judge: ColumnJudge, family: str, context: ReportContext) -> list[int]:
    members = enumerate(judge.members)
    return [place for place, one in members if family in (ALL, context.families.get(one.method))]


def _figure(judge: ColumnJudge, family: str, joint: str) -> NestedFigure:
    places = {
        fold: _choose(judge.rank_by.sign * scores_K, judge.brier_K[fold], [one.seconds for one in judge.members])
        for fold, scores_K in judge.held_out_K.items()
    }
    best = _greatest(judge.rank_by.sign * judge.test_KR[:, 0])
    return NestedFigure(
        family=family,
        regime=judge.column.regime,
        domain=judge.column.domain,
        n_recipes=len(judge.members),
        chosen_inside=_with_interval([judge], judge.test_values_R(judge.chosen(places))),
        best_of_all=_with_interval([judge], judge.test_KR[best]),
        best_of_all_name=judge.members[best].name,
        vote_of_all=_with_interval([judge], judge.test_values_R(vote([one.test for one in judge.members]))),
        vote_within_reach=_with_interval([judge], judge.test_values_R(judge.within_reach(places))),
        choices={fold: judge.members[place].name for fold, place in places.items()},
        chosen={fold: _as_chosen([(judge, place)], joint) for fold, place in places.items()},
        best=_as_chosen([(judge, best)], joint),
    )


def _overall(judges: list[ColumnJudge], family: str, joint: str) -> Overall | None:
    """Choose a recipe and its regime for all domains at once; None where no recipe has them all."""
    domains = sorted({judge.column.domain for judge in judges})
    places = _everywhere(judges, domains, joint)
    if not places:
        return None
    folds = sorted({fold for judge in judges for fold in judge.column.folds})
    test_KR = np.stack([np.mean([judge.test_KR[place] for judge, place in found], axis=0) for found in places])
    seconds = [_seconds(found, joint) for found in places]
    names = [_regime_name(found, joint) for found in places]
    sign = judges[0].rank_by.sign
    picked = {
        fold: _choose(sign * _mean(places, fold, "held_out_K"), _mean(places, fold, "brier_K"), seconds)
        for fold in folds
    }
    values = []
    for at in range(len(domains)):
        judge = places[0][at][0]
        chosen = {fold: places[choice][at] for fold, choice in picked.items()}
        said = {fold: source.members[place].test for fold, (source, place) in chosen.items()}
        values.append(judge.test_values_R(put_together(said, judge.column.test)))  # the same series: see _comparable
    best = _greatest(sign * test_KR[:, 0])
    first = [judge for judge, _ in places[0]]
    return Overall(
        family=family,
        n_recipes=len(places),
        chosen_inside=_with_interval(first, np.mean(values, axis=0)),
        best_of_all=_with_interval(first, test_KR[best]),
        best_of_all_name=names[best],
        choices={fold: names[choice] for fold, choice in picked.items()},
        chosen={fold: _as_chosen(places[choice], joint) for fold, choice in picked.items()},
        best=_as_chosen(places[best], joint),
    )


_Everywhere = list[tuple[ColumnJudge, int]]  # a recipe's place in the column of each domain


def _everywhere(judges: list[ColumnJudge], domains: list[str], joint: str) -> list[_Everywhere]:
    """Return the recipes, each regime for itself, that have a column in every domain, tested on the same series."""
    found: dict[object, dict[str, tuple[ColumnJudge, int]]] = {}
    for judge in judges:
        for place, one in enumerate(judge.members):
            key = (judge.column.regime == joint, one.key)
            found.setdefault(key, {})[judge.column.domain] = (judge, place)
    complete = [[by_domain[name] for name in domains] for by_domain in found.values() if len(by_domain) == len(domains)]
    return [
        one
        for one in complete
        if all(_comparable(mine[0], first[0]) for mine, first in zip(one, complete[0], strict=True))
    ]


def _comparable(first: ColumnJudge, second: ColumnJudge) -> bool:
    """Whether two columns of one domain are judged on the same series."""
    return all(
        np.array_equal(getattr(first.column.test, name), getattr(second.column.test, name))
        for name in ("fold_n", "motor_n", "true_n")
    )


def _mean(places: list[_Everywhere], fold: str, name: str) -> NDArray[np.float64]:
    """Average a held-out score of each recipe over the domains that the fold tests: shape (K,)."""
    return np.array(
        [
            np.mean([getattr(judge, name)[fold][at] for judge, at in found if fold in judge.held_out_K])
            for found in places
        ]
    )


def _seconds(found: _Everywhere, joint: str) -> float:
    """Add up the domains' own models; a joint model is paid once."""
    seconds = [judge.members[place].seconds for judge, place in found]
    return seconds[0] if found[0][0].column.regime == joint else sum(seconds)


def _as_chosen(found: _Everywhere, joint: str) -> Chosen:
    judge, place = found[0]
    return Chosen(judge.members[place].axes, judge.column.regime == joint)


def _regime_name(found: _Everywhere, joint: str) -> str:
    judge, place = found[0]
    regime = joint if judge.column.regime == joint else "each domain alone"
    return judge.members[place].name + (f", {regime}" if len(found) > 1 else "")


def _choose(scores_K: NDArray[np.float64], brier_K: NDArray[np.float64], seconds: list[float]) -> int:
    """Return the place of the greatest score; of equal ones the lowest Brier score, the least cost, the first."""
    # A fold that holds out no series of any class scores nothing: the worst of all.
    known_K = np.round(np.where(np.isnan(scores_K), -np.inf, scores_K), 12)
    return min(
        range(len(seconds)), key=lambda at: (-float(known_K[at]), round(float(brier_K[at]), 12), seconds[at], at)
    )


def _greatest(scores_K: NDArray[np.float64]) -> int:
    return max(range(len(scores_K)), key=lambda index: (round(float(scores_K[index]), 12), -index))


def _with_interval(judges: list[ColumnJudge], values_R: NDArray[np.float64]) -> Figure:
    value = float(values_R[0])
    if any(judge.rests_on_lone_motor for judge in judges) or np.ptp(values_R) < 1e-12:
        return Figure(value, None)
    motor_n = np.concatenate([judge.column.test.motor_n for judge in judges])
    return Figure(value, resampling.percentile_interval(values_R, judges[0].motors.degrees_of_freedom(motor_n)))
