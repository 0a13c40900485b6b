"""Gains that differ between classes: the recorder's setting then tells the class, and no fault needs to be heard."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

from motor.lazy import scipy
from motor.recordings.facts import Seen
from motor.recordings.findings import Finding

P_VALUE = 0.05
# Of the differences that chance does not explain, those that could give a class away.
LEAST_SHARE = 0.85
# With few motors no p-value is small; a gap of a factor of two between the classes' nearest motors is shown anyway.
WIDE_GAP_DB = 6.0
FEWEST_MOTORS = 2


@dataclass(frozen=True)
class Difference:
    """The difference of a quantity between the motors of two classes.

    Attributes
    ----------
    lower, upper : str
        The two classes.
    median_db : float
        Difference of the medians over motors.
    share : float
        Share of pairs of motors in which that of `upper` lies above: the area under the ROC curve of the quantity.
    p_value : float
        Of the Mann-Whitney test, two-sided.
    gap_db : float
        From the highest motor of `lower` to the lowest of `upper`; negative where they overlap.
    n_motors : tuple of int
    """

    lower: str
    upper: str
    median_db: float
    share: float
    p_value: float
    gap_db: float
    n_motors: tuple[int, int]


def unequal_gains(seen: Sequence[Seen]) -> Iterator[Finding]:
    """Find differences of the level, and of the converter's step, that tell two classes of a domain apart.

    The step shows the gain itself. The level also rises with a fault, so it is for a person to say what it shows.
    """
    for domain in sorted({one.domain for one in seen}):
        there = [one for one in seen if one.domain == domain]
        yield from _finding(
            there,
            "gain_differs_by_class",
            _step_db,
            "the step between a signal's values (a bit of the converter times the gain)",
            "the recorder's gain was another; set scaling: {by: item}, and compare",
        )
        yield from _finding(
            there,
            "level_differs_by_class",
            lambda one: one.facts.level_db,
            "the signals' level",
            "if that is the recorder's gain and not the fault, set scaling: {by: item}, and compare",
        )


def _step_db(one: Seen) -> float | None:
    """Return the step to 0.1 dB: what float32 leaves of it differs by less, and with the level."""
    return None if one.facts.step_db is None else round(one.facts.step_db, 1)


def _finding(
    seen: Sequence[Seen], name: str, quantity: Callable[[Seen], float | None], words: str, next_step: str
) -> Iterator[Finding]:
    """Yield the finding of one quantity in one domain, if classes differ in it."""
    differences = class_differences(seen, quantity)
    telling = [one for one in differences if _tells(one, len(differences))]
    if not telling:
        return
    worst = max(telling, key=lambda one: (one.share, one.gap_db))
    yield Finding(
        name,
        f"in domain {seen[0].domain}, {words} is {worst.median_db:.1f} dB higher for {worst.upper} than for "
        f"{worst.lower}: higher in {100 * worst.share:.0f} % of pairs of motors (p = {worst.p_value:.2g})",
        {"domain": seen[0].domain, "differences": [vars(one) for one in telling]},
        next_step,
    )


def class_differences(seen: Sequence[Seen], quantity: Callable[[Seen], float | None]) -> list[Difference]:
    """Return the difference of each pair of classes; a motor's value is the median over its recordings.

    Recordings without the quantity are left out, and so are classes of fewer than two motors.
    """
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in seen:
        value = quantity(one)
        if value is not None:
            values[one.label][one.motor].append(value)
    by_label = {label: [median(of) for of in motors.values()] for label, motors in sorted(values.items())}
    return _pairs({label: medians for label, medians in by_label.items() if len(medians) >= FEWEST_MOTORS})


def _pairs(by_label: Mapping[str, list[float]]) -> list[Difference]:
    found = []
    for first, second in combinations(by_label, 2):
        lower, upper = sorted((first, second), key=lambda label: median(by_label[label]))
        low, high = by_label[lower], by_label[upper]
        test = scipy.stats.mannwhitneyu(high, low)
        found.append(
            Difference(
                lower,
                upper,
                median_db=round(median(high) - median(low), 3),
                share=round(float(test.statistic) / (len(low) * len(high)), 4),
                p_value=float(test.pvalue),
                gap_db=round(min(high) - max(low), 3),
                n_motors=(len(low), len(high)),
            )
        )
    return found


def _tells(difference: Difference, n_pairs: int) -> bool:
    """Say whether chance does not explain a difference (Bonferroni over the pairs of classes), or it is very wide."""
    is_certain = difference.p_value * n_pairs < P_VALUE and difference.share >= LEAST_SHARE
    return is_certain or difference.gap_db >= WIDE_GAP_DB
