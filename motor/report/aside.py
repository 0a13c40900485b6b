"""Drawing figures in a second process, while the first one writes what stands beside them."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from motor.report.document import Intervals, Plot
from motor.report.drawing import draw


@contextmanager
def drawn_aside(figures: Sequence[tuple[Path, Intervals | Plot]]) -> Iterator[None]:
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
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as said:
        pickle.dump(list(figures), asked)
        asked.seek(0)
        process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=asked,
            stdout=subprocess.DEVNULL,
            stderr=said,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        try:
            yield
            process.wait()
        finally:
            process.kill()
            process.wait()
        if process.returncode:
            said.seek(0)
            raise RuntimeError(f"figures were not drawn: {said.read().decode(errors='replace').strip()}")


def _draw_all() -> None:
    for path, plot in pickle.load(sys.stdin.buffer):
        draw(path, plot)


if __name__ == "__main__":
    _draw_all()
