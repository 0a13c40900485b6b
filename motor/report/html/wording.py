"""How recipes, places and figures are called in the reader's language: what all sentences of the report share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from motor.evaluation.cells import Axes, varying_axes
from motor.evaluation.comparisons import Difference
from motor.evaluation.nested import Chosen, Figure, NestedFigure
from motor.evaluation.power import about
from motor.evaluation.ranking import Recipe
from motor.report.findings import Findings
from motor.report.html.words import Words
from motor.report.markdown import number, signed_with_interval, with_interval


@dataclass(frozen=True)
class Wording:
    """The words of one language, and what they are about."""

    words: Words
    findings: Findings

    def say(self, key: str, **values: object) -> str:
        """Return a text of the catalogue."""
        return self.words.say(key, **values)

    def listed(self, names: Sequence[str], most: int = 4) -> str:
        """Return the first names, and how many more there are."""
        text = self.say("list.separator").join(names[:most])
        rest = len(names) - most
        return self.say("list.more", names=text, n=rest) if rest > 0 else text

    def motors(self, count: int) -> str:
        """Return "1 motor", "18 motors"."""
        return self.say("motors", n=count)

    def axis(self, name: str, value: object) -> str:
        """Return one coordinate as a sentence has it: "method C", "context 4096", "svm"."""
        return self.say(f"axis.{name}", value=value) if self.words.has(f"axis.{name}") else str(value)

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

    def without_regime(self, chosen: Chosen) -> str:
        """Return the same where the regime is told already."""
        return self.axes(chosen.axes, ["method", *(name for name in chosen.axes if name != "method")])

    def place(self, figure: NestedFigure) -> str:
        """Return a column: "ShengYing alone", "Joint, in ShengYing"."""
        if figure.regime == self.findings.context.joint:
            return self.say("place.joint", regime=self.regime(figure.regime), domain=figure.domain)
        return self.say("place.alone", domain=figure.domain)

    def difference(self, found: Difference, first: str = "", second: str = "") -> str:
        """Return who leads whom by how much, and how many motors would tell where these cannot.

        `first` and `second` take the place of the sides' names, which a comparison of regimes has in English.
        """
        gap = signed_with_interval(found.value, found.interval)
        text = self.say("difference", first=first or found.first, second=second or found.second, gap=gap)
        wanting = self.wanting(found)
        return self.say("difference.wanting", difference=text, wanting=wanting) if wanting else text

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
            return self.say("cannot_tell", motors=self.motors(found.n_motors))
        return self.say("pays" if found.value > 0 else "pays_not")

    def figure(self, figure: Figure) -> str:
        """Return a score and its interval."""
        return with_interval(figure.value, figure.interval)

    def counted(self, counts: Mapping[str, int]) -> str:
        """Return counts by class: "inner_race 3, outer_race 2"."""
        return self.say("counts.separator").join(f"{name} {count}" for name, count in counts.items())

    def duration(self, seconds: float) -> str:
        """Return a duration with two digits: 8.2 s, 45 s, 12 min, 3.5 h."""
        for limit, unit, size in ((120.0, "s", 1.0), (7200.0, "min", 60.0)):
            if seconds < limit:
                return self.say(f"time.{unit}", value=f"{seconds / size:.{'2g' if seconds / size < 100 else '0f'}}")
        return self.say("time.h", value=f"{seconds / 3600:.1f}")


def share(part: float) -> str:
    """Return a share in percent, as sentences have it."""
    return f"{100 * part:.1f} %"
