"""Reports of several stores joined: which of them can be compared, which recipe is which, and what each has seen."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from motor.evaluation.against import Against, Kept
from motor.evaluation.comparisons import Difference
from motor.evaluation.critical import CriticalDifference, over_blocks
from motor.evaluation.metrics.base import Metric

# What figures must agree in to stand in one table, the first that differs being the reason given.
DECIDES = ("scoring", "metric", "classes", "normal", "domains", "labels", "sides", "n_series", "references")
LEAST_RECIPES = 3
SEEN, NOT_SEEN, UNKNOWN, NOTHING, PLAIN = "seen", "not seen", "unknown", "nothing", "plain"
Identity = tuple[str, ...]
Protocol = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Report:
    """One grid's report, as it lies in a store.

    Attributes
    ----------
    where : str
        The store, as it was named.
    summary : mapping
        Its ``summary.json``.
    kept : mapping, optional
        Its ``ranking.npz`` (see `motor.evaluation.against.kept`).
    """

    where: str
    summary: Mapping[str, Any]
    kept: Kept | None = None

    @property
    def name(self) -> str:
        return str(self.summary["name"])

    @cached_property
    def protocol(self) -> Protocol:
        """How it was judged; of a report of an older version, as far as it says so."""
        stated = self.summary.get("protocol") or {}
        digests = self.summary.get("digests") or {}
        data = str(digests.get("data", ""))
        fallback = {"scoring": 0, "dataset": self.name, "files": data, "data": data, "sides": f"not told, {self.where}"}
        metric = (self.summary.get("metric") or {}).get("kind")
        common = {"metric": metric, "n_series": self.summary.get("n_series")}
        common |= {name: self.summary.get(name) for name in ("classes", "normal", "domains")}
        return {**fallback, **common, **stated}

    @cached_property
    def against(self) -> dict[int, dict[int, Difference]]:
        """Differences by the place of the reference, once they were asked for."""
        return {}

    def differences(self, reference: int, rank_by: Metric) -> dict[int, Difference]:
        """Return each recipe's lead over a reference; {} where the report keeps nothing to compute it from."""
        if self.kept is None:
            return {}
        if reference not in self.against:
            self.against[reference] = Against(self.kept, rank_by).of(reference)
        return self.against[reference]


@dataclass(frozen=True, eq=False)
class Row:
    """One recipe of one report.

    Attributes
    ----------
    recipe : mapping
        As in ``summary.json``.
    report : Report
    place : int
        In its report's ranking.
    seen : str
        Whether its backbone may have seen the data set: see `has_seen`.
    pretrained_on : tuple of str
        What its backbone was pretrained on, as far as it is known.
    """

    recipe: Mapping[str, Any]
    report: Report
    place: int
    seen: str = PLAIN
    pretrained_on: tuple[str, ...] = ()

    @cached_property
    def identity(self) -> Identity:
        """What makes it the same recipe in another grid: the method, the regime and the axes that mean something."""
        axes = {name: value for name, value in self.recipe["axes"].items() if value is not None}
        named = [f"{name}={value}" for name, value in sorted(axes.items()) if name != "method"]
        return (str(axes["method"]), "joint" if self.recipe["is_joint"] else "alone", *named)


@dataclass(frozen=True, eq=False)
class Table:
    """Figures that can be compared: one data set, one protocol.

    Attributes
    ----------
    reports : list of Report
    rows : list of Row
        Best first.
    apart : tuple of (place, name, theirs, ours)
        An earlier table of the same data, what differs, and how: why this is a table of its own.
    """

    reports: list[Report]
    rows: list[Row]
    apart: tuple[tuple[int, str, str, str], ...] = ()

    @property
    def protocol(self) -> Protocol:
        return self.reports[0].protocol

    @property
    def is_higher_better(self) -> bool:
        return (self.reports[0].summary.get("metric") or {}).get("better") != "lower"

    def first(self, identity: Identity) -> Row | None:
        """Return the row of a recipe, of several reports that of the first that was named."""
        rows = [row for row in self.rows if row.identity == identity]
        return min(rows, key=lambda row: self.reports.index(row.report), default=None)


@dataclass(frozen=True)
class Counted:
    """Over data sets, how often a recipe beats the reference, cannot be told from it, and loses.

    Attributes
    ----------
    identity : Identity
    wins, ties, losses : int
        A tie is whatever the motors of the data set cannot tell.
    untold : int
        Data sets whose report keeps nothing to tell it from.
    mean : float
        Mean lead in the metric, over the data sets that have both.
    """

    identity: Identity
    wins: int
    ties: int
    losses: int
    untold: int
    mean: float


@dataclass(frozen=True, eq=False)
class Joined:
    """All tables, and what holds over data sets.

    Attributes
    ----------
    tables : list of Table
    counted : list of Table
        Those that count over data sets: of each data set the table of most recipes, all by one metric.
    reference : Identity or None
    against : list of Counted
    ranks : CriticalDifference or None
        None where too few data sets share too few recipes.
    ranked : list of (Identity, float)
        Mean ranks of the recipes that all data sets of `ranked_over` have.
    ranked_over : list of Table
    """

    tables: list[Table]
    counted: list[Table]
    reference: Identity | None
    against: list[Counted]
    ranks: CriticalDifference | None
    ranked: list[tuple[Identity, float]]
    ranked_over: list[Table]


def join(
    reports: Sequence[Report], known: Mapping[str, Sequence[str]], metrics: Mapping[str, Metric], reference: str = ""
) -> Joined:
    """Join reports.

    Parameters
    ----------
    reports : sequence of Report
        In the order in which they were named.
    known : mapping
        Weights, as a regular expression of their name -> what they were pretrained on.
    metrics : mapping
        The metrics by name.
    reference : str
        The recipe that others are held against, as `words_of` has it or a part of that; by default the plain recipe
        that most data sets have, of these the one that stands highest.

    Raises
    ------
    ValueError
        If no recipe is called like the reference.
    """
    tables = _apart([Table(of, _rows(of, known)) for of in _by_protocol(reports)])
    counted = _one_a_data_set(tables)
    chosen = _reference(counted, reference)
    against = [] if chosen is None else _against(counted, chosen, metrics)
    ranks, ranked, over = _ranks(counted)
    return Joined(tables, counted, chosen, against, ranks, ranked, over)


def words_of(identity: Identity) -> str:
    """Return a recipe as one writes it: ``C, joint, classifier=svm, context_length=2048``."""
    return ", ".join(part for part in identity if part)


def weights_seen(backbone: Mapping[str, Any] | None, known: Mapping[str, Sequence[str]]) -> tuple[str, ...] | None:
    """Return what a backbone was pretrained on: () for nothing, None where nobody says so."""
    if not backbone:
        return ()
    if backbone.get("pretrained_on") is not None:
        return tuple(map(str, backbone["pretrained_on"]))
    weights = backbone.get("weights")
    if not weights:
        return None if backbone.get("is_given") else ()
    return next((tuple(sets) for name, sets in known.items() if re.fullmatch(name, str(weights))), None)


def has_seen(pretrained_on: Sequence[str] | None, names: Iterable[str]) -> str:
    """Tell whether what was pretrained on some data sets may have seen one that is called so."""
    if pretrained_on is None:
        return UNKNOWN
    if not pretrained_on:
        return NOTHING
    listed, wanted = {_plain(one) for one in pretrained_on}, {_plain(one) for one in names} - {""}
    return (
        SEEN if any(one == other or (len(one) > 3 and one in other) for one in wanted for other in listed) else NOT_SEEN
    )


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


def _by_protocol(reports: Sequence[Report]) -> list[list[Report]]:
    found: dict[tuple[str, ...], list[Report]] = {}
    for report in reports:
        key = tuple(str(report.protocol.get(name)) for name in ("data", *DECIDES))
        found.setdefault(key, []).append(report)
    return list(found.values())


def _rows(reports: Sequence[Report], known: Mapping[str, Sequence[str]]) -> list[Row]:
    rows = []
    for report in reports:
        names = {str(report.protocol["dataset"]), report.name}
        for place, recipe in enumerate(report.summary["recipes"]):
            on = weights_seen(recipe.get("backbone"), known)
            seen = has_seen(on, names) if recipe.get("family") != "plain" or recipe.get("backbone") else PLAIN
            rows.append(Row(recipe, report, place, seen, on or ()))
    sign = -1 if (reports[0].summary.get("metric") or {}).get("better") == "lower" else 1
    return sorted(rows, key=lambda row: -sign * row.recipe["score"])


def _apart(tables: list[Table]) -> list[Table]:
    """Say of each table why it is not part of an earlier one of the same files, or of the same name."""
    made: list[Table] = []
    for table in tables:
        apart = []
        for place, other in enumerate(made):
            mine, theirs = table.protocol, other.protocol
            same_files = mine["files"] == theirs["files"] and mine["files"]
            if same_files or mine["dataset"] == theirs["dataset"]:
                names = ("data", *DECIDES) if same_files else ("files",)
                differing = [name for name in names if str(mine.get(name)) != str(theirs.get(name))]
                apart += [(place, name, _short(theirs.get(name)), _short(mine.get(name))) for name in differing[:3]]
        made.append(Table(table.reports, table.rows, tuple(apart)))
    return made


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text[:16] if re.fullmatch("[0-9a-f]{32,}", text) else text


def _one_a_data_set(tables: Sequence[Table]) -> list[Table]:
    """Return, of the tables of the most frequent metric, the one of most recipes of each data set."""
    ranked = [table for table in tables if table.rows]
    if not ranked:
        return []
    metric = Counter(str(table.protocol["metric"]) for table in ranked).most_common(1)[0][0]
    best: dict[str, Table] = {}
    for table in ranked:
        if str(table.protocol["metric"]) == metric:
            known = best.get(str(table.protocol["files"]) + str(table.protocol["data"]) * (not table.protocol["files"]))
            if known is None or len(table.rows) > len(known.rows):
                best[str(table.protocol["files"]) or str(table.protocol["data"])] = table
    return list(best.values())


def _reference(tables: Sequence[Table], wanted: str) -> Identity | None:
    rows = {row.identity: row for table in tables for row in table.rows}
    orders = [list(dict.fromkeys(row.identity for row in table.rows)) for table in tables]
    counts = Counter(identity for table in tables for identity in {row.identity for row in table.rows})
    if wanted:
        fits = [identity for identity in rows if wanted == words_of(identity)]
        fits = fits or [one for one in rows if all(word in words_of(one).split(", ") for word in wanted.split(", "))]
        if not fits:
            some = "; ".join(sorted(words_of(one) for one, _ in counts.most_common(8)))
            raise ValueError(f"--reference {wanted!r} is no recipe here; there are, say: {some}")
        return max(fits, key=lambda one: counts[one])
    plain = [one for one, row in rows.items() if row.recipe.get("family") == "plain"]
    places = {one: [of.index(one) / len(of) for of in orders if one in of] for one in rows}
    return max(plain or list(rows), key=lambda one: (counts[one], -float(np.mean(places[one]))), default=None)


def _against(tables: Sequence[Table], reference: Identity, metrics: Mapping[str, Metric]) -> list[Counted]:
    outcomes: dict[Identity, list[tuple[str, float]]] = {}
    for table in tables:
        other = table.first(reference)
        if other is None:
            continue
        metric = metrics.get(str(table.protocol["metric"]))
        sign = 1 if table.is_higher_better else -1
        differences = other.report.differences(other.place, metric) if metric is not None else {}
        for identity in dict.fromkeys(row.identity for row in table.rows):
            row = table.first(identity)
            if row is None or identity == reference:
                continue
            lead = sign * (row.recipe["score"] - other.recipe["score"])
            found = differences.get(row.place) if row.report is other.report else None
            outcomes.setdefault(identity, []).append((_outcome(found, row, other), lead))
    counted = []
    for identity, of in outcomes.items():
        wins, ties, losses, untold = (sum(kind == name for kind, _ in of) for name in ("win", "tie", "loss", "untold"))
        counted.append(Counted(identity, wins, ties, losses, untold, float(np.mean([lead for _, lead in of]))))
    return sorted(counted, key=lambda one: (one.losses - one.wins, -one.mean))


def _outcome(found: Difference | None, row: Row, other: Row) -> str:
    """Return what the motors of a data set say; where a report keeps no arrays, what it says of its best recipe."""
    if found is not None:
        return "tie" if not found.told_apart else "win" if found.value > 0 else "loss"
    if row.report is other.report and 0 in (row.place, other.place):
        worse = row if other.place == 0 else other
        behind = worse.recipe.get("behind")
        if behind is not None:
            return "tie" if not behind["told_apart"] else "loss" if worse is row else "win"
    return "untold"


def _ranks(
    tables: Sequence[Table],
) -> tuple[CriticalDifference | None, list[tuple[Identity, float]], list[Table]]:
    """Rank the recipes that many data sets share; a data set that shares too few is left out."""
    over = list(tables)
    while over and len(shared := _shared(over)) < LEAST_RECIPES and len(over) > 1:
        over.remove(max(over, key=lambda one: len(_shared([other for other in over if other is not one]))))
    shared = _shared(over) if over else []
    if len(shared) < 2 or len(over) < 2:
        return None, [], []
    signs = [1 if table.is_higher_better else -1 for table in over]
    scores_DK = np.array(
        [
            [sign * table.first(one).recipe["score"] for one in shared]  # type: ignore[union-attr]
            for table, sign in zip(over, signs, strict=True)
        ]
    )
    names = [words_of(one) for one in shared]
    ranks, mean_ranks = over_blocks(scores_DK, names, [one[0] for one in shared])
    ranked = sorted(zip(shared, mean_ranks, strict=True), key=lambda pair: pair[1])
    return ranks, ranked, over


def _shared(tables: Sequence[Table]) -> list[Identity]:
    """Return the recipes that all tables have, in the first one's order."""
    if not tables:
        return []
    common = set.intersection(*({row.identity for row in table.rows} for table in tables))
    return [one for one in dict.fromkeys(row.identity for row in tables[0].rows) if one in common]
