"""Answers to a plant's questions, each derived from one paired comparison: kinds and differences."""

from __future__ import annotations

from dataclasses import dataclass

from motor.evaluation.axes.base import axis
from motor.evaluation.cells import CellResult, ReportContext, varying_axes
from motor.evaluation.comparisons import (
    Difference,
    Group,
    Level,
    Levels,
    Pair,
    compare_levels,
    differences,
)
from motor.evaluation.groups import axis_groups, regime_groups
from motor.evaluation.ranking import ALONE
from motor.evaluation.scores import Scores

_NO_QUESTION = {"domain", "seed"}  # the regime has its own; seeds are only repeats
_FIRST = ("context_length", "representation", "scaling", "classifier", "method")


@dataclass(frozen=True)
class Advice:
    """One question and its answer.

    Attributes
    ----------
    kind : str
        "fine-tuning", "two-stage", "regime", "axis" (which level), or "plain level" (does each pay over the plain one).
    subject : str
        What it is about: the method with one stage, the joint regime, or the axis; "" for fine-tuning.
    differences : tuple of Difference
        What the answer rests on.
    levels : Levels or None
        All levels of the axis, where the question is about one.
    domains : tuple of str
        For the regime: the domain of each difference behind the first, which is over all domains.
    """

    kind: str
    subject: str
    differences: tuple[Difference, ...]
    levels: Levels | None = None
    domains: tuple[str, ...] = ()


def advise(cells: list[CellResult], scores: Scores, context: ReportContext) -> list[Advice]:
    """Answer every question that the cells allow: fine-tuning, two-stage, regime, then each axis with several levels.

    Parameters
    ----------
    cells : list of CellResult
        The finished cells, in the order that `scores` has them.
    scores : Scores
        From `score_cells`.
    context : ReportContext
        Its `controls`, `two_stage_pairs` and `joint` are used.
    """
    advice = [_fine_tuning(cells, scores, context)]
    advice += [_two_stage(cells, scores, one, two) for one, two in context.two_stage_pairs.items()]
    advice.append(_regime(cells, scores, context.joint))
    axes = [name for name in varying_axes(cells) if name not in _NO_QUESTION]
    ordered = [name for name in _FIRST if name in axes] + [name for name in axes if name not in _FIRST]
    for name in ordered:
        advice += [_axis(cells, scores, name), _against_plain_level(cells, scores, name)]
    return [found for found in advice if found is not None]


def regime_differences(cells: list[CellResult], scores: Scores, joint: str) -> dict[str, Difference]:
    """Return Joint minus alone for each domain, intervals for all domains together."""
    contrasts = []
    for domain in scores.domains:
        groups = [group for group in regime_groups(cells, scores, joint) if len(group) == 2]
        pairs = [(group[joint], group["alone"]) for group in groups if group[joint][1] == domain]
        if pairs:
            contrasts.append((f"{joint} in {domain}", f"{domain} alone", pairs))
    if not contrasts:
        return {}
    domains = [pairs[0][0][1] for _, _, pairs in contrasts]
    return dict(zip(domains, differences(scores, contrasts), strict=True))


def control_differences(cells: list[CellResult], scores: Scores, context: ReportContext) -> dict[str, Difference]:
    """Return what training added: each method minus its untrained control, everything else equal.

    Returns
    -------
    dict
        Method -> difference in macro-F1, intervals for all methods together; methods that share no setting
        with their control are left out.
    """
    groups = axis_groups(cells, scores, "method")
    paired = {method: _pairs(groups, method, control) for method, control in context.controls.items()}
    contrasts = [(method, context.controls[method], pairs) for method, pairs in paired.items() if pairs]
    found = differences(scores, contrasts) if contrasts else []
    return {method: one for (method, _, _), one in zip(contrasts, found, strict=True)}


def _pairs(groups: list[Group], first: Level, second: Level) -> list[Pair]:
    return [(group[first], group[second]) for group in groups if first in group and second in group]


def _fine_tuning(cells: list[CellResult], scores: Scores, context: ReportContext) -> Advice | None:
    """Compare every method with its untrained control."""
    by_method = control_differences(cells, scores, context)
    return Advice("fine-tuning", "", tuple(by_method.values())) if by_method else None


def _two_stage(cells: list[CellResult], scores: Scores, one: str, two: str) -> Advice | None:
    """Compare two stages with one."""
    pairs = _pairs(axis_groups(cells, scores, "method"), two, one)
    return Advice("two-stage", one, tuple(differences(scores, [(two, one, pairs)]))) if pairs else None


def _regime(cells: list[CellResult], scores: Scores, joint: str) -> Advice | None:
    """Compare one joint model with one for each domain."""
    pairs = _pairs(regime_groups(cells, scores, joint), joint, "alone")
    if not pairs:
        return None
    by_domain = regime_differences(cells, scores, joint)
    (overall,) = differences(scores, [(joint, ALONE, pairs)])
    return Advice("regime", joint, (overall, *by_domain.values()), domains=tuple(by_domain))


def _axis(cells: list[CellResult], scores: Scores, name: str) -> Advice | None:
    """Compare the levels of an axis."""
    levels = compare_levels(scores, axis_groups(cells, scores, name))
    return None if levels is None else Advice("axis", name, tuple(levels.behind.values()), levels)


def _against_plain_level(cells: list[CellResult], scores: Scores, name: str) -> Advice | None:
    """Compare each level with the plain one: the shortest context, the raw signal.

    Two levels need no such question: "which" has answered it.
    """
    groups = axis_groups(cells, scores, name)
    levels = list(dict.fromkeys(level for group in groups for level in group))
    plain = smallest(levels) if is_cheaper_if_smaller(name) and levels else axis(name).plain
    paired = {level: _pairs(groups, level, plain) for level in levels if level != plain} if plain is not None else {}
    contrasts = [(level, plain, pairs) for level, pairs in paired.items() if pairs and plain is not None]
    return Advice("plain level", name, tuple(differences(scores, contrasts))) if len(contrasts) > 1 else None


def is_cheaper_if_smaller(name: str) -> bool:
    """Whether the smaller values of an axis cost less."""
    return axis(name).cheaper == "smaller"


def smallest(levels: list[Level]) -> Level:
    """Return the least number, or else the first name."""
    return min(levels, key=lambda level: (isinstance(level, str), level))
