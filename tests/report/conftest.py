"""A small grid and its report, and a real browser that fails a test on any console error, page error or request."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from motor.evaluation.cell_metrics import classification_metrics
from motor.report import CellResult, FailedCell, compose, find, write_html
from motor.report.compose import sections
from motor.report.document import Code, Figure, Heading, Intervals, Links, Pairs, Paragraph, Points, Table, Tiles, walk
from motor.report.findings import cell_name
from motor.report.wording import Wording

EVIL = '<img src=x onerror="document.title=1">'
EVIL_CLASSES = ("normal", f"{EVIL}&lt;</script>", "a\u2028'b`${c}")
METHODS = ("order", "C", "untrained")
FINDING = {"name": "dc_offset", "what": "DC offset tells the class.", "evidence": {"macro_f1": 0.62, "chance": 0.32}}
FINDING |= {"next_step": "Remove the mean."}
PROBE = {"cue": "length", "domain": "all", "macro_f1": 0.5, "interval": None, "chance": 0.33, "beats_chance": True}
PROBE |= {"p_value": 0.0004, "n_motors": 48}
CHECK = {"name": "dc_offset", "passed": False, "what": "The offset."}
SHARED = {"n_cells": 6, "n_stages": 9, "n_stages_without_sharing": 30, "cpu_hours": 1.0, "gpu_hours": 0.5}
SPENT = {
    "by_kind": [{"kind": "finetune", "n_stages": 9, "cpu_hours": 1.0, "gpu_hours": 0.5, "energy_wh": 40.0}],
    "shared": SHARED | {"cpu_hours_without_sharing": 4.0, "gpu_hours_without_sharing": 2.0},
}


class Shown:
    """The blocks of one section, and every text in them."""

    def __init__(self, findings, kind, language="en"):
        (section,) = [one for one in sections() if one.kind == kind]
        self.wording = Wording(section.words(language), findings)
        self.blocks = walk(section.blocks(findings, self.wording))

    @property
    def sentences(self) -> list[str]:
        return [text for block in self.blocks for text in _sentences(block)]

    @property
    def text(self) -> str:
        return "\n".join(self.sentences)

    @property
    def tables(self) -> dict[str, Table]:
        return {block.caption: block for block in self.blocks if isinstance(block, Table)}

    @property
    def figures(self) -> list[Figure]:
        return [block for block in self.blocks if isinstance(block, Figure)]

    def rows(self, caption: str) -> list[list[str]]:
        """The texts of the table whose caption holds this one."""
        (table,) = [table for name, table in self.tables.items() if caption in name]
        return [[value.text for value in row.values] for row in table.rows]


def _sentences(block) -> list[str]:
    if isinstance(block, Heading | Paragraph | Code):
        return [block.text]
    if isinstance(block, Points):
        return list(block.texts)
    if isinstance(block, Pairs):
        return [text for pair in block.pairs for text in pair]
    if isinstance(block, Links):
        return [block.lead, *(text for text, _ in block.links)]
    if isinstance(block, Tiles):
        return [text for tile in block.tiles for text in (tile.title, tile.value, tile.note)]
    if isinstance(block, Table):
        return [block.caption, *(column.title for column in block.columns)]
    if isinstance(block, Figure):
        rows = block.plot.rows if isinstance(block.plot, Intervals) else ()
        return [block.label, block.caption, *(dot.text for row in rows for dot in row.dots)]
    return []


@pytest.fixture(scope="session")
def shown() -> Callable[..., Shown]:
    """Give a function that makes a section's blocks: of findings, its kind, and a language."""
    return Shown


@pytest.fixture(scope="session")
def families(truth):
    """What surrounds simulated recipes of both families."""
    return replace(
        truth,
        families={"order": "plain", "C": "forecaster", "untrained": "forecaster"},
        controls={"C": "untrained"},
        goal=0.95,
        audit={"findings": [FINDING], "checks": [CHECK], "probe": [PROBE]},
        failed=(FailedCell({"method": "B"}, "out of memory"),),
        spent=SPENT,
        versions={"python": "3.11"},
        digests={"data": "4be1", "cells": "77aa"},
    )


@pytest.fixture(scope="session")
def findings_of(simulate, families) -> Callable:
    """Give a function that compares recipes of known skill."""

    def make(skills, context=families, n_motors=8, domains=("rig 1", "rig 2"), held_out=True, seconds=(1, 900, 300)):
        known = {"domains": domains, "seconds": seconds, "methods": METHODS, "keeps_held_out": held_out}
        simulated = simulate(skills, 1, n_motors, **known)
        judged = [classification_metrics(cell.predictions, context.classes, "normal") for cell in simulated]
        return find([replace(cell, metrics=found) for cell, found in zip(simulated, judged, strict=True)], context)

    return make


@pytest.fixture(scope="session")
def simulated(findings_of):
    """A plain recipe that is as good as the best, and a grid with everything that a report can have."""
    return findings_of((2.0, 2.1, 0.0))


@pytest.fixture(scope="session")
def write_page(make_details) -> Callable:
    """Give a function that writes the page of some cells."""

    def write(path, cells, context, details=None):
        findings = find(cells, context)
        details = make_details(cells) if details is None else details
        spent = details.get("spent") or {}
        write_html(path, compose(replace(findings, context=replace(context, spent=spent), details=details)))
        return path

    return write


@pytest.fixture(scope="session")
def grid(make_cell) -> list[CellResult]:
    """Twelve cells: two methods, three regimes, two classifiers."""
    regimes = ("ShengYing", "ZhenDong", "Joint")
    coordinates = product(("A", "C"), regimes, ("lda", "svm"))
    return [
        replace(make_cell(2.5 if m == "C" else 0.7, seed, m, d, 4, context_length=512, classifier=c), seconds=30.0)
        for seed, (m, d, c) in enumerate(coordinates)
    ]


@pytest.fixture(scope="session")
def make_details() -> Callable[[list[CellResult]], dict]:
    """Give a function that gathers what stands beside the metrics, as a launch does."""
    return _details


def _details(cells):
    frequency = np.linspace(0, 100, 50).tolist()
    spectrum = {"f_hz": frequency, "amplitude": np.abs(np.sin(frequency)).tolist()}
    beside, signals = {}, {}
    for cell in cells:
        rows = cell.predictions.head(30).to_dict("records")
        worst = rows[0]
        place = f"{worst['domain']} {worst['item']}"
        signals[place] = {key: worst[key] for key in ("item", "motor", "domain", "label", "predicted")}
        signals[place] |= {"probability": 0.9, "sampling_rate_hz": 200.0, "unit": "m/s²", "spectrum": spectrum}
        signals[place] |= {"waveform": {"t_s": frequency, "low": frequency, "high": frequency}}
        signals[place] |= {"envelope_spectrum": spectrum}
        points = [{**row, "x": place, "y": -place, "side": "test"} for place, row in enumerate(rows)]
        residuals = {domain: {cell.metrics["normal"]: [0.1, 0.2, 9.0]} for domain in cell.metrics["by_domain"]}
        fields = {"config": {"finetune.num_steps": "600"}, "tsne": points, "residuals": residuals, "worst": [place]}
        fields["learning"] = {"0": {"step": [0, 100], "loss": [1.0, 0.7]}}
        beside[cell_name(cell.axes)] = fields | {"folder": cell.folder, "seconds": cell.seconds}
    kinds = [{"kind": "finetune", "n_stages": 3, "cpu_hours": 1.5, "gpu_hours": 0.2, "energy_wh": None}]
    return {"cells": beside, "signals": signals, "spent": {"by_kind": kinds, "shared": {"stages": 4}, "hosts": ["a"]}}


@pytest.fixture(scope="session")
def report(grid, context, write_page, tmp_path_factory) -> Path:
    """The page of the grid in English."""
    return write_page(tmp_path_factory.mktemp("page") / "report.html", grid, context)


@pytest.fixture(scope="session")
def chinese_report(grid, context, write_page, tmp_path_factory) -> Path:
    """The same page in Chinese."""
    return write_page(tmp_path_factory.mktemp("chinese") / "report.html", grid, replace(context, language="zh"))


@pytest.fixture(scope="session")
def evil_report(make_predictions, context, write_page, tmp_path_factory) -> Path:
    """A page all of whose names are markup."""
    cells = [_evil_cell(make_predictions, seed) for seed in range(2)]
    changed = replace(context, name=EVIL, command=EVIL, classes=EVIL_CLASSES, settings=((EVIL, EVIL),))
    return write_page(tmp_path_factory.mktemp("evil") / "report.html", cells, changed)


def _evil_cell(make_predictions, seed):
    predictions = make_predictions(1.0, seed, EVIL_CLASSES, (f"{EVIL}d",), n_motors=3)
    for column in ("item", "motor"):
        predictions[column] = EVIL + predictions[column]
    axes = {"method": f"{EVIL}{seed}", "domain": f"{EVIL}d", "classifier": EVIL}
    metrics = classification_metrics(predictions, EVIL_CLASSES, "normal")
    return CellResult(axes, metrics, EVIL, predictions, {"normal": 0.9})


class Visit:
    """One opened page: how long it took, what went wrong on it, and what it asked of a network."""

    def __init__(self, browser, path: Path):
        self.faults: list[str] = []
        self.page = browser.new_page()
        self.page.on("console", lambda message: self._heard(message.type, message.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda request: self._asked(path.as_uri(), request.url))
        began = time.perf_counter()
        self.page.set_viewport_size({"width": 1280, "height": 900})
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("html[data-state=ready]", state="attached")
        self.seconds = time.perf_counter() - began

    def _heard(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.faults.append(text)

    def _asked(self, own: str, url: str) -> None:
        if not url.startswith((own, "data:")):
            self.faults.append(url)


@pytest.fixture(scope="session")
def visit(browser, report, evil_report, chinese_report) -> Callable[[str], Visit]:
    """Give a function that opens each page once, when it is first asked for: opening costs most of a second."""
    paths = {"desktop": report, "evil": evil_report, "chinese": chinese_report}
    return cache(lambda name: Visit(browser, paths[name]))


@pytest.fixture
def opened(visit) -> Iterator[Callable]:
    """Give a function that returns an opened page; in the end nothing may have gone wrong on it."""
    seen = []

    def page_of(name: str, width: int = 1280, theme: str = "light", height: int = 900, is_unfolded: bool = True):
        seen.append(visit(name))
        page = seen[-1].page
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=theme)
        page.evaluate("open => document.querySelectorAll('details').forEach(e => { e.open = open; })", is_unfolded)
        return page

    yield page_of
    assert [fault for visit in seen for fault in visit.faults] == []
