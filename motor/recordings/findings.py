"""What a person should look at in a dataset: signals that stand twice, are clipped, or tell the class by no fault."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from motor.recordings.facts import Seen

# Of the names in a finding's sentence; its evidence has all of them.
NAMED = 5
LEAST_CLIPPED = 1e-4
NO_LABEL = "(no label)"


@dataclass(frozen=True)
class Finding:
    """Something that a person should look at; it stops nothing.

    Attributes
    ----------
    name : str
    what : str
        One plain sentence.
    evidence : dict
        The numbers and names behind it, as JSON has them.
    next_step : str
    """

    name: str
    what: str
    evidence: dict[str, Any]
    next_step: str


def duplicate_signals(seen: Sequence[Seen]) -> Iterator[Finding]:
    """Find signals that several recordings share to the last bit."""
    by_digest: dict[bytes, list[Seen]] = defaultdict(list)
    for one in seen:
        by_digest[one.facts.digest].append(one)
    groups = [group for group in by_digest.values() if len(group) > 1]
    if not groups:
        return
    crossing = [group for group in groups if _differ(group)]
    example = (crossing or groups)[0]
    what = f"{len(groups)} signals stand under several names, first {_names([one.item for one in example])}"
    if crossing:
        what += f"; {len(crossing)} of them under several motors or labels, so a test motor may be known from training"
    yield Finding(
        "duplicate_signals",
        what,
        {"groups": [[one.item for one in group] for group in groups], "crossing_motors_or_labels": len(crossing)},
        "keep one of each, under its true motor and label",
    )


def _differ(group: Sequence[Seen]) -> bool:
    """Say whether recordings are of several motors, or bear several labels."""
    return len({one.motor for one in group}) > 1 or len({one.label for one in group if one.label}) > 1


def unequal_by_class(seen: Sequence[Seen]) -> Iterator[Finding]:
    """Find sampling rates or lengths that tell the class."""
    for name, of in (
        ("sampling_rate_hz", lambda one: f"{one.sampling_rate_hz:g}"),
        ("n_samples", lambda one: str(one.n_samples)),
    ):
        counts: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
        for one in seen:
            counts[one.domain][one.label][of(one)] += 1
        for domain, by_label in sorted(counts.items()):
            sets = [frozenset(counter) for counter in by_label.values()]
            if any(not a & b for k, a in enumerate(sets) for b in sets[:k]):
                yield Finding(
                    f"{name}_differs_by_class",
                    f"in domain {domain} two classes have no {name} in common, so it tells the class",
                    {"domain": domain, "recordings": {label: dict(of) for label, of in sorted(by_label.items())}},
                    "record all classes alike, or bring them to one rate (representation) and one length "
                    "(series_length)",
                )


def one_class_only(seen: Sequence[Seen]) -> Iterator[Finding]:
    """Find motors that were recorded in one class only."""
    labels: dict[str, set[str]] = defaultdict(set)
    for one in seen:
        labels[one.motor].add(one.label)
    alone = sorted(motor for motor, found in labels.items() if len(found) == 1)
    if not alone or len({one.label for one in seen}) == 1:
        return
    many = "all" if len(alone) == len(labels) else f"{len(alone)} of"
    yield Finding(
        "motors_with_one_class",
        f"{many} {len(labels)} motors have one class only: what is learned of a class may be the motors' own sound",
        {"motors": alone, "by_class": dict(Counter(min(labels[motor]) for motor in alone))},
        "record motors before and after the fault where you can",
    )


def unmeasured_samples(seen: Sequence[Seen]) -> Iterator[Finding]:
    """Find signals with samples that no sensor gives, such as an instrument's code for "not measured"."""
    found = {one.item: one.facts.outlier for one in seen if one.facts.outlier is not None}
    if not found:
        return
    first = next(iter(found.values()))
    yield Finding(
        "unmeasured_samples",
        f"{len(found)} signals have samples far out of all others, first {_names(list(found))} ({first:g}): an "
        "instrument's code where it could not measure? They decide every scale and spectrum",
        {"items": found},
        "take the recordings out, or cut those samples off",
    )


def clipped_signals(seen: Sequence[Seen]) -> Iterator[Finding]:
    """Find signals that were cut off at the recorder's range."""
    clipped = sorted(
        (one for one in seen if one.facts.clipped_share >= LEAST_CLIPPED), key=lambda one: -one.facts.clipped_share
    )
    if not clipped:
        return
    cells = Counter((one.domain, one.label or NO_LABEL) for one in clipped)
    yield Finding(
        "clipped_signals",
        f"{len(clipped)} signals are clipped, first {_names([one.item for one in clipped])} "
        f"({100 * clipped[0].facts.clipped_share:.2g} % of its samples)",
        {
            "by_domain_label": nested(dict(sorted(cells.items()))),
            "clipped_share": {one.item: round(one.facts.clipped_share, 6) for one in clipped},
        },
        "lower the recorder's gain; where classes are clipped unequally, clipping tells the class",
    )


def shared_moments(seen: Sequence[Seen]) -> int:
    """Return at how many moments several sensors recorded one motor."""
    sensors: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in seen:
        if one.moment is not None:
            sensors[one.motor, one.moment].add(one.domain)
    return sum(len(domains) > 1 for domains in sensors.values())


def untied_sensors(seen: Sequence[Seen]) -> Iterator[Finding]:
    """Find data of several sensors with moments, of which none is of two sensors: they are written in two ways."""
    domains = sorted({one.domain for one in seen if one.moment is not None})
    motors: dict[str, set[str]] = defaultdict(set)
    for one in seen:
        if one.moment is not None:
            motors[one.motor].add(one.domain)
    if len(domains) < 2 or shared_moments(seen) or not any(len(found) > 1 for found in motors.values()):
        return
    yield Finding(
        "untied_sensors",
        f"{', '.join(domains)} have moments, but no moment of a motor is of two sensors, so nothing is paired",
        {"domains": domains},
        "write the moments of both sensors alike, or leave them out",
    )


def _names(items: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(items) - NAMED} more" if len(items) > NAMED else ""
    return ", ".join(items[:NAMED]) + more


def nested(cells: Mapping[tuple[str, str], Any]) -> dict[str, dict[str, Any]]:
    """Return values by domain and label as a dict of dicts."""
    nested: dict[str, dict[str, Any]] = {}
    for (domain, label), value in cells.items():
        nested.setdefault(domain, {})[label] = value
    return nested
