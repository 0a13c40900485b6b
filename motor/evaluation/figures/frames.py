"""Figures of one kind are drawn by the dozen: their axes, ticks and words are laid out and drawn once a process."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING, Any

from motor.evaluation.figures.style import Edges, house_style, lay_out, new_figure, write_png

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KEPT = 4  # frames of a kind that a process keeps, some megabytes each

_ONE_AT_A_TIME = RLock()


@dataclass(frozen=True)
class Frame:
    """A figure without what differs from one drawing to the next.

    Attributes
    ----------
    axes : tuple of Axes
        Of all that is put into them, nothing may lie beneath a spine, a tick or a word of the frame.
    pixels : object
        Of the frame, as its canvas gives and takes them.
    """

    axes: tuple[Axes, ...]
    pixels: Any

    @contextmanager
    def drawing(self, path: Path) -> Iterator[tuple[Axes, ...]]:
        """Give the axes, to be filled; on leaving, write the figure to `path` as PNG, and empty them again.

        The file has the bytes that one drawn anew would have.
        """
        canvas: Any = self.axes[0].figure.canvas
        with _ONE_AT_A_TIME, house_style():
            former = {axis: set(axis.get_children()) for axis in self.axes}
            for axis in self.axes:
                axis.set_prop_cycle(None)  # colours that nobody names begin anew
            try:
                yield self.axes
                canvas.restore_region(self.pixels)
                for axis in self.axes:
                    added = (artist for artist in axis.get_children() if artist not in former[axis])
                    for artist in sorted(added, key=lambda artist: artist.get_zorder()):
                        axis.draw_artist(artist)
                write_png(canvas, path)
            finally:
                for axis in self.axes:
                    for artist in set(axis.get_children()) - former[axis]:
                        artist.remove()


@contextmanager
def framing(width: float, height: float, edges: Edges | None = None) -> Iterator[Figure]:
    """Give an empty figure, to be made a frame of; on leaving, it is laid out (see `drawing` for `edges`)."""
    with _ONE_AT_A_TIME, house_style():
        figure = new_figure(width, height, edges)
        yield figure
        lay_out(figure, edges)


def framed(axes: tuple[Axes, ...]) -> Frame:
    """Return a frame of a figure that is laid out, with the axes that are to be filled."""
    figure: Any = axes[0].figure
    with _ONE_AT_A_TIME, house_style():
        figure.canvas.draw()
        return Frame(axes, figure.canvas.copy_from_bbox(figure.bbox))
