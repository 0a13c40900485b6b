"""Join the reports of several stores, versions and data sets into one page: a folder for any web server."""

import argparse
import io
import json
import shlex
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from grid.store.opening import OBJECTS, open_store
from grid.store.place import Folder, Place
from grid.store.store import write_json
from motor.commands.cell import grid_name
from motor.commands.exits import OK
from motor.commands.words import ROOT, STORAGE, config_path
from motor.evaluation.against import FILE_NAME as KEPT
from motor.evaluation.metrics.base import PACKAGE as METRICS
from motor.registry import plugins
from motor.report.compared import Joined, Report, compared_page, join, pretraining, read_added, rows_of
from motor.report.compared.added import Added, schema
from motor.report.html import write_html
from motor.report.words import DEFAULT, languages

RESULTS, SUMMARY, PAGE, ROWS, SCHEMA = "results", "summary.json", "index.html", "rows.json", "row.schema.json"
N_READS = 8


def compare(
    reports: Sequence[Report], added: Sequence[Added], target: Path, language: str, reference: str = "", typed: str = ""
) -> Joined:
    """Write the page of some reports into a folder: ``index.html``, ``rows.json`` and ``row.schema.json``.

    Parameters
    ----------
    reports : sequence of Report
        From `reports_in`.
    added : sequence of Added
        Figures of others.
    target : Path
        The folder; what else lies in it stays.
    language : str
        Of the page.
    reference : str
        As of `motor.report.compared.join`.
    typed : str
        The command, for the page.

    Raises
    ------
    ValueError
        If no recipe is called like the reference.
    """
    known = pretraining()
    metrics: dict[str, Any] = {kind: metric.model_validate({}) for kind, metric in plugins(METRICS).items()}
    joined = join(reports, {name: one.data_sets for name, one in known.items()}, metrics, reference)
    target.mkdir(parents=True, exist_ok=True)
    write_html(target / PAGE, compared_page(joined, added, known, language, typed))
    write_json(target / ROWS, rows_of(joined, added))
    write_json(target / SCHEMA, schema())
    return joined


def reports_in(words: Sequence[str], storage: str) -> list[Report]:
    """Return the reports that words name: of a storage all, of a config or a folder of results its own.

    Parameters
    ----------
    words : sequence of str
        Storages (folders or ``s3://bucket/prefix``), folders of results, configs.
    storage : str
        Where the results of configs lie.

    Raises
    ------
    ValueError
        If one has no report, with what it has.
    """
    found = [place for word in words for place in _places(word, storage)]
    with ThreadPoolExecutor(N_READS) as readers:
        return list(readers.map(lambda of: _report(*of), found))


def _places(word: str, storage: str) -> list[tuple[str, Place]]:
    """Return the folders of results that a word means, each with what its store is called."""
    if word.startswith(OBJECTS):
        return _of_store(word)
    path = Path(word)
    if (path / SUMMARY).is_file():
        return [(path.absolute().parents[1 if path.absolute().parent.name == RESULTS else 0].name, Folder(path))]
    if path.is_dir():
        return _of_store(word)
    config = config_path(word)
    if config.is_file():
        return _of_store(storage, grid_name(str(config)))
    raise ValueError(f"{word}: neither a storage, nor a folder of results, nor a config (seen from {Path.cwd()})")


def _of_store(word: str, name: str | None = None) -> list[tuple[str, Place]]:
    results = open_store(word).stored.within(RESULTS)
    there = [one for one in results.names() if results.has(f"{one}/{SUMMARY}")]
    chosen = there if name is None else [name] if name in there else []
    if not chosen:
        wanted = "no report" if name is None else f"no report of {name!r}; there are: {', '.join(there) or 'none'}"
        raise ValueError(f"{word}: {wanted}; run the grid first: python launch.py CONFIG --storage {word}")
    called = (
        word if word.startswith(OBJECTS) else Path(word).absolute().name
    )  # a page for others names no paths of ours
    return [(called, results.within(one)) for one in chosen]


def _report(where: str, place: Place) -> Report:
    """Read one report."""
    try:
        summary = json.loads(place.read(SUMMARY) or "")
    except ValueError as error:
        raise ValueError(f"{place.location}/{SUMMARY} is damaged ({error}); run the grid again") from error
    lacking = {"name", "recipes", "metric", "domains", "n_motors"} - summary.keys()
    if lacking:
        raise ValueError(f"{place.location}/{SUMMARY} lacks {', '.join(sorted(lacking))}; run the grid again")
    kept = None
    if place.has(KEPT):
        with np.load(io.BytesIO(b"".join(place.pieces(KEPT))), allow_pickle=False) as arrays:
            kept = {name: arrays[name] for name in arrays.files}
        if kept["values"].shape[1] != len(summary["recipes"]):
            kept = None  # written by another launch than the summary
    return Report(where, summary, kept)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments: the reports, the recipe that others are compared with, and the folder to write."""
    what = "a storage (a folder or s3://bucket/prefix: all its grids), a folder of results, or a config"
    parser.add_argument("words", nargs="+", metavar="STORAGE|GRID", help=what)
    parser.add_argument("--storage", default=str(ROOT / "storage"), help=f"of configs: {STORAGE}")
    parser.add_argument("--to", type=Path, default=Path("compared"), metavar="FOLDER", help="default: compared/")
    reference = "what others are held against, say 'orders, lda' (default: a plain one)"
    parser.add_argument("--reference", default="", metavar="RECIPE", help=reference)
    parser.add_argument("--add", type=Path, action="append", default=[], metavar="FILE", help="rows of others, as JSON")
    parser.add_argument("--language", choices=languages(), default=DEFAULT, help=f"of the page (default: {DEFAULT})")


def command(arguments: argparse.Namespace) -> int:
    """Write the page, and say where it is."""
    added = [row for path in arguments.add for row in read_added(path)]
    reports = reports_in(arguments.words, arguments.storage)
    typed = shlex.join(["python", "launch.py", "compare", *arguments.words, *_options(arguments)])
    joined = compare(reports, added, arguments.to, arguments.language, arguments.reference, typed)
    n_rows = sum(len(table.rows) for table in joined.tables)
    print(f"{len(reports)} reports, {len(joined.tables)} tables, {n_rows} rows: {arguments.to / PAGE}")
    if untold := [report for report in reports if report.kept is None]:
        print(f"{len(untold)} reports are of an older version; the next launch of their grids writes them anew.")
    return OK


def _options(arguments: argparse.Namespace) -> list[str]:
    given = [("--reference", arguments.reference), *(("--add", str(path)) for path in arguments.add)]
    return [word for name, value in given if value for word in (name, value)]
