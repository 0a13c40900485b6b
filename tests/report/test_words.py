"""Catalogues of words: every language says the same things, with the same figures in them."""

import re
import string
from collections import Counter
from pathlib import Path

import pytest

from motor.report import words as module
from motor.report.words import FOLDER, Words, WordsError, catalogue, languages, words

ROOT = FOLDER.parent
ENGLISH = [ROOT / "words" / "en.yaml", *sorted(ROOT.glob("*/words/*.en.yaml"))]
OTHERS = [name for name in languages() if name != "en"]
METRIC = {"metric", "Metric"}  # a language without capitals needs one of them


def beside(path: Path, language: str) -> Path:
    return path.with_name(path.name.replace("en.yaml", f"{language}.yaml"))


def placeholders(entry):
    texts = [entry] if isinstance(entry, str) else list(entry.values())
    return {name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name is not None} - METRIC


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of catalogues of its own."""
    monkeypatch.setattr(module, "FOLDER", tmp_path / "words")
    (tmp_path / "words").mkdir()
    words.cache_clear()
    yield tmp_path / "words"
    words.cache_clear()


def test_languages_have_every_catalogue_english_first():
    assert languages() == ["en", "zh"]
    assert len(ENGLISH) > 15


@pytest.mark.parametrize("path", ENGLISH, ids=lambda path: path.name)
@pytest.mark.parametrize("language", OTHERS)
def test_catalogue_has_the_keys_and_placeholders_of_the_english_one(language, path):
    english, other = catalogue(path), catalogue(beside(path, language))
    assert set(other) == set(english)
    different = {key for key in english if placeholders(english[key]) - {"n"} != placeholders(other[key]) - {"n"}}
    assert different == set()


@pytest.mark.parametrize("path", [beside(path, name) for path in ENGLISH for name in languages()], ids=lambda p: p.name)
def test_catalogue_gives_no_key_twice(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    keys = Counter(match[1] for line in lines if (match := re.match(r"([^\s#:][^:]*):", line)))
    assert [key for key, count in keys.items() if count > 1] == []


@pytest.mark.parametrize("path", ENGLISH, ids=lambda path: path.name)
def test_chinese_texts_are_chinese(path):
    sentences = [text for text in catalogue(beside(path, "zh")).values() if isinstance(text, str) and len(text) > 24]
    assert [text for text in sentences if not re.search(r"[\u4e00-\u9fff]", text)] == []


def test_say_fills_placeholders_and_chooses_the_number(folder):
    (folder / "en.yaml").write_text("motors: {one: '{n} motor', other: '{n} motors'}\n", encoding="utf-8")
    assert [words("en").say("motors", n=count) for count in (1, 18)] == ["1 motor", "18 motors"]


def test_say_unknown_key_names_catalogue_and_key():
    with pytest.raises(WordsError, match=r"en\.yaml has no text 'vedict'"):
        words("en").say("vedict")


def test_say_without_a_value_names_the_placeholder():
    with pytest.raises(WordsError, match="'motors': no value for 'n'; given: count"):
        words("en").say("motors", count=3)


def test_words_of_a_missing_language_name_the_file_and_those_there_are():
    with pytest.raises(WordsError, match=r"eo\.yaml is missing; there are: en\.yaml, zh\.yaml"):
        words("eo")


def test_words_of_a_plugin_come_before_the_shared_ones():
    shared = Words("en", "shared", {"title": "Report", "faulty": "faulty"})
    own = shared.beside("own", {"title": "Mine"})
    assert [own.say("title"), own.say("faulty")] == ["Mine", "faulty"]


def test_language_is_added_by_adding_files(folder):
    """A language counts once every catalogue that English has is there."""
    (folder.parent / "sections" / "words").mkdir(parents=True)
    for path in (folder / "en.yaml", folder / "eo.yaml", folder.parent / "sections" / "words" / "verdict.en.yaml"):
        path.write_text("title: a\n", encoding="utf-8")
    assert languages() == ["en"]
    (folder.parent / "sections" / "words" / "verdict.eo.yaml").write_text("title: b\n", encoding="utf-8")
    assert languages() == ["en", "eo"]


def test_catalogue_with_a_list_is_refused_with_its_place(folder):
    (folder / "en.yaml").write_text("a: [b]\n", encoding="utf-8")
    with pytest.raises(WordsError, match=r"en\.yaml, 'a': must be a text, or texts for `one` and `other`"):
        words("en")
