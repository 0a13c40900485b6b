"""Checks of a dataset as a whole, which no reader can make on a single recording."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from motor.recordings.recording import DataError
from motor.recordings.table import labelled

if TYPE_CHECKING:
    import pandas


def check_dataset(meta: "pandas.DataFrame", classes: Sequence[str], domains: Sequence[str]) -> None:
    """Raise one error that names every fault of a dataset as a whole.

    Parameters
    ----------
    meta : pandas.DataFrame
        `Recordings.meta`: item, motor, domain, label and moment are used. Lengths may differ; what has no label
        stands for no class.
    classes, domains : sequence of str
        What the dataset's settings list; without classes, a domain may have recordings without a label alone.

    Raises
    ------
    DataError
        If a domain (a sensor) or a class has no series; if one sensor has two series of one motor and moment, or a
        motor has two labels at one moment.
    """
    known = labelled(meta)
    faults = [
        *_absent(known if classes else meta, classes, domains),
        *_contradictions(meta),
        *_contradicting_labels(known),
    ]
    if faults:
        raise DataError("the dataset does not fit its settings:\n- " + "\n- ".join(faults))


def _absent(meta: "pandas.DataFrame", classes: Sequence[str], domains: Sequence[str]) -> list[str]:
    """Return a message for each domain and each class that has no series."""
    faults = []
    for domain in domains:
        if domain not in set(meta["domain"]):
            there = ", ".join(sorted(meta["domain"].unique()))
            faults.append(
                f"domain {domain!r} has no series (a missing sensor?), there are series of {there}; "
                "add its files, or take it out of domains"
            )
    for label in classes:
        if label not in set(meta["label"]):
            there = ", ".join(sorted(meta["label"].unique()))
            faults.append(
                f"class {label!r} has no series, there are series of {there}; add its files, map its raw label in "
                "labels, or take it out of classes"
            )
    return faults


def _contradictions(meta: "pandas.DataFrame") -> list[str]:
    """Return a message for each sensor that has several series of one motor and moment."""
    tied = meta[meta["moment"].notna()].reset_index()
    faults = []
    twice = tied[tied.duplicated(["motor", "moment", "domain"], keep=False)]
    for (motor, moment, domain), rows in twice.groupby(["motor", "moment", "domain"]):
        faults.append(
            f"motor {motor!r} has {len(rows)} series of domain {domain!r} at moment {moment!r}: "
            f"{', '.join(map(repr, rows['item']))}; give them moments of their own"
        )
    return faults


def _contradicting_labels(meta: "pandas.DataFrame") -> list[str]:
    """Return a message for each moment at which a motor has several labels."""
    faults = []
    dated = meta[meta["moment"].notna()].drop_duplicates(["motor", "moment", "label"])
    several = dated[dated.duplicated(["motor", "moment"], keep=False)]
    for (motor, moment), rows in several.groupby(["motor", "moment"]):
        names = ", ".join(map(repr, rows["label"]))
        faults.append(f"motor {motor!r} has labels {names} at moment {moment!r}; correct labels or moments")
    return faults
