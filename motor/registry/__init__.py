"""Folders of plug-ins: the file's name is the plug-in's name in YAML and in every table.

To the plug-ins of a folder (a room) come those of installed packages, by the entry points `GROUP`, and those that a
config names under ``plugins:`` (see `load` and `using`); the class that theirs derives from says which room is meant.
"""

import importlib
import json
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, reduce
from importlib import metadata
from operator import or_
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SerializationInfo, create_model, model_serializer
from pydantic_core.core_schema import SerializerFunctionWrapHandler

from motor.registry.sources import SOURCE, PluginError, Source, found, found_in_module, opened, source_of

GROUP = "motor_grid.plugins"


class Record(BaseModel):
    """A checked, frozen piece of a config: unknown keys and wrong types are errors.

    What `model_dump()` gives decides a result and enters the keys of stages; a field that cannot
    change a result (a path) is declared with `Field(exclude=True)`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    BEFORE: ClassVar[Mapping[str, Any]] = {}
    """What a record stands for that was made before a field was there, where that is not the field's default."""

    @classmethod
    def recorded(cls, settings: Mapping[str, Any]) -> Self:
        """Return what a record tells, in which tuples are lists and fields may be missing (see `BEFORE`)."""
        return cls.model_validate_json(json.dumps(cls._as_before(settings)))

    @classmethod
    def _as_before(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        values = {**cls.BEFORE, **settings}
        for name, field in cls.model_fields.items():
            within, value = field.annotation, values.get(name)
            if isinstance(within, type) and issubclass(within, Record) and isinstance(value, Mapping):
                values[name] = within._as_before(value)
        return values


class Plugin(Record):
    """A record that is chosen by its file's name, which it repeats as `kind: Literal["<file>"]`."""

    ROOM: ClassVar[str] = ""
    """The package that its kind of plug-ins belongs to, say ``"motor.judges"``; the base class of a room says it."""

    PACKAGES: ClassVar[tuple[str, ...]] = ()
    """Distributions that it imports, beside those that the project itself needs: an export asks for them."""

    kind: str

    @classmethod
    def from_record(cls, settings: Mapping[str, Any]) -> Any:
        """Return the plug-in of this room that a record tells; see `from_record`."""
        return from_record(cls.ROOM, settings)

    @model_serializer(mode="wrap")
    def _with_source(self, serialized: SerializerFunctionWrapHandler, info: SerializationInfo) -> dict[str, Any]:
        """Add the source of a plug-in from outside, where a key is made: a changed source gives another result."""
        fields = serialized(self)
        source = source_of(type(self)) if (info.context or {}).get(SOURCE) else None
        return fields | ({SOURCE: source} if source else {})


Outside = tuple[type[Plugin], ...]  # plug-ins that are none of this project's
_in_use: ContextVar[Outside | None] = ContextVar("plugins in use", default=None)


def plugins(room: str) -> dict[str, type[Plugin]]:
    """Return the plug-ins of a room, by name: the project's own, then those from outside that are in use.

    Parameters
    ----------
    room : str
        Dotted name of a folder, say ``"motor.judges"``. Each module in it that defines `PLUGIN`
        is a plug-in, and one (a package of a family) that defines `PLUGINS` holds several; the others are helpers.

    Raises
    ------
    ImportError
        If the `kind` of a plug-in alone is not its file's name, or two plug-ins have one kind.
    PluginError
        If one of an installed package cannot be used.
    """
    return _of_room(room, in_use())


def kind_of(plugin: type[Plugin]) -> str:
    """Return the name of a plug-in."""
    default = plugin.model_fields["kind"].default
    return default if isinstance(default, str) else ""


def in_use() -> Outside:
    """Return the plug-ins from outside that `plugins` knows here."""
    chosen = _in_use.get()
    return installed() if chosen is None else chosen


@contextmanager
def using(outside: Outside) -> Iterator[None]:
    """Let `plugins` know some plug-ins from outside, in the place of those that it knew, in this thread alone."""
    token = _in_use.set(outside)
    try:
        yield
    finally:
        _in_use.reset(token)


def load(outside: Outside, entry: str, beside: Path) -> Outside:
    """Return plug-ins from outside, and those that an entry of ``plugins:`` adds to them.

    Parameters
    ----------
    outside : tuple
        What is there already, say `installed`.
    entry : str
        See `motor.registry.sources.found`.
    beside : Path
        What a relative path is relative to.

    Raises
    ------
    PluginError
        If one cannot be used: its file, why, and the next step.
    """
    loaded = list(outside)
    _add(loaded, found(entry, beside))
    return tuple(loaded)


@cache
def installed() -> Outside:
    """Return the plug-ins of installed packages: their entry points of the group `GROUP` name modules."""
    loaded: list[type[Plugin]] = []
    for point in metadata.entry_points(group=GROUP):
        _add(loaded, found_in_module(point.module))
    return tuple(loaded)


def choice(room: str) -> Any:
    """Return the type of a config field that picks one plug-in of a room by its `kind`."""
    kinds = list(plugins(room).values())
    if len(kinds) == 1:
        return kinds[0]
    return Annotated[reduce(or_, kinds), Field(discriminator="kind")]


def table(room: str, optional: bool = False) -> type[Record]:
    """Return a record with a field for each plug-in of a room, by default with its default settings.

    Parameters
    ----------
    room : str
        Dotted name of the folder.
    optional : bool
        The default of each field is then None: what the config does not name is off.
    """
    return _table(room, optional, in_use())


def from_record(room: str, settings: Mapping[str, Any]) -> Any:
    """Return the plug-in that a record tells, in which tuples are lists; one from outside by the source in the record.

    Raises
    ------
    ValueError
        If there is no such plug-in, or its settings are others by now.
    """
    fields = {name: value for name, value in settings.items() if name != SOURCE}
    return class_from_record(room, settings).recorded(fields)


def class_from_record(room: str, settings: Mapping[str, Any]) -> type[Plugin]:
    """Return the class of the plug-in that a record tells; see `from_record`."""
    kinds = plugins(room)
    if SOURCE in settings:
        kinds = {kind_of(cls): cls for cls in _defined(opened(settings[SOURCE])) if room == cls.ROOM}
    if settings["kind"] not in kinds:
        raise ValueError(f"{room} has no plug-in {settings['kind']!r}; there are: {', '.join(kinds)}; add its file")
    return kinds[settings["kind"]]


@cache
def _of_room(room: str, outside: Outside) -> dict[str, type[Plugin]]:
    return {**_shipped(room), **{kind_of(cls): cls for cls in outside if room == cls.ROOM}}


@cache
def _shipped(room: str) -> dict[str, type[Plugin]]:
    shipped: dict[str, type[Plugin]] = {}
    for module_info in pkgutil.iter_modules(importlib.import_module(room).__path__):
        module = importlib.import_module(f"{room}.{module_info.name}")
        alone = getattr(module, "PLUGIN", None)
        if alone is not None and kind_of(alone) != module_info.name:
            raise ImportError(f"{room}.{module_info.name}: `kind` must default to {module_info.name!r}")
        for plugin in _defined(module):
            if kind_of(plugin) in shipped:
                raise ImportError(f"{room}.{module_info.name}: there is another plug-in {kind_of(plugin)!r}")
            shipped[kind_of(plugin)] = plugin
    return dict(sorted(shipped.items()))


@cache
def _table(room: str, optional: bool, outside: Outside) -> type[Record]:
    fields: dict[str, Any] = {
        name: (plugin | None, None) if optional else (plugin, plugin.model_validate({}))
        for name, plugin in _of_room(room, outside).items()
    }
    return create_model(room.rpartition(".")[2].capitalize(), __base__=Record, **fields)


def _add(loaded: list[type[Plugin]], modules: Sequence[tuple[str, Source]]) -> None:
    """Add the plug-ins of some modules to those that are there."""
    for place, source in modules:
        module = opened(source, place)
        defined = _defined(module)
        if not defined:
            advice = "end it with PLUGIN = YourClass, or let its name begin with _ if it only helps others"
            raise PluginError(f"{place} defines no PLUGIN; {advice}")
        for cls in defined:
            if not (isinstance(cls, type) and issubclass(cls, Plugin) and cls.ROOM):
                raise PluginError(
                    f"{place}: {cls!r} is no plug-in; derive it from a base class that docs/plugins.md names"
                )
            _check_name(cls, place, loaded, is_single=hasattr(module, "PLUGIN"))
            loaded.append(cls)


def _check_name(cls: type[Plugin], place: str, loaded: Sequence[type[Plugin]], is_single: bool) -> None:
    """Raise PluginError if a plug-in has no name, or one that is taken, or (alone in its file) not the file's."""
    kind, stem = kind_of(cls), Path(place).stem
    if cls.model_fields["kind"].annotation != Literal[kind]:
        name = kind or stem
        raise PluginError(f'{place}: {cls.__name__} has no name; give it kind: Literal["{name}"] = "{name}"')
    if kind != stem and is_single:
        raise PluginError(f"{place}: {cls.__name__}.kind is {kind!r}; give the file that name, or kind the file's")
    if any(other.ROOM == cls.ROOM and kind_of(other) == kind for other in loaded) or kind in _shipped(cls.ROOM):
        raise PluginError(f"{place}: {cls.ROOM} has a plug-in {kind!r} already; choose another name for file and kind")


def _defined(module: Any) -> tuple[type[Plugin], ...]:
    """Return the plug-ins that a module defines."""
    single = getattr(module, "PLUGIN", None)
    return tuple(getattr(module, "PLUGINS", ())) + (() if single is None else (single,))
