"""The words of the report, one catalogue a language and page: YAML files, so that a language is added by adding files.

A text has `{placeholders}`. Where it changes with a number, the entry holds `one` and `other`, and the value `n`
chooses; a language without plurals has one text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "words"

Entry = str | dict[str, str]


class WordsError(ValueError):
    """A language, a catalogue, a text or a value that is not there."""


@dataclass(frozen=True)
class Words:
    """The texts of one page in one language.

    Attributes
    ----------
    language : str
        As in the catalogue's name: `en`, `zh`.
    path : Path
        The catalogue.
    entries : mapping
        Key -> text, or the texts for `one` and `other`.
    """

    language: str
    path: Path
    entries: Mapping[str, Entry]

    def say(self, key: str, **values: object) -> str:
        """Return a text with its placeholders filled in.

        Parameters
        ----------
        key : str
            The entry.
        **values
            What stands in its placeholders, as it is to be shown; `n` chooses between `one` and `other`.

        Raises
        ------
        WordsError
            If the catalogue has no such entry, or a placeholder got no value.
        """
        if key not in self.entries:
            raise WordsError(f"{self.path} has no text {key!r}; add it, in every language")
        entry = self.entries[key]
        text = entry if isinstance(entry, str) else entry["one" if values.get("n") == 1 else "other"]
        try:
            return text.format(**values)
        except KeyError as error:
            given = ", ".join(values) or "nothing"
            raise WordsError(f"{self.path}, {key!r}: no value for {error}; given: {given}") from error

    def has(self, key: str) -> bool:
        """Whether there is such a text."""
        return key in self.entries


def languages() -> list[str]:
    """Return the languages that have a catalogue of every page, English first."""
    pages = {path.name.split(".")[0] for path in FOLDER.glob("*.yaml")}
    known = {path.name.split(".")[1] for path in FOLDER.glob("*.yaml")}
    whole = [name for name in known if all(_path(name, page).exists() for page in pages)]
    return sorted(whole, key=lambda name: (name != "en", name))


@cache
def words(language: str, page: str) -> Words:
    """Return the catalogue of a page.

    Parameters
    ----------
    language : str
        One of `languages()`.
    page : str
        Which catalogue: `page` (headings, labels) or `prose` (sentences made from findings).

    Raises
    ------
    WordsError
        If there is no such catalogue, or it is no mapping of keys to texts.
    """
    import yaml

    path = _path(language, page)
    if not path.exists():
        there = ", ".join(sorted(found.name for found in FOLDER.glob(f"{page}.*.yaml"))) or "none"
        raise WordsError(f"no words for {page!r} in language {language!r}: {path} is missing; there are: {there}")
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    _check(path, entries)
    return Words(language, path, entries)


def _path(language: str, page: str) -> Path:
    return FOLDER / f"{page}.{language}.yaml"


def _check(path: Path, entries: object) -> None:
    if not isinstance(entries, dict):
        raise WordsError(f"{path} must map keys to texts, not be a {type(entries).__name__}")
    for key, entry in entries.items():
        is_text = isinstance(entry, str)
        if not isinstance(key, str) or not (is_text or (isinstance(entry, dict) and set(entry) == {"one", "other"})):
            raise WordsError(f"{path}, {key!r}: must be a text, or texts for `one` and `other`, not {entry!r}")
