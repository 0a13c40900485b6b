"""The critical-difference diagram: recipes on an axis of mean ranks, bars over what cannot be told apart."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from motor.report.figures.style import COLOURS, drawable, drawing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes

_WIDEST_LABEL = 40  # characters a line


def critical_difference_figure(
    path: Path, mean_ranks: Mapping[str, float], p_values: pd.DataFrame, critical_difference: float
) -> None:
    """Draw a critical-difference diagram (Demsar, JMLR 7, 2006, figure 1).

    Parameters
    ----------
    path : Path
        The PNG file to write.
    mean_ranks : mapping
        Recipe -> mean rank, 1 is best.
    p_values : DataFrame
        Pair by pair, with the recipes as index and columns; a bar joins what lies above 0.05.
    critical_difference : float
        The length of the bar that is drawn as a scale.

    Raises
    ------
    ValueError
        If fewer than two recipes came.
    """
    if len(mean_ranks) < 2:
        raise ValueError(f"a critical-difference diagram needs two recipes or more; there are {len(mean_ranks)}")
    written = {name: textwrap.fill(text, _WIDEST_LABEL) for name, text in drawable(mean_ranks).items()}
    lines = sum(text.count("\n") + 1 for text in written.values()) / 2
    with drawing(path, 9.0, 1.6 + 0.24 * lines) as figure:
        _diagram(figure.subplots(), mean_ranks, p_values, critical_difference, written)


def _diagram(
    axis: Axes, mean_ranks: Mapping[str, float], p_values: pd.DataFrame, distance: float, written: Mapping[str, str]
) -> None:
    """Let the library draw, recipes as numbers: it walks over sets, whose order is the same only for numbers."""
    import pandas as pd
    import scikit_posthocs

    names = sorted(mean_ranks, key=lambda name: mean_ranks[name])
    numbered = pd.DataFrame(p_values.loc[names, names].to_numpy(), index=range(len(names)), columns=range(len(names)))
    drawn = scikit_posthocs.critical_difference_diagram(
        {place: mean_ranks[name] for place, name in enumerate(names)},
        numbered,
        ax=axis,
        label_fmt_left="{label}",
        label_fmt_right="{label}",
        label_props={"fontsize": 8, "linespacing": 0.95},
        elbow_props={"color": "0.45", "linewidth": 0.8},
        marker_props={"color": COLOURS[0], "s": 16},
        crossbar_props={"color": COLOURS[1], "linewidth": 3, "solid_capstyle": "round"},
        text_h_margin=0.03 * _span(mean_ranks),
    )
    for text in drawn["labels"]:
        name = names[int(text.get_text())]
        text.set_text(_label(written[name], mean_ranks[name], is_left=text.get_ha() == "right"))
        text.set_color("black")
    _scale(axis, min(mean_ranks.values()), distance)


def _label(text: str, rank: float, is_left: bool) -> str:
    return f"{text}  {rank:.1f}" if is_left else f"{rank:.1f}  {text}"


def _scale(axis: Axes, start: float, distance: float) -> None:
    """Draw the critical difference as a scale above the axis of ranks, and name that axis."""
    axis.spines["top"].set_visible(True)
    style: dict[str, Any] = {"color": "black", "linewidth": 1.2, "marker": "|", "markersize": 7, "clip_on": False}
    axis.plot([start, start + distance], [1.9, 1.9], **style)
    axis.text(start, 2.2, f"critical difference {distance:.1f}", ha="left", va="bottom", fontsize=8)
    axis.set_xlabel("mean rank over the test motors, 1 is best", fontsize=8)
    axis.xaxis.set_label_position("top")


def _span(mean_ranks: Mapping[str, float]) -> float:
    return max(max(mean_ranks.values()) - min(mean_ranks.values()), 1.0)
