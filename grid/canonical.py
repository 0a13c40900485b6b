"""The one form of a record that JSON gives back unchanged, and its text, from which keys are made.

What enters a key is told apart as JSON tells it apart: 1, 1.0 and True are three values, a list and a tuple one.
A plan has many records of few parts, so the text of a part that records share is made once.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from types import NoneType
from typing import Any

from pydantic import BaseModel

# In a record: the source of a class from outside the project, which its topmost package then holds as PLUGIN_SOURCE.
SOURCE = "plugin_source"
MOST_TEXTS = 4096  # of settings and inputs, as JSON, that are kept: neighbouring cells share most of theirs
MANY = 4  # numbers of a tuple, so that its JSON is worth keeping
PLAIN = frozenset({str, int, float, bool, NoneType})
_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_TEXTS: dict[int, tuple[object, str]] = {}
string = json.encoder.encode_basestring  # of a text, as `_ENCODER` writes it


class Recorded:
    """Something with a canonical record of its own, which stands in others by it; equal ones have equal records."""

    record: Any

    def record_text(self) -> str:
        """Return the record's canonical JSON."""
        return dumped(self.record)


def digest(record: Any) -> str:
    """Return the SHA-256 of a canonical record."""
    return hashlib.sha256(dumped(record).encode()).hexdigest()


def dumped(value: Any) -> str:
    """Return the JSON of what is canonical."""
    return _ENCODER.encode(value)


def text_of(value: Any) -> str:
    """Return the JSON of the canonical form of a value, in which records may stand.

    Raises
    ------
    TypeError
        If a value has no stable form.
    """
    return WRITERS[type(value)](value)


def canonical(value: Any, place: str) -> Any:
    """Return `value` in the one form that JSON gives back unchanged.

    Raises
    ------
    TypeError
        If a value has no stable form; `place` names it.
    """
    if isinstance(value, Recorded):
        return value.record
    if isinstance(value, BaseModel):
        as_it_is = value.model_dump(serialize_as_any=True, context={SOURCE: True})  # not as its field was declared
        return canonical(as_it_is, place)
    if isinstance(value, dict):
        return _canonical_mapping(value, place)
    if isinstance(value, tuple | list):
        return [canonical(item, f"{place}[{index}]") for index, item in enumerate(value)]
    if value is None or type(value) in (bool, int, str):  # not their subclasses: an enum's value may move
        return value
    if type(value) is float and math.isfinite(value):
        return value
    raise TypeError(f"{place} is {value!r} ({type(value).__name__}), which has no stable form; use plain data")


def _canonical_mapping(mapping: dict[Any, Any], place: str) -> dict[str, Any]:
    wrong = [key for key in mapping if not isinstance(key, str)]
    if wrong:
        raise TypeError(f"{place} has the key {wrong[0]!r} ({type(wrong[0]).__name__}); keys must be strings")
    return {key: canonical(mapping[key], f"{place}.{key}") for key in sorted(mapping)}


def _text_of_items(items: Iterable[Any]) -> str:
    return "[" + ",".join([WRITERS[type(item)](item) for item in items]) + "]"


def _text_of_tuple(items: tuple[Any, ...]) -> str:
    """Return the JSON of a tuple; of records, or of many numbers, it is kept: many records hold the very same."""
    if not items:
        return "[]"
    known = _TEXTS.get(id(items))
    if known is not None:
        return known[1]
    kind: Any = type(items[0])
    is_shared = is_record(kind) or (len(items) > MANY and all(type(item) in PLAIN for item in items))
    return _kept_text(items) if is_shared else _text_of_items(items)


@cache
def is_record(kind: Any) -> bool:
    """Tell whether values of a type are records, which are frozen."""
    return issubclass(kind, Recorded | BaseModel)


def _text_of_mapping(mapping: Mapping[Any, Any]) -> str:
    heads = _heads(tuple(mapping))
    if heads is None:
        return _text_of_other(mapping)
    return "{" + ",".join([head + WRITERS[type(mapping[key])](mapping[key]) for key, head in heads]) + "}"


@lru_cache(MOST_TEXTS)
def _heads(keys: tuple[Any, ...]) -> tuple[tuple[str, str], ...] | None:
    """Return the keys of a mapping in order, each with its JSON; None where one is no text."""
    if any(type(key) is not str for key in keys):
        return None
    return tuple((key, f"{string(key)}:") for key in sorted(keys))


def _text_of_float(value: float) -> str:
    return float.__repr__(value) if math.isfinite(value) else _text_of_other(value)


def _text_of_other(value: Any) -> str:
    return dumped(canonical(value, "a field"))


def _kept_text(value: Any) -> str:
    """Return the JSON of a frozen record, or of a tuple of such; that of the very same object is kept for a while.

    It is long where a stage is made from many, so that it is not kept as long as the stage is.
    """
    known = _TEXTS.get(id(value))
    if known is None:
        text = value.record_text() if isinstance(value, Recorded) else _made_text(value)
        if len(_TEXTS) >= MOST_TEXTS:
            _TEXTS.clear()  # one after the other from its front would take as long as there were many
        known = _TEXTS[id(value)] = (value, text)  # the object, so that its id stays its
    return known[1]


def kept_text(value: Any) -> str | None:
    """Return the JSON of the very same object where it is kept."""
    known = _TEXTS.get(id(value))
    return None if known is None else known[1]


def _made_text(value: Any) -> str:
    return _text_of_items(value) if isinstance(value, tuple) else _text_of_other(value)


class _Writers(dict[type, Callable[[Any], str]]):
    """The functions that write values, by type."""

    def __missing__(self, kind: type) -> Callable[[Any], str]:
        self[kind] = _kept_text if is_record(kind) else _text_of_other
        return self[kind]


WRITERS = _Writers(
    {
        str: string,
        int: int.__repr__,
        float: _text_of_float,
        bool: lambda value: "true" if value else "false",
        NoneType: lambda _: "null",
        tuple: _text_of_tuple,
        list: _text_of_items,
        dict: _text_of_mapping,
    }
)
