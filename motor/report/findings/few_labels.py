"""What unlabelled series added, head by head and share by share, and the curve of the figure over labelled shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from motor.evaluation.cells import CellResult, cell_key
from motor.evaluation.comparisons import Difference, differences
from motor.evaluation.repeats import mean_of
from motor.evaluation.scores import Scores, SliceKey

SHARE, LABELLER, HEAD = "labelled_share", "pseudo_labels", "classifier"
NONE = "none"
Place = tuple[str, float | None]  # a labeller, or none, and the share of motors whose labels are shown


@dataclass(frozen=True)
class Added:
    """What a labeller added to one head at one labelled share, over the same cells without it.

    Attributes
    ----------
    head, labeller : str
    share : float or None
        None where the grid hides no labels.
    with_it, without : float
        The means over the pairs of cells.
    difference : Difference
        With over without, its interval for all of these together.
    """

    head: str
    labeller: str
    share: float | None
    with_it: float
    without: float
    difference: Difference


def added_by_unlabelled(cells: list[CellResult], scores: Scores) -> list[Added]:
    """Compare each cell with pseudo-labels with its twin without, by head, share and labeller."""
    slices = _slices(cells, scores, SHARE, LABELLER, "detector")
    pairs: dict[tuple[str, float | None, str], list[tuple[SliceKey, SliceKey]]] = {}
    for group in slices.values():
        for (labeller, share), keys in group.items():
            twin = group.get((NONE, share))
            if labeller != NONE and twin:
                head = str(cells[keys[0][0]].axes.get(HEAD))
                pairs.setdefault((head, share, labeller), []).extend((key, twin[0]) for key in keys)
    if not pairs:
        return []
    found = differences(scores, [(name[2], NONE, of_name) for name, of_name in pairs.items()])
    return [
        Added(
            head, labeller, share, _mean(scores, [first for first, _ in both]), _mean(scores, [b for _, b in both]), one
        )
        for ((head, share, labeller), both), one in zip(pairs.items(), found, strict=True)
    ]


def curves(cells: list[CellResult], scores: Scores) -> dict[str, dict[float, float]]:
    """Return labeller, or ``none`` -> labelled share -> mean figure, over the settings that have all of these.

    Empty where the labels of one share alone are shown.
    """
    slices = _slices(cells, scores, SHARE, LABELLER, "detector")
    places = {place for group in slices.values() for place in group if place[1] is not None}
    shares = sorted({share for _, share in places if share is not None})
    whole = [group for group in slices.values() if places <= group.keys()]
    if len(shares) < 2 or not whole:
        return {}
    found: dict[str, dict[float, float]] = {}
    for labeller in sorted({labeller for labeller, _ in places}, key=lambda name: (name != NONE, name)):
        keys = {share: [key for group in whole for key in group.get((labeller, share), ())] for share in shares}
        found[labeller] = {share: _mean(scores, of_share) for share, of_share in keys.items() if of_share}
    return found


def _slices(cells: list[CellResult], scores: Scores, *left_out: str) -> dict[Any, dict[Place, list[SliceKey]]]:
    """Group slices that are equal in all but some axes by labeller and share; those of one place differ in the rest."""
    found: dict[Any, dict[Place, list[SliceKey]]] = {}
    for index, domain in scores.values_R:
        axes = cells[index].axes
        share = axes.get(SHARE)
        place = str(axes.get(LABELLER) or NONE), None if share is None else float(share)
        found.setdefault((cell_key(axes, *left_out), domain), {}).setdefault(place, []).append((index, domain))
    return found


def _mean(scores: Scores, keys: list[SliceKey]) -> float:
    mean = mean_of(float(scores.values_R[key][0]) for key in keys)
    return scores.rank_by.worst if mean is None else mean
