"""Which column of a table holds which field of a recording."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from motor.recordings.names import cleaned, told_apart
from motor.recordings.recording import DataError, near

if TYPE_CHECKING:
    from motor.recordings.readers.base import Reader


def found_columns(reader: "Reader", header: Sequence[str], place: str) -> dict[str, str]:
    """Return the column of each field that a table has (see `Reader.found_columns`).

    Raises
    ------
    DataError
        If a column that has to be there is not, or one comes twice.
    """
    wanted = {**reader.default_columns, **reader.columns}
    there: dict[str, list[str]] = {}
    for column in header:
        there.setdefault(cleaned(column), []).append(column)
    for name, column in wanted.items():
        same = there.get(cleaned(column), [])
        if not same and (name in reader.columns or name in reader.needed_columns()):
            raise DataError(
                f"{place}: no column {column!r} for {name}{near(column, header)}; there are: {', '.join(header)}; "
                f"set columns.{name} to one of them"
            )
        if len(same) > 1:
            raise DataError(
                f"{place}: column {column!r} comes twice{told_apart(*same[:2])}; take one out, or rename it"
            )
    return {name: there[cleaned(column)][0] for name, column in wanted.items() if cleaned(column) in there}
