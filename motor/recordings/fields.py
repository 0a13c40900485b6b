"""Values that a dataset tells of a recording: text in a table, a group of a pattern, a constant of the settings."""

import datetime
import math
import re
from collections.abc import Collection, Iterable

from motor.recordings.names import cleaned, is_nothing, shown
from motor.recordings.recording import DataError

Value = str | float | bool | datetime.datetime | None
TRUE, FALSE = ("true", "yes", "1", "1.0"), ("false", "no", "0", "0.0")
LATEST_S = 2**32  # the year 2106
DAYS = (20_000.0, 80_000.0)  # since 1899-12-30: from 1954 to 2119


def first_known(values: Iterable[Value], names: Collection[str] = ()) -> Value:
    """Return the first value that tells something.

    None, NaN, blanks and the words that programs write for nothing (``NA``, ``null``, ...) tell nothing, unless such a
    word is one of the `names` that the settings list.
    """
    for value in values:
        if not is_nothing(value) or (isinstance(value, str) and cleaned(value) in names):
            return value
    return None


def positive(value: Value, name: str, item: str, place: str) -> float | None:
    """Return a stated number as a positive float, None if nothing is stated.

    Raises
    ------
    DataError
        If it is no finite number above 0.
    """
    if value is None:
        return None
    number = _number(value)
    if not 0 < number < math.inf:
        raise DataError(
            f"{place}: item {item!r} has {name} {shown(value)}; allowed: a number above 0, without unit, blanks or "
            "commas; correct it there"
        )
    return number


def seconds_since_1970(value: Value, item: str, place: str) -> float | None:
    """Return a stated time as seconds since 1970 UTC, None if nothing is stated.

    A number counts such seconds already; a text is a date, or a date and a time, of ISO 8601 (also ``20240531``), in
    UTC unless it names its zone. Milliseconds and a spreadsheet's days are refused: they would be taken for seconds.

    Raises
    ------
    DataError
        If it is neither.
    """
    if value is None:
        return None
    number = math.nan if isinstance(value, bool | datetime.datetime) else _number(value)
    if math.isfinite(number) and not re.fullmatch(r"(19|20)\d{6}", cleaned(value)):
        return _plausible_time(number, value, item, place)
    try:
        time = value if isinstance(value, datetime.datetime) else datetime.datetime.fromisoformat(cleaned(value))
    except ValueError as error:
        raise DataError(
            f"{place}: item {item!r} has recorded_at {shown(value)}; allowed: seconds since 1970, or ISO 8601 such as "
            "2024-05-31T08:15:00+02:00; correct it there, or, where a name tells it, say by dataset.recorded_at_format "
            "how it is written"
        ) from error
    return (time if time.tzinfo else time.replace(tzinfo=datetime.UTC)).timestamp()


def _plausible_time(number: float, value: Value, item: str, place: str) -> float:
    """Return seconds since 1970; raise where a number looks like another unit's."""
    unit = "milliseconds or less" if abs(number) > LATEST_S else "days, as a spreadsheet counts them"
    if re.fullmatch(r"(19|20)\d\d", cleaned(value)):
        unit = "a year"
    elif abs(number) <= LATEST_S and not (DAYS[0] <= number < DAYS[1] and number % 1):
        return number
    raise DataError(
        f"{place}: item {item!r} has recorded_at {shown(value)}, which looks like {unit}, not like seconds since 1970; "
        "write ISO 8601, such as 2024-05-31T08:15:00+02:00"
    )


def truth(value: Value, name: str, item: str, place: str) -> bool:
    """Return a stated yes or no, no if nothing is stated.

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
        f"{place}: item {item!r} has {name} {shown(value)}; allowed: {', '.join((*TRUE[:3], *FALSE[:3]))}; correct it "
        "there"
    )


def _number(value: Value) -> float:
    """Return a value as a float, NaN if it is no number."""
    try:
        if isinstance(value, bool) or (isinstance(value, str) and ("_" in value or not value.isascii())):
            return math.nan  # Python reads its own digits with _, and those of every alphabet
        return float(value)  # type: ignore[arg-type]
    except (ValueError, TypeError, OverflowError):
        return math.nan
