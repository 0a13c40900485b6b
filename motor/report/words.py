"""The words of the report: catalogues of texts, so that a language is added by adding files.

`words/LANGUAGE.yaml` holds what all parts share; beside the plug-ins, `words/NAME.LANGUAGE.yaml` what one of them says.
A text has `{placeholders}`. Where it changes with a number, the entry holds `one` and `other`, and the value `n`
chooses; a language without plurals has one text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from motor.lazy import yaml

FOLDER = Path(__file__).parent / "words"
ROOMS = ("sections", "plots", "compared", "looping")  # each with its own folder of words
DEFAULT = "en"

Entry = str | dict[str, str]


class WordsError(ValueError):
    """A language, a catalogue, a text or a value that is not there."""


@dataclass(frozen=True)
class Words:
    """The texts that one part of the report uses, in one language.

    Attributes
    ----------
    language : str
        As in the catalogues' names: `en`, `zh`.
    source : str
        Where texts are to be added.
    entries : mapping
        Key -> text, or the texts for `one` and `other`.
    """

    language: str
    source: str
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
            If no catalogue has such an entry, or a placeholder got no value.
        """
        if key not in self.entries:
            raise WordsError(f"{self.source} has no text {key!r}; add it, in every language")
        entry = self.entries[key]
        text = entry if isinstance(entry, str) else entry["one" if values.get("n") == 1 else "other"]
        try:
            return text.format(**values)
        except KeyError as error:
            given = ", ".join(values) or "nothing"
            raise WordsError(f"{self.source}, {key!r}: no value for {error}; given: {given}") from error

    def has(self, key: str) -> bool:
        """Whether there is such a text."""
        return key in self.entries

    def beside(self, source: str, entries: Mapping[str, Entry]) -> Words:
        """Return these texts and those of a plug-in, which come first."""
        return Words(self.language, source, {**self.entries, **entries})


def languages() -> list[str]:
    """Return the languages in which every part of the report has words, English first."""
    whole = [path.stem for path in FOLDER.glob("*.yaml") if _is_whole(path.stem)]
    return sorted(whole, key=lambda name: (name != DEFAULT, name))


@cache
def words(language: str) -> Words:
    """Return the texts that all parts share.

    Raises
    ------
    WordsError
        If there is no such language, or its catalogue is no mapping of keys to texts.
    """
    path = FOLDER / f"{language}.yaml"
    if not path.exists():
        there = ", ".join(sorted(found.name for found in FOLDER.glob("*.yaml"))) or "none"
        raise WordsError(f"no words in language {language!r}: {path} is missing; there are: {there}")
    return Words(language, str(path), catalogue(path))


@cache
def catalogue(path: Path) -> dict[str, Entry]:
    """Read a catalogue; {} where there is none.

    Raises
    ------
    WordsError
        If it is no mapping of keys to texts.
    """
    if not path.exists():
        return {}
    entries = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    check(str(path), entries)
    return dict(entries)


def check(source: str, entries: object) -> None:
    """Raise where these are no texts by key.

    Raises
    ------
    WordsError
        With the source and the key at fault.
    """
    if not isinstance(entries, dict):
        raise WordsError(f"{source} must map keys to texts, not be a {type(entries).__name__}")
    for key, entry in entries.items():
        is_text = isinstance(entry, str)
        if not isinstance(key, str) or not (is_text or (isinstance(entry, dict) and set(entry) == {"one", "other"})):
            raise WordsError(f"{source}, {key!r}: must be a text, or texts for `one` and `other`, not {entry!r}")


def _is_whole(language: str) -> bool:
    """Whether a language has every catalogue that English has."""
    english = [path for room in ROOMS for path in (FOLDER.parent / room / "words").glob(f"*.{DEFAULT}.yaml")]
    return all(path.with_name(f"{path.name.split('.')[0]}.{language}.yaml").exists() for path in english)
