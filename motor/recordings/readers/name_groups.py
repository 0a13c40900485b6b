"""What a recording's name tells: the groups of a pattern, joined, looked up in a table, and read as times."""

import datetime
import re
from collections.abc import Mapping

from motor.recordings.fields import Value
from motor.recordings.names import shown
from motor.recordings.readers.source import ITEM_FIELDS, ItemField
from motor.recordings.recording import DataError, near

Lookup = Mapping[str, Mapping[str, Mapping[ItemField, str | float | bool]]]
SECOND = "motor_2"  # joined to the motor, where a name tells it at two places
SHOWN = 8


def check_groups(pattern: str, lookup: Lookup) -> None:
    """Raise ValueError if a pattern is none, or its groups are neither fields nor looked up."""
    try:
        groups = set(re.compile(pattern).groupindex)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{shown(pattern)} is no regular expression: {error}") from error
    allowed = [*ITEM_FIELDS, *lookup]
    joined = {SECOND} if "motor" in groups else set()
    if not groups or not groups - joined <= set(allowed):
        raise ValueError(f"{shown(pattern)} has the named groups {sorted(groups)}; allowed: {', '.join(allowed)}")
    if absent := sorted(set(lookup) - groups):
        raise ValueError(f"lookup has {absent[0]!r}, which is no group of the pattern {shown(pattern)}; name it there")


def check_time_format(text: str) -> None:
    """Raise ValueError if a time format is none that `strptime` knows."""
    try:
        datetime.datetime.strptime("", text)
    except re.error as error:
        raise ValueError(f"{shown(text)} names a part of the time twice: {error}") from error
    except ValueError as error:
        if "does not match" not in str(error):
            raise ValueError(f"{shown(text)} is no time format: {error}; see Python's strptime") from error


def groups_of(
    pattern: str | None, searched: str, lookup: Lookup, time_format: str | None, place: str
) -> dict[str, Value]:
    """Return what the groups of a pattern tell of a recording, by field.

    Parameters
    ----------
    pattern : str, optional
    searched : str
        The name.
    lookup : mapping
        Group -> what it says -> fields; a group tells a field itself before what is looked up.
    time_format : str, optional
        Of the group ``recorded_at``, as `datetime.datetime.strptime` takes it.
    place : str
        For messages.

    Raises
    ------
    DataError
        If a text is not in its table, or is no time of that format.
    """
    match = re.search(pattern, searched) if pattern else None
    groups: dict[str, Value] = dict(match.groupdict()) if match else {}
    looked: dict[str, Value] = {}
    for name, rows in lookup.items():
        text = groups.pop(name, None)
        if text is None:
            continue
        if str(text) not in rows:
            there = ", ".join(list(rows)[:SHOWN]) + (", ..." if len(rows) > SHOWN else "")
            raise DataError(
                f"{place}: {shown(searched)} has the {name} {shown(text)}{near(str(text), rows)}, which "
                f"dataset.lookup.{name} does not know; there are: {there}; add it, or take the file out"
            )
        looked |= {str(field): value for field, value in rows[str(text)].items()}
    second = groups.pop(SECOND, None)
    if second is not None and groups.get("motor") is not None:
        groups["motor"] = f"{groups['motor']}-{second}"
    if time_format and groups.get("recorded_at") is not None:
        groups["recorded_at"] = _time(str(groups["recorded_at"]), time_format, place)
    return {**looked, **{name: value for name, value in groups.items() if value is not None or name not in looked}}


def _time(text: str, time_format: str, place: str) -> datetime.datetime:
    try:
        return datetime.datetime.strptime(text, time_format)
    except ValueError as error:
        raise DataError(
            f"{place}: recorded_at is {text!r} by the name, which is not written as {time_format!r}; correct "
            "recorded_at_format, or the pattern"
        ) from error
