"""Embed data and programs in one HTML file: JSON that cannot end its element, packed parts, the policy."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any

from motor.lazy import plotly

# What ends a script element, or begins a comment in one, and the line ends that JavaScript has and JSON has not.
_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def inline_json(data: Any) -> str:
    """Return JSON that is safe inside a script element, whatever its texts are.

    Raises
    ------
    ValueError
        If a number is NaN or infinite: JSON has neither.
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character, written in _UNSAFE.items():
        text = text.replace(character, written)
    return text


LEVEL = 6  # 9 takes twice the time for one part in a hundred


@lru_cache(maxsize=1)  # plotly.js is packed once, however many pages are written
def packed_program(text: str) -> str:
    """Return a program as `packed` does."""
    return packed(text)


def packed(text: str) -> str:
    """Return text as base64 of gzip: the same text gives the same letters, none of which HTML knows."""
    return base64.b64encode(gzip.compress(text.encode(), LEVEL, mtime=0)).decode()


def content_security_policy(scripts: Iterable[str], connects: bool = False) -> str:
    """Return a policy under which just these scripts run, and nothing is fetched, sent or framed.

    With `connects` they may ask the page's own server.
    """
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    # Plotly writes its style rules into the page, and saves a figure through a blob.
    rules = [
        "default-src 'none'",
        f"script-src {hashes}",
        "style-src 'unsafe-inline'",
        "img-src data: blob:",
        "base-uri 'none'",
        "form-action 'none'",
        *(["connect-src 'self'"] if connects else []),
    ]
    return "; ".join(rules)


@cache
def plotly_source() -> str:
    """Return plotly.js as the installed package has it, with its licence."""
    return str(plotly.offline.get_plotlyjs())


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
