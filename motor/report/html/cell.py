"""One cell as the page shows it when it is chosen: its tables as HTML, its figures as data, packed until then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from motor.evaluation.cells import CellResult
from motor.evaluation.repeats import best_by_method_and_domain
from motor.report.findings import Findings
from motor.report.html.embedding import inline_json, packed
from motor.report.html.figures_cell import cell_figures
from motor.report.html.figures_signal import signal_figures
from motor.report.html.tables import advised_cells, cell_name
from motor.report.html.tables_cell import (
    classes_table,
    configuration_table,
    confusion_tables,
    errors_table,
    metrics_table,
)
from motor.report.html.words import Words

if TYPE_CHECKING:
    from jinja2 import Environment

# What all packed parts may take together: with plotly.js (2 MB) and the tables the page stays under 10 MB.
MOST_BYTES = 7_000_000
MOST_SHARED = 3  # signals of a cell that were drawn for another one


@dataclass(frozen=True)
class Parts:
    """What is packed into the page.

    Attributes
    ----------
    cells : list of str
        One for each cell, in the cells' order.
    signals : mapping
        Element of the page -> the figures of one signal.
    n_short : int
        Cells without t-SNE, forecast errors or drawn recordings, for want of room.
    """

    cells: list[str]
    signals: Mapping[str, str]
    n_short: int


def pack_parts(findings: Findings, details: Mapping[str, Any], said: Words, environment: Environment) -> Parts:
    """Pack every cell; where not all fits, only the cells that matter most keep what was gathered beside metrics."""
    cells = findings.cells
    of_cells = details.get("cells") or {}
    of_signals = details.get("signals") or {}
    places = {identifier: f"signal-{place}" for place, identifier in enumerate(of_signals)}
    made, signals = [""] * len(cells), dict[str, str]()
    # What a cell takes at the least, so that the first ones leave room for all others.
    reserve = 1.3 * len(_packed_cell(cells[0], {}, [], said, environment))
    room, short = MOST_BYTES - reserve * len(cells), list[int]()
    for index in _by_importance(findings):
        if short:  # once one has no room, those that matter less have none either
            short.append(index)
            continue
        beside = of_cells.get(cell_name(cells[index].axes)) or {}
        worst = worst_cases(cells[index], beside.get("worst") or [], of_signals)
        fresh = {places[one]: _packed_signal(of_signals[one], said) for one in worst if places[one] not in signals}
        drawn = [(places[one], case) for one, case in worst.items()]
        whole = _packed_cell(cells[index], beside, drawn, said, environment)
        room -= len(whole) - reserve + sum(map(len, fresh.values()))
        if room < 0:
            short.append(index)
            continue
        made[index] = whole
        signals |= fresh
    for index in short:
        made[index] = _packed_cell(cells[index], {}, [], said, environment)
    return Parts(made, signals, len(short))


def worst_cases(
    cell: CellResult, own: Sequence[str], signals: Mapping[str, Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]]:
    """Return the signals to draw for a cell: its own, else those drawn for another cell that it, too, names wrong.

    Parameters
    ----------
    cell : CellResult
        Its predictions say what it took each series for.
    own : sequence of str
        The signals that were drawn for it.
    signals : mapping
        Every drawn signal.
    """
    if known := {name: signals[name] for name in own if name in signals}:
        return known
    columns = [f"probability_{name}" for name in cell.metrics["classes"]]
    wrong = cell.predictions[cell.predictions["predicted"] != cell.predictions["label"]]
    probability = wrong[columns].max(axis=1).sort_values(ascending=False, kind="stable")
    drawn = {(signal["item"], signal["domain"]): name for name, signal in signals.items()}
    found: dict[str, Mapping[str, Any]] = {}
    for row in wrong.loc[probability.index].to_dict("records"):
        name = drawn.get((row["item"], row["domain"]))
        if name is not None and len(found) < MOST_SHARED:
            told = max(float(row[column]) for column in columns)
            found[name] = {**signals[name], "predicted": row["predicted"], "probability": told}
    return found


def _by_importance(findings: Findings) -> Iterable[int]:
    """Return the places of all cells: the advised recipe's, the best of each method and domain, then by macro-F1."""
    best = [row.indices[0] for row in best_by_method_and_domain(findings.rows)]
    rest = sorted(range(len(findings.cells)), key=lambda index: -(findings.cells[index].metrics["macro_f1"] or 0.0))
    return dict.fromkeys([*advised_cells(findings), *best, *rest])


def _packed_cell(
    cell: CellResult,
    beside: Mapping[str, Any],
    worst: Sequence[tuple[str, Mapping[str, Any]]],
    said: Words,
    environment: Environment,
) -> str:
    figures = cell_figures(cell, beside, said)
    html = environment.get_template("cell.html.j2").render(
        say=said.say,
        name=cell_name(cell.axes),
        folder=cell.folder,
        figures=figures,
        configuration=configuration_table(cell, beside, said),
        metrics=metrics_table(cell, said),
        classes=classes_table(cell, said),
        confusions=confusion_tables(cell, said),
        errors=errors_table(cell, said),
        worst=worst,
        is_short=not beside,
    )
    return packed(inline_json({"html": html, "figures": figures}))


def _packed_signal(signal: Mapping[str, Any], said: Words) -> str:
    return packed(inline_json(signal_figures(signal, said)))
