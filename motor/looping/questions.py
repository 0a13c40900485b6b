"""Choose what an iteration asks people: a batch by the strategy, a share of it at random, with fair suggestions."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np

from motor.asking.base import Pool, strategy
from motor.asking.random import Random
from motor.asking.strangest import Strangest
from motor.experiment.looping import Looping
from motor.judges.trimmed_mahalanobis import TrimmedMahalanobis
from motor.lazy import pandas as pd
from motor.lazy import sklearn
from motor.looping.inference import PROBABILITY
from motor.review.database.queues import Question

NEIGHBOURS = 6
DIMENSIONS = 32
DOUBTED = 0.8
SHADOW = "shadow"  # why a recording is asked for that champion and challenger call otherwise
FEWEST_NORMAL = 4  # labelled recordings that a detector of strange ones is fitted on


@dataclass(frozen=True)
class Candidates:
    """Recordings that people may be asked about: those of training and validation motors.

    Attributes
    ----------
    meta : DataFrame
        item, motor, label (None where nobody knows it).
    inferred : DataFrame or None
        What the newest model says, by item; None before the first.
    seed : int
    classes : tuple of str
    normal : str
    disagreed : tuple of str
        Items that champion and challenger call otherwise, the most wanted first.
    """

    meta: "pd.DataFrame"
    inferred: "pd.DataFrame | None"
    seed: int
    classes: tuple[str, ...] = ()
    normal: str = "normal"
    disagreed: tuple[str, ...] = ()


def questions(candidates: Candidates, settings: Looping, count: int | None = None) -> list[Question]:
    """Return what to ask: the random share with the chance that each had, and the others by the strategy.

    Parameters
    ----------
    candidates : Candidates
    settings : Looping
    count : int, optional
        How many; a batch by default.
    """
    meta, inferred = candidates.meta, candidates.inferred
    open_items = meta.loc[meta["label"].isna(), "item"].tolist()
    count = min(count or (settings.batch if inferred is not None else settings.first), len(open_items))
    if not count:
        return []
    n_random = count if inferred is None else max(1, round(settings.random_share * count))
    draws = np.random.default_rng(candidates.seed)
    drawn = [open_items[place] for place in draws.permutation(len(open_items))[:n_random]]
    chance = n_random / len(open_items)
    n_blind = 0 if inferred is None else round(settings.blind_share * count)  # where there is anything to hide
    blind = set(draws.permutation(count)[:n_blind].tolist())
    X = None if inferred is None else features(inferred)
    wanted = [item for item in candidates.disagreed if item in set(open_items) - set(drawn)]
    contradicted = wanted[: min(round(settings.shadow_share * count), count - n_random)]
    taken, n_left = {*drawn, *contradicted}, count - n_random - len(contradicted)
    chosen = [] if X is None else _chosen(candidates, X, settings, taken, n_left)
    asked: list[tuple[str, str, float | None]] = [(item, Random().kind, chance) for item in drawn]
    asked += [(item, SHADOW, None) for item in contradicted]
    asked += [(item, asking(candidates, settings), None) for item in chosen]
    mixed = [asked[place] for place in draws.permutation(len(asked))]  # so that nobody knows which were drawn
    given = suggestions(candidates, X)
    return [
        Question(item, reason, of_chance, given.get(item, {}), is_blind=place in blind)
        for place, (item, reason, of_chance) in enumerate(mixed)
    ]


def _chosen(candidates: Candidates, X: "pd.DataFrame", settings: Looping, taken: set[str], count: int) -> list[str]:
    """Return what the strategy asks for, of what the model was asked about and is not asked for anyway."""
    assert candidates.inferred is not None
    said, meta = candidates.inferred, candidates.meta
    is_open = meta["label"].isna() & meta["item"].isin(said.index) & ~meta["item"].isin(taken)
    items = meta.loc[is_open, "item"].tolist()
    known = meta.loc[~meta["label"].isna() & meta["item"].isin(said.index), "item"].tolist()
    if not items or not count:
        return []
    chooser = strategy(asking(candidates, settings))
    seen = X.loc[items].to_numpy(), probabilities(said.loc[items]).to_numpy(), X.loc[known].to_numpy()
    strange_N = _strangeness(candidates, X, items) if isinstance(chooser, Strangest) else None
    motors = meta.loc[is_open, "motor"].to_numpy()
    places = chooser.choose(Pool(*seen, strange_N, motors), count, candidates.seed)
    return [items[place] for place in places[:count]]


def asking(candidates: Candidates, settings: Looping) -> str:
    """Return which strategy chooses now: `Strangest` until each class has enough labelled motors."""
    if settings.asking == Random().kind or not settings.strangest_until:
        return str(settings.asking)
    n_motors = candidates.meta.groupby("label")["motor"].nunique()
    few = any(n_motors.get(name, 0) < settings.strangest_until for name in candidates.classes)
    return Strangest().kind if few else str(settings.asking)


def _strangeness(candidates: Candidates, X: "pd.DataFrame", items: Sequence[str]) -> np.ndarray:
    """Return how unlike labelled normal recordings some items are; unlike all of training where there are too few."""
    assert candidates.inferred is not None
    meta = candidates.meta
    normal = meta.loc[(meta["label"] == candidates.normal) & meta["item"].isin(X.index), "item"]
    if len(normal) < FEWEST_NORMAL:
        return candidates.inferred.loc[list(items), "unlike"].to_numpy()
    detector = TrimmedMahalanobis().estimator(candidates.seed, 1).fit(X.loc[normal].to_numpy())
    return -np.asarray(detector.score_samples(X.loc[list(items)].to_numpy()))


def probabilities(said: "pd.DataFrame") -> "pd.DataFrame":
    """Return the probabilities alone, columns by class."""
    columns = [name for name in said if name.startswith(PROBABILITY)]
    return said[columns].rename(columns=lambda name: name.removeprefix(PROBABILITY))


def features(said: "pd.DataFrame") -> "pd.DataFrame":
    """Return the features that were kept beside a model's answers, on their principal axes, each of spread one.

    Where none were kept: its probabilities.
    """
    columns = [name for name in said if name.startswith("feature_")]
    X = said[columns].to_numpy() if columns else probabilities(said).to_numpy()
    X = sklearn.preprocessing.StandardScaler().fit_transform(np.nan_to_num(X))
    if X.shape[1] > DIMENSIONS and len(X) > DIMENSIONS:
        X = sklearn.decomposition.PCA(DIMENSIONS, random_state=0).fit_transform(X)
    return pd.DataFrame(X, index=said.index)


def suggestions(candidates: Candidates, X: "pd.DataFrame | None" = None) -> Mapping[str, dict[str, Any]]:
    """Return what the page shows of a model, by item: only of items of whose motor it has seen no label.

    `X` are its `features`, where they are known already.
    """
    if candidates.inferred is None:
        return {}
    said, meta = candidates.inferred, candidates.meta
    labelled = meta[meta["label"].notna()]
    motors = set(labelled["motor"])
    fair = meta.loc[~meta["motor"].isin(motors) & meta["item"].isin(said.index), "item"].tolist()
    near = _nearest(features(said) if X is None else X, fair, [item for item in labelled["item"] if item in said.index])
    of_class = probabilities(said)
    return {
        item: {
            "probabilities": {name: round(float(value), 4) for name, value in of_class.loc[item].items()},
            "unlike": round(float(said.loc[item, "unlike"]), 4),
            "neighbours": near.get(item, []),
        }
        for item in fair
    }


def _nearest(X: "pd.DataFrame", items: Sequence[str], known: Sequence[str]) -> dict[str, list[str]]:
    """Return the nearest labelled recordings of each item."""
    if not items or not known:
        return {}
    count = min(NEIGHBOURS, len(known))
    places = (
        sklearn.neighbors.NearestNeighbors(n_neighbors=count)
        .fit(X.loc[list(known)].to_numpy())
        .kneighbors(X.loc[list(items)])[1]
    )
    return {item: [known[place] for place in row] for item, row in zip(items, places, strict=True)}


def suspected(held_out: "pd.DataFrame", allowed: Set[str], count: int) -> list[Question]:
    """Return the labelled recordings whose label is doubted most, by models that did not see their motor.

    Ranked by the probability of the label that they have: as good as confident learning here (Northcutt et al. 2021,
    "Confident Learning"), and simpler. One is doubted where another class has at least `DOUBTED`.

    Parameters
    ----------
    held_out : DataFrame
        item, label, predicted, ``probability_<class>``.
    allowed : set of str
        Items that may be asked for.
    count : int
    """
    if "predicted" not in held_out:  # a detector names no class
        return []
    of_class = probabilities(held_out)
    rows = held_out.assign(other=of_class.max(axis=1))
    is_meant = rows["item"].isin(allowed) & (rows["predicted"] != rows["label"]) & (rows["other"] >= DOUBTED)
    rows = rows[is_meant].sort_values("other", ascending=False, kind="stable").drop_duplicates("item").head(count)
    return [
        Question(row.item, "suspected", suggestion={"probabilities": of_class.loc[place].round(4).to_dict()})
        for place, row in zip(rows.index, rows.itertuples(), strict=True)
    ]
