"""What sections and figures have in common: they are plug-ins with words of their own."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from motor.registry import Plugin
from motor.report.words import DEFAULT, Entry, Words, catalogue, check, words


class Speaking(Plugin):
    """A plug-in that says something: its words stand in `words/NAME.LANGUAGE.yaml` beside its file, or in `WORDS`.

    Attributes
    ----------
    PLACE : float
        Where it stands among the others, from the least.
    WORDS : mapping
        Language -> key -> text, for a plug-in that is one file, in place of catalogues. A language that is not there
        gets the English text.
    """

    PLACE: ClassVar[float] = 100.0
    WORDS: ClassVar[Mapping[str, Mapping[str, Entry]]] = {}

    def words(self, language: str) -> Words:
        """Return its texts beside those that all share.

        Raises
        ------
        WordsError
            If the language has no catalogue, or a catalogue is no mapping of keys to texts.
        """
        own = {key: text for name in (DEFAULT, language) for key, text in self.WORDS.get(name, {}).items()}
        if own:
            check(f"WORDS of {type(self).__name__}", own)
            return words(language).beside(f"WORDS of {type(self).__name__}", own)
        beside = Path(inspect.getfile(type(self))).parent / "words" / f"{self.kind}.{language}.yaml"
        return words(language).beside(str(beside), catalogue(beside))
