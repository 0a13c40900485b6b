"""A stage: a frozen record of all that decides a result, and the key that this record gives (`grid.canonical`)."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from operator import attrgetter
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Literal, Protocol, Self, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from grid.canonical import SOURCE, Recorded, canonical, digest, dumped, kept_text
from grid.layout import check_class, deciding_fields, layout_of, once, source_of

__all__ = ["COST", "KEY_LENGTH", "Context", "InputError", "Resources", "Stage", "after", "beside", "canonical"]
__all__ += ["digest", "when_set"]

COST = "provenance.json"  # of a built stage: when, where and for how long it was built
KEY_LENGTH = 16  # hex digits: 64 bits, so that a million stages collide with probability 3e-8


class InputError(ValueError):
    """The input (data, weights) is at fault, not the work on it."""


@dataclass(frozen=True)
class Resources:
    """Resources that a stage asks of the cluster; they never enter a key.

    With several `workers`, each has the rest to itself, on any node. A limit of 0 is none.
    """

    cpus: float = 1
    gpus: float = 0
    memory_gb: float = 0
    workers: int = 1
    time_limit_s: float = 0
    memory_limit_gb: float = 0
    retries: int = 2  # tries more after what may pass: a lost node, a worker that died, memory that ran out

    def describe(self) -> str:
        """Return, say, ``"1 CPU, 1 GPU"``."""
        parts = [f"{self.cpus:g} CPU", f"{self.gpus:g} GPU" if self.gpus else ""]
        parts.append(f"{self.memory_gb:g} GB" if self.memory_gb else "")
        asked = ", ".join(part for part in parts if part)
        return asked if self.workers == 1 else f"{self.workers} x ({asked})"


class Context(Protocol):
    """What a stage is given beside its record while it builds."""

    resources: Resources
    title: str  # as people call the stage

    def folder(self, stage: "Stage") -> Path:
        """Return the folder of a built input."""

    def work(self) -> Path:
        """Return a folder that outlives a crash and is removed once the stage stands."""

    def report(self, **progress: float) -> None:
        """Say how far the stage is."""


def beside(**kwargs: Any) -> Any:
    """Declare a field of a stage that cannot change its result (a path, say): it enters no key."""
    return dataclasses.field(metadata={"beside": True}, compare=False, **kwargs)


def after(**kwargs: Any) -> Any:
    """Declare a field of a stage with stages that must stand before it is built, though they do not decide its result.

    Say, a check of the data: work that it forbids is not begun.
    """
    return dataclasses.field(metadata={"beside": True, "after": True}, compare=False, **kwargs)


def when_set(default: Any) -> Any:
    """Declare a field that enters the record only where it is not `default`: one that is added later moves no key."""
    return dataclasses.field(default=default, metadata={"when_set": True})


@dataclass(frozen=True)
class Stage(Recorded):
    """A step of the work. Stages in its fields, also in tuples, lists and dicts, are its inputs."""

    VERSION: ClassVar[int] = 1  # raised by hand when the same fields now give another result
    KIND: ClassVar[str] = ""
    ASKS: ClassVar[Resources | None] = Resources()  # where nobody says otherwise; None: a grid has none of its kind
    SHARES_WORK: ClassVar[bool] = False  # whether several workers can build it together
    IS_COMMON: ClassVar[bool] = False  # every cell needs it alike, so that no cell is charged with its cost
    READ: ClassVar[tuple[str, ...] | None] = (COST,)  # its files that a report reads; None: all of them
    HAS_CURVES: ClassVar[bool] = False  # whether it writes curves for TensorBoard, also while it is built
    AHEAD: ClassVar[tuple[str, ...]] = ()  # modules that building it imports, for a worker that waits to be asked

    @classmethod
    def kinds(cls) -> dict[str, list[type[Self]]]:
        """Return the classes of stages that were imported, by kind, the newest of each last."""
        found: dict[str, list[type[Self]]] = {}
        for made in _subclasses(cls):
            if vars(made).get("KIND"):  # what inherits its kind is not a kind of its own
                found.setdefault(made.KIND, []).append(made)
        return found

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Read a stage back from its canonical record, as ``record.json`` holds it; its key is that record's.

        Stages in it are read back, too, and so is what has a class method `from_record` of its own. What a record does
        not hold (a path, say) is as it defaults. The modules that define the stages have to be imported.

        Raises
        ------
        ValueError
            If no class of that kind and version is imported that has these fields.
        """
        made = _class_of(cls, record)
        hints = get_type_hints(made)
        given = {field.name: record[field.name] for field in dataclasses.fields(made) if _is_held(field, record)}
        stage = made(**{name: _read_back(hints[name], value) for name, value in given.items()})
        stage.__dict__["record"] = dict(record)  # so that a field that was added since, with a default, moves no key
        return stage

    def pace(self) -> str:
        """Return what it takes about as long as others of its kind for, by which the time left is estimated."""
        return self.KIND

    def asks(self, given: Resources) -> Resources:
        """Return what it asks for, where its kind is given so much; several workers are for who overrides this."""
        return given if given.workers == 1 else dataclasses.replace(given, workers=1)

    def workload(self, n_items: float) -> tuple[Any, ...]:
        """Return what its cost goes with, counted before it is built; nothing where that is little.

        Parameters
        ----------
        n_items : float
            How many items each source of the data is expected to have.
        """
        return ()

    def build(self, folder: Path, context: Context) -> None:
        """Write the result into `folder`, an empty draft that is renamed once this returns."""
        raise TypeError(f"{type(self).__name__} does not say how it is built")

    def shrink_batch(self, work: Path) -> str | None:
        """Leave a note in the stage's work folder, after it died for want of memory, by which it takes less at once.

        Returns
        -------
        str or None
            What the next try will do, in words; None where nothing can be done.
        """
        return None

    def label(self) -> str:
        """Return a readable name; it stands before the key in the folder's name."""
        return self.KIND

    def title(self, axes: Mapping[str, tuple[Any, ...]]) -> str:
        """Return its name for people, given the values that the cells that need it have on each axis."""
        return self.label()

    @once
    def inputs(self) -> tuple["Stage", ...]:
        """The distinct stages that this one is made from, in the order of its fields."""
        found: dict[str, Stage] = {}
        made: Any = type(self)
        _gather(_with_stages(made)(self), found)
        return tuple(found.values())

    @once
    def waits_for(self) -> tuple["Stage", ...]:
        """The distinct stages that must stand before this one is built: its inputs, and what is to come before."""
        inputs: tuple[Stage, ...] = self.inputs
        found = {stage.key: stage for stage in inputs}
        made: Any = type(self)
        _gather(_to_come_before(made)(self), found)
        return tuple(found.values()) if len(found) > len(inputs) else inputs

    @cached_property
    def record(self) -> dict[str, Any]:
        """The canonical record: kind, version, every field that decides, and the inputs' records.

        Raises
        ------
        TypeError
            If a field has no stable form, or would not enter the record.
        """
        check_class(type(self))
        fields = {name: canonical(value, f"{type(self).__name__}.{name}") for name, value in self._deciding()}
        return {"kind": self.KIND, "version": self.VERSION, **source_of(type(self)), **fields}

    @once
    def key(self) -> str:
        """The start of the SHA-256 of the record's canonical JSON."""
        text = kept_text(self) or self.record_text()  # whose record holds this one may have asked for it before
        return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]

    def record_text(self) -> str:
        """Return the record's canonical JSON, put together from that of the inputs: a plan has many stages of few."""
        if "record" in self.__dict__:  # it may have been read back
            return dumped(self.record)
        made: Any = type(self)
        try:
            return layout_of(made, made.KIND, made.VERSION).text(self)
        except TypeError:
            return dumped(self.record)  # it says of which field

    def walk(self) -> Iterator["Stage"]:
        """Yield this stage after all that it waits for, each once."""
        found: dict[str, Stage] = {}
        self.add_to(found)
        return iter(found.values())

    def add_to(self, stages: dict[str, "Stage"]) -> None:
        """Add this stage, by its key, after all that it waits for; what is there already stays where it is."""
        if self.key not in stages:
            for source in self.waits_for:
                source.add_to(stages)
            stages[self.key] = self

    def _deciding(self) -> Iterator[tuple[str, Any]]:
        made: Any = type(self)
        fields = deciding_fields(made)
        return ((field.name, getattr(self, field.name)) for field in fields if not _is_unset(self, field))


@cache
def _to_come_before(of: Any) -> Callable[[Any], tuple[Any, ...]]:
    """Return what gives the fields that hold what is to come before."""
    return _values_of(field.name for field in dataclasses.fields(of) if field.metadata.get("after"))


@cache
def _with_stages(of: Any) -> Callable[[Any], tuple[Any, ...]]:
    """Return what gives the deciding fields that may hold stages, by their types."""
    hints = get_type_hints(of, localns={of.__name__: of})
    return _values_of(field.name for field in deciding_fields(of) if _may_hold_stages(hints[field.name]))


def _values_of(names: Iterable[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Return what gives the values of some fields, and behind them two texts: of one name there would be no tuple."""
    return attrgetter(*names, "KIND", "KIND")


def _may_hold_stages(annotation: Any) -> bool:
    """Tell whether a value of a type may be a stage, or have one in it; of a type that is not known, it may."""
    if get_origin(annotation) is Literal:
        return False
    if inside := get_args(annotation):
        return any(_may_hold_stages(one) for one in inside)
    return annotation not in (str, int, float, bool, NoneType, Ellipsis) and not (
        isinstance(annotation, type) and issubclass(annotation, BaseModel)
    )


def _is_unset(stage: Stage, field: "dataclasses.Field[Any]") -> bool:
    """Tell whether a field is declared by `when_set` and is as it defaults."""
    return bool(field.metadata.get("when_set")) and getattr(stage, field.name) == field.default


def _subclasses(of: type[Stage]) -> Iterator[type[Any]]:
    """Yield a class of stages and all that are made from it, each after what it is made from."""
    yield of
    for made in of.__subclasses__():
        yield from _subclasses(made)


def _class_of(expected: type[Stage], record: Mapping[str, Any]) -> type[Any]:
    """Return the class that a record is of; of one that was imported twice, the newest with the record's source."""
    kinds = expected.kinds()
    if record.get("kind") not in kinds:
        there = ", ".join(sorted(kinds)) or "none"
        raise ValueError(
            f"a record is of a stage of kind {record.get('kind')!r}, but none such is imported; there are: {there}; "
            "name the plug-in that defines it"
        )
    for made in reversed(kinds[record["kind"]]):
        is_of_source = source_of(made).get(SOURCE) == record.get(SOURCE)
        if is_of_source and record["version"] == made.VERSION and not _unlike(made, record):
            return made
    nearest = kinds[record["kind"]][-1]
    why = f"its version is {record['version']}, not {nearest.VERSION}" if record["version"] != nearest.VERSION else ""
    raise ValueError(
        f"this version of the program cannot read a stage {record['kind']!r} back: "
        f"{why or _unlike(nearest, record)}; build it again"
    )


def _unlike(made: type[Any], record: Mapping[str, Any]) -> str:
    """Return in what a record's fields are not those of a class; "" where they are."""
    fields = {field.name: field for field in dataclasses.fields(made) if not field.metadata.get("beside")}
    unknown = record.keys() - fields.keys() - {"kind", "version", SOURCE}
    lacking = [name for name, field in fields.items() if name not in record and _is_required(field)]
    faults = [f"it has the unknown field {name!r}" for name in sorted(unknown)]
    return "; ".join([*faults, *(f"it lacks {name!r}" for name in lacking)])


def _is_required(field: "dataclasses.Field[Any]") -> bool:
    has_default = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
    return field.init and not has_default


def _is_held(field: "dataclasses.Field[Any]", record: Mapping[str, Any]) -> bool:
    return field.init and field.name in record and not field.metadata.get("beside")


def _read_back(annotation: Any, value: Any) -> Any:
    """Return a value of a canonical record as a field of this type holds it."""
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _read_back(inside[0], value)
    if origin in (Union, UnionType):
        members = [member for member in inside if member is not NoneType]
        return value if value is None or len(members) > 1 else _read_back(members[0], value)
    if origin is dict:
        return {key: _read_back(inside[1], item) for key, item in value.items()}
    if origin is list:
        return [_read_back(inside[0], item) for item in value]
    if origin is tuple:
        of_items = (inside[0] for _ in value) if Ellipsis in inside else inside
        return tuple(_read_back(one, item) for one, item in zip(of_items, value, strict=True))
    if hasattr(annotation, "from_record"):
        return annotation.from_record(value)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation.model_validate_json(json.dumps(value))  # in JSON a list may be a tuple
    return tuple(value) if annotation is tuple else value


def _gather(values: Iterable[Any], found: dict[str, Stage]) -> None:
    """Add the stages among some values, and in them, by key."""
    for value in values:
        holds = _HOLDS[type(value)]
        if holds == "itself":
            found[value.key] = value
        elif holds and value:
            _gather(value.values() if holds == "values" else value, found)


class _Holds(dict[type, Literal["", "itself", "items", "values"]]):
    """In what way values may hold stages, by their type."""

    def __missing__(self, kind: type) -> Literal["", "itself", "items", "values"]:
        if issubclass(kind, tuple | list):
            self[kind] = "items"
        elif issubclass(kind, Stage):
            self[kind] = "itself"
        else:
            self[kind] = "values" if issubclass(kind, dict) else ""
        return self[kind]


_HOLDS = _Holds()
