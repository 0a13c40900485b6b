"""The page of many reports: blocks for the renderers that the single reports have, and the same rows as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motor.evaluation.axes.base import axis
from motor.report.compared.added import Added
from motor.report.compared.joined import (
    DECIDES,
    UNKNOWN,
    Identity,
    Joined,
    Report,
    Row,
    has_seen,
    words_of,
)
from motor.report.compared.pretraining import Pretraining
from motor.report.document import (
    Block,
    Code,
    Column,
    Document,
    Dot,
    DotRow,
    Figure,
    Filter,
    Group,
    Heading,
    Intervals,
    Paragraph,
    Part,
    Points,
    Tile,
    Tiles,
    Value,
    plain_table,
)
from motor.report.document import Row as TableRow
from motor.report.document import Table as TableBlock
from motor.report.text import DASH, duration, fact_text, number, p_value, signed, with_interval
from motor.report.words import Words, catalogue, words

FOLDER = Path(__file__).parent / "words"
OPENING = Path(__file__).parents[1] / "sections" / "words"  # how a decision is worded
TOP = 10  # rows of a data set's own table


def compared_page(
    joined: Joined, added: Sequence[Added], known: Mapping[str, Pretraining], language: str, command: str = ""
) -> Document:
    """Return the page.

    Parameters
    ----------
    joined : Joined
    added : sequence of Added
        Figures of others; they are ranked with none.
    known : mapping
        As of `pretraining`.
    language : str
        Of its words.
    command : str
        That makes it.
    """
    page = _Page(joined, added, known, _words(language))
    say = page.words.say
    over = [*page.ranks(), *page.against()]
    parts = [
        Part("opening", say("compared.opening"), page.opening(), is_open=True),
        *([Part("over", say("compared.over"), over, is_open=True)] if over else []),
        Part("rows", say("compared.rows"), page.every_row(), is_open=True),
        *(Part(f"table-{n + 1}", page.name(n), page.table(n)) for n in range(len(joined.tables))),
        *([Part("published", say("compared.published"), page.published())] if added else []),
        Part("pretraining", say("compared.pretraining"), page.pretraining()),
        Part("how", say("compared.how"), page.how(command)),
    ]
    return Document(say("compared.title"), parts, page.words)


def _words(language: str) -> Words:
    own, opening = (folder / f"{name}.{language}.yaml" for folder, name in ((FOLDER, "compared"), (OPENING, "opening")))
    decisions = {key: text for key, text in catalogue(opening).items() if key.startswith("decision.")}
    return words(language).beside(str(own), {**decisions, **catalogue(own)})


@dataclass(frozen=True)
class _Page:
    """What makes the parts of the page."""

    joined: Joined
    added: Sequence[Added]
    known: Mapping[str, Pretraining]
    words: Words

    def name(self, place: int) -> str:
        """Return what a table is called: its data set, and a number where that has several."""
        tables = self.joined.tables
        dataset = str(tables[place].protocol["dataset"])
        same = [n for n, table in enumerate(tables) if str(table.protocol["dataset"]) == dataset]
        if len(same) == 1:
            return dataset
        return self.words.say("compared.table", dataset=dataset, place=same.index(place) + 1)

    def recipe(self, row: Row) -> str:
        """Return a recipe as the reader's language has it."""
        say, recipe = self.words.say, row.recipe
        axes = {name: value for name, value in recipe["axes"].items() if value is not None}
        method = self._axis("method", axes.pop("method"))
        regime = say("joint", joint="Joint") if recipe["is_joint"] else say("alone")
        several = len(row.report.summary["domains"]) > 1
        parts = [method, *([regime] if several else []), *(self._axis(name, value) for name, value in axes.items())]
        return say("axes.separator").join(parts)

    def called(self, identity: Identity) -> str:
        """Return a recipe of some table as the reader's language has it."""
        rows = (row for table in self.joined.tables for row in table.rows if row.identity == identity)
        return self.recipe(next(rows))

    def _axis(self, name: str, value: Any) -> str:
        key = f"axis.{name}"
        return self.words.say(key, value=value) if self.words.has(key) else axis(name).in_text(value)

    def metric(self, name: Any) -> str:
        return self.words.say(f"metric.{name}") if self.words.has(f"metric.{name}") else str(name)

    def opening(self) -> list[Block]:
        say, joined = self.words.say, self.joined
        reports = [report for table in joined.tables for report in table.reports]
        tiles = [
            Tile(say("compared.tile.reports"), str(len(reports)), say("compared.tile.reports_note")),
            Tile(say("compared.tile.data"), str(len(joined.counted)), say("compared.tile.data_note")),
            Tile(
                say("compared.tile.rows"), str(sum(len(t.rows) for t in joined.tables)), say("compared.tile.rows_note")
            ),
        ]
        titles = [say(f"compared.column.{name}") for name in ("dataset", "verdict", "grid", "motors", "recipes")]
        rows = [
            [
                self.name(place),
                self._verdict(report),
                report.name,
                report.summary["n_motors"],
                len(report.summary["recipes"]),
            ]
            for place, table in enumerate(joined.tables)
            for report in table.reports
        ]
        apart = [text for place in range(len(joined.tables)) for text in self._apart(place)]
        return [
            Tiles(tiles),
            *plain_table(say("compared.verdicts"), titles, rows, 3),
            *([Points(apart, "warning")] if apart else []),
        ]

    def _verdict(self, report: Report) -> str:
        verdict, recipes = report.summary.get("verdict"), report.summary["recipes"]
        if verdict is None:
            return self.words.say("decision.none", metric="", Metric="")
        place = next((n for n, one in enumerate(recipes) if one["name"] == verdict["recipe"]), None)
        name = verdict["recipe"] if place is None else self.recipe(Row(recipes[place], report, place))
        kind = "only" if len(recipes) == 1 else verdict["kind"].replace(" ", "_")
        return self.words.say(f"decision.{kind}", recipe=name, n=len(recipes), metric="", Metric="")

    def _apart(self, place: int) -> list[str]:
        """Say why a table is one of its own."""
        say = self.words.say
        return [
            say(
                "compared.apart",
                table=self.name(place),
                other=self.name(other),
                what=say(f"compared.differs.{name}"),
                theirs=theirs or DASH,
                ours=ours or DASH,
            )
            for other, name, theirs, ours in self.joined.tables[place].apart
        ]

    def ranks(self) -> list[Block]:
        """Draw mean ranks over data sets, and say what they tell apart."""
        say, joined = self.words.say, self.joined
        if not joined.ranked:
            return [Paragraph(say("compared.no_ranks"))] if len(joined.counted) > 1 else []
        found, n = joined.ranks, len(joined.ranked_over)
        names = say("list.separator").join(self.name(joined.tables.index(table)) for table in joined.ranked_over)
        lead = say("compared.ranked", n=n, recipes=len(joined.ranked), names=names)
        if found is None:
            text = say("compared.few_data_sets", n=n)
            ordered = [(self.called(one), rank) for one, rank in joined.ranked]
            half = 0.0
        else:
            p = p_value(found.friedman_p)
            values = {"p": p if p.startswith("<") else f"= {p}", "distance": number(found.critical_difference)}
            text = say("compared.ranks_told" if found.found else "compared.ranks_untold", **values)
            called = {words_of(one): self.called(one) for one, _ in joined.ranked}
            ordered = sorted(((called[name], rank) for name, rank in found.mean_ranks.items()), key=lambda of: of[1])
            half = found.critical_difference / 2
            if found.is_selection:
                text = say("sentences", first=text, second=say("compared.selection", n=len(ordered)))
        ordered = ordered[: 2 * TOP]
        dots = [
            Dot(
                rank,
                (rank - half, rank + half) if half else None,
                f"{name}: {number(rank)}",
                is_faint=not (found and found.found),
            )
            for name, rank in ordered
        ]
        rows = [DotRow(f"{name} {number(rank)}", [dot]) for (name, rank), dot in zip(ordered, dots, strict=True)]
        span = (math.floor(min(dot.value for dot in dots) - half), math.ceil(max(dot.value for dot in dots) + half))
        plot = Intervals(rows, [Group("", 0, 0)], say("compared.ranks_axis"), span)
        caption = say("compared.ranks_caption") if half else ""
        figure = Figure("critical-difference", plot, say("compared.ranks_figure"), caption)
        return [Paragraph(lead), Paragraph(text), figure]

    def against(self) -> list[Block]:
        """List wins, ties and losses against the reference."""
        say, joined = self.words.say, self.joined
        if joined.reference is None or not joined.against:
            return []
        has_unknown = any(one.untold for one in joined.against)
        names = ["recipe", "wins", "ties", "losses", *(["untold"] if has_unknown else []), "lead"]
        rows = [
            [
                self.called(one.identity),
                *(one.wins, one.ties, one.losses),
                *([one.untold] if has_unknown else []),
                signed(one.mean),
            ]
            for one in joined.against
        ]
        return [
            Heading(say("compared.against", recipe=self.called(joined.reference))),
            Paragraph(say("compared.against_how")),
            *plain_table(say("compared.against_caption"), [say(f"compared.column.{name}") for name in names], rows),
        ]

    def every_row(self) -> list[Block]:
        """Return the table of all rows, to be sorted and filtered."""
        say = self.words.say
        numbers = ("score", "behind", "time")
        names = ("recipe", "dataset", "score", "behind", "backbone", "seen", "time", "grid", "store")
        columns = [
            Column(say(f"compared.column.{name}"), name in numbers, say("compared.seen_hint") if name == "seen" else "")
            for name in names
        ]
        rows = [self._row(place, row) for place, table in enumerate(self.joined.tables) for row in table.rows]
        rows += [self._published(one) for one in self.added]
        axes = {
            name: list(dict.fromkeys(row.axes[name] for row in rows)) for name in ("dataset", "method", "seen", "grid")
        }
        filters = [
            Filter(name, say("heading.method") if name == "method" else say(f"compared.column.{name}"), values)
            for name, values in axes.items()
            if len(values) > 1
        ]
        caption = say("compared.rows_caption")
        return [TableBlock(caption, columns, rows, "cells", filters), Paragraph(say("compared.seen_how"), "small")]

    def _row(self, place: int, row: Row) -> TableRow:
        recipe, name = row.recipe, self.name(place)
        behind, backbone = recipe.get("behind"), recipe.get("backbone") or {}
        weights = str(backbone.get("weights") or backbone.get("kind") or DASH)
        seen = self.words.say(f"compared.seen.{row.seen.replace(' ', '_')}")
        values = [
            Value(self.recipe(row), self.recipe(row)),
            Value(name, name),
            Value(with_interval(recipe["score"], recipe["interval"]), recipe["score"]),
            Value(*self._behind(behind)),
            Value(weights, weights),
            Value(seen, seen, is_strong=row.seen == "seen"),
            Value(duration(self.words.say, recipe.get("seconds")), recipe.get("seconds")),
            Value(row.report.name, row.report.name),
            Value(row.report.where, row.report.where),
        ]
        method = str(recipe["axes"]["method"])
        return TableRow(values, axes=self._axes(values, name, method, seen, row.report.name))

    def _axes(self, values: Sequence[Value], dataset: str, method: str, seen: str, grid: str) -> dict[str, str]:
        return {"dataset": dataset, "method": method, "seen": seen, "grid": grid, "recipe": values[0].text}

    def _behind(self, behind: Mapping[str, Any] | None) -> tuple[str, float]:
        if behind is None:
            return self.words.say("compared.best"), 0.0
        mark = "" if behind["told_apart"] else self.words.say("compared.not_told")
        return f"{signed(-behind['value'])}{mark}", -behind["value"]

    def _published(self, one: Added) -> TableRow:
        seen_kind = has_seen(one.pretrained_on, [one.dataset]) if one.backbone else "plain"
        seen = self.words.say(f"compared.seen.{seen_kind.replace(' ', '_')}")
        place = self._place_of(one)
        name = one.dataset if place is None else self.name(place)
        published = self.words.say("compared.published_mark")
        values = [
            Value(one.recipe, one.recipe),
            Value(name, name),
            Value(f"{with_interval(one.score, one.interval)} ‡", one.score),
            Value(DASH),
            Value(one.backbone or DASH, one.backbone or DASH),
            Value(seen, seen, is_strong=seen_kind == "seen"),
            Value(DASH),
            Value(published, published),
            Value(one.source, one.source),
        ]
        return TableRow(values, axes=self._axes(values, name, DASH, seen, published))

    def _place_of(self, one: Added) -> int | None:
        """Return the table that a published figure's data set is meant by, if there is one."""
        for place, table in enumerate(self.joined.tables):
            protocol = table.protocol
            names = [
                protocol["dataset"],
                protocol["data"],
                protocol["files"],
                *(report.name for report in table.reports),
            ]
            if one.dataset in map(str, names):
                return place
        return None

    def table(self, place: int) -> list[Block]:
        """Return what is to know of one table, and its best rows."""
        say, table = self.words.say, self.joined.tables[place]
        protocol = table.protocol
        facts = [(name, protocol.get(name)) for name in ("files", "data", "split", *DECIDES)]
        shown = [
            (say(f"compared.differs.{name}"), fact_text(value)) for name, value in facts if value not in (None, "", [])
        ]
        titles = [say(f"compared.column.{name}") for name in ("recipe", "score", "behind", "seen", "grid")]
        best = [
            [
                self.recipe(row),
                with_interval(row.recipe["score"], row.recipe["interval"]),
                self._behind(row.recipe.get("behind"))[0],
                say(f"compared.seen.{row.seen.replace(' ', '_')}"),
                row.report.name,
            ]
            for row in table.rows[:TOP]
        ]
        caption = say("compared.best_rows", n=len(best), n_all=len(table.rows), metric=self.metric(protocol["metric"]))
        verdicts = [self._verdict(report) for report in table.reports]
        columns = [Column(say("compared.fact")), Column(say("compared.value"))]
        rows = [TableRow([Value(name), Value(value)]) for name, value in shown]
        return [
            *(Paragraph(text) for text in dict.fromkeys(verdicts)),
            *(Paragraph(text, "warning") for text in self._apart(place)),
            *plain_table(caption, titles, best, 1),
            TableBlock(say("compared.protocol"), columns, rows, "facts"),
        ]

    def published(self) -> list[Block]:
        """List the figures of others with their protocols and sources."""
        say = self.words.say
        titles = [
            say(f"compared.column.{name}") for name in ("recipe", "dataset", "metric", "protocol", "source", "score")
        ]
        rows = [
            [
                one.recipe,
                one.dataset,
                self.metric(one.metric),
                one.protocol,
                f"{one.source} {one.url or ''}".strip(),
                with_interval(one.score, one.interval),
            ]
            for one in self.added
        ]
        return [Paragraph(say("compared.published_how")), *plain_table(say("compared.published"), titles, rows, 5)]

    def pretraining(self) -> list[Block]:
        """Say what each family of weights was pretrained on, and who says so."""
        say = self.words.say
        titles = [say(f"compared.column.{name}") for name in ("weights", "pretrained_on", "source")]
        rows = [[one.weights, say("counts.separator").join(one.data_sets), one.source] for one in self.known.values()]
        unknown = sorted(
            {
                str((row.recipe.get("backbone") or {}).get("weights") or row.recipe["axes"]["method"])
                for table in self.joined.tables
                for row in table.rows
                if row.seen == UNKNOWN
            }
        )
        warnings = (
            [Paragraph(say("compared.unknown", names=say("list.separator").join(unknown)), "warning")]
            if unknown
            else []
        )
        return [*warnings, *plain_table(say("compared.pretraining"), titles, rows, 3)]

    def how(self, command: str) -> list[Block]:
        say = self.words.say
        return [Points([say(f"compared.how.{n}") for n in (1, 2, 3, 4)]), *([Code(command, "sh")] if command else [])]
