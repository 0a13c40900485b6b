"""Folders of plug-ins: the file's name is the plug-in's name in YAML and in every table."""

import importlib
import pkgutil
from functools import cache, reduce
from operator import or_
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model


class Record(BaseModel):
    """A checked, frozen piece of a config: unknown keys and wrong types are errors.

    What `model_dump()` gives decides a result and enters the keys of stages; a field that cannot
    change a result (a path) is declared with `Field(exclude=True)`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Plugin(Record):
    """A record that is chosen by its file's name, which it repeats as `kind: Literal["<file>"]`."""

    kind: str


@cache
def plugins(package: str) -> dict[str, type[Plugin]]:
    """Return the plug-ins of a package, by name.

    Parameters
    ----------
    package : str
        Dotted name of a folder, say ``"motor.judges"``. Each module in it that defines `PLUGIN`
        is a plug-in, and one (a package of a family) that defines `PLUGINS` holds several; the others are helpers.

    Raises
    ------
    ImportError
        If the `kind` of a plug-in alone is not its file's name, or two plug-ins have one kind.
    """
    found: dict[str, type[Plugin]] = {}
    for module_info in pkgutil.iter_modules(importlib.import_module(package).__path__):
        module = importlib.import_module(f"{package}.{module_info.name}")
        alone = getattr(module, "PLUGIN", None)
        if alone is not None and kind_of(alone) != module_info.name:
            raise ImportError(f"{package}.{module_info.name}: `kind` must default to {module_info.name!r}")
        for plugin in getattr(module, "PLUGINS", () if alone is None else (alone,)):
            if kind_of(plugin) in found:
                raise ImportError(f"{package}.{module_info.name}: there is another plug-in {kind_of(plugin)!r}")
            found[kind_of(plugin)] = plugin
    return dict(sorted(found.items()))


def kind_of(plugin: type[Plugin]) -> str:
    """Return the name of a plug-in."""
    return str(plugin.model_fields["kind"].default)


def choice(package: str) -> Any:
    """Return the type of a config field that picks one plug-in of `package` by its `kind`."""
    kinds = list(plugins(package).values())
    if len(kinds) == 1:
        return kinds[0]
    return Annotated[reduce(or_, kinds), Field(discriminator="kind")]


@cache
def table(package: str, optional: bool = False) -> type[Record]:
    """Return a record with one field a plug-in of `package`, each by default as it comes.

    Parameters
    ----------
    package : str
        Dotted name of the folder.
    optional : bool
        The default of each field is then None: what the config does not name is off.
    """
    fields: dict[str, Any] = {
        name: (plugin | None, None) if optional else (plugin, plugin.model_validate({}))
        for name, plugin in plugins(package).items()
    }
    return create_model(package.rpartition(".")[2].capitalize(), __base__=Record, **fields)
