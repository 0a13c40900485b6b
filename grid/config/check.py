"""YAML -> checked records: every fault at once, each with its place, what came, and what was probably meant."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from grid.config.document import ConfigError, Document, Fault, Keys, keys_text, shortened, shown, suggestion
from grid.config.reading import read_document

__all__ = ["ConfigError", "Document", "Fault", "check", "check_or_raise", "read_document"]

Model = TypeVar("Model", bound=BaseModel)

# What pydantic calls by Python's names; it says the rest well enough.
_EXPECTED = {
    "be an integer": ("int_type", "int_parsing", "int_from_float"),
    "be a number": ("float_type", "float_parsing"),
    "be a string": ("string_type", "string_unicode"),
    "be true or false": ("bool_type", "bool_parsing"),
    "be null": ("none_required",),
    "be a list": ("tuple_type", "list_type", "set_type", "frozen_set_type"),
    "be a mapping": ("dict_type", "mapping_type", "model_type", "model_attributes_type", "dataclass_type"),
}
_WORDS = {kind: words for words, kinds in _EXPECTED.items() for kind in kinds}
_CHOICES = ("literal_error", "enum")


def check(document: Document, schema: type[Model]) -> tuple[Model | None, list[Fault]]:
    """Check a document against a pydantic schema.

    Parameters
    ----------
    document : Document
        As read, overlaid, or a section of one.
    schema : type of BaseModel
        Strict, and with ``extra="forbid"``, as `motor.registry.Record` is.

    Returns
    -------
    record : BaseModel or None
        None if there are faults.
    faults : list of Fault
        All of them: those found in reading and those of the schema.
    """
    known = document.faults
    try:
        record, found = schema.model_validate(document.data), []
    except ValidationError as error:
        record, found = None, list(_translated(document, schema, error.errors(include_url=False)))
    # A value that could not be read has a stand-in, about which the schema may complain once more.
    places = {fault.place for fault in known}
    faults = [*known, *(fault for fault in found if fault.place not in places)]
    return (None, list(ConfigError(faults).faults)) if faults else (record, [])


def check_or_raise(document: Document, schema: type[Model]) -> Model:
    """Return the record of a document.

    Raises
    ------
    ConfigError
        With every fault, if there is any.
    """
    record, faults = check(document, schema)
    if record is None:
        raise ConfigError(faults)
    return record


@dataclass(frozen=True)
class _Spot:
    """A pydantic error, found again in the document and in the schema."""

    error: ErrorDetails
    keys: Keys  # in the document
    annotation: Any  # of the value there; of an unknown or missing key: Any
    owner: Any  # the type that holds the last of the keys
    fork: Keys | None  # where the outermost union stands whose members were all tried
    branch: str | int  # the member of that union


def _translated(document: Document, schema: type[BaseModel], errors: list[ErrorDetails]) -> Iterator[Fault]:
    forks: dict[Keys, list[_Spot]] = {}
    for error in errors:
        if error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"]:
            continue  # pydantic counts the good items; the bad ones have faults of their own
        spot = _spot(error, schema, errors)
        if spot.fork is None:
            yield _fault(document, spot)
        else:
            forks.setdefault(spot.fork, []).append(spot)
    for fork, spots in forks.items():
        yield from _fork_faults(document, fork, spots)


def _spot(error: ErrorDetails, schema: Any, errors: list[ErrorDetails]) -> _Spot:
    """Follow an error's `loc`, which names also the tags and the members of unions."""
    keys: Keys = ()
    annotation, owner, fork = schema, None, None
    branch: int | str = ""
    for depth, step in enumerate(error["loc"]):
        members, discriminator = _members(annotation)
        if len(members) > 1 and discriminator:
            annotation = next((member for member in members if step in _literals(member, discriminator)), Any)
        elif len(members) > 1:
            annotation = _member(members, error["loc"], depth, errors)
            if fork is None:
                fork, branch = keys, step
        elif step != "[key]":
            owner, annotation = members[0], _inside(members[0], step)
            keys = (*keys, step)
    return _Spot(error, keys, annotation, owner, fork, branch)


def _members(annotation: Any) -> tuple[list[Any], str | None]:
    """Return the types that a value may have, besides null, and the key that tells them apart."""
    discriminator = None
    while True:
        if get_origin(annotation) is Annotated:
            for mark in annotation.__metadata__:
                found = getattr(mark, "discriminator", None)
                discriminator = getattr(found, "discriminator", found) or discriminator
            annotation = annotation.__origin__
        members = _alternatives(annotation)
        if len(members) != 1 or members[0] is annotation:
            return members, discriminator
        annotation = members[0]


def _alternatives(annotation: Any) -> list[Any]:
    if get_origin(annotation) in (Union, UnionType):
        return [member for member in get_args(annotation) if member is not NoneType]
    return [annotation]


def _member(members: list[Any], loc: tuple[int | str, ...], depth: int, errors: list[ErrorDetails]) -> Any:
    """Return the member of a union that a label in `loc` stands for: pydantic reports them all, in their order."""
    others = (error["loc"] for error in errors)
    labels = list(dict.fromkeys(other[depth] for other in others if other[:depth] == loc[:depth] and other[depth:]))
    return members[labels.index(loc[depth])] if len(labels) == len(members) else Any


def _inside(annotation: Any, step: int | str) -> Any:
    """Return the type of what stands at a key or a number inside a type."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is None:
        field = _fields(annotation).get(str(step))
        return Annotated[field.annotation, field] if field else Any
    if origin is tuple and isinstance(step, int) and Ellipsis not in arguments:
        return arguments[step] if step < len(arguments) else Any
    return arguments[0] if isinstance(step, int) else arguments[-1]


def _fields(model: Any) -> dict[str, Any]:
    """Return the fields of a model by their names in the YAML."""
    fields = getattr(model, "model_fields", {})
    return {field.alias or name: field for name, field in fields.items()}


def _literals(annotation: Any, field: str | None = None) -> list[Any]:
    """Return the values that a type, or a field of a model, can choose from."""
    if field is not None:
        return _literals(_inside(annotation, field))
    return [value for member in _members(annotation)[0] for value in _choices(member)]


def _choices(annotation: Any) -> Sequence[Any]:
    if isinstance(annotation, type) and get_origin(annotation) is None and issubclass(annotation, Enum):
        return [member.value for member in annotation]
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _fault(document: Document, spot: _Spot) -> Fault:
    keys = spot.keys
    if spot.error["type"] == "union_tag_invalid":
        keys = (*keys, _members(spot.annotation)[1] or "kind")
    return Fault(document.place(keys), _message(spot))


def _message(spot: _Spot) -> str:
    kind, came = spot.error["type"], spot.error["input"]
    members, discriminator = _members(spot.annotation)
    tags = [tag for member in members for tag in _literals(member, discriminator)] if discriminator else []
    match kind:
        case "extra_forbidden":
            return _unknown_key(spot)
        case "missing":
            name = spot.keys[-1]
            return f"missing item [{name}]" if isinstance(name, int) else f"missing key {name!r}"
        case "union_tag_not_found":
            return f"missing key {discriminator!r}; there are: {_listed(tags)}"
        case "union_tag_invalid":
            return _unknown_choice(f"{_name(spot.keys)} {discriminator}".strip(), came.get(discriminator), tags)
        case "literal_error" | "enum":
            is_kind = spot.keys[-1:] == ("kind",)
            what = f"{_name(spot.keys[:-1])} kind".strip() if is_kind else "value"
            return _unknown_choice(what, came, _literals(spot.annotation))
        case "value_error" | "assertion_error":
            return str(spot.error["ctx"]["error"])
    wish = f"; write {{{discriminator}: {came}}}" if isinstance(came, str) and came in tags else ""
    return f"{_subject(spot.keys)} must {_wanted(spot)}, got {shown(came)}{wish}".strip()


def _unknown_key(spot: _Spot) -> str:
    allowed = list(_fields(spot.owner))
    meant = suggestion(spot.keys[-1], allowed) or ";"
    return f"unknown key {shortened(repr(spot.keys[-1]))}{meant} allowed: {_listed(allowed)}"


def _unknown_choice(what: str, came: object, allowed: Sequence[object]) -> str:
    value = shortened(repr(came)) if isinstance(came, str) else shown(came)
    return f"unknown {what} {value}; there are: {_listed(allowed)}{suggestion(came, allowed)}"


def _wanted(spot: _Spot) -> str:
    """Return the words after `must`."""
    kind = spot.error["type"]
    if kind in _CHOICES:
        return f"be {_listed([repr(value) for value in _literals(spot.annotation)])}"
    said = re.sub(r"^\w+ should (?=be|have|match)", "", spot.error["msg"])
    return _WORDS.get(kind) or said.split(" after validation")[0]


def _fork_faults(document: Document, fork: Keys, spots: list[_Spot]) -> Iterator[Fault]:
    """Report a union without a tag: the faults of the member that was probably meant, or all that would do."""
    branches: dict[str | int, list[_Spot]] = {}
    for spot in spots:
        branches.setdefault(spot.branch, []).append(spot)
    meant = [branch for branch in branches.values() if not any(_is_other_type(spot, fork) for spot in branch)]
    if meant:
        yield from (_fault(document, spot) for spot in min(meant, key=len))
        return
    came = spots[0].error["input"]
    wanted = " or ".join(dict.fromkeys(_wanted(spot).removeprefix("be ") for spot in spots))
    choices = [value for spot in spots for value in _literals(spot.annotation)] if isinstance(came, str) else []
    message = f"{_subject(fork)} must be {wanted}, got {shown(came)}{suggestion(came, choices)}".strip()
    yield Fault(document.place(fork), message)


def _is_other_type(spot: _Spot, fork: Keys) -> bool:
    """Tell whether the value is not at all what this member of the union takes."""
    return spot.keys == fork and spot.error["type"] in (*_WORDS, *_CHOICES)


def _subject(keys: Keys) -> str:
    """Return the name of a value: the last key, with its number in a list."""
    names = [i for i, key in enumerate(keys) if isinstance(key, str)]
    return keys_text(keys[names[-1] :]) if names else ""


def _name(keys: Keys) -> str:
    """Return the last name of a way, without numbers."""
    return next((key for key in reversed(keys) if isinstance(key, str)), "")


def _listed(values: Sequence[object]) -> str:
    return ", ".join(map(str, values)) or "none"
