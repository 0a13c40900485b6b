"""Which part of a file is meant: by its name, a pattern, its number, or as a line of a matrix."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from motor.recordings.names import cleaned, shown
from motor.recordings.recording import AbsentError, SeriesError

NAMED = 20  # of the names in a message
LINE = re.compile(r"\((?::,\s*(\d+)|(\d+)\s*,\s*:)\)$")  # a column or a row of a matrix
NUMBERED = re.compile(r"(column|channel|row) ([1-9]\d*)")


@dataclass(frozen=True)
class Line:
    """A line of a matrix: the column (axis 1) or the row (axis 0) of a number from 1."""

    axis: int
    number: int

    def __str__(self) -> str:
        return f"(:,{self.number})" if self.axis else f"({self.number},:)"

    def check(self, shape: tuple[int, ...], place: str) -> None:
        """Raise if a matrix of a shape has no such line."""
        if len(shape) != 2 or not 1 <= self.number <= shape[self.axis]:
            raise AbsentError(f"{place}: shape {shape} has no {self}; set variable to one that is there")


def split_line(wanted: str) -> tuple[str, Line | None]:
    """Return what a text says without ``(:,2)`` or ``(2,:)`` at its end, and that line."""
    found = LINE.search(wanted)
    if found is None:
        return wanted, None
    return wanted[: found.start()], Line(1, int(found[1])) if found[1] else Line(0, int(found[2]))


def is_number(wanted: str) -> bool:
    """Whether a text says which signal by its number alone."""
    return NUMBERED.fullmatch(wanted) is not None or LINE.match(wanted) is not None


def chosen(names: Sequence[str], variable: str | None, what: str) -> str:
    """Return the named one of `names`, the one that a pattern matches, or the only one."""
    if variable is None and len(names) == 1:
        return names[0]
    same = [name for name in names if variable is not None and cleaned(name) == cleaned(variable)]
    if len(same) == 1:
        return same[0]
    if len(set(same)) > 1:
        spelt = " and ".join(map(ascii, same))
        raise SeriesError(f"{what} {shown(variable)}: {spelt} differ in nothing that can be seen; rename one of them")
    # A pattern, for names that differ from file to file (X097_DE_time, X098_DE_time, ...).
    matched = [name for name in names if variable is not None and fnmatchcase(name, variable)]
    if len(matched) == 1:
        return matched[0]
    given = "not set" if variable is None else shown(variable)
    there = ", ".join(map(str, names[:NAMED])) + (", ..." if len(names) > NAMED else "")
    step = "set variable to one of them"
    if len(matched) > 1:
        step = (
            f"it matches {', '.join(matched[:NAMED])}: narrow it, take this file out, or list the files in a manifest "
            "with a column variable"
        )
    fault = SeriesError if matched or variable is None else AbsentError
    raise fault(f"{what} {given}, the file has {there or 'none'}; {step}")


def chosen_part(
    names: Sequence[str], wanted: str | None, place: str, are_columns: bool = False
) -> tuple[str, Line | None]:
    """Return the name of the variable that is meant, and the line of it.

    Parameters
    ----------
    names : sequence of str
        Of what lies in the file.
    wanted : str, optional
        A name, a pattern of one, either with a line at its end; ``column 2``, ``row 2`` or ``channel 2``.
    place : str
    are_columns : bool
        Whether the variables themselves are what ``column 2`` counts; else it is a line of the only variable.
    """
    if wanted is None or wanted in names:
        return chosen(names, wanted, f"{place}: variable"), None
    if numbered := NUMBERED.fullmatch(wanted):
        number = int(numbered[2])
        if not are_columns:
            return chosen(names, None, f"{place}: variable of {wanted!r}"), Line(int(numbered[1] != "row"), number)
        if numbered[1] == "row" or number > len(names):
            raise AbsentError(f"{place}: there is no {wanted}, the file has {len(names)} columns; set one of them")
        return names[number - 1], None
    base, line = split_line(wanted)
    return chosen(names, base or None, f"{place}: variable"), line
