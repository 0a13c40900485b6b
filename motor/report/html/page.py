"""A document as one HTML file that opens without a network.

What a reader chooses on the page (a panel, an order, a filter) is done by `page.js`; all texts come from here. Panels
and Plotly are packed into the file, and unpacked when they are wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from motor.report.collector import uncollected
from motor.report.document import Choice, Document, Part
from motor.report.html.blocks import Writer
from motor.report.html.embedding import content_security_policy, inline_json, packed, packed_program, plotly_source
from motor.report.html.markup import Html, tag, void
from motor.report.words import Words

FOLDER = Path(__file__).parent
SCRIPT = "script."  # what the page's program says begins with it
# What all packed panels may take together: with Plotly (2 MB) and the tables a page stays under 10 MB.
MOST_BYTES = 6_000_000
EACH_BYTES = 40_000  # a panel's share, so that a page of few panels stays small, too


@uncollected()
def write_html(path: Path, document: Document) -> None:
    """Write a document.

    Parameters
    ----------
    path : Path
        The file to write; links in it are relative to its folder.
    document : Document
        From `compose`.
    """
    writer = Writer(document.words)
    parts = [_part(part, writer) for part in document.parts]
    panels = [_Panels(choice, writer) for choice in writer.choices]
    script = (FOLDER / "page.js").read_text(encoding="utf-8")
    say = document.words.say
    words = {key.removeprefix(SCRIPT): say(key) for key in document.words.entries if key.startswith(SCRIPT)}
    names = [panel.name for choice in writer.choices for panel in choice.panels]
    places = {name: f"figure-{place}" for place, name in enumerate(writer.shared)}
    default = [choice.panels[choice.default].name for choice in writer.choices]
    data: dict[str, Any] = {"figures": writer.figures, "shared": places, "names": names, "words": words}
    data["default"] = default[0] if default else None
    notes = [tag("p", say("short_panels", n=one.n_short), class_="note") for one in panels if one.n_short]
    body = [
        tag("header", tag("h1", document.title)),
        tag("main", _no_script(document.words), *parts, *notes),
        _data("page-data", "application/json", inline_json(data)),
        *(
            _data(f"panel-{place}", "application/gzip", one)
            for place, one in enumerate(p for o in panels for p in o.made)
        ),
        *(_data(places[name], "application/gzip", packed(inline_json(plot))) for name, plot in writer.shared.items()),
        _data("plotly", "application/gzip", packed_program(plotly_source())),
        Html(f"<script>{script}</script>"),
    ]
    policy = content_security_policy([script, plotly_source()])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(shell(document.title, body, document.words, policy), encoding="utf-8", newline="\n")


def shell(title: str, body: Sequence[Html], words: Words, policy: str) -> str:
    """Return a whole page in the report's style.

    Parameters
    ----------
    title : str
        Of the window.
    body : sequence of Html
        What stands on it.
    words : Words
        The shared texts of its language.
    policy : str
        What may run and be fetched, as browsers are given it.
    """
    head = [
        void("meta", charset="utf-8"),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        void("meta", name="viewport", content="width=device-width, initial-scale=1"),
        void("meta", name="color-scheme", content="light dark"),
        void("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        void("link", rel="icon", href="data:,"),
        Html(f"<style>{(FOLDER / 'page.css').read_text(encoding='utf-8')}</style>"),
    ]
    skip = tag("a", words.say("skip"), class_="skip", href="#main")
    content = Html("\n".join([skip, *body]))
    return (
        f"<!doctype html>\n{tag('html', tag('head', *head), tag('body', content), lang=words.say('html_language'))}\n"
    )


class _Panels:
    """The panels of a choice, packed; where not all have room, those that matter least are short."""

    def __init__(self, choice: Choice, writer: Writer) -> None:
        self.n_short = 0
        # What a panel takes at the least, so that the first ones leave room for all others.
        reserve = round(1.3 * len(packed(self._short(choice, 0, writer))))
        room = min(MOST_BYTES, EACH_BYTES * len(choice.panels)) - reserve * len(choice.panels)
        made: dict[int, Future[str]] = {}
        with ThreadPoolExecutor(1) as packer:  # packs a panel while the next is written
            for place in choice.importance:
                if not self.n_short:  # once one has no room, those that matter less have none either
                    whole, added = self._whole(choice, place, writer)
                    made[place] = packer.submit(packed, whole)
                    room -= len(made[place].result()) - reserve + added
                if room < 0 or self.n_short:
                    made[place] = packer.submit(packed, self._short(choice, place, writer))
                    self.n_short += 1
        self.made = [made[place].result() if place in made else "" for place in range(len(choice.panels))]

    def _whole(self, choice: Choice, place: int, writer: Writer) -> tuple[str, int]:
        """Return a panel's JSON, and how many bytes its share of the shared figures takes beside it."""
        known = dict(writer.shared)
        inner = Writer(writer.words, writer.shared)
        text = self._written(inner, choice.panels[place].name, inner.all(choice.panels[place].whole()))
        fresh = [plot for name, plot in writer.shared.items() if name not in known]
        return text, sum(len(packed(inline_json(plot))) for plot in fresh)

    def _short(self, choice: Choice, place: int, writer: Writer) -> str:
        inner = Writer(writer.words)
        return self._written(inner, choice.panels[place].name, inner.all(choice.panels[place].short()))

    def _written(self, inner: Writer, name: str, content: Html) -> str:
        title = tag("h3", name, id="chosen", tabindex=-1)
        return inline_json({"html": title + content, "figures": inner.figures})


def _part(part: Part, writer: Writer) -> Html:
    content = writer.all(part.blocks)
    if part.is_open:
        return tag("section", content, id=f"part-{part.name}", class_="part", aria_label=part.title)
    return tag("details", tag("summary", tag("h2", part.title)), content, id=f"part-{part.name}", class_="part")


def _no_script(words: Words) -> Html:
    anchor = tag("span", id="main", tabindex=-1)
    missing = tag("noscript", tag("p", words.say("no_script"), class_="warning"))
    return Html(anchor + missing + tag("p", id="trouble", class_="warning", role="alert", hidden=True))


def _data(name: str, kind: str, content: str) -> Html:
    """Return an element that holds data: JSON and base64 cannot end it."""
    return Html(f'<script type="{kind}" id="{name}">{content}</script>')
