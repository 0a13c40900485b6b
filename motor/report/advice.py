"""Answers to a plant's questions, each derived from one paired comparison."""

from __future__ import annotations

from dataclasses import dataclass

from motor.evaluation.cells import CellResult, ReportContext, axis_text, varying_axes
from motor.evaluation.comparisons import (
    LEAST_MOTORS,
    Difference,
    Level,
    Levels,
    Pair,
    compare_levels,
    differences,
)
from motor.evaluation.groups import Group, axis_groups, regime_groups
from motor.evaluation.scores import Scores
from motor.report.markdown import escape, signed_with_interval

_QUESTIONS = {
    "method": "Which method?",
    "context_length": "Which context?",
    "classifier": "Which classifier?",
    "representation": "Which representation?",
    "scaling": "Which scaling?",
    "prediction_length": "Which forecast horizon?",
    "patch_length": "Which patch length?",
    "contexts": "A fine-tune for each context length, or one for all?",
}
_NO_QUESTION = {"domain", "seed"}  # the regime has its own; seeds are only repeats
_FIRST = ("context_length", "representation", "scaling", "classifier", "method")
_PLAIN_LEVEL = {"representation": "raw"}  # what every other level has to beat to pay
CHEAPER_IF_SMALLER = {"context_length"}


@dataclass(frozen=True)
class Advice:
    """One question and its answer.

    Attributes
    ----------
    kind : str
        "fine-tuning", "two-stage", "regime", "axis" (which level), or "plain level" (does each pay over the plain one).
    subject : str
        What it is about: the method with one stage, the joint regime, or the axis; "" for fine-tuning.
    question, answer : str
        In plain words.
    differences : tuple of Difference
        What the answer rests on.
    levels : Levels or None
        All levels of the axis, where the question is about one.
    note : str
        What the comparison could not use.
    domains : tuple of str
        For the regime: the domain of each difference behind the first, which is over all domains.
    """

    kind: str
    subject: str
    question: str
    answer: str
    differences: tuple[Difference, ...]
    levels: Levels | None = None
    note: str = ""
    domains: tuple[str, ...] = ()

    @property
    def reasons(self) -> list[str]:
        """The numbers, one line for each difference, and how many motors would do where these cannot tell."""
        return [
            f"{escape(found.first)} over {escape(found.second)}: {signed_with_interval(found.value, found.interval)}"
            + (f" ({found.wanting})" if found.wanting else "")
            for found in self.differences
        ]


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
    for axis in ordered:
        advice += [_axis(cells, scores, axis), _against_plain_level(cells, scores, axis)]
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


def evidence_rule() -> str:
    """Return the rule by which a difference counts, for the reader."""
    return (
        "A difference counts where its 95 % interval, from resampling whole motors, excludes zero and the two "
        f"sides differ on at least {LEAST_MOTORS} motors (a sign test needs as many); else: cannot tell. Intervals "
        "hold for all differences of a question together, and where the best of several levels was found by looking, "
        "for all pairs of them. How many motors would do: for a power of 80 %, with the spread over motors that was "
        "measured here; take it as an order of magnitude."
    )


def _pairs(groups: list[Group], first: Level, second: Level) -> list[Pair]:
    return [(group[first], group[second]) for group in groups if first in group and second in group]


def _fine_tuning(cells: list[CellResult], scores: Scores, context: ReportContext) -> Advice | None:
    """Say whether training the forecaster adds anything over its untrained control."""
    by_method = control_differences(cells, scores, context)
    if not by_method:
        return None
    told = [f"{escape(method)} {found.conclusion}" for method, found in by_method.items()]
    paying = [method for method, found in by_method.items() if found.conclusion == "pays"]
    if paying:
        answer = f"**pays** for {escape(', '.join(paying))}"
    elif all(found.conclusion == "does not pay" for found in by_method.values()):
        answer = "**does not pay**: leave the forecaster as it came"
    else:
        n_motors = max(found.n_motors for found in by_method.values())
        answer = f"**cannot tell** ({n_motors} motors): leave the forecaster as it came, which saves every fine-tune"
    by_name = f" ({'; '.join(told)})" if len(told) > 1 else ""
    return Advice("fine-tuning", "", "Does fine-tuning pay?", answer + by_name, tuple(by_method.values()))


def _two_stage(cells: list[CellResult], scores: Scores, one: str, two: str) -> Advice | None:
    """Say whether the second stage pays."""
    pairs = _pairs(axis_groups(cells, scores, "method"), two, one)
    if not pairs:
        return None
    (difference,) = differences(scores, [(two, one, pairs)])
    todo = "use it" if difference.conclusion == "pays" else "leave it out"
    if not difference.told_apart:
        todo = "leave it out, which saves a fine-tune"
    return Advice("two-stage", one, f"Two-stage {one}?", f"**{difference.conclusion}**: {todo}", (difference,))


def _regime(cells: list[CellResult], scores: Scores, joint: str) -> Advice | None:
    """Say whether one joint model does better than one for each domain."""
    pairs = _pairs(regime_groups(cells, scores, joint), joint, "alone")
    if not pairs:
        return None
    (difference,) = differences(scores, [(joint, "each domain alone", pairs)])
    todo = f"train {joint}" if difference.conclusion == "pays" else "train each domain alone"
    if not difference.told_apart:
        todo = f"{joint} is one model to keep instead of {len(scores.domains)}"
    by_domain = regime_differences(cells, scores, joint)
    single = [f"{escape(name)} {found.conclusion}" for name, found in by_domain.items()] if len(by_domain) > 1 else []
    answer = f"**{difference.conclusion}**: {todo}" + (f" (by domain: {'; '.join(single)})" if single else "")
    question, found = f"{joint} instead of each domain alone?", (difference, *by_domain.values())
    return Advice("regime", joint, question, answer, found, domains=tuple(by_domain))


def _axis(cells: list[CellResult], scores: Scores, axis: str) -> Advice | None:
    """Say which level of an axis to take."""
    levels = compare_levels(scores, axis_groups(cells, scores, axis))
    if levels is None:
        return None
    notes = []
    if levels.missing:
        named = escape(", ".join(map(str, levels.missing)))
        notes.append(f"{named}: not compared, for want of a setting shared with the others.")
    if levels.n_incomplete:
        notes.append(f"{levels.n_incomplete} settings lack some level and are left out.")
    question = _QUESTIONS.get(axis, f"Which {axis.replace('_', ' ')}?")
    behind = tuple(levels.behind.values())
    return Advice("axis", axis, question, _axis_answer(axis, levels), behind, levels, " ".join(notes))


def _axis_answer(axis: str, levels: Levels) -> str:
    """Name the level that pays, or those that cannot be told apart."""
    ties, n_motors = levels.not_worse, next(iter(levels.behind.values())).n_motors
    if len(ties) == 1:
        return f"**{escape(axis_text(axis, levels.best))}** pays"
    # The shortest context costs least; for other axes the cost is not known here.
    todo = f"; take {smallest(ties)}, the cheapest" if axis in CHEAPER_IF_SMALLER else ""
    if len(ties) == len(levels.means):
        return f"**cannot tell** ({n_motors} motors){todo or f'; {escape(levels.best)} came out first'}"
    names = " or ".join(escape(level) for level in ties)
    worse = ", ".join(escape(level) for level in levels.means if level not in ties)
    return f"**{names}**: cannot tell between them ({n_motors} motors), but not {worse}{todo}"


def _against_plain_level(cells: list[CellResult], scores: Scores, axis: str) -> Advice | None:
    """Say of each level whether it pays over the plain one: the shortest context, the raw signal.

    Two levels need no such question: "which" has answered it.
    """
    groups = axis_groups(cells, scores, axis)
    levels = list(dict.fromkeys(level for group in groups for level in group))
    plain = smallest(levels) if axis in CHEAPER_IF_SMALLER and levels else _PLAIN_LEVEL.get(axis)
    paired = {level: _pairs(groups, level, plain) for level in levels if level != plain} if plain is not None else {}
    contrasts = [(level, plain, pairs) for level, pairs in paired.items() if pairs and plain is not None]
    if len(contrasts) < 2:
        return None
    found = differences(scores, contrasts)
    told = "; ".join(f"{escape(one.first)} {one.conclusion}" for one in found)
    question = "Does a longer context pay?" if axis == "context_length" else f"Does each {axis} pay over {plain}?"
    return Advice("plain level", axis, question, told, tuple(found))


def smallest(levels: list[Level]) -> Level:
    """Return the least number, or else the first name."""
    return min(levels, key=lambda level: (isinstance(level, str), level))
