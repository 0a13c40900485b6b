"""HTML whose every text is escaped."""

from __future__ import annotations

import html

from motor.report.text import one_line


class Html(str):
    """Markup that needs no escaping any more."""

    __slots__ = ()


def text(value: object) -> Html:
    """Return a foreign text, escaped."""
    return value if isinstance(value, Html) else Html(html.escape(one_line(value)))


def joined(parts: list[Html]) -> Html:
    """Put pieces of markup together."""
    return Html("".join(parts))


def tag(name: str, /, *children: object, **attributes: object) -> Html:
    """Return an element; texts among its children are escaped.

    Attributes that are None or False are left out, True stands without a value; `_` in a name is `-`, but at its end.
    """
    shown = []
    for key, value in attributes.items():
        written = key.rstrip("_").replace("_", "-")
        if value is True:
            shown.append(f" {written}")
        elif value is not None and value is not False:
            shown.append(f' {written}="{html.escape(str(value))}"')
    return Html(f"<{name}{''.join(shown)}>{''.join(map(text, children))}</{name}>")


def void(name: str, /, **attributes: object) -> Html:
    """Return an element that has no content."""
    return Html(tag(name, **attributes).removesuffix(f"</{name}>"))
