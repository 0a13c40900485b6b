"""Values that a dataset tells of a recording: text in a table, a group of a pattern, a constant of the settings."""

import datetime
import math
from collections.abc import Iterable

from motor.recordings.recording import DataError

Value = str | float | bool | datetime.datetime | None
TRUE, FALSE = ("true", "yes", "1", "1.0"), ("false", "no", "0", "0.0")


def first_told(values: Iterable[Value]) -> Value:
    """Return the first value that is not None, "" or NaN."""
    told = (value for value in values if value not in (None, "") and value == value)
    return next(told, None)


def positive(value: Value, name: str, item: str, place: str) -> float | None:
    """Return a told number as a positive float, None if nothing is told.

    Raises
    ------
    DataError
        If it is no finite number above 0.
    """
    if value is None:
        return None
    number = _number(value)
    if not 0 < number < math.inf:
        raise DataError(f"{place}: item {item!r} has {name} {value!r}; allowed: a number above 0; correct it there")
    return number


def seconds_since_1970(value: Value, item: str, place: str) -> float | None:
    """Return a told time as seconds since 1970 UTC, None if nothing is told.

    A number counts such seconds already; a text is a date, or a date and a time, of ISO 8601, in UTC unless it names
    its zone.

    Raises
    ------
    DataError
        If it is neither.
    """
    if value is None:
        return None
    number = math.nan if isinstance(value, bool | datetime.datetime) else _number(value)
    if math.isfinite(number):
        return number
    try:
        time = value if isinstance(value, datetime.datetime) else datetime.datetime.fromisoformat(str(value))
    except ValueError as error:
        raise DataError(
            f"{place}: item {item!r} has recorded_at {value!r}; allowed: seconds since 1970, or ISO 8601 such as "
            "2024-05-31T08:15:00+02:00; correct it there"
        ) from error
    return (time if time.tzinfo else time.replace(tzinfo=datetime.UTC)).timestamp()


def truth(value: Value, name: str, item: str, place: str) -> bool:
    """Return a told yes or no, no if nothing is told.

    Raises
    ------
    DataError
        If it is neither.
    """
    text = str(value).strip().lower()
    if value is None or text in FALSE:
        return False
    if text in TRUE:
        return True
    raise DataError(
        f"{place}: item {item!r} has {name} {value!r}; allowed: {', '.join((*TRUE[:3], *FALSE[:3]))}; correct it there"
    )


def _number(value: Value) -> float:
    """Return a value as a float, NaN if it is no number."""
    try:
        return float(value)  # type: ignore[arg-type]
    except (ValueError, TypeError):
        return math.nan
