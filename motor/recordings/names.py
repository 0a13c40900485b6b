"""Names of motors, domains, classes and the like: one rule for what they may be, and for when two of them are one.

Tables and folders are written by people and programs, so one machine stands in them as ``M1``, ``M1 ``, ``1`` or
``1.0``. A name is looked up in one form (`cleaned`). Where two names still differ in nothing that a person would call
a difference (`alike`), it takes a person to say whether they are one machine: as two, one trains and one is tested.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

LONGEST = 80  # bytes of UTF-8: with a key beside it, and joined with others, it still is a file's name
SHOWN = 80  # characters of a value in a message
# What spreadsheets and programs write where they have nothing.
NOTHING = frozenset({"", "nan", "na", "n/a", "#n/a", "<na>", "nat", "none", "null", "nil"})
FAILED = frozenset({"#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"})
WHOLE = re.compile(r"\d+[.,]0{1,2}")  # a whole number as one with decimals; 1,000 has none
# They turn the writing direction of what follows, so that a name reads as another.
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")
BREAKS = frozenset("\u2028\u2029")
# Letters of other alphabets that are drawn as Latin ones, and marks that are drawn as others.
LOOKALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТУХаеѕіјорсухһԁԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧοϳ−⁃‘’ʼ`´",
    "ABESIJKMHOPCTYXaesijopcyxhdqwABEZHIKMNOPTYXoj--" + "'" * 5,
)
# They take part in no word and show nothing, though Unicode counts some as letters.
UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u2800\u3164")


def cleaned(value: Any) -> str:
    """Return a name in the form in which it is looked up: NFC, without blanks around it, whole floats as integers."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = unicodedata.normalize("NFC", str(value)).strip()
    whole = re.fullmatch(r"([+-]?\d+)\.0+", text)
    return whole[1] if whole else text


def seen(name: str) -> str:
    """Return a name in the form in which it is looked up, without what shows nothing."""
    return cleaned(name if name.isascii() else "".join(letter for letter in name if not _is_unseen(letter)))


def is_nothing(value: Any) -> bool:
    """Tell whether a value is one that programs write where there is none: None, NaN, blanks, ``NA`` and the like."""
    if isinstance(value, str):
        return value.strip().casefold() in NOTHING
    return value is None or value != value


@lru_cache(maxsize=4096)  # of the few motors of many recordings
def alike(name: str) -> str:
    """Return what is left of a name without case, width, blanks, what shows nothing, and leading zeros.

    Letters that look like Latin ones, dashes and apostrophes are as one; an apostrophe in front is a spreadsheet's.
    """
    text = unicodedata.normalize("NFKC", name.translate(LOOKALIKES)).translate(LOOKALIKES)
    text = unicodedata.normalize("NFKC", text.casefold()).replace("i\u0307", "i")
    text = "".join(_plain(letter) for letter in text if not _is_unseen(letter))
    text = re.sub(r"(?<=\d)\s+(?=\d)", "_", text.strip().lstrip("'"))  # "1 1" is not 11
    text = re.split("[.,]", text)[0] if WHOLE.fullmatch(text) else text
    return re.sub(r"(?<![\d.,])0+(?=\d)", "", re.sub(r"\s+", "", text))


def _plain(letter: str) -> str:
    """Return a dash as that of ASCII, a digit of any alphabet as its number."""
    if unicodedata.category(letter) == "Pd":
        return "-"
    return letter if letter.isascii() else str(unicodedata.decimal(letter, letter))


def _is_unseen(letter: str) -> bool:
    is_selector = "\ufe00" <= letter <= "\ufe0f" or "\U000e0100" <= letter <= "\U000e01ef"
    return letter in UNSEEN or is_selector or unicodedata.category(letter) in ("Cf", "Cc")


def told_apart(one: str, other: str) -> str:
    """Return in words the letters, beyond ASCII, that one of two names has and the other has not."""
    letters = [letter for letter in dict.fromkeys(one + other) if (letter in one) != (letter in other)]
    unusual = [letter for letter in letters if not letter.isascii()][:3]
    named = ", ".join(f"{letter!a} is {unicodedata.name(letter, 'without a name')}" for letter in unusual)
    return f" ({named})" if named else ""


def natural(name: str) -> list[Any]:
    """Return what names sort by, so that 10 comes after 9."""
    return [int(part) if number % 2 else part for number, part in enumerate(re.split(r"(\d+)", name))]


@lru_cache(maxsize=4096)
def fault_of(name: str, longest: int | None = LONGEST) -> str | None:
    """Return why a text may be no name, None if it may."""
    for letter in name:
        if unicodedata.category(letter) in ("Cc", "Cs") or letter in TURNING or letter in BREAKS:
            return f"{shown(name)} holds {letter!a}, which is no character to be read; take it out"
    if name in FAILED:
        return f"{name!r} is what a spreadsheet writes where a formula failed; correct it there"
    n_bytes = len(name.encode())
    if longest is not None and n_bytes > longest:
        return f"{shown(name)} has {n_bytes} bytes, and a name becomes part of a folder's; allowed: {longest}"
    return None if name else "it is empty; give it a name"


def printable(text: str) -> str:
    """Return a text for a terminal, with what moves its cursor, shows nothing or turns its direction escaped."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else f"{letter!a}"[1:-1] for letter in text)


def shown(value: Any) -> str:
    """Return a value for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}... ({len(text)} characters)"


def distinct_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return cleaned names that can be of folders, each once.

    Raises
    ------
    ValueError
        If a name cannot be, comes twice, or is like another but for case, width, blanks or leading zeros.
    """
    names = tuple(map(cleaned, names))
    for number, name in enumerate(names):
        if fault := fault_of(name):
            raise ValueError(f"a name that cannot be: {fault}")
        if name in names[:number]:
            raise ValueError(f"{name!r} comes twice; give each name once")
        twin = next((other for other in names[:number] if alike(other) == alike(name)), None)
        if twin is not None:
            raise ValueError(
                f"{twin!r} and {name!r} differ only in case, width, blanks or leading zeros, so that their folders "
                "may be one; rename one of them (labels maps what stands in the data)"
            )
    return names
