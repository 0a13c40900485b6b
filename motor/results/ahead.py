"""Prepare what a report is made with while a launch waits for its stages, so that the end does not wait for it."""

import importlib
import os
import threading

from motor.evaluation.figures.style import DRAWN_BY
from motor.evaluation.label_errors import is_installed
from motor.registry import plugins
from motor.report import begin_aside
from motor.report.html.embedding import packed_program, plotly_source
from motor.report.plots.base import CellPlot
from motor.report.sections.base import Section

# The slowest to import of what results are laid out, judged and drawn with.
LIBRARIES = ("scipy.signal", "scipy.stats", *DRAWN_BY)


class ReportAhead:
    """Imports libraries and packs the page's program, in a thread of its own; and starts the process that draws beside.

    That process is the last of it, and is not started where there is one CPU alone.
    """

    def __init__(self) -> None:
        self._thread = threading.Thread(target=_prepare, name="report ahead", daemon=True)

    def __call__(self) -> None:
        """Begin, unless that is done."""
        if self._thread.ident is None:
            self._thread.start()

    def wait(self) -> None:
        """Wait until all that was begun is there."""
        if self._thread.ident is not None:
            self._thread.join()


def _prepare() -> None:
    for library in LIBRARIES:
        importlib.import_module(library)
    for room in (CellPlot.ROOM, Section.ROOM):
        plugins(room)
    is_installed()
    packed_program(plotly_source())
    if (os.cpu_count() or 1) > 1:
        begin_aside()
