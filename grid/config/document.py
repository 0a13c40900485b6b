"""Nested data of a config that knows where each value stands, and the faults that are found in it."""

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

Keys = tuple[str | int, ...]  # the way to a node: names in mappings, numbers in lists
Incompatibility = tuple[tuple[Keys, ...], str]  # where settings that do not go together may stand, and why not

LONGEST_MESSAGE = 2000  # characters; the longest list of what is allowed has a quarter of it
MOST_SHOWN = 100  # faults


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a config: its place (``configs/mine.yaml:12:3, axes.classifier[1]``) and why."""

    place: str
    message: str

    def __post_init__(self) -> None:
        """Cut the middle out of a message that quotes a long value."""
        object.__setattr__(self, "message", shortened(self.message, LONGEST_MESSAGE))


class ConfigError(ValueError):
    """Every fault of a config at once, sorted by place; it pickles."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(set(faults), key=_reading_order))
        super().__init__(self.faults)

    def __str__(self) -> str:
        lines = [f"{fault.place}: {fault.message}" for fault in self.faults[:MOST_SHOWN]]
        if len(lines) == 1:
            return lines[0]
        more = len(self.faults) - len(lines)
        rest = [f"and {more} more; correct these first"] if more else []
        return "\n  ".join([f"{len(self.faults)} faults in the config:", *lines, *rest])


@dataclass(frozen=True)
class Node:
    """A value of a config, where it stands, and what was already wrong with it when it was read."""

    value: Any  # a scalar, a dict of nodes, or a tuple of nodes
    place: str
    from_command_line: bool = False
    faults: tuple[Fault, ...] = ()

    @property
    def data(self) -> Any:
        """The plain value: dict, tuple or scalar."""
        if isinstance(self.value, dict):
            return {key: child.data for key, child in self.value.items()}
        return tuple(child.data for child in self.value) if isinstance(self.value, tuple) else self.value

    def child(self, key: str | int) -> "Node | None":
        """Return the node under a name of a mapping or a number of a list, if there is one."""
        if isinstance(self.value, dict):
            return self.value.get(key)
        inside = isinstance(self.value, tuple) and isinstance(key, int) and 0 <= key < len(self.value)
        return self.value[key] if inside else None

    def all_faults(self) -> Iterator[Fault]:
        """Yield the faults of this node and of all below it."""
        yield from self.faults
        if isinstance(self.value, dict | tuple):
            for child in self.value.values() if isinstance(self.value, dict) else self.value:
                yield from child.all_faults()


@dataclass(frozen=True)
class Document:
    """Nested data of a config with the place of every node; sections and overlays keep the places."""

    root: Node

    @property
    def data(self) -> Any:
        """The plain data: mappings are dicts with string keys, lists are tuples, the rest is scalars."""
        return self.root.data

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What was found wrong when the text was read (duplicate keys, unset variables, overrides)."""
        return tuple(self.root.all_faults())

    def place(self, keys: Keys) -> str:
        """Return the place of a node, or of its nearest ancestor that exists."""
        node = self.root
        for key in keys:
            child = node.child(key)
            if child is None:
                break
            node = child
        return node.place

    def section(self, keys: Keys) -> "Document":
        """Return the part of the document under `keys`, with its places in the whole.

        Raises
        ------
        ConfigError
            If there is no such section.
        """
        node = self._find(keys)
        if node is None:
            raise ConfigError([Fault(self.place(keys), f"missing section {keys_text(keys)!r}")])
        return Document(node)

    def without(self, names: Iterable[str]) -> "Document":
        """Return the document without some of its top-level sections (say, overlays already laid)."""
        if not isinstance(self.root.value, dict):
            return self
        dropped = set(names)
        kept = {name: child for name, child in self.root.value.items() if name not in dropped}
        return Document(replace(self.root, value=kept))

    def overlaid(self, overlay: Keys, under: tuple[str, ...] = ()) -> "Document":
        """Merge the mapping found at `overlay` over the document, or over its section `under`.

        Mappings merge and everything else replaces, except that a mapping whose `kind` changes is
        replaced, too: its other settings belong to the old kind. What the command line sets at a
        place stands against an overlay from the file. Without such an overlay nothing changes.

        Parameters
        ----------
        overlay : tuple
            Where the overlay stands in this document, say ``("by_method", "C")``.
        under : tuple of str
            The section that it applies to; the whole document by default.
        """
        node = self._find(overlay)
        if node is None or node.value is None:
            return self
        if not isinstance(node.value, dict):
            fault = Fault(node.place, f"{keys_text(overlay[-1:])} must be a mapping, got {shown(node.data)}")
            return Document(replace(self.root, faults=(*self.root.faults, fault)))
        for name in reversed(under):
            node = Node({name: node}, node.place)
        return self.overlaid_with(node)

    def overlaid_with(self, overlay: Node) -> "Document":
        """Merge a mapping over the document, as `overlaid` does."""
        return Document(_merged(self.root, overlay))

    def with_value(self, keys: Keys, value: Node) -> "Document":
        """Return the document with another node at `keys`; mappings missing on the way are made.

        Raises
        ------
        ConfigError
            If the way leads through a scalar, or to an item that a list does not have.
        """
        return Document(_with_value(self.root, keys, 0, value))

    def _find(self, keys: Keys) -> Node | None:
        node: Node | None = self.root
        for key in keys:
            node = node.child(key) if node else None
        return node


def keys_text(keys: Keys) -> str:
    """Write the way to a node as the command line takes it: ``axes.classifier[1]``."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{_name_text(key)}" for key in keys).removeprefix(".")


def shown(value: object) -> str:
    """Describe a value that came, in YAML's words and at most about 60 characters."""
    text = shortened(_flow(value))
    if isinstance(value, str):
        return f"the string {text}"
    if isinstance(value, dict):
        return f"the mapping {text}"
    return f"the list {text}" if isinstance(value, tuple) else text


def shortened(text: str, limit: int = 60) -> str:
    """Cut the middle out of a long text."""
    return text if len(text) <= limit else f"{text[: limit - 12]}...{text[-9:]}"


def suggestion(name: object, allowed: Iterable[object]) -> str:
    """Return ``; did you mean 'x'?`` for the closest of the allowed names, or nothing."""
    by_lower = {str(candidate).lower(): candidate for candidate in allowed}
    close = difflib.get_close_matches(str(name).lower(), by_lower, n=1)
    return f"; did you mean {by_lower[close[0]]!r}?" if close else ""


def _merged(base: Node, overlay: Node) -> Node:
    """Merge mappings, else replace; see `Document.overlaid`."""
    if not (isinstance(base.value, dict) and isinstance(overlay.value, dict)):
        return _stronger(base, overlay, base, overlay)
    old, new = base.value.get("kind"), overlay.value.get("kind")
    if old and new and old.value != new.value:
        return _stronger(old, new, base, overlay)
    entries = {
        key: _merged(base.value[key], child) if key in base.value else child for key, child in overlay.value.items()
    }
    return replace(base, value={**base.value, **entries}, faults=(*base.faults, *overlay.faults))


def _stronger(old: Node, new: Node, base: Node, overlay: Node) -> Node:
    """Return the overlay, unless only what it replaces was set on the command line."""
    return base if old.from_command_line and not new.from_command_line else overlay


def _with_value(node: Node, keys: Keys, depth: int, value: Node) -> Node:
    """Return `node` with `value` at ``keys[depth:]``."""
    if depth == len(keys):
        return value
    key, held = keys[depth], node.value
    child = node.child(key)
    if isinstance(key, str) and (held is None or isinstance(held, dict)):
        new = _with_value(child or Node(None, value.place), keys, depth + 1, value)
        return replace(node, value={**(held or {}), key: new})
    if isinstance(key, int) and isinstance(held, tuple) and child:
        new = _with_value(child, keys, depth + 1, value)
        return replace(node, value=(*held[:key], new, *held[key + 1 :]))
    way, step = keys_text(keys[:depth]), keys_text((key,))
    if isinstance(held, tuple):
        message = f"{way} is a list of {len(held)} ([0] is its first item), which holds no {step}"
    else:
        message = f"{way} is {shown(node.data)}, which holds no {step}"
    raise ConfigError([Fault(value.place, message)])


def _flow(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_name_text(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if value is None:
        return "null"
    return repr(value).lower() if isinstance(value, bool) else repr(value)


def _name_text(name: object) -> str:
    return name if isinstance(name, str) and re.fullmatch(r"[\w -]+", name) else repr(name)


def _reading_order(fault: Fault) -> tuple[list[str | int], str]:
    """Sort line 9 before line 10."""
    parts = re.split(r"([0-9]+)", fault.place)
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], fault.message
