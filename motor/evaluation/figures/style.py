"""What all figures share: colours, fonts that can draw the names at hand, and reproducible PNG files."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from motor.lazy import Lazy, matplotlib

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from matplotlib.figure import Figure

backend_agg = Lazy("matplotlib.backends.backend_agg")

Edges = dict[str, float]  # as `Figure.subplots_adjust` takes them

# Okabe & Ito, "Color Universal Design" (2008): told apart with every common colour blindness. Yellow,
# which is faint on white, comes last; black is kept for "normal against faulty".
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#999999", "#F0E442")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LINES = ("-", "--", "-.", ":")

# Tried in this order, after DejaVu Sans (which comes with matplotlib), for names in Chinese.
_CHINESE_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "Microsoft YaHei",
    "SimHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "Heiti SC",
    "Arial Unicode MS",
)
DPI = 120
QUICKLY = {"compress_level": 1}  # of PNG; the usual 6 is 6 % of all drawing, for files an eighth smaller
DRAWN_BY = ("matplotlib.figure", "matplotlib.backends.backend_agg")  # what `drawing` imports
_SETTINGS: dict[Any, Any] = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.unicode_minus": False,
    "font.size": 9,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "text.parse_math": False,  # a "$" in a class name is a "$"
}


def font_families() -> list[str]:
    """Return the font families to draw with: DejaVu Sans, then the installed ones that know Chinese."""
    installed = {font.name for font in matplotlib.font_manager.fontManager.ttflist}
    return ["DejaVu Sans", *(family for family in _CHINESE_FONTS if family in installed)]


def drawable(names: Iterable[str]) -> dict[str, str]:
    """Return what to write for each name: itself, or "no. k" where no installed font has its characters.

    The number is the name's place in `names`, from 1; the report's table of classes has the same numbers.
    """
    found = matplotlib.font_manager
    paths = [found.fontManager.findfont(found.FontProperties(family=[family])) for family in font_families()]
    fonts = [found.get_font(path) for path in paths]
    written = {}
    for number, name in enumerate(map(str, names), start=1):
        known = all(any(font.get_char_index(ord(character)) for font in fonts) for character in name)
        # matplotlib keeps texts that begin with an underscore out of legends.
        written[name] = name.replace("_", " _", 1) if name.startswith("_") else name
        if not known:
            written[name] = f"no. {number}"
    return written


@contextmanager
def drawing(path: Path, width: float, height: float, edges: Edges | None = None) -> Iterator[Figure]:
    """Give an empty figure of `width` x `height` inches; on leaving, write it to `path` as PNG.

    `edges` are where its axes lie, for a figure whose words beside them are known; otherwise room for them is measured,
    which takes as long as to draw them.

    Neither pyplot nor the user's matplotlibrc takes part, and the file holds no date and no version, so
    that the same input gives the same bytes.
    """
    with house_style():
        figure = new_figure(width, height, edges)
        yield figure
        lay_out(figure, edges)
        figure.canvas.draw()
        write_png(figure.canvas, path)


@contextmanager
def house_style() -> Iterator[None]:
    """Let what is drawn in this block look like all figures."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS | {"font.family": font_families()})
        yield


def new_figure(width: float, height: float, edges: Edges | None) -> Figure:
    """Return an empty figure of `width` x `height` inches; without `edges` its axes make room for their words."""
    layout = None if edges else matplotlib.layout_engine.ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08)
    figure: Figure = matplotlib.figure.Figure(figsize=(width, height), dpi=DPI, layout=layout)
    backend_agg.FigureCanvasAgg(figure)
    return figure


def lay_out(figure: Figure, edges: Edges | None) -> None:
    """Give the axes of a figure their places, for good."""
    if edges is not None:
        figure.subplots_adjust(**edges)
    layout = figure.get_layout_engine()
    if layout is not None:
        layout.execute(figure)
        figure.set_layout_engine(None)  # otherwise it is all drawn twice, once to lay it out


def write_png(canvas: Any, path: Path) -> None:
    """Write the pixels of a canvas, with no date and no version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    of_file: dict[str, Any] = {"metadata": {"Software": None}, "pil_kwargs": QUICKLY}
    matplotlib.image.imsave(path, canvas.buffer_rgba(), format="png", origin="upper", dpi=DPI, **of_file)
