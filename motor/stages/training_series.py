"""Which series of a fold a fine-tune's labels allow."""

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
