"""Recordings with samples that no sensor gives: an instrument's code where it could not measure."""

from collections.abc import Sequence

from motor.audit.outcome import SHOWN, Finding, Outcome

NAME = "unmeasured_samples"
WHAT = "Does no recording hold an instrument's code for what it could not measure?"


def unmeasured_samples(items: Sequence[str], outliers: Sequence[float | None]) -> Outcome:
    """Find recordings with such codes: they decide every scale and spectrum, and stand where the recorder failed.

    Parameters
    ----------
    items : sequence of str
    outliers : sequence of float or None
        Of each, as `motor.recordings.facts.outlier_of` finds it.
    """
    found = [f"{item}: {value:g}" for item, value in zip(items, outliers, strict=True) if value is not None]
    if not found:
        return Outcome.of(NAME, WHAT, ())
    finding = Finding(
        name=NAME,
        what=f"{len(found)} recordings have samples far out of all others, as codes for what could not be measured.",
        evidence={"n_recordings": len(found), "recordings": found[:SHOWN]},
        next_step="Take the recordings out, or cut those samples off.",
    )
    return Outcome.of(NAME, WHAT, (finding,))
