"""HTML whose every text is escaped."""

from __future__ import annotations

import html
from functools import cache, lru_cache

from motor.report.text import one_line


class Html(str):
    """Markup that needs no escaping any more."""

    __slots__ = ()


def text(value: object) -> Html:
    """Return a foreign text, escaped."""
    return value if isinstance(value, Html) else _shown(str(value))


@lru_cache(maxsize=8192)  # the same words, names and figures stand in most cells
def _shown(plain: str) -> Html:
    return Html(_escaped(one_line(plain)))


def _escaped(plain: str) -> str:
    """Return a text as `html.escape` does; most have nothing to escape, and a page has hundreds of thousands."""
    return plain if plain.isalnum() else html.escape(plain)


@cache
def _attribute(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def joined(parts: list[Html]) -> Html:
    """Put pieces of markup together."""
    return Html("".join(parts))


def tag(name: str, /, *children: object, **attributes: object) -> Html:
    """Return an element; texts among its children are escaped.

    Attributes that are None or False are left out, True stands without a value; `_` in a name is `-`, but at its end.
    """
    shown = ""
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        written = _attribute(key)
        shown += f" {written}" if value is True else f' {written}="{_escaped(str(value))}"'
    content = "".join([child if type(child) is Html else text(child) for child in children])
    return Html(f"<{name}{shown}>{content}</{name}>")


def void(name: str, /, **attributes: object) -> Html:
    """Return an element that has no content."""
    return Html(tag(name, **attributes).removesuffix(f"</{name}>"))
