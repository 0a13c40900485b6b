"""Catalogues of words: every language says the same things, with the same figures in them."""

import re
import string
from collections import Counter

import pytest

from motor.report.html import words as module
from motor.report.html.words import FOLDER, WordsError, languages, words

PAGES = sorted({path.name.split(".")[0] for path in FOLDER.glob("*.yaml")})
KNOWN = sorted({path.name.split(".")[1] for path in FOLDER.glob("*.yaml")})


def placeholders(entry):
    texts = [entry] if isinstance(entry, str) else list(entry.values())
    return {name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of catalogues of its own."""
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    words.cache_clear()
    yield tmp_path
    words.cache_clear()


def test_languages_all_have_every_page_english_first():
    assert languages() == ["en", *(name for name in KNOWN if name != "en")]
    assert "zh" in languages()


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("language", [name for name in KNOWN if name != "en"])
def test_catalogue_has_the_keys_and_placeholders_of_the_english_one(language, page):
    english, other = words("en", page).entries, words(language, page).entries
    assert set(other) == set(english)
    different = {key for key in english if placeholders(english[key]) - {"n"} != placeholders(other[key]) - {"n"}}
    assert different == set()


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("language", KNOWN)
def test_catalogue_gives_no_key_twice(language, page):
    lines = (FOLDER / f"{page}.{language}.yaml").read_text(encoding="utf-8").splitlines()
    keys = Counter(match[1] for line in lines if (match := re.match(r"([^\s#:][^:]*):", line)))
    assert [key for key, count in keys.items() if count > 1] == []


@pytest.mark.parametrize("page", PAGES)
def test_chinese_texts_are_chinese(page):
    sentences = [text for text in words("zh", page).entries.values() if isinstance(text, str) and len(text) > 24]
    assert [text for text in sentences if not re.search(r"[\u4e00-\u9fff]", text)] == []


def test_say_fills_placeholders_and_chooses_the_number(folder):
    (folder / "page.en.yaml").write_text("motors: {one: '{n} motor', other: '{n} motors'}\n", encoding="utf-8")
    said = words("en", "page")
    assert [said.say("motors", n=count) for count in (1, 18)] == ["1 motor", "18 motors"]


def test_say_unknown_key_names_catalogue_and_key():
    with pytest.raises(WordsError, match=r"prose\.en\.yaml has no text 'vedict'"):
        words("en", "prose").say("vedict")


def test_say_without_a_value_names_the_placeholder():
    with pytest.raises(WordsError, match="'motors': no value for 'n'; given: count"):
        words("en", "prose").say("motors", count=3)


def test_words_of_a_missing_language_name_the_file_and_those_there_are():
    with pytest.raises(WordsError, match=r"prose\.eo\.yaml is missing; there are: prose\.en\.yaml"):
        words("eo", "prose")


def test_language_without_a_page_is_none(folder):
    for name in ("page.en", "prose.en", "page.eo"):
        (folder / f"{name}.yaml").write_text("a: b\n", encoding="utf-8")
    assert languages() == ["en"]


def test_catalogue_with_a_list_is_refused_with_its_place(folder):
    (folder / "page.en.yaml").write_text("a: [b]\n", encoding="utf-8")
    with pytest.raises(WordsError, match=r"page\.en\.yaml, 'a': must be a text, or texts for `one` and `other`"):
        words("en", "page")
