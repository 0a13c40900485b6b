"""Public data sets as YAML files: what ``dataset: {use: NAME, path: ...}`` stands for."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grid.config.check import ConfigError, Document, Fault, read_document
from grid.config.document import Node, shown, suggestion

FOLDER = Path(__file__).parents[2] / "configs" / "data"
USE = "use"
TAKEN = ("dataset", "split", "normal")  # sections of a config that a set gives; the rest describes it


@dataclass(frozen=True)
class PublicSet:
    """What is known of a public data set.

    Attributes
    ----------
    name : str
        As ``use`` takes it: the file's.
    about : mapping
        title, where, licence, citation, motor (what one is), split_advice, confounders and layout, in words.
    document : Document
        The sections of a config that it gives.
    """

    name: str
    about: Mapping[str, Any]
    document: Document


def names() -> list[str]:
    """Return the names of the public sets, sorted."""
    return sorted(file.stem for file in FOLDER.glob("*.yaml"))


def public_set(name: str) -> PublicSet:
    """Read a public set.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    if name not in names():
        known = names()
        raise ConfigError([Fault(USE, f"unknown public set {name!r}{suggestion(name, known)}; there are: {_listed()}")])
    document = read_document(FOLDER / f"{name}.yaml", (), {})
    data = document.data
    about = {key: value for key, value in data.items() if key not in TAKEN}
    return PublicSet(name, about, document.without(about))


def used(document: Document) -> str | None:
    """Return the name of the public set that a config uses, if it uses one."""
    dataset = document.root.child("dataset")
    use = dataset.child(USE) if dataset is not None else None
    return use.value if use is not None and isinstance(use.value, str) else None


def with_public_set(document: Document) -> Document:
    """Return a config with what the public set that it uses gives; what the config says itself counts.

    A section or a setting of `dataset` that the config has replaces the set's; channels and units of
    domains that it leaves out are left out, too.

    Raises
    ------
    ConfigError
        If there is no such set.
    """
    dataset = document.root.child("dataset")
    use = dataset.child(USE) if dataset is not None else None
    if dataset is None or use is None:
        return document
    if not isinstance(use.value, str) or use.value not in names():
        message = f"unknown public set {shown(use.data)}{suggestion(use.data, names())}; there are: {_listed()}"
        raise ConfigError([*document.faults, Fault(use.place, message)])
    given = public_set(use.value).document.root.value
    sections = {**given, **document.root.value, "dataset": _dataset(given["dataset"], dataset)}
    return Document(replace(document.root, value=sections))


def _dataset(given: Node, own: Node) -> Node:
    """Return a set's settings under the config's own."""
    settings = {**given.value, **{key: child for key, child in own.value.items() if key != USE}}
    for name in ("channels", "units"):
        if "domains" in own.value and name not in own.value and name in settings:
            kept = own.value["domains"].data
            by_domain = {domain: of for domain, of in settings[name].value.items() if domain in kept}
            settings[name] = replace(settings[name], value=by_domain)
    return replace(own, value=settings)


def _listed() -> str:
    return ", ".join(names())
