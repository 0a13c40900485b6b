"""Blocks as HTML. It knows no section; what Plotly draws, and panels that are shown when they are chosen, it keeps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import singledispatchmethod
from html import escape
from typing import Any

from motor.report.document import (
    Block,
    Choice,
    Code,
    Columns,
    Figure,
    Filter,
    Folded,
    Heading,
    Intervals,
    Links,
    Pairs,
    Paragraph,
    Plot,
    Points,
    Row,
    Table,
    Tiles,
    Value,
)
from motor.report.html.dots import anchor, dots
from motor.report.html.markup import Html, tag, text, void
from motor.report.words import Words

LONG = 10  # rows; longer tables are folded
LONG_NAME = 24  # letters; in a table that is wide, longer ones are broken


class Writer:
    """Writes blocks.

    Attributes
    ----------
    figures : dict
        Name -> what Plotly draws there.
    shared : dict
        The same of figures that several panels show.
    choices : list of Choice
        Those whose panels are to be packed into the page.
    """

    def __init__(self, words: Words, shared: dict[str, Plot] | None = None) -> None:
        self.words = words
        self.figures: dict[str, Plot] = {}
        self.shared: dict[str, Plot] = {} if shared is None else shared
        self.choices: list[Choice] = []

    def all(self, blocks: Sequence[Block]) -> Html:
        """Return several blocks."""
        return Html("".join(map(self.write, blocks)))

    @singledispatchmethod
    def write(self, block: Block) -> Html:
        """Return one block."""
        raise TypeError(f"no HTML for {type(block).__name__}; register it in {__file__}")

    @write.register
    def _(self, block: Heading) -> Html:
        return tag("h3", block.text)

    @write.register
    def _(self, block: Paragraph) -> Html:
        return tag("p", block.text, class_=block.style or None)

    @write.register
    def _(self, block: Points) -> Html:
        return tag("ul", *(tag("li", point) for point in block.texts), class_=block.style or None)

    @write.register
    def _(self, block: Pairs) -> Html:
        return tag(
            "dl", *(tag("div", tag("dt", name), tag("dd", meaning)) for name, meaning in block.pairs), class_="pairs"
        )

    @write.register
    def _(self, block: Links) -> Html:
        links = [tag("a", name, href=anchor(target)) for name, target in block.links]
        return tag("p", block.lead, Html(" "), Html(" · ".join(links)), class_=f"links {block.style}".strip())

    @write.register
    def _(self, block: Code) -> Html:
        return tag("pre", tag("code", Html(escape(block.text))), tabindex=0)

    @write.register
    def _(self, block: Tiles) -> Html:
        shown = [
            tag("div", tag("dt", tile.title), tag("dd", tile.value), tag("dd", tile.note, class_="small"))
            for tile in block.tiles
        ]
        return tag("dl", *shown, class_="tiles")

    @write.register
    def _(self, block: Table) -> Html:
        if block.style == "cells":
            return Html(self._filters(block.filters) + self._table(block))
        if len(block.rows) <= LONG:
            return self._table(block)
        title = self.words.say("unfold", caption=block.caption, n=len(block.rows))
        return tag("details", tag("summary", title), self._table(block), class_="long")

    @write.register
    def _(self, block: Figure) -> Html:
        if isinstance(block.plot, Intervals):
            content = dots(block.plot, block.label)
        else:
            (self.shared if block.is_shared else self.figures)[block.name] = block.plot
            style = f"min-height: {block.plot['height']}px"
            content = tag(
                "div", class_="canvas", data_figure=block.name, role="img", aria_label=block.label, style=style
            )
        caption = tag("figcaption", block.caption or block.label)
        return tag("figure", content, caption, class_="plot", id=None if block.is_shared else f"figure-{block.name}")

    @write.register
    def _(self, block: Columns) -> Html:
        return tag(
            "div", *(tag("div", self.all(part)) for part in block.parts), class_=f"columns {block.style}".strip()
        )

    @write.register
    def _(self, block: Folded) -> Html:
        return tag("details", tag("summary", block.title), self.all(block.blocks))

    @write.register
    def _(self, block: Choice) -> Html:
        groups: dict[str, list[Html]] = {}
        for panel in block.panels:
            groups.setdefault(panel.group, []).append(tag("option", panel.name))
        options = [tag("optgroup", *names, label=group) for group, names in groups.items()]
        self.choices.append(block)
        label = tag("p", tag("label", block.label, Html(" "), tag("select", *options, id="choice")))
        return Html(label + tag("div", id="panel", aria_live="off"))

    def _table(self, block: Table) -> Html:
        is_sorted = block.style == "cells"
        heads = []
        for column in block.columns:
            title = tag("button", column.title, type="button") if is_sorted else column.title
            number = "number" if column.is_number else None
            heads.append(tag("th", title, scope="col", class_=number, title=column.hint or None))
        marks = [column.is_number for column in block.columns]
        rows = [_row(row, marks) for row in block.rows]
        table = tag(
            "table",
            tag("caption", block.caption),
            tag("thead", tag("tr", *heads)),
            tag("tbody", *rows),
            class_=block.style or None,
            id="cells" if is_sorted else None,
        )
        box = f"scroll {block.style}-box" if block.style else "scroll"
        return tag("div", table, class_=box, tabindex=0, role="region", aria_label=block.caption)

    def _filters(self, filters: Sequence[Filter]) -> Html:
        say = self.words.say
        fields = [
            tag("label", say("filter_text"), Html(" "), void("input", type="search", id="filter", autocomplete="off"))
        ]
        for one in filters:
            options = [tag("option", say("filter_all"), value=""), *(tag("option", value) for value in one.values)]
            fields.append(tag("label", one.title, tag("select", *options, data_axis=one.axis)))
        return tag("form", *fields, tag("output", id="shown", aria_live="polite"), class_="filters", role="search")


def _row(row: Row, is_number: Sequence[bool]) -> Html:
    cells = [
        _value(value, "td" if place else "th", number)
        for place, (value, number) in enumerate(zip(row.values, is_number, strict=True))
    ]
    axes: Any = json.dumps(dict(row.axes), ensure_ascii=False) if row.axes else None
    return tag("tr", *cells, data_name=row.name or None, class_="advised" if row.is_advised else None, data_axes=axes)


def _value(value: Value, name: str, is_number: bool) -> Html:
    """Return a place of a table; a page has them by the hundred thousand, for which `tag` asks too much."""
    style = "number" if is_number else "long" if name == "th" and len(value.text) > LONG_NAME else ""
    shown = text(value.text)
    if value.target:
        shown = tag("a", shown, href=anchor(value.target))
    elif value.is_strong:
        shown = tag("strong", shown)
    scope = ' scope="row"' if name == "th" else ""
    kind = f' class="{style}"' if style else ""
    order = "" if value.order is None else f' data-order="{escape(str(value.order))}"'
    share = "" if value.share is None else f' style="--share: {value.share:.3f}" data-share'
    return Html(f"<{name}{scope}{kind}{order}{share}>{shown}</{name}>")
