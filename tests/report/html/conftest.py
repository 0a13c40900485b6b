"""A page of a small grid, and a real browser that fails a test on any console error, page error or request."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from motor.evaluation.cell_metrics import classification_metrics
from motor.report import CellResult
from motor.report.html import write_html
from motor.report.html.tables import cell_name

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
EVIL = '<img src=x onerror="document.title=1">'
EVIL_CLASSES = ("normal", f"{EVIL}&lt;</script>", "a\u2028'b`${c}")


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
        told = {"config": {"finetune.num_steps": "600"}, "tsne": points, "residuals": residuals, "worst": [place]}
        beside[cell_name(cell.axes)] = told | {"folder": cell.folder, "seconds": cell.seconds}
    kinds = [{"kind": "finetune", "n_stages": 3, "cpu_hours": 1.5, "gpu_hours": 0.2, "energy_wh": None}]
    return {"cells": beside, "signals": signals, "spent": {"by_kind": kinds, "shared": {"stages": 4}, "hosts": ["a"]}}


@pytest.fixture(scope="session")
def report(grid, context, make_details, tmp_path_factory) -> Path:
    """The page of the grid in English."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_html(path, grid, context, make_details(grid))
    return path


@pytest.fixture(scope="session")
def chinese_report(grid, context, make_details, tmp_path_factory) -> Path:
    """A page of two cells in Chinese."""
    path = tmp_path_factory.mktemp("chinese") / "report.html"
    write_html(path, grid[:2], replace(context, language="zh"), make_details(grid[:2]))
    return path


@pytest.fixture(scope="session")
def evil_report(make_predictions, context, make_details, tmp_path_factory) -> Path:
    """A page all of whose names are markup."""
    cells = [_evil_cell(make_predictions, seed) for seed in range(2)]
    path = tmp_path_factory.mktemp("evil") / "report.html"
    changed = replace(context, name=EVIL, command=EVIL, classes=EVIL_CLASSES, settings=((EVIL, EVIL),))
    write_html(path, cells, changed, make_details(cells))
    return path


def _evil_cell(make_predictions, seed):
    predictions = make_predictions(1.0, seed, EVIL_CLASSES, (f"{EVIL}d",), n_motors=3)
    for column in ("item", "motor"):
        predictions[column] = EVIL + predictions[column]
    axes = {"method": f"{EVIL}{seed}", "domain": f"{EVIL}d", "classifier": EVIL}
    metrics = classification_metrics(predictions, EVIL_CLASSES, "normal")
    return CellResult(axes, metrics, EVIL, predictions, {"normal": 0.9})


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """A headless Chromium: that of $CHROMIUM, one that is installed, or Playwright's own."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs a browser: pip install playwright")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_api.sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=found)
        except sync_api.Error as error:
            without = pytest.fail if os.environ.get("CI") else pytest.skip
            without(f"no browser: set CHROMIUM, or playwright install chromium ({str(error).splitlines()[0]})")
        yield browser
        browser.close()


class Visit:
    """One opened page: how long it took, what went wrong on it, and what it asked of a network."""

    def __init__(self, browser, path: Path):
        self.faults: list[str] = []
        self.page = browser.new_page()
        self.page.on("console", lambda message: self._heard(message.type, message.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda request: self._asked(path.as_uri(), request.url))
        began = time.perf_counter()
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

    def page_of(name: str, width: int = 1280, theme: str = "light"):
        seen.append(visit(name))
        page = seen[-1].page
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=theme)
        return page

    yield page_of
    assert [fault for visit in seen for fault in visit.faults] == []
