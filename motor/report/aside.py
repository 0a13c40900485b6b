"""Drawing figures in a second process, while the first one writes what stands beside them."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from motor.evaluation.figures.style import DRAWN_BY
from motor.report.document import Intervals, Plot
from motor.report.drawing import draw

Figures = Sequence[tuple[Path, Intervals | Plot]]

_ready: list[_Process] = []  # at most one, which has begun to import and was not asked yet


def begin_aside() -> None:
    """Start the process that `drawn_aside` will ask, so that it has imported what it draws with by then."""
    if not _ready:
        _ready.append(_Process())


def is_begun() -> bool:
    """Tell whether a process waits to be asked."""
    return bool(_ready)


@contextmanager
def drawn_aside(figures: Figures) -> Iterator[None]:
    """Draw figures while the body runs; all of them stand when it is left.

    Parameters
    ----------
    figures : sequence of (Path, Intervals or dict)
        The PNG files to write, and what to draw, as `draw` takes them.

    Raises
    ------
    RuntimeError
        A figure could not be drawn: with what the other process said.
    """
    process = _ready.pop() if _ready else _Process()
    try:
        process.ask(figures)
        yield
        process.wait(figures)
    finally:
        process.end()


class _Process:
    """Draws once, what it is asked for; without a terminal that could interrupt it, and not beyond its asker's end."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,
        )
        self._asking = threading.Thread(target=self._ask, name="figures aside", daemon=True)
        self._asked = self._said = b""

    def ask(self, figures: Figures) -> None:
        self._asked = pickle.dumps(list(figures))
        self._asking.start()

    def _ask(self) -> None:
        _, self._said = self._process.communicate(self._asked)

    def wait(self, figures: Figures) -> None:
        """Wait until all is drawn; what a process that somebody killed has left is drawn here."""
        self._asking.join()
        if self._process.returncode < 0:
            _draw(figures)
        elif self._process.returncode:
            raise RuntimeError(f"figures were not drawn: {self._said.decode(errors='replace').strip()}")

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


def _draw(figures: Figures) -> None:
    for path, plot in figures:
        draw(path, plot)


def _draw_what_is_asked_for() -> None:
    for library in DRAWN_BY:
        import_module(library)
    asked = sys.stdin.buffer.read()
    if asked:  # else the asker has ended without
        _draw(pickle.loads(asked))


if __name__ == "__main__":
    _draw_what_is_asked_for()
