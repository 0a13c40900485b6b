"""Which series of a fold a fine-tune's labels allow."""

from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING

from motor.stages.prepare import ASIDE, Prepared

if TYPE_CHECKING:
    import pandas as pd

ONLY = "only "  # before a class: trained on its series alone
ANYONE = "any_of_all"  # labels: every series, those of test motors that have no label, too


def known(prepared: Prepared, fold: str, domains: tuple[str, ...], labels: str) -> "pd.DataFrame":
    """Return the series that a fine-tune may know of; test series among them, to measure it on."""
    if labels not in ("any", ANYONE):
        return prepared.meta(fold, domains)
    return prepared.meta_with_unlabelled(fold, domains, "train" if labels == ANYONE else ASIDE)


def is_allowed(meta: "pd.DataFrame", labels: str, normal: str) -> "pd.Series":
    """Tell which series the labels allow."""
    if labels in ("all", "any", ANYONE):  # which of them `meta` was made for
        return meta["item"].notna()
    return meta["label"] == (labels.removeprefix(ONLY) if ONLY in labels else normal)


def increment(meta: "pd.DataFrame", before: Mapping[str, str | None], replay: float, seed: int) -> "pd.DataFrame":
    """Return the series whose label is new or another than before, and some of the others, of each class alike.

    Parameters
    ----------
    meta : DataFrame
        Training series: item, label.
    before : mapping
        The labels of before, by item.
    replay : float
        How many of the others for each new one; all of them, where nothing is new.
    seed : int
        Which of a class: they come in the order of a hash of seed and item.
    """
    is_new = meta["label"] != meta["item"].map(dict(before))
    if not is_new.any():
        return meta
    known = meta[~is_new]
    hashed = known["item"].map(lambda item: sha256(f"{seed}/{item}".encode()).hexdigest())
    rank = hashed.groupby(known["label"]).rank(method="first")
    chosen = (
        known.assign(rank=rank, hashed=hashed).sort_values(["rank", "hashed"]).index[: round(replay * is_new.sum())]
    )
    return meta[is_new | meta.index.isin(chosen)]
