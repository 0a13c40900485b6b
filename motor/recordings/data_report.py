"""What was found of a dataset, as text for a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from textwrap import fill
from typing import Any

# Of skipped series; the file has all of them.
SHOWN = 20
WIDTH = 120


def describe(summary: Mapping[str, Any], report: Mapping[str, Any]) -> str:
    """Return the report of one dataset.

    Parameters
    ----------
    summary : mapping
        `Validation.summary`, with the list `skipped`.
    report : mapping
        `Validation.report`.
    """
    lines = [
        f"{summary['n_recordings']} series of {summary['n_motors']} motors, {summary['n_samples']} samples",
        *_without_label(summary),
        "",
        *_counts(summary, report),
        "",
        "sampling rates: " + _listed(summary["recordings_by_sampling_rate_hz"], " Hz"),
        "lengths: " + _listed(summary["recordings_by_n_samples"], " samples"),
        "motors: " + _motors(report["recordings_by_motor_label"]),
        *_moments(summary),
        "",
        *_findings(report["findings"]),
        "",
        *_skipped(summary["skipped"]),
    ]
    return "\n".join(lines)


def _moments(summary: Mapping[str, Any]) -> Iterator[str]:
    """Yield how many moments several sensors share, where there are several."""
    if len(summary["recordings_by_domain"]) > 1:
        yield f"moments that several sensors share: {summary['n_shared_moments']}"


def _without_label(summary: Mapping[str, Any]) -> Iterator[str]:
    """Yield how many series nobody has labelled, if there are any."""
    if summary["n_unlabelled"]:
        yield (
            f"{summary['n_unlabelled']} of these series have no label ({summary['n_unlabelled_motors']} motors have "
            "none at all): only methods that need no labels train on them, and nothing is scored on them"
        )


def _counts(summary: Mapping[str, Any], report: Mapping[str, Any]) -> Iterator[str]:
    """Yield a table of series, motors and levels by domain and label."""
    head = ("domain", "label", "series", "motors", "level, dB (10 % to 90 %)")
    rows = [
        (domain, label, str(number), str(summary["motors_by_domain_label"][domain][label]), _level(levels))
        for domain, labels in summary["recordings_by_domain_label"].items()
        for label, number in labels.items()
        for levels in [report["level_db_by_domain_label"][domain][label]]
    ]
    widths = [max(len(row[k]) for row in (head, *rows)) for k in range(len(head))]
    for row in (head, *rows):
        yield "  ".join(
            cell.rjust(width) if k in (2, 3) else cell.ljust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()


def _level(levels: Mapping[str, float]) -> str:
    return f"{levels['median']:.1f} ({levels['p10']:.1f} to {levels['p90']:.1f})"


def _listed(counts: Mapping[str, int], unit: str) -> str:
    """Return values with their counts; of many values the range."""
    if len(counts) > 8:
        values = [float(value) for value in counts]
        return f"{len(counts)} different ones, {min(values):g} to {max(values):g}{unit}"
    return ", ".join(f"{value}{unit} ({count} series)" for value, count in counts.items())


def _motors(by_motor: Mapping[str, Mapping[str, int]]) -> str:
    """Return how many series and classes motors have."""
    numbers = [sum(labels.values()) for labels in by_motor.values()]
    alone = sum(len(labels) == 1 for labels in by_motor.values())
    each = f"{min(numbers)} to {max(numbers)}" if min(numbers) < max(numbers) else str(min(numbers))
    return f"{each} series each; {alone} of {len(by_motor)} with one class only"


def _findings(findings: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not findings:
        yield "nothing found that could tell the class by no fault"
        return
    yield "look at this before you train:"
    for finding in findings:
        text = f"{finding['name']}: {finding['what']}. Next: {finding['next_step']}."
        yield fill(text, WIDTH, initial_indent="- ", subsequent_indent="  ")


def _skipped(skipped: Sequence[Mapping[str, str]]) -> Iterator[str]:
    if not skipped:
        yield "no series was skipped"
        return
    yield f"{len(skipped)} series were skipped:"
    for bad in skipped[:SHOWN]:
        yield f"- {bad['item']}: {bad['reason']}"
    if len(skipped) > SHOWN:
        yield f"- and {len(skipped) - SHOWN} more"
