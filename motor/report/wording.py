"""Names of recipes, places and figures in the reader's language, for all sections of the report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from motor.evaluation.axes.base import axis
from motor.evaluation.cells import NO_VALUE, Axes, varying_axes
from motor.evaluation.comparisons import Difference
from motor.evaluation.metrics.base import Metric
from motor.evaluation.nested import Chosen, Figure, NestedFigure
from motor.evaluation.power import about
from motor.evaluation.ranking import Recipe
from motor.report.document import Target, Value
from motor.report.findings import Column, Findings, cell_name, is_too_good
from motor.report.findings.alarms import METRICS
from motor.report.text import TOO_GOOD, duration, isolated, number, percent, signed, with_interval
from motor.report.words import Words


@dataclass(frozen=True)
class Wording:
    """The words of one language, and what they are about."""

    words: Words
    findings: Findings

    def say(self, key: str, **values: object) -> str:
        """Return a text of the catalogue; `{metric}` in it is the metric that recipes are ranked by."""
        metric = self.metric
        shown = {name: isolated(value) if isinstance(value, str) else value for name, value in values.items()}
        return self.words.say(key, **{"metric": metric, "Metric": metric[:1].upper() + metric[1:], **shown})

    def has(self, key: str) -> bool:
        """Whether there is such a text."""
        return self.words.has(key)

    def titles(self, *keys: str) -> list[str]:
        """Return the headings of columns."""
        return [self.say(f"column.{key}") for key in keys]

    @property
    def rank_by(self) -> Metric:
        """The metric that recipes are ranked by."""
        return self.findings.context.rank_by

    @cached_property
    def metric(self) -> str:
        """What recipes are ranked by, as sentences have it."""
        key = f"metric.{self.rank_by.kind}"
        return self.words.say(key) if self.words.has(key) else self.rank_by.title

    @property
    def largest(self) -> float:
        """The largest difference that there can be."""
        low, high = self.rank_by.bounds
        return high - low

    def listed(self, names: Sequence[str], most: int = 4) -> str:
        """Return the first names, and how many more there are."""
        text = self.say("list.separator").join(names[:most])
        rest = len(names) - most
        return self.say("list.more", names=text, n=rest) if rest > 0 else text

    def joined(self, texts: Sequence[str]) -> str:
        """Put sentences one after the other."""
        sentences = [text for text in texts if text]
        text = sentences[0] if sentences else ""
        for following in sentences[1:]:
            text = self.say("sentences", first=text, second=following)
        return text

    def motors(self, count: int) -> str:
        """Return "1 motor", "18 motors"."""
        return self.say("motors", n=count)

    def named(self, kind: str, name: str) -> str:
        """Return what the catalogue calls an axis, a setting or a fact; a name that it does not know stays as it is."""
        key = f"{kind}." + "_".join("".join(c if c.isalnum() else " " for c in name.lower()).split())
        return self.say(key) if self.words.has(key) else name

    def axis(self, name: str, value: object) -> str:
        """Return one coordinate as a sentence has it: "method C", "context 4096", "svm"."""
        known = self.words.has(f"axis.{name}")
        return self.say(f"axis.{name}", value=value) if known else axis(name).in_text(value)

    def heading(self, name: str) -> str:
        """Return the heading of an axis' column."""
        key = f"heading.{name}"
        return self.say(key) if self.words.has(key) else axis(name).title or axis(name).name

    def axes(self, axes: Axes, named: Sequence[str]) -> str:
        """Return several coordinates, without those that mean nothing here."""
        known = [self.axis(name, axes[name]) for name in named if axes.get(name) is not None]
        return self.say("axes.separator").join(known)

    def regime(self, domain: str) -> str:
        """Return what a cell is trained on."""
        return self.say("joint", joint=domain) if domain == self.findings.context.joint else domain

    def recipe(self, recipe: Recipe) -> str:
        """Return a ranked recipe's name: the method, the regime, then the rest."""
        return self.chosen(Chosen(recipe.axes, recipe.is_joint))

    def chosen(self, chosen: Chosen) -> str:
        """Return the name of a recipe that was chosen."""
        cells, joint = self.findings.cells, self.findings.context.joint
        shown = [name for name in varying_axes(cells) if name not in ("domain", "seed", "method")]
        several = len({cell.axes["domain"] for cell in cells}) > 1
        regime = self.regime(joint) if chosen.is_joint else self.say("alone")
        parts = [self.axes(chosen.axes, ["method"]), regime * several, self.axes(chosen.axes, shown)]
        return self.say("axes.separator").join(part for part in parts if part)

    def without_regime(self, axes: Axes) -> str:
        """Return a recipe's name where the regime is named already."""
        return self.axes(axes, ["method", *(name for name in axes if name not in ("method", "domain"))])

    def column(self, column: Column) -> str:
        """Return a regime and the domain that judges it: "ShengYing alone", "Joint, in ShengYing"."""
        regime, domain = column
        if regime == self.findings.context.joint:
            return self.say("place.joint", regime=self.regime(regime), domain=domain)
        return self.say("place.alone", domain=domain)

    def place(self, figure: NestedFigure) -> str:
        """Return the column of a figure of nested selection."""
        return self.column((figure.regime, figure.domain))

    def difference(self, found: Difference, first: str = "", second: str = "") -> str:
        """Return who leads whom by how much, and how many motors would tell where these cannot.

        `first` and `second` take the place of the sides' names, which a comparison of regimes has in English.
        """
        sides = {"first": first or found.first, "second": second or found.second}
        text = self.say("difference", **sides, gap=self.gap(found))
        wanting = self.wanting(found)
        return self.say("difference.wanting", difference=text, wanting=wanting) if wanting else text

    def gap(self, found: Difference) -> str:
        """Return a difference with its interval, clipped to what is possible: "+0.03 [-0.01, +0.07]"."""
        interval = self.clipped(found)
        if found.interval is not None and interval is None:
            return self.say("gap.nothing", value=signed(found.value))
        if interval is None:
            return signed(found.value)
        return f"{signed(found.value)} [{signed(interval[0])}, {signed(interval[1])}]"

    def clipped(self, found: Difference) -> tuple[float, float] | None:
        """Return a difference's interval within what is possible; None where it is so wide that it says nothing.

        A studentised interval of few motors may be wider than all that the difference can be.
        """
        if found.interval is None or found.interval[1] - found.interval[0] >= 2 * self.largest:
            return None
        return max(found.interval[0], -self.largest), min(found.interval[1], self.largest)

    def wanting(self, found: Difference) -> str:
        """Say how many motors would do, where these cannot tell; "" where they can."""
        if found.told_apart:
            return ""
        if not found.n_differing:
            return self.say("wanting.same")
        needed, shown = found.motors_needed, found.smallest_shown
        text = self.say("wanting.never") if needed is None else self.say("wanting.motors", motors=about(needed))
        if shown is None or shown >= 1:
            return text
        return self.say("wanting.shown", wanting=text, shown=number(shown))

    def conclusion(self, found: Difference) -> str:
        """Say whether the first side pays."""
        if not found.told_apart:
            return self.say("cannot_tell_of", motors=self.motors(found.n_motors))
        return self.say("pays" if found.value > 0 else "pays_not")

    def reading(self, found: Difference) -> str:
        """Say what a difference shows, in a table."""
        if found.lone is not None:
            return self.say("one_motor", label=found.lone[0], domain=found.lone[1])
        return self.say({"cannot_tell": "cannot_tell", "pays": "pays", "pays_not": "pays_not"}[outcome(found)])

    def figure(self, figure: Figure) -> str:
        """Return a score and its interval."""
        return with_interval(figure.value, figure.interval)

    def counted(self, counts: Mapping[str, int]) -> str:
        """Return counts by class: "inner_race 3, outer_race 2"."""
        return self.say("counts.separator").join(f"{name} {count}" for name, count in counts.items())

    def duration(self, seconds: float | None) -> str:
        """Return a duration with two digits; a dash where none was measured."""
        return duration(self.say, seconds)

    def score(self, value: float | None, interval: Sequence[float] | None = None, extra: str = "") -> Value:
        """Return a figure by which recipes are ranked for a table, marked where it is too good."""
        return score(value, interval, extra, is_marked=self.rank_by.kind in METRICS)

    def cell(self, index: int, text: str = "") -> Value:
        """Return a link to a cell."""
        return Value(text or self.say("look"), target=self.cell_target(index))

    def cell_target(self, index: int) -> Target:
        """Return where a cell is shown."""
        cell = self.findings.everything[index]
        return Target.cell(cell_name(cell.axes), cell.folder)


def outcome(difference: Difference) -> str:
    """Return the kind of what a difference shows."""
    if not difference.told_apart:
        return "cannot_tell"
    return "pays" if difference.value > 0 else "pays_not"


def score(
    value: float | None, interval: Sequence[float] | None = None, extra: str = "", is_marked: bool = True
) -> Value:
    """Return a score for a table, marked where it is too good."""
    mark = TOO_GOOD if is_marked and is_too_good(value) else ""
    return Value(with_interval(value, interval) + mark + extra, ordered(value))


def rate(value: float | None) -> Value:
    """Return a share for a table."""
    return Value(percent(value), ordered(value))


def ordered(value: float | None) -> float | None:
    """Return what a number is sorted by; what is undefined comes last."""
    return None if value is None or not math.isfinite(value) else round(float(value), 6)


def axis_value(axes: Mapping[str, Any], name: str) -> str:
    """Return one coordinate as text; a dash where the axis means nothing for the method."""
    value = axes.get(name)
    return NO_VALUE if value is None else str(value)
