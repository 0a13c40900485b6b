"""Numbers as text, the same in every form and language. What is not a number is a dash, never NaN."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any
from unicodedata import bidirectional

DASH = "–"
TOO_GOOD = " †"  # beside figures that need an explanation


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


def with_interval(value: float | None, interval: Sequence[float] | None, is_percent: bool = False) -> str:
    """Return a value and its interval, "0.83 [0.74, 0.90]"; the value alone where too few motors tell no interval."""
    written = percent if is_percent else number
    if interval is None or not any(map(math.isfinite, interval)):
        return written(value)
    return f"{written(value)} [{written(interval[0])}, {written(interval[1])}]"


def p_value(value: float | None) -> str:
    """Return a probability with three digits."""
    return "< 0.001" if value is not None and value < 0.001 else number(value, 3)


def significant(value: float) -> str:
    """Return a number with four digits."""
    return f"{value:.4g}"


def over_folds(value: Any) -> str:
    """Return a value, or the range of a list with one value a fold."""
    values = [item for item in (value if isinstance(value, list | tuple) else [value]) if item is not None]
    if not values:
        return DASH
    if all(isinstance(item, int | float) for item in values):
        low, high = significant(min(values)), significant(max(values))
        return low if low == high else f"{low} – {high}"
    return " ".join(map(str, dict.fromkeys(values)))


def duration(say: Callable[..., str], seconds: float | None) -> str:
    """Return a duration with two digits: 8.2 s, 45 s, 12 min, 3.5 h; a dash where none was measured."""
    if not seconds or not math.isfinite(seconds):
        return DASH
    for limit, unit, size in ((120.0, "s", 1.0), (7200.0, "min", 60.0)):
        if seconds < limit:
            return say(f"time.{unit}", value=f"{seconds / size:.{'2g' if seconds / size < 100 else '0f'}}")
    return say("time.h", value=f"{seconds / 3600:.1f}")


def fact_text(value: Any) -> str:
    """Return a fact on one line."""
    if isinstance(value, dict):
        return ", ".join(f"{name}: {fact_text(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(fact_text, value))
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def isolated(text: object) -> str:
    """Return foreign text so that letters written from right to left reorder nothing beside it.

    What is isolated already stays as it is; isolates that the text left open, or closes too often, go.
    """
    text = str(text)
    if text.isascii() or not any(bidirectional(letter) in _RIGHT_TO_LEFT for letter in text):
        return text
    depth, is_bare = 0, False
    for letter in text:
        is_bare |= depth == 0 and letter not in _ISOLATES and bidirectional(letter) in _RIGHT_TO_LEFT
        depth += (letter in _ISOLATES[:3]) - (letter == _ISOLATES[3])
        if depth < 0:
            break
    if depth:
        text, is_bare = "".join(letter for letter in text if letter not in _ISOLATES), True
    # The end of an isolate also ends an embedding that the text left open (UAX #9, X6a).
    return f"\u2068{text}\u2069" if is_bare else text


def one_line(text: object) -> str:
    """Return foreign text on one line, isolated."""
    return isolated(" ".join(str(text).split()))


# Unicode's bidirectional classes of letters and of marks that turn the direction (UAX #9).
_RIGHT_TO_LEFT = {"R", "AL", "AN", "RLE", "RLO", "LRE", "LRO", "PDF", "RLI", "LRI", "FSI", "PDI"}
_ISOLATES = "\u2066\u2067\u2068\u2069"
