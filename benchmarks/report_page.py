"""How large `report.html` is, how long it takes to write, and to open in headless Chromium, beside the limits.

    python -m benchmarks.report_page [--cells 81 378] [--rounds 3] [--keep DIR]

The cells are made up: three folds, 374 test series a domain, each cell with its predictions, held-out predictions
(what nested selection looks at), t-SNE, forecast errors and five worst recordings at full length. Intervals of metrics
take most of the time to make a cell, and none of it to write the report: cells share those of every ninth. What is
written is the Markdown with its figures, the page and the summary; what a launch prepares while it waits for its stages
(`ReportAhead`: libraries, the page's program) is there before the clock starts. The page opens in a fresh context of
one browser on two cores (`taskset -c 0,1` sees to that elsewhere); "ready" is when the first screen and the chosen cell
stand, past the `load` event.
"""

import argparse
import itertools
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from motor.evaluation.cell_metrics import classification_metrics
from motor.report import CellResult, ReportContext, compose, drawn_aside, find, summary, write_html, write_markdown
from motor.report.findings import cell_name
from motor.results.ahead import ReportAhead

CLASSES = ("normal", "spark", "vibrate")
DOMAINS = ("ShengYing", "ZhenDong")
N_SERIES, N_FOLDS, PER_MOTOR, N_WORST, N_POINTS = 374, 3, 4, 5, 600
LIMITS_MB = {81: 6.0, 378: 10.0}
LIMITS_S = {81: 1.5, 378: 2.0}
LIMIT_WRITE_S = 8.0  # of wall time, findings and all forms, for 378 cells
N_METRICS = 9  # cells of a domain with metrics of their own


def axes_of(n_cells: int) -> Iterator[dict[str, Any]]:
    """Yield the coordinates of a grid: 81 cells are the README's, more have more methods and classifiers."""
    methods = ("A", "B", "C") if n_cells <= 81 else tuple(f"method {number}" for number in range(9))
    contexts = (1024, 2048, 4096) if n_cells <= 81 else (2048, 4096)
    classifiers = ("lightgbm", "mlp", "svm") if n_cells <= 81 else tuple(f"classifier {number}" for number in range(7))
    grid = itertools.product(methods, (*DOMAINS, "Joint"), contexts, classifiers)
    for method, domain, context, classifier in itertools.islice(grid, n_cells):
        yield {"method": method, "domain": domain, "context_length": context, "classifier": classifier}


def series_of(domains: tuple[str, ...]) -> pd.DataFrame:
    """Return the test series of some domains, motors dealt to classes and folds in turn."""
    number = np.tile(np.arange(N_SERIES), len(domains))
    motor = number // PER_MOTOR
    return pd.DataFrame(
        {
            "item": [f"recording {place:04}, motor {one:03}" for place, one in zip(number, motor, strict=True)],
            "motor": [f"motor {one:03}" for one in motor],
            "domain": np.repeat(domains, N_SERIES),
            "label": np.array(CLASSES)[motor % len(CLASSES)],
            "fold": (motor // len(CLASSES) % N_FOLDS).astype(str),
        }
    )


def make_cell(axes: dict[str, Any], seed: int, known: dict[tuple[str, int], Any]) -> CellResult:
    """Make up one cell: answers of a skill between guessing and nearly right; its metrics are those `known`, if any."""
    generator = np.random.default_rng(seed)
    rows = series_of(DOMAINS if axes["domain"] == "Joint" else (axes["domain"],))
    truth = rows["label"].map(CLASSES.index).to_numpy()
    score = generator.normal(size=(len(rows), len(CLASSES)))
    score[np.arange(len(rows)), truth] += 0.5 + 2 * generator.random()
    raised = np.exp(score)
    probability = raised / raised.sum(axis=1, keepdims=True)
    rows["predicted"] = np.array(CLASSES)[score.argmax(axis=1)]
    for place, name in enumerate(CLASSES):
        rows[f"probability_{name}"] = probability[:, place]
    rows["alarm"] = 1 - probability[:, 0] > 0.7
    threshold = {"value": 0.7, "false_alarm_rate": 0.05, "n_series": 40, "n_motors": 10, "resolved": True}
    kind = (str(axes["domain"]), seed % N_METRICS)
    if kind not in known:
        known[kind] = classification_metrics(rows, CLASSES, CLASSES[0])
    return CellResult(
        axes,
        known[kind],
        "/".join(map(str, axes.values())),
        rows,
        skill={"normal": 0.7, "spark": 0.9, "vibrate": 1.1},
        training={"steps": [800] * N_FOLDS, "best_step": [700] * N_FOLDS, "tokens": 33},
        n_fits=N_FOLDS,
        thresholds=(threshold,) * N_FOLDS,
        held_out=_held_out(rows, generator),
        seconds=600.0,
    )


def _held_out(rows: pd.DataFrame, generator: np.random.Generator) -> pd.DataFrame:
    """Return what is said of each fold's training series: the test answers, jolted."""
    parts = [rows[rows["fold"] != fold].assign(fold=fold) for fold in sorted(set(rows["fold"]))]
    held_out = pd.concat(parts, ignore_index=True).drop(columns="alarm")
    columns = [f"probability_{name}" for name in CLASSES]
    raised = held_out[columns].to_numpy() * np.exp(0.3 * generator.normal(size=(len(held_out), len(CLASSES))))
    held_out[columns] = raised / raised.sum(axis=1, keepdims=True)
    return held_out.assign(predicted=np.array(CLASSES)[raised.argmax(axis=1)])


def gather(cells: list[CellResult]) -> dict[str, Any]:
    """Make up what stands beside the metrics."""
    generator = np.random.default_rng(0)
    beside: dict[str, Any] = {}
    signals: dict[str, Any] = {}
    for cell in cells:
        wrong = cell.predictions[cell.predictions["predicted"] != cell.predictions["label"]].head(N_WORST)
        told = wrong.to_dict("records")
        names = [f"{row['domain']}: {row['item']}" for row in told]
        signals |= {name: _signal(row, generator) for name, row in zip(names, told, strict=True) if name not in signals}
        beside[cell_name(cell.axes)] = {
            "folder": cell.folder,
            "config": {f"setting {number}": number for number in range(40)},
            "tsne": _points(cell.predictions.head(N_SERIES), generator),
            "residuals": {
                domain: {name: np.sort(generator.lognormal(size=200)).tolist() for name in CLASSES}
                for domain in cell.metrics["by_domain"]
            },
            "worst": names,
        }
    kinds = ("prepare", "finetune", "features", "classify")
    spent = [{"kind": kind, "n_stages": 9, "cpu_hours": 2.5, "gpu_hours": 0.5, "energy_wh": 90.0} for kind in kinds]
    return {"cells": beside, "signals": signals, "spent": {"by_kind": spent, "shared": {}, "hosts": ["one"]}}


def _points(rows: pd.DataFrame, generator: np.random.Generator) -> list[dict[str, Any]]:
    places = generator.normal(size=(len(rows), 2))
    shared = rows[["item", "motor", "domain", "label"]].to_dict("records")
    return [{**row, "x": x, "y": y, "side": "test"} for row, (x, y) in zip(shared, places.tolist(), strict=True)]


def _signal(row: dict[str, Any], generator: np.random.Generator) -> dict[str, Any]:
    shown = {key: row[key] for key in ("item", "motor", "domain", "label", "predicted")}
    low, high, amplitude, envelope = np.abs(generator.normal(size=(4, N_POINTS)))
    seconds, frequency = np.linspace(0, 1, N_POINTS), np.linspace(0, 32768, N_POINTS)
    return {
        **shown,
        "probability": 0.9,
        "sampling_rate_hz": 65536.0,
        "unit": "m/s²",
        "waveform": {"t_s": seconds.tolist(), "low": (-low).tolist(), "high": high.tolist()},
        "spectrum": {"f_hz": frequency.tolist(), "amplitude": amplitude.tolist()},
        "envelope_spectrum": {"f_hz": frequency.tolist(), "amplitude": envelope.tolist()},
    }


def write(path: Path, n_cells: int) -> dict[str, float]:
    """Write the report of a grid, and return what it took."""
    known: dict[tuple[str, int], Any] = {}
    cells = [make_cell(axes, seed, known) for seed, axes in enumerate(axes_of(n_cells))]
    ahead = ReportAhead()
    ahead()
    ahead.wait()
    context = ReportContext("made up", "python launch.py grid.yaml", CLASSES, CLASSES[0], settings=(("steps", "800"),))
    details = gather(cells)
    beside = path.parent / f"result-{n_cells}"
    began, began_cpu = time.perf_counter(), time.process_time()
    findings = find(cells, context)
    found = time.perf_counter()
    findings = replace(findings, context=replace(context, spent=details["spent"]), details=details)
    document = compose(findings)
    figures: list[tuple[Path, Any]] = []
    write_markdown(beside / "result.md", document, lambda *figure: figures.append(figure))
    with drawn_aside(figures):
        write_html(path, document)
    (beside / "summary.json").write_text(json.dumps(summary(findings)), encoding="utf-8")
    written, written_cpu = time.perf_counter(), time.process_time()
    took = {"find_s": found - began, "report_s": written - began, "report_cpu_s": written_cpu - began_cpu}
    return took | {"mb": path.stat().st_size / 1e6}


def open_page(path: Path, rounds: int) -> dict[str, float]:
    """Open the page some times in fresh contexts, and return the medians in seconds."""
    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found)
        told = [_open_once(browser, path) for _ in range(rounds)]
        browser.close()
    return {name: statistics.median(one[name] for one in told) for name in told[0]}


def _open_once(browser: Any, path: Path) -> dict[str, float]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    session = browser.new_browser_cdp_session()
    before, began = _browser_cpu_s(session), time.perf_counter()
    page.goto(path.absolute().as_uri())
    loaded = time.perf_counter()
    page.wait_for_selector("html[data-state=ready]", state="attached")
    ready = time.perf_counter()
    cpu_s = _browser_cpu_s(session) - before
    context.close()
    return {"load_s": loaded - began, "ready_s": ready - began, "cpu_s": cpu_s}


def _browser_cpu_s(session: Any) -> float:
    """Return the CPU seconds of all the browser's processes that are alive."""
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    return float(sum(process["cpuTime"] for process in processes))


def main() -> None:
    """Measure each size, print a table, and last one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, nargs="+", default=[81, 378])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="a folder to keep the pages in")
    arguments = parser.parse_args()
    print(
        "| cells | MB | limit | found, s | report, s | its CPU s | load event, s | ready, s | limit | browser's CPU s |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    results: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for n_cells in arguments.cells:
            path = (arguments.keep or Path(folder)) / f"report-{n_cells}.html"
            told = write(path, n_cells) | open_page(path, arguments.rounds)
            results[str(n_cells)] = {name: round(value, 3) for name, value in told.items()}
            limit, limit_s = (limits.get(n_cells, float("nan")) for limits in (LIMITS_MB, LIMITS_S))
            times = [told[name] for name in ("find_s", "report_s", "report_cpu_s", "load_s", "ready_s")]
            shown = [told["mb"], limit, *times, limit_s]
            print(
                f"| {n_cells} | " + " | ".join(f"{value:.2f}" for value in [*shown, told["cpu_s"]]) + " |", flush=True
            )
    first, limit_s = results[str(arguments.cells[0])], LIMITS_S.get(arguments.cells[0], 1.5)
    summed = {
        "name": "report_page",
        "ratio": round(first["ready_s"] / limit_s, 3),
        "goal": 1.0,
        "against": f"the limit of {limit_s:g} s from opening to ready; the ratio may be at most the goal",
        "limits_mb": LIMITS_MB,
        "limits_s": LIMITS_S,
        "limit_write_s": LIMIT_WRITE_S,
        **results,
    }
    print(json.dumps(summed))


if __name__ == "__main__":
    main()
