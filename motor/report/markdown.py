"""Markdown for GitHub: tables, links, numbers. What is not a number is a dash, never NaN."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from urllib.parse import quote

DASH = "–"


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """Return a table; the first `left` columns are aligned left, the others right.

    Headers and cells are taken as Markdown; use `escape` for foreign text.
    """
    rule = [":---" if index < left else "---:" for index in range(len(headers))]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in [headers, rule, *rows])


def escape(text: object) -> str:
    """Return foreign text so that it stays inside its cell and is no markup."""
    flat = " ".join(str(text).split())
    for character in ("\\", "|", "`", "*", "[", "]"):
        flat = flat.replace(character, "\\" + character)
    return flat.replace("<", "&lt;").replace(">", "&gt;")


def link(text: str, path: str) -> str:
    """Return a link to a path relative to the report."""
    return f"[{escape(text)}]({quote(path)})"


def number(value: float | None, digits: int = 2) -> str:
    """Return a number, or a dash for what is undefined."""
    if value is None or not math.isfinite(value):
        return DASH
    return f"{value:.{digits}f}"


def signed(value: float | None) -> str:
    """Return a difference with its sign."""
    if value is None or not math.isfinite(value):
        return DASH
    return "0.00" if abs(value) < 1e-9 else f"{value:+.2f}"


def percent(share: float | None) -> str:
    """Return a share in percent."""
    return DASH if share is None or not math.isfinite(share) else f"{100 * share:.1f} %"


def with_interval(value: float | None, interval: Sequence[float] | None) -> str:
    """Return a value and its interval, "0.83 [0.74, 0.90]"."""
    if interval is None:
        return number(value)
    return f"{number(value)} [{number(interval[0])}, {number(interval[1])}]"


def signed_with_interval(value: float, interval: Sequence[float] | None) -> str:
    """Return a difference and its interval, "+0.03 [-0.01, +0.07]"."""
    if interval is None:
        return signed(value)
    return f"{signed(value)} [{signed(interval[0])}, {signed(interval[1])}]"


def folded(text: str, title: str) -> str:
    """Return text that a click unfolds."""
    return f"<details><summary>{title}</summary>\n\n{text}\n\n</details>"


def some(names: Sequence[str], most: int = 5) -> str:
    """Return the first names, and how many more there are."""
    rest = len(names) - most
    return "; ".join(names[:most]) + (f"; and {rest} more" if rest > 0 else "")
