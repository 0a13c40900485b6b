"""The JSON of the records of a class of stages, put together field by field.

Neighbouring stages of a plan share most of their fields: what is the very same object as in the record before is not
written again, unless it can be changed (a dict, a list).
"""

import dataclasses
import sys
from dataclasses import MISSING
from functools import cache, cached_property
from itertools import compress, count
from operator import attrgetter, is_not
from typing import Any, TypeVar

from grid.canonical import PLAIN, SOURCE, WRITERS, dumped, is_record, string

T = TypeVar("T")
_UNKNOWN = object()


class once(cached_property[T]):
    """A cached property without the lock that Python 3.11 takes for it: a plan has a million of them."""

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """Return the value, found when it is first asked for; from then on it is an attribute like any other."""
        if instance is None:
            return self
        value = instance.__dict__[self.attrname] = self.func(instance)
        return value


class Layout:
    """Writes the records of one class of stages as `grid.canonical.dumped` does.

    Parameters
    ----------
    made : type
        The class.
    version : int
        As it stands in the record.

    Raises
    ------
    TypeError
        If the records of the class could not tell its stages apart.
    """

    def __init__(self, made: Any, version: int) -> None:
        check_class(made)
        stamped = {"version": version, **source_of(made)}
        fields = {field.name: field for field in deciding_fields(made)}
        names = sorted([*stamped, "kind", *fields])
        self._values_of = attrgetter("KIND", "KIND", *fields)  # of two names and more it returns a tuple
        self._fields = [(names.index("kind"), '"kind":', MISSING)] * 2 + [
            (names.index(name), f"{string(name)}:", field.default if field.metadata.get("when_set") else MISSING)
            for name, field in fields.items()
        ]
        parts = [f"{string(name)}:{dumped(stamped[name])}" if name in stamped else "" for name in names]
        self._last = [_UNKNOWN] * len(self._fields), parts  # of the last record: its fields' values, and its JSON

    def text(self, stage: Any) -> str:
        """Return the canonical JSON of a stage's record.

        Raises
        ------
        TypeError
            If a field has no stable form.
        """
        values = list(self._values_of(stage))
        known, parts = self._last
        parts = parts.copy()
        for at in compress(count(), map(is_not, values, known)):
            value, (place, head, default) = values[at], self._fields[at]
            is_unset = default is not MISSING and value == default
            parts[place] = "" if is_unset else head + WRITERS[type(value)](value)
            if not _is_fixed(value):
                values[at] = _UNKNOWN
        self._last = values, parts
        return "{" + ",".join(filter(None, parts)) + "}"


@cache
def layout_of(made: Any, kind: str, version: int) -> Layout:
    """Return the layout of a class; its kind and version are named, for a test may change them."""
    return Layout(made, version)


def check_class(made: Any) -> None:
    """Raise TypeError where the records of a class of stages could not tell them apart."""
    name, own = made.__name__, vars(made)
    if not made.KIND:
        raise TypeError(f"{name}.KIND is {made.KIND!r}; name the kind of stage, say 'classify'")
    if "__dataclass_fields__" not in own:
        raise TypeError(f"{name} is not decorated: its fields would enter no key; add @dataclass(frozen=True)")
    if taken := {"kind", "version", SOURCE} & own["__dataclass_fields__"].keys():
        raise TypeError(f"{name}.{min(taken)} would hide what the record says of every stage; rename the field")


@cache
def deciding_fields(of: Any) -> tuple["dataclasses.Field[Any]", ...]:
    """Return the fields that enter a record."""
    return tuple(field for field in dataclasses.fields(of) if not field.metadata.get("beside"))


def source_of(cls: type[Any]) -> dict[str, Any]:
    """Return what a record says of the source of a class from outside the project; nothing of another."""
    source = getattr(sys.modules[cls.__module__.partition(".")[0]], SOURCE.upper(), None)
    return {} if source is None else {SOURCE: source}


def _is_fixed(value: Any) -> bool:
    """Tell whether a value stays what it is: plain, a frozen record, or a tuple of such."""
    kind: Any = type(value)
    return kind in PLAIN or is_record(kind) or (kind is tuple and all(map(_is_fixed, value)))
