"""Names are data: whatever stands in them, they change nothing but themselves, in either form."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from motor.evaluation.cell_metrics import classification_metrics
from motor.report import CellResult, compose, find, write_html, write_markdown

PLAIN = {
    "class": "aclass",
    "motor": "amotor",
    "domain": "adomain",
    "item": "anitem",
    "method": "amethod",
    "grid": "agrid",
}
EVIL = {
    "class": '<b>a</b>&lt;"|`x`',
    "motor": "**a** _b_ [c](http://d) ![e](f)",
    "domain": "a\u202e\u05d0\u05d1",
    "item": "🙂 $x$ ~~a~~ # b",
    "method": "- a\\' {n} {{x}} %s",
    "grid": "</script><img src=x onerror=y>",
}


class Texts(HTMLParser):
    """The texts of a page in order, and its tags; what is packed is left out."""

    def __init__(self):
        super().__init__()
        self.texts, self.tags, self.skipped = [], [], False

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.skipped = tag in ("script", "style")

    def handle_endtag(self, tag):
        self.skipped = False

    def handle_data(self, data):
        if not self.skipped:
            self.texts.append(data)


@pytest.fixture(scope="module")
def document_of(make_predictions, context):
    """Give a function that reports on a small grid whose names are these."""

    def document_of(names):
        classes = ("normal", names["class"])
        table = make_predictions(1.0, 0, ("normal", "other"), ("here",), n_motors=4)
        table = table.rename(columns={"probability_other": f"probability_{names['class']}"})
        for column in ("label", "predicted"):
            table[column] = table[column].replace("other", names["class"])
        for column in ("motor", "item"):
            table[column] = [f"{names[column]} {number:03}" for number in table[column].astype("category").cat.codes]
        table["domain"] = names["domain"]
        cells = [
            CellResult(
                {"method": names["method"], "domain": names["domain"], "classifier": judge},
                classification_metrics(table, classes, "normal"),
                "folder",
                table,
                {"normal": 0.9},
            )
            for judge in ("lda", "svm")
        ]
        return compose(find(cells, replace(context, name=names["grid"], classes=classes, dataset={}, settings=())))

    return document_of


@pytest.fixture(scope="module")
def documents(document_of):
    return document_of(PLAIN), document_of(EVIL)


def renamed(text):
    """Return text in which every evil name is the plain one; isolates around it go."""
    for kind, name in EVIL.items():
        text = text.replace(name, PLAIN[kind])
    return re.sub("[\u2068\u2069]", "", text)


def test_page_of_evil_names_has_the_tags_and_texts_of_a_plain_one(documents, tmp_path):
    pages = []
    for place, document in enumerate(documents):
        write_html(tmp_path / f"{place}.html", document)
        pages.append(Texts())
        pages[-1].feed((tmp_path / f"{place}.html").read_text(encoding="utf-8"))
    assert pages[0].tags == pages[1].tags
    assert [renamed(text) for text in pages[1].texts] == pages[0].texts


def test_markdown_of_evil_names_has_the_tokens_and_texts_of_a_plain_one(documents, tmp_path):
    from markdown_it import MarkdownIt

    found = []
    for place, document in enumerate(documents):
        write_markdown(tmp_path / str(place) / "result.md", document)
        tokens = MarkdownIt("gfm-like", {"linkify": False}).parse((tmp_path / str(place) / "result.md").read_text())
        inner = [token for one in tokens for token in (one, *(one.children or ()))]
        shown = [token for token in inner if token.type not in ("text", "text_special", "inline")]
        texts = ["".join(child.content for child in one.children) for one in tokens if one.type == "inline"]
        found.append(([token.type for token in shown], texts))
    assert found[0][0] == found[1][0]
    assert [renamed(text) for text in found[1][1]] == found[0][1]


@pytest.mark.parametrize("form", ["report.html", "result.md"])
def test_name_on_several_lines_stays_on_one(document_of, tmp_path, form):
    document = document_of(PLAIN | {"motor": "two\nlines", "class": "a\r\n\tb"})
    (write_html if form.endswith("html") else write_markdown)(tmp_path / form, document)
    text = (tmp_path / form).read_text(encoding="utf-8")
    assert re.search(r"two lines \d{3}", text)
    assert "a b" in text
