"""What figures of a cell share: the base of the plug-ins, and Plotly's pieces in plain dicts.

A figure is {data, layout, height}; a colour is a name that the page's theme resolves. Texts that come from data pass
through `plain`: Plotly takes some tags in texts for markup.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from motor.evaluation.cells import CellResult
from motor.evaluation.sheet import fault_scores
from motor.registry import plugins
from motor.report.document import Figure, Plot
from motor.report.plugin import Speaking
from motor.report.wording import Wording

if TYPE_CHECKING:
    import pandas as pd

N_COLOURS = 8
MOST_PLACES = 300  # of a number that is not shown as 0: a power of ten beyond is infinite
MARKERS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x", "star")
DASHES = ("dash", "dashdot", "dot", "longdash")
INK, FAINT, GRID = "var:ink", "var:faint", "var:grid"
Floats = NDArray[np.float64]
Contest = tuple[str, float | None, Plot, Floats, NDArray[np.bool_]]  # name, AUC, line, score, truth of each series


class CellPlot(Speaking):
    """Figures of a cell: a file `NAME.py` with a class of this base as `PLUGIN`, whose `kind` is `NAME`."""

    ROOM: ClassVar[str] = "motor.report.plots"

    def figures(self, cell: CellResult, beside: Mapping[str, Any], wording: Wording) -> Sequence[Figure]:
        """Return what the cell's data allow; [] where they allow none.

        Parameters
        ----------
        cell : CellResult
            Its predictions and metrics are drawn.
        beside : mapping
            What was gathered of it beside: `tsne`, `residuals`, `learning`, each of which may be missing.
        wording : Wording
            The words, its own and the shared ones.
        """
        raise NotImplementedError(f"{type(self).__name__} must make its figures")


def cell_plots(wording: Wording, cell: CellResult, beside: Mapping[str, Any]) -> list[Figure]:
    """Return every figure of a cell that its data allow, in the order of their places."""
    found: list[Figure] = []
    for plot, words in _plots(wording.words.language):
        found += plot.figures(
            cell, beside, Wording(wording.words.beside(words.source, words.entries), wording.findings)
        )
    return found


def _plots(language: str) -> list[tuple[CellPlot, Any]]:
    made = [kind.model_validate({}) for kind in plugins(CellPlot.ROOM).values()]
    plots = sorted((one for one in made if isinstance(one, CellPlot)), key=lambda one: (one.PLACE, one.kind))
    return [(one, one.words(language)) for one in plots]


def colour(place: int) -> str:
    """Return the name of a colour: a custom property of the page's style, which knows the theme."""
    return f"var:c{place % N_COLOURS}"


@lru_cache(maxsize=8192)  # the cells of a grid have the same series
def plain(text: object) -> str:
    """Return foreign text so that Plotly shows it as it is: it knows a few tags and entities."""
    return " ".join(str(text).split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def axis(title: str, **settings: Any) -> dict[str, Any]:
    """Return an axis with its title."""
    return {"title": {"text": title}, "automargin": True, **settings}


def figure(name: str, data: Sequence[Plot], layout: Plot, wording: Wording, height: int = 420, **values: Any) -> Figure:
    """Return a figure; its catalogue's texts `label` and `caption` tell of it."""
    plot = {"data": list(data), "layout": {"height": height, **layout}, "height": height}
    return Figure(name, plot, wording.say("label", **values), wording.say("caption"))


def rounded(values: Sequence[float | None] | Any, digits: int = 4) -> list[float | None]:
    """Return numbers with so many significant digits: no eye sees more, and the page is small."""
    if isinstance(values, np.ndarray):
        return _significant(values, digits).tolist()
    pattern = f"%.{digits}g"
    return [None if value is None else float(pattern % value) for value in values]


def _significant(values: Floats, digits: int) -> Floats:
    """Return numbers with so many significant digits: whole ones over a power of ten, or times one, which are exact."""
    size = np.log10(np.abs(values), where=values != 0, out=np.zeros(values.shape))
    places = digits - 1 - np.floor(size)
    up, down = (10.0 ** np.clip(sign * places, 0, MOST_PLACES) for sign in (1, -1))  # one of them is 1
    return np.asarray(np.rint(values * up / down) / up * down)


def line(x: Floats, y: Floats, name: str, style: Plot) -> Plot:
    """Return a curve."""
    return {"type": "scatter", "mode": "lines", "x": rounded(x), "y": rounded(y), "name": name, "line": style}


def diagonal(name: str) -> Plot:
    """Return the diagonal of the unit square."""
    ends = np.array([0.0, 1.0])
    return {**line(ends, ends, name, {"color": FAINT, "width": 1}), "hoverinfo": "skip"}


def working_point(x: float | None, y: float | None, name: str) -> list[Plot]:
    """Mark where the alarm works."""
    if x is None or y is None:
        return []
    marker = {"color": INK, "size": 12, "symbol": "star"}
    trace = {"type": "scatter", "mode": "markers", "name": name, "marker": marker}
    return [{**trace, "x": rounded([x]), "y": rounded([y]), "cliponaxis": False}]


def unit_square(x_title: str, y_title: str) -> Plot:
    """Return the layout of a figure of shares against shares."""
    return {
        "xaxis": axis(x_title, range=[-0.02, 1.02], constrain="domain"),
        "yaxis": axis(y_title, range=[-0.02, 1.02]),
        "hovermode": "closest",
    }


@lru_cache(maxsize=1)  # several figures of a cell, one after the other, are made from them
def contests(cell: CellResult, faulty: str) -> list[Contest]:
    """List name, AUC, line, score and truth: faulty against normal, then each class against the rest.

    Those of which one side has no series are left out.
    """
    predictions: pd.DataFrame = cell.predictions
    metrics, label_n = cell.metrics, predictions["label"].to_numpy()
    normal = metrics["normal"]
    score_n = fault_scores(predictions, normal)
    found: list[Contest] = []
    if score_n is not None:
        of_faulty = {"color": INK, "width": 2.5}
        found.append((faulty, metrics.get("roc_auc_faulty"), of_faulty, score_n, label_n != normal))
    for place, name in enumerate(metrics["classes"] if "roc_auc" in metrics else ()):
        style = {"color": colour(place), "dash": DASHES[place % len(DASHES)], "width": 2}
        of_class = predictions[f"probability_{name}"].to_numpy(dtype=float)
        found.append((str(name), metrics["roc_auc"][name], style, of_class, label_n == name))
    return [contest for contest in found if contest[4].any() and not contest[4].all()]
