"""What the report is made from: finished cells, failed cells, and what surrounds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from motor.evaluation.axes.base import axis
from motor.evaluation.metrics.base import Metric
from motor.evaluation.metrics.macro_f1 import MacroF1
from motor.evaluation.sheet import has
from motor.lazy import pandas as pd

Axes = Mapping[str, str | int | None]

NO_VALUE = "–"  # an axis that means nothing for this method: physics features have no context
JOINT = "Joint"  # the regime of one recipe for all domains
FORECASTER, PLAIN = "forecaster", "plain"  # the families of methods


def no_rows() -> pd.DataFrame:
    """Return a table without rows: nothing was held out."""
    return pd.DataFrame(columns=["fold", "item", "motor", "domain", "label", "predicted"])


@dataclass(frozen=True, eq=False)
class CellResult:
    """One finished cell of the grid.

    Attributes
    ----------
    axes : mapping
        What sets this cell apart: `method` and `domain` (one domain, or the joint regime's name) always,
        then `context_length`, `classifier`, `representation`, `seed`, ... All cells have the same axes;
        None stands where an axis means nothing for the method.
    metrics : dict
        From `classification_metrics`, possibly read back from JSON.
    folder : str
        The cell's folder relative to the report's, for links.
    predictions : DataFrame
        As for `classification_metrics`.
    skill : mapping, optional
        The forecaster's error over the mean forecast's on held-out series, by class name; 1 means that it
        forecasts no better than the mean. A key "faulty" may give all faults together. None for methods
        that have no forecaster.
    training : mapping, optional
        `steps`, `best_step`, `validation_loss`, `tokens` (what the encoder really saw), ...: a value, or a
        list with one value a fold. None for methods that fine-tune nothing.
    n_fits : int
        How many fine-tunes (folds) the cell rests on.
    figures : tuple of str
        Figure files relative to `folder`.
    thresholds : tuple of mappings
        The fields of each `Threshold` that raised the alarms.
    held_out : DataFrame
        As `predictions`, with a column `fold`, but over the training side's series, each predicted by a
        classifier that did not see its motor: all that a choice between recipes may look at. Empty where
        there is none.
    seconds : float
        Compute that the recipe cost: all of its stages, all folds.
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
    held_out: pd.DataFrame = field(default_factory=no_rows)
    seconds: float = 0.0

    @property
    def has(self) -> frozenset[str]:
        """What its predictions have that a metric may need: a detector names no class and has no probabilities."""
        return has(self.predictions)


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
        The settings worth reading, as a config has them: windows, augmentation, scaling, ...; values are JSON or text.
    dataset, split : mapping
        Facts by name. The key "counts" may hold rows: for the data `domain`, `label`, `series`, `motors`;
        for the split any columns (say `fold`, `side`, `label`, `motors`).
    versions, digests : mapping
        Software versions; digests of data and config.
    failed : tuple of FailedCell
        The cells without a result.
    families : mapping
        Method -> "forecaster" (it uses a network that forecasts, trained or not) or "plain".
    controls : mapping
        Method -> the method that is its untrained control.
    audit : mapping, optional
        The leak audit: `findings` (name, what, evidence, next_step), `probe` (cue, domain, macro_f1,
        interval, chance, p_value, beats_chance, n_motors), `checks` (name, passed, what), `seconds`.
    accepted : tuple of str
        Findings that the config accepts by name.
    rank_by : Metric
        What recipes are ranked by: macro-F1 unless ``evaluation.rank_by`` says otherwise. All that a text needs of it:
        `kind` (its key in `metrics.json`, for which a catalogue has words of its own; `kind + "_interval"` is its
        interval's), `title` (English, where a catalogue has none), `better` ("higher" or "lower"), `bounds` and
        `worst`. What is measured is in its own unit (`Repeats.value`, `Figure.value`, `Levels.means`,
        `Ranking.score`, `Scores.values_R`); every lead and difference (`Difference.value`, `.interval`) is turned so
        that more than 0 means that the first is better. Cells that lack what it needs are not ranked: see `rankable`.
    goal : float, optional
        Of `rank_by`, that the user wants reached; the report says where it is missed.
    leaky : mapping, optional
        `cell_key` of a cell -> its figure by `rank_by` where series, not motors, are divided between the sides.
    language : str
        Of the report: the name of a catalogue of its words.
    spent : mapping
        What was computed: `by_kind` (kind, n_stages, cpu_hours, gpu_hours, energy_wh), `shared`, `hosts`.
    stopped : tuple of mapping
        Cells that a race has stopped: `axes`, `recipe`, `after` how many folds `of` how many, `behind` which recipe by
        which `lead`, on how many motors (`n_motors`).
    protocol : mapping
        What figures have to agree in to be compared with those of another report (see docs/results.md).
    backbones : mapping
        `cell_key` of a cell -> what forecasts or describes there: `kind`, `weights` (null: random ones), or `is_given`
        and `pretrained_on` of vectors that were given.
    """

    name: str
    command: str
    classes: tuple[str, ...]
    normal: str
    joint: str = JOINT
    two_stage_pairs: Mapping[str, str] = field(default_factory=dict)
    descriptions: Mapping[str, str] = field(default_factory=dict)
    settings: tuple[tuple[str, str], ...] = ()
    dataset: Mapping[str, Any] = field(default_factory=dict)
    split: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    failed: tuple[FailedCell, ...] = ()
    families: Mapping[str, str] = field(default_factory=dict)
    controls: Mapping[str, str] = field(default_factory=dict)
    audit: Mapping[str, Any] | None = None
    accepted: tuple[str, ...] = ()
    rank_by: Metric = MacroF1()
    goal: float | None = None
    leaky: Mapping[tuple[tuple[str, str], ...], float] | None = None
    language: str = "en"
    spent: Mapping[str, Any] = field(default_factory=dict)
    stopped: tuple[Mapping[str, Any], ...] = ()
    protocol: Mapping[str, Any] = field(default_factory=dict)
    backbones: Mapping[tuple[tuple[str, str], ...], Mapping[str, Any]] = field(default_factory=dict)


def rankable(cells: Iterable[CellResult], rank_by: Metric) -> list[CellResult]:
    """Return the cells whose predictions have what a metric needs: by macro-F1, those of classifiers alone.

    A transductive recipe, which knows unlabelled series of the motors that it is asked about, is ranked with no other.
    """
    return [cell for cell in cells if rank_by.needs <= cell.has and cell.axes.get("unlabelled_motors") != "all"]


def cell_key(axes: Axes, *left_out: str) -> tuple[tuple[str, str], ...]:
    """Return coordinates as a key that does not depend on their order, some axes left out."""
    return tuple(sorted((name, str(value)) for name, value in axes.items() if name not in left_out))


def varying_axes(cells: list[CellResult]) -> list[str]:
    """Return the axes with more than one value, `method` and `domain` always, in the cells' order.

    That an axis means nothing for some methods is no second value: the method tells it.
    """
    names = list(dict.fromkeys(name for cell in cells for name in cell.axes))
    values = {name: {cell.axes.get(name) for cell in cells} - {None} for name in names}
    return [name for name in names if len(values[name]) > 1 or name in ("method", "domain")]


def axis_text(name: str, value: str | int | None) -> str:
    """Return how one coordinate is written in a sentence: "method C", "context 4096", "svm"."""
    return axis(name).in_text(NO_VALUE if value is None else value)


def axes_text(axes: Axes, names: Iterable[str]) -> str:
    """Return several coordinates as a sentence has them, without those that mean nothing here."""
    return ", ".join(axis_text(name, axes[name]) for name in names if axes.get(name) is not None)
