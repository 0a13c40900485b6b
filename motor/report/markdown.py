"""A document as Markdown for GitHub, with its figures as PNG files beside it. It knows blocks, and no section."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from functools import singledispatchmethod
from pathlib import Path
from urllib.parse import quote

from motor.report.collector import uncollected
from motor.report.document import (
    Block,
    Choice,
    Code,
    Columns,
    Document,
    Figure,
    Folded,
    Heading,
    Intervals,
    Links,
    Pairs,
    Paragraph,
    Plot,
    Points,
    Table,
    Target,
    Tiles,
    Value,
)
from motor.report.drawing import draw
from motor.report.text import one_line
from motor.report.words import Words

FIGURES = "figures"  # the folder of the figures, beside the report
LONG = 10  # rows; longer tables are folded
LONGEST = 120  # rows; the rest stands elsewhere, where the table says so


@uncollected()
def write_markdown(path: Path, document: Document, draw: Callable[[Path, Intervals | Plot], None] = draw) -> None:
    """Write a document, and its figures into a folder beside it that holds nothing else.

    Parameters
    ----------
    path : Path
        The file to write; links in it are relative to its folder.
    document : Document
        From `compose`.
    draw : callable, optional
        Takes the PNG file to write and what to draw; draws at once if it is not given.
    """
    shutil.rmtree(path.parent / FIGURES, ignore_errors=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = _Writer(path.parent, document.words, draw)
    parts = [f"# {escape(document.title)}"]
    for part in document.parts:
        parts += [f'<a id="{part.name}"></a>', f"## {escape(part.title)}", *map(writer.write, part.blocks)]
    path.write_text("\n\n".join(text for text in parts if text) + "\n", encoding="utf-8")


def escape(text: object) -> str:
    """Return foreign text so that it stays on its line and in its cell, and is no markup."""
    flat = re.sub(r"([\\`*\[\]|$])", r"\\\1", one_line(text))
    flat = re.sub(r"(?<!\w)_|_(?!\w)|(?<=~)~|^[#+-](?=\s|$)|(?<=\d)\.(?=\s)(?<=^\d\.)", r"\\\g<0>", flat)
    return flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def link(text: str, target: Target) -> str:
    """Return a link; a cell is a folder of files here."""
    to = f"#{target.name}" if target.kind == "section" else quote(target.folder or target.name)
    return f"[{escape(text)}]({to})"


class _Writer:
    """Writes blocks; it knows where figures go."""

    def __init__(self, folder: Path, words: Words, draw: Callable[[Path, Intervals | Plot], None]) -> None:
        self.folder, self.words, self.draw = folder, words, draw

    def all(self, blocks: Sequence[Block]) -> str:
        return "\n\n".join(text for text in map(self.write, blocks) if text)

    @singledispatchmethod
    def write(self, block: Block) -> str:
        """Return one block; "" for what has no place here."""
        raise TypeError(f"no Markdown for {type(block).__name__}; register it in {__file__}")

    @write.register
    def _(self, block: Heading) -> str:
        return f"### {escape(block.text)}"

    @write.register
    def _(self, block: Paragraph) -> str:
        text = escape(block.text)
        return {"lead": f"**{text}**", "warning": f"> {text}", "small": f"<sub>{text}</sub>"}.get(block.style, text)

    @write.register
    def _(self, block: Points) -> str:
        return "\n".join(f"- {escape(text)}" for text in block.texts)

    @write.register
    def _(self, block: Pairs) -> str:
        return "\n".join(f"- **{escape(name)}** {escape(text)}" for name, text in block.pairs)

    @write.register
    def _(self, block: Links) -> str:
        lead = f"**{escape(block.lead)}**" if block.style else escape(block.lead)
        return f"{lead} " + " · ".join(link(text, target) for text, target in block.links)

    @write.register
    def _(self, block: Code) -> str:
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", block.text)), default=0))
        return f"{fence}{block.language}\n{block.text}\n{fence}"

    @write.register
    def _(self, block: Tiles) -> str:
        notes = [f" ({escape(tile.note)})" if tile.note else "" for tile in block.tiles]
        tiles = zip(block.tiles, notes, strict=True)
        return "\n".join(f"- {escape(tile.title)}: **{escape(tile.value)}**{note}" for tile, note in tiles)

    @write.register
    def _(self, block: Table) -> str:
        n_rows = len(block.rows)
        shown = block.rows[:LONGEST] if block.elsewhere else block.rows
        rule = ["---:" if column.is_number else ":---" for column in block.columns]
        lines = [[escape(column.title) for column in block.columns], rule]
        lines += [[self._value(value) for value in row.values] for row in shown]
        text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        if len(shown) < n_rows:
            rest = self.words.say("rows_elsewhere", n=len(shown), n_all=n_rows, file=block.elsewhere)
            text = f"{text}\n\n{escape(rest)}"
        if n_rows <= LONG:
            return f"**{escape(block.caption)}**\n\n{text}"
        return _folded(self.words.say("unfold", caption=block.caption, n=n_rows), text)

    def _value(self, value: Value) -> str:
        text = link(value.text, value.target) if value.target else escape(value.text)
        return f"**{text}**" if value.is_strong and value.text else text

    @write.register
    def _(self, block: Figure) -> str:
        if block.is_aside:
            return ""
        path = f"{FIGURES}/{block.name}.png"
        self.draw(self.folder / path, block.plot)
        caption = f"\n\n<sub>{escape(block.caption)}</sub>" if block.caption else ""
        return f"![{escape(block.label)}]({quote(path)}){caption}"

    @write.register
    def _(self, block: Columns) -> str:
        return "\n\n".join(text for part in block.parts if (text := self.all(part)))

    @write.register
    def _(self, block: Folded) -> str:
        return _folded(block.title, self.all(block.blocks))

    @write.register
    def _(self, block: Choice) -> str:
        panel = block.panels[block.default]
        return f"{escape(block.label)} **{escape(panel.name)}**\n\n{self.all(panel.whole())}"


def _folded(title: str, text: str) -> str:
    return f"<details><summary>{escape(title)}</summary>\n\n{text}\n\n</details>"
