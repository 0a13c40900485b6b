"""Answers to a plant's questions, each derived from one paired comparison."""

from __future__ import annotations

from dataclasses import dataclass

from motor.evaluation.report.cells import CellResult, ReportContext, axis_text, varying_axes
from motor.evaluation.report.comparisons import (
    LEAST_MOTORS,
    Difference,
    Levels,
    axis_groups,
    compare_levels,
    differences,
    regime_groups,
)
from motor.evaluation.report.markdown import escape, signed_with_interval
from motor.evaluation.report.scores import Scores

_QUESTIONS = {
    "method": "Which method?",
    "context_length": "Which context?",
    "classifier": "Which classifier?",
    "representation": "Which representation?",
}
_NO_QUESTION = {"domain", "seed"}  # the regime has its own; seeds are only repeats


@dataclass(frozen=True)
class Advice:
    """One question and its answer.

    Attributes
    ----------
    question, answer : str
        In plain words.
    differences : tuple of Difference
        What the answer rests on.
    levels : Levels or None
        All levels of the axis, where the question is about one.
    note : str
        What the comparison could not use.
    """

    question: str
    answer: str
    differences: tuple[Difference, ...]
    levels: Levels | None = None
    note: str = ""

    @property
    def reasons(self) -> list[str]:
        """The numbers, one line for each difference."""
        return [
            f"{escape(found.first)} over {escape(found.second)}: {signed_with_interval(found.value, found.interval)}"
            for found in self.differences
        ]


def advise(cells: list[CellResult], scores: Scores, context: ReportContext) -> list[Advice]:
    """Answer every question that the cells allow: two-stage, regime, then each axis with several levels."""
    advice = [_two_stage(cells, scores, one, two) for one, two in context.two_stage_pairs.items()]
    advice.append(_regime(cells, scores, context.joint))
    axes = [name for name in varying_axes(cells) if name not in _NO_QUESTION]
    advice.extend(_axis(cells, scores, axis) for axis in ("context_length", "classifier", "method") if axis in axes)
    advice.extend(_axis(cells, scores, axis) for axis in axes if axis not in ("context_length", "classifier", "method"))
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


def _two_stage(cells: list[CellResult], scores: Scores, one: str, two: str) -> Advice | None:
    """Say whether the second stage pays."""
    groups = axis_groups(cells, scores, "method")
    pairs = [(group[two], group[one]) for group in groups if one in group and two in group]
    if not pairs:
        return None
    (difference,) = differences(scores, [(two, one, pairs)])
    todo = "use it" if difference.conclusion == "pays" else "leave it out"
    if not difference.told_apart:
        todo = "leave it out, which saves a fine-tune"
    return Advice(f"Two-stage {one}?", f"**{difference.conclusion}**: {todo}", (difference,))


def _regime(cells: list[CellResult], scores: Scores, joint: str) -> Advice | None:
    """Say whether one joint model does better than one for each domain."""
    groups = [group for group in regime_groups(cells, scores, joint) if len(group) == 2]
    if not groups:
        return None
    pairs = [(group[joint], group["alone"]) for group in groups]
    (difference,) = differences(scores, [(joint, "each domain alone", pairs)])
    todo = f"train {joint}" if difference.conclusion == "pays" else "train each domain alone"
    if not difference.told_apart:
        todo = f"{joint} is one model to keep instead of {len(scores.domains)}"
    by_domain = regime_differences(cells, scores, joint)
    single = [f"{escape(name)} {found.conclusion}" for name, found in by_domain.items()] if len(by_domain) > 1 else []
    answer = f"**{difference.conclusion}**: {todo}" + (f" (by domain: {'; '.join(single)})" if single else "")
    return Advice(f"{joint} instead of each domain alone?", answer, (difference, *by_domain.values()))


def _axis(cells: list[CellResult], scores: Scores, axis: str) -> Advice | None:
    """Say which level of an axis to take."""
    levels = compare_levels(scores, axis_groups(cells, scores, axis))
    if levels is None:
        return None
    behind = tuple(levels.behind.values())
    note = f"{levels.n_incomplete} settings lack some level and are left out." if levels.n_incomplete else ""
    question = _QUESTIONS.get(axis, f"Which {axis.replace('_', ' ')}?")
    return Advice(question, _axis_answer(axis, levels), behind, levels, note)


def _axis_answer(axis: str, levels: Levels) -> str:
    """Name the level that pays, or those that cannot be told apart."""
    ties, n_motors = levels.not_worse, next(iter(levels.behind.values())).n_motors
    if len(ties) == 1:
        return f"**{axis_text(axis, levels.best)}** pays"
    # The shortest context costs least; for other axes the cost is not known here.
    todo = f"; take {min(ties)}, the cheapest" if axis == "context_length" else ""
    if len(ties) == len(levels.means):
        return f"**cannot tell** ({n_motors} motors){todo or f'; {levels.best} came out first'}"
    names = " or ".join(str(level) for level in ties)
    worse = ", ".join(str(level) for level in levels.means if level not in ties)
    return f"**{names}**: cannot tell between them ({n_motors} motors), but not {worse}{todo}"


def evidence_rule() -> str:
    """Return the rule by which a difference counts, for the reader."""
    return (
        "A difference counts where its 95 % interval, from resampling whole motors, excludes zero and the two "
        f"sides differ on at least {LEAST_MOTORS} motors (a sign test needs as many); else: cannot tell."
    )
