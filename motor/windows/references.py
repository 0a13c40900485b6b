"""Which recordings are a motor's own healthy reference, and what may still be scored where references are used.

Machines differ more from one another than healthy from worn, so a signal may be scaled by what its own motor
showed when it was known to be healthy. That gives away one thing about a motor, "healthy at commissioning", which
whoever watches a machine knows as well. It is no leak as long as this stays the only thing, hence the rule:

    A reference recording is known to be healthy. It is never scored and never trained upon, on no side of a split
    and in no cell of a grid that uses references, also not in the cells that scale otherwise: all cells are
    compared on the same recordings. The references of a test motor scale that motor's other recordings, and
    nothing else is read of them.

Training motors keep to the rule too: their references have level 0 and strength 1 by construction, as no other
recording has, and a classifier would learn that for the mark of health.
"""

from collections.abc import Mapping

from motor.lazy import pandas as pd

MOTORS_SHOWN = 5


def is_reference(
    meta: "pd.DataFrame", earliest: Mapping[str, int], normal: str, keeps_unreferenced: bool = False
) -> "pd.Series":
    """Return which recordings are their motor's healthy reference, each domain by itself.

    Those that the data marks are. Where it marks none of a motor in a domain, the first ones by time are, if
    `earliest` asks for them; recordings of one time stand or fall together, as parts of one measurement.

    Parameters
    ----------
    meta : DataFrame
        One row a recording: item, motor, domain, label, recorded_at (seconds, NaN where unknown) and reference
        (bool). The order of the rows does not matter; the index is of distinct values.
    earliest : mapping of str to int
        For each domain that uses references, how many of a motor's first recordings are its reference where
        none is marked; 0: marks alone count. A domain that is not named has no references.
    normal : str
        The class of healthy motors.
    keeps_unreferenced : bool
        Whether a motor may be without a reference.

    Returns
    -------
    Series of bool
        With the index of `meta`.

    Raises
    ------
    ValueError
        If a motor has no reference in a domain where it has recordings, if a reference bears the label of a
        fault, or if times are asked for and lacking. It names motor, domain and the next step.
    """
    found = pd.Series(False, index=meta.index)
    for domain, n_earliest in earliest.items():
        rows = meta[meta["domain"] == domain]
        found[rows.index] = _of_domain(rows, n_earliest, normal, keeps_unreferenced)
    return found


def scored(
    meta: "pd.DataFrame", earliest: Mapping[str, int], normal: str, keeps_unreferenced: bool = False
) -> "pd.DataFrame":
    """Return the recordings that may be trained upon and scored: all but the references.

    A split is to be made of these alone, so that each side has something to score.

    Parameters
    ----------
    meta, earliest, normal, keeps_unreferenced
        As of `is_reference`. Without references (`earliest` is empty) it is all of `meta`.

    Raises
    ------
    ValueError
        As `is_reference`, and if nothing is left of a class in a domain.
    """
    left = meta[~is_reference(meta, earliest, normal, keeps_unreferenced)]
    kept = set(zip(left["domain"], left["label"], strict=True))
    for (domain, label), rows in meta.groupby(["domain", "label"]):
        if (domain, label) not in kept:
            raise ValueError(
                f"class {label!r} in domain {domain!r}: all {len(rows)} recordings are healthy references, which are "
                "never trained upon nor scored, so none is left; mark fewer, lower "
                f"{_section(keeps_unreferenced)}.earliest, or add recordings of healthy motors from later times"
            )
    return left


def _of_domain(meta: "pd.DataFrame", earliest: int, normal: str, keeps_unreferenced: bool) -> "pd.Series":
    """Return which recordings of one domain are references, checked."""
    if earliest < 0:
        raise ValueError(f"scaling.earliest is {earliest}; it must be 0 (marks alone count) or more")
    is_marked = meta["reference"].astype(bool)
    found = is_marked.copy()
    if earliest > 0:
        unmarked = meta[~is_marked.groupby(meta["motor"]).transform("any")]
        found[unmarked.index] = _is_early(unmarked, earliest, keeps_unreferenced)
    if not keeps_unreferenced:
        _check_each_motor_has_one(meta, found, earliest)
    elif len(meta) and not found.any():
        raise ValueError(
            f"own_reference is asked for, but no motor has a healthy reference in domain {meta['domain'].iloc[0]!r}; "
            "mark recordings by reference, set own_reference.earliest to how many of each motor's first recordings "
            "are healthy, or set own_reference.use: none"
        )
    _check_healthy(meta[found], normal, keeps_unreferenced)
    return found


def _section(keeps_unreferenced: bool) -> str:
    """Return the section of the config that asks for references: that of scaling lets no motor be without one."""
    return "own_reference" if keeps_unreferenced else "scaling"


def _do_without(keeps_unreferenced: bool) -> str:
    return "set own_reference.use: none" if keeps_unreferenced else "set scaling.by: domain or item"


def _is_early(meta: "pd.DataFrame", earliest: int, keeps_unreferenced: bool) -> "pd.Series":
    """Return which recordings are not later than the `earliest`-th of their motor."""
    lacking = meta[meta["recorded_at"].isna()].sort_values("item")
    if len(lacking):
        first = lacking.iloc[0]
        raise ValueError(
            f"{first['item']} of motor {first['motor']!r} in domain {first['domain']!r} has no recorded_at (nor have "
            f"{len(lacking) - 1} others), so it is unknown which are earliest; give the reader recorded_at, mark the "
            f"motor's healthy recordings by reference, or {_do_without(keeps_unreferenced)}"
        )
    # Of equal times all have the rank of the first, so that parts of one measurement stay together.
    return meta.groupby("motor")["recorded_at"].rank(method="min") <= earliest


def _check_each_motor_has_one(meta: "pd.DataFrame", found: "pd.Series", earliest: int) -> None:
    """Raise ValueError if a motor has recordings, but no reference."""
    motors = sorted(set(meta["motor"]) - set(meta.loc[found, "motor"]))
    if motors:
        shown = ", ".join(repr(motor) for motor in motors[:MOTORS_SHOWN])
        more = f" and {len(motors) - MOTORS_SHOWN} more" if len(motors) > MOTORS_SHOWN else ""
        step = "" if earliest else ", set scaling.earliest to how many of each motor's first recordings are healthy"
        raise ValueError(
            f"scaling.by is reference, but motor {shown}{more} has no healthy reference in domain "
            f"{meta['domain'].iloc[0]!r}; mark one by reference{step}, or set scaling.by: domain or item"
        )


def _check_healthy(references: "pd.DataFrame", normal: str, keeps_unreferenced: bool) -> None:
    """Raise ValueError if a reference bears the label of a fault."""
    faulty = references[references["label"] != normal].sort_values("item")
    if len(faulty):
        first = faulty.iloc[0]
        how = "the data marks it" if first["reference"] else "it is among the motor's earliest"
        by_time = f"lower {_section(keeps_unreferenced)}.earliest, mark references"
        step = "correct reference or the label" if first["reference"] else by_time
        raise ValueError(
            f"{first['item']} is a healthy reference of motor {first['motor']!r} in domain {first['domain']!r} "
            f"({how}), but its label is {first['label']!r}, not {normal!r}, as of {len(faulty)} references; {step}, or "
            f"{_do_without(keeps_unreferenced)}"
        )
