"""What a report consists of, in no form yet: parts of blocks. Every text is plain; a renderer escapes it.

A section of the report makes blocks; the renderers (`markdown.py`, `html/`) write them, and know no section.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from motor.report.words import Words

Plot = dict[str, Any]  # a figure as Plotly has it: {data, layout, label, height}; a colour is "var:NAME"


@dataclass(frozen=True)
class Target:
    """Where a link leads: a part of the report by its name, a cell by its name, or a file beside the report."""

    kind: Literal["section", "cell", "file"]
    name: str
    folder: str = ""  # of a cell, relative to the report

    @classmethod
    def section(cls, name: str) -> Target:
        return cls("section", name)

    @classmethod
    def cell(cls, name: str, folder: str) -> Target:
        return cls("cell", name, folder)

    @classmethod
    def file(cls, path: str) -> Target:
        return cls("file", path)


@dataclass(frozen=True)
class Heading:
    """A heading within a part."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; `style` says what it is for."""

    text: str
    style: Literal["", "lead", "small", "warning", "note"] = ""


@dataclass(frozen=True)
class Points:
    """A list of sentences."""

    texts: Sequence[str]
    style: Literal["", "warning"] = ""


@dataclass(frozen=True)
class Pairs:
    """Questions with answers, or terms with meanings."""

    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Links:
    """A line of links after a lead."""

    lead: str
    links: Sequence[tuple[str, Target]]
    style: Literal["", "warning"] = ""


@dataclass(frozen=True)
class Code:
    """Text to be copied as it is; `language` as in Markdown's fences."""

    text: str
    language: str = ""


@dataclass(frozen=True)
class Tile:
    """A number to be seen first: what it is, how much, what to know of it."""

    title: str
    value: str
    note: str


@dataclass(frozen=True)
class Tiles:
    """Numbers side by side."""

    tiles: Sequence[Tile]


@dataclass(frozen=True)
class Value:
    """A cell of a table.

    Attributes
    ----------
    text : str
        What is shown.
    order : float or str, optional
        What it is sorted by; what is undefined comes last.
    target : Target, optional
        Where it leads.
    share : float, optional
        0 to 1: shades the place.
    is_strong : bool
        Whether it stands out.
    """

    text: str
    order: float | str | None = None
    target: Target | None = None
    share: float | None = None
    is_strong: bool = False


@dataclass(frozen=True)
class Column:
    """A column: its heading, whether it holds numbers, and what the heading means."""

    title: str
    is_number: bool = False
    hint: str = ""


@dataclass(frozen=True)
class Row:
    """A row; `name` is the cell that it shows, `axes` what filters look at, `is_advised` marks it."""

    values: Sequence[Value]
    name: str = ""
    axes: Mapping[str, str] = field(default_factory=dict)
    is_advised: bool = False


@dataclass(frozen=True)
class Filter:
    """A choice among the values of one axis."""

    axis: str
    title: str
    values: Sequence[str]


@dataclass(frozen=True)
class Table:
    """A table with its caption; the first value of each row is its heading.

    Attributes
    ----------
    style : str
        "facts": names and long values; "matrix": shaded counts; "cells": one row a cell, to be sorted and filtered.
    filters : sequence of Filter
        For "cells".
    elsewhere : str
        Where a form that has no room for all rows says they stand; "" where it shows them all.
    """

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    style: Literal["", "facts", "matrix", "cells"] = ""
    filters: Sequence[Filter] = ()
    elsewhere: str = ""


@dataclass(frozen=True)
class Dot:
    """One figure with its interval: of which group it is, what it says, where it leads."""

    value: float
    interval: tuple[float, float] | None
    text: str
    group: int = 0
    target: Target | None = None
    is_faint: bool = False


@dataclass(frozen=True)
class DotRow:
    """The dots of one name."""

    name: str
    dots: Sequence[Dot]
    is_advised: bool = False


@dataclass(frozen=True)
class Group:
    """What dots have in common: colour and symbol by their number."""

    name: str
    colour: int = 0
    symbol: int = 0


@dataclass(frozen=True)
class Line:
    """A value to compare with."""

    value: float
    name: str
    is_dotted: bool = True


@dataclass(frozen=True)
class Intervals:
    """Figures with intervals, a row a name: the picture that most questions are answered by."""

    rows: Sequence[DotRow]
    groups: Sequence[Group]
    axis: str
    span: tuple[float, float]
    lines: Sequence[Line] = ()
    legend: Sequence[Group] = ()


@dataclass(frozen=True)
class Figure:
    """A picture: intervals, or what Plotly draws; `name` is unique, and its file's name where it is drawn to one.

    Attributes
    ----------
    label : str
        What it shows to who cannot see it.
    caption : str
        How to read it.
    is_shared : bool
        Whether several panels of a choice show it.
    is_aside : bool
        Whether a form that draws every figure to a file may leave it out.
    """

    name: str
    plot: Intervals | Plot
    label: str
    caption: str = ""
    is_shared: bool = False
    is_aside: bool = False


@dataclass(frozen=True)
class Columns:
    """Blocks side by side where there is room."""

    parts: Sequence[Sequence[Block]]
    style: Literal["", "first"] = ""


@dataclass(frozen=True)
class Folded:
    """Blocks that a click unfolds."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Panel:
    """One of a choice: `whole()` makes its blocks, `short()` those that there is always room for."""

    name: str
    group: str
    whole: Callable[[], Sequence[Block]]
    short: Callable[[], Sequence[Block]]


@dataclass(frozen=True)
class Choice:
    """Panels of which a reader sees one.

    Attributes
    ----------
    label : str
        What is chosen.
    panels : sequence of Panel
        All of them.
    default : int
        The one that is shown first; a form without choice shows it alone.
    importance : sequence of int
        Places of the panels, those first that keep all their blocks where not all have room.
    """

    label: str
    panels: Sequence[Panel]
    default: int
    importance: Sequence[int]


Block = Heading | Paragraph | Points | Pairs | Links | Code | Tiles | Table | Figure | Columns | Folded | Choice


@dataclass(frozen=True)
class Part:
    """A titled part of a document; `is_open` ones are seen without unfolding them."""

    name: str
    title: str
    blocks: Sequence[Block]
    is_open: bool = False


@dataclass(frozen=True)
class Document:
    """A report in one language; `words` are those that a renderer needs of its own."""

    title: str
    parts: Sequence[Part]
    words: Words


def plain_table(
    caption: str, titles: Sequence[str], rows: Sequence[Sequence[object]], left: int = 1, **more: Any
) -> list[Block]:
    """Return a table of texts, the first `left` columns words and the rest numbers; [] without rows."""
    made = [Row([item if isinstance(item, Value) else Value(str(item)) for item in row]) for row in rows]
    columns = [Column(title, place >= left) for place, title in enumerate(titles)]
    return [Table(caption, columns, made, **more)] if made else []


def walk(blocks: Sequence[Block]) -> list[Block]:
    """Return blocks and all that stand within them; panels of a choice are left out."""
    found: list[Block] = []
    for block in blocks:
        found.append(block)
        if isinstance(block, Folded):
            found += walk(block.blocks)
        elif isinstance(block, Columns):
            found += [inner for part in block.parts for inner in walk(part)]
    return found
