"""What the report is made from: finished cells, failed cells, and what surrounds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

Axes = Mapping[str, str | int]


@dataclass(frozen=True, eq=False)
class CellResult:
    """One finished cell of the grid.

    Attributes
    ----------
    axes : mapping
        What sets this cell apart: `method` and `domain` (one domain, or the joint regime's name) always,
        then `context_length`, `classifier`, `representation`, `seed`, ... All cells have the same axes.
    metrics : dict
        From `classification_metrics`, possibly read back from JSON.
    folder : str
        The cell's folder relative to the report's, for links.
    predictions : DataFrame
        As for `classification_metrics`.
    skill : mapping, optional
        The forecaster's error over the mean forecast's on held-out series, by class name; 1 means that it
        forecasts no better than the mean. A key "faulty" may give all faults together.
    training : mapping, optional
        `steps`, `best_step`, `validation_loss`, ...: a value, or a list with one value a fold.
    n_fits : int
        How many fine-tunes (folds) the cell rests on.
    figures : tuple of str
        Figure files relative to `folder`.
    thresholds : tuple of mappings
        The fields of each `Threshold` that raised the alarms.
    """

    axes: Axes
    metrics: Mapping[str, Any]
    folder: str
    predictions: pd.DataFrame
    skill: Mapping[str, float | None] | None = None
    training: Mapping[str, Any] | None = None
    n_fits: int = 1
    figures: tuple[str, ...] = ()
    thresholds: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class FailedCell:
    """A cell that has no result: its axes, the cause in one line, and where its log is."""

    axes: Axes
    cause: str
    log: str | None = None


@dataclass(frozen=True)
class ReportContext:
    """What stands in the report besides the cells.

    Attributes
    ----------
    name : str
        The grid's name.
    command : str
        The command that makes this result.
    classes : tuple of str
        All classes.
    normal : str
        The normal class.
    joint : str
        The joint regime's name on the axis `domain`.
    two_stage_pairs : mapping
        Method with one stage -> the same with two.
    descriptions : mapping
        What a method's (or any other) name means, in a few words.
    settings : tuple of (name, value)
        The settings worth reading: windows, augmentation, scaling, steps, rates.
    dataset, split : mapping
        Facts by name. The key "counts" may hold rows: for the data `domain`, `label`, `series`, `motors`;
        for the split any columns (say `fold`, `side`, `label`, `motors`).
    versions, digests : mapping
        Software versions; digests of data and config.
    failed : tuple of FailedCell
        The cells without a result.
    overview : str, optional
        The figure over all cells, relative to the report.
    """

    name: str
    command: str
    classes: tuple[str, ...]
    normal: str
    joint: str = "Joint"
    two_stage_pairs: Mapping[str, str] = field(default_factory=dict)
    descriptions: Mapping[str, str] = field(default_factory=dict)
    settings: tuple[tuple[str, str], ...] = ()
    dataset: Mapping[str, Any] = field(default_factory=dict)
    split: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    failed: tuple[FailedCell, ...] = ()
    overview: str | None = None


def varying_axes(cells: list[CellResult]) -> list[str]:
    """Return the axes with more than one value, `method` and `domain` always, in the cells' order."""
    names = list(dict.fromkeys(name for cell in cells for name in cell.axes))
    several = {name for name in names if len({cell.axes.get(name) for cell in cells}) > 1}
    return [name for name in names if name in several | {"method", "domain"}]


def axis_text(name: str, value: str | int) -> str:
    """Return how one coordinate is written in a sentence: "method C", "context 4096", "svm"."""
    prefixes = {"method": "method ", "context_length": "context ", "seed": "seed "}
    return f"{prefixes.get(name, '')}{value}"
