"""Paths into the structs and cell arrays of a ``.mat`` file: ``bearing.gs``, ``Y(3).Data``, ``runs{2}``."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import numpy as np

from motor.recordings.names import shown
from motor.recordings.recording import NEXT_STEP, AbsentError, SeriesError

LEAVES = 8  # fields of a struct that a message names
DEPTH = 5
MOST_LEAVES = 200
STEP = re.compile(r"([^(){}.]+)(?:[({]([^(){}]*)[)}])?(?:\.|$)")  # a field, and which element of it


class Step(NamedTuple):
    """One field of a path.

    Attributes
    ----------
    field : str
        Its name, or a pattern of it.
    element : str, optional
        Which element of a struct or cell array: a number from 1, or ``Name=x``, the one whose field says so.
    rest : str
        The path behind it.
    """

    field: str
    element: str | None
    rest: str


def first_step(path: str | None) -> Step | None:
    """Return the first step of a path, None if it is none."""
    found = STEP.match(path or "")
    return Step(found[1], found[2], (path or "")[found.end() :]) if found else None


def walked(value: Any, step: Step, name: str, place: str) -> Any:
    """Return what the rest of a path leads to, from the value of its first field; raise with the fields that there are.

    Raises
    ------
    SeriesError
        `AbsentError` if there is no such field or element.
    """
    path, current = name, step
    while True:
        value, path = _element(value, current.element, path, place, is_last=not current.rest)
        if not current.rest:
            break
        following = first_step(current.rest)
        if following is None:
            raise AbsentError(f"{place}: there is no such field; set variable to one of: {leaves_shown(value, path)}")
        field = _field(value, following.field, path, place)
        value, path, current = value.reshape(-1)[0][field], f"{path}.{field}", following
    if isinstance(value, np.ndarray) and value.dtype.names is not None:
        raise SeriesError(f"{place}: this is a struct; set variable to one of its fields: {leaves_shown(value, path)}")
    if isinstance(value, np.ndarray) and value.dtype == object:
        raise SeriesError(
            f"{place}: this is a cell array; set variable to one of its elements: {leaves_shown(value, path)}"
        )
    return value


def _element(value: Any, element: str | None, path: str, place: str, is_last: bool) -> tuple[Any, str]:
    """Return the meant element of a struct or cell array (for a struct as an array of one), and its path."""
    if element is None:
        if not is_last and isinstance(value, np.ndarray) and value.size > 1 and value.dtype.names is not None:
            raise SeriesError(f"{place}: {path} has {value.size} elements; name one of: {leaves_shown(value, path)}")
        return value, path
    is_array = isinstance(value, np.ndarray) and (value.dtype.names is not None or value.dtype == object)
    flat = value.reshape(-1, order="F") if is_array else np.empty(0)
    number = _number(flat, element)
    if number is None:
        raise AbsentError(
            f"{place}: {path} has no element {element!r}; set variable to one of: {leaves_shown(value, path)}"
        )
    if value.dtype == object:
        return flat[number], f"{path}{{{number + 1}}}"
    return flat[number : number + 1], f"{path}({number + 1})"


def _number(elements: np.ndarray, element: str) -> int | None:
    """Return the place of an element, None if there is none, or several."""
    if re.fullmatch(r"[1-9]\d*", element):
        return int(element) - 1 if int(element) <= len(elements) else None
    field, mark, text = element.partition("=")
    if not mark or elements.dtype.names is None or field not in elements.dtype.names:
        return None
    found = [k for k, one in enumerate(elements[field]) if fnmatchcase("".join(map(str, np.ravel(one))), text)]
    return found[0] if len(found) == 1 else None


def _field(value: Any, wanted: str, path: str, place: str) -> str:
    """Return the field of a struct that is meant, by its name or a pattern."""
    names = value.dtype.names if isinstance(value, np.ndarray) and value.size else None
    matched = [name for name in names or () if name == wanted] or [
        name for name in names or () if fnmatchcase(name, wanted)
    ]
    if len(matched) == 1:
        return matched[0]
    if matched:
        raise SeriesError(f"{place}: {shown(wanted)} matches {', '.join(matched)}; narrow it")
    raise AbsentError(f"{place}: there is no such field; set variable to one of: {leaves_shown(value, path)}")


def leaves_shown(value: Any, path: str) -> str:
    """Return in words the paths of the arrays of numbers."""
    found = []
    for of, leaf in leaves(value, path):
        if leaf.dtype.kind in "fiu" and leaf.size > 1:
            found.append(f"{of} {leaf.shape}")
        if len(found) > LEAVES:
            found[-1] = "..."
            break
    return ", ".join(found) or f"none that holds numbers; {NEXT_STEP}"


def leaves(value: Any, path: str, depth: int = DEPTH) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the paths of the arrays of numbers and texts in a struct or a cell array."""
    if not isinstance(value, np.ndarray) or depth == 0:
        return
    if value.dtype.names is None and value.dtype != object:
        yield path, value
        return
    elements = value.reshape(-1, order="F")[:MOST_LEAVES]
    for number, element in enumerate(elements, 1):
        if value.dtype == object:
            yield from leaves(element, f"{path}{{{number}}}", depth - 1)
            continue
        of = f"{path}({number})" if len(elements) > 1 else path
        for field in value.dtype.names or ():
            yield from leaves(element[field], f"{of}.{field}", depth - 1)
