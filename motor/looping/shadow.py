"""Compare challenger and champion: which recordings they judge differently, and whom people agree with."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Shadow:
    """Answers of champion and challenger for the same recordings.

    Attributes
    ----------
    champion, challenger : int
        Their iterations.
    recordings, differ : int
        How many both judged, and how many of them differently.
    champion_right, challenger_right : int
        Of those that differ and have a label.
    """

    champion: int
    challenger: int
    recordings: int
    differ: int
    champion_right: int
    challenger_right: int


def disagreed(champion: "pd.DataFrame", challenger: "pd.DataFrame", allowed: Set[str]) -> list[str]:
    """Return the allowed recordings that two models judge differently, those first of which both are surest.

    Parameters
    ----------
    champion, challenger : DataFrame
        What each said, indexed by item: label, ``probability_<class>``.
    allowed : set of str
    """
    items = [item for item in challenger.index if item in champion.index and item in allowed]
    differ = [item for item in items if champion.loc[item, "label"] != challenger.loc[item, "label"]]
    sure = {item: min(_surest(champion, item), _surest(challenger, item)) for item in differ}
    return sorted(differ, key=lambda item: (-sure[item], item))


def _surest(said: "pd.DataFrame", item: str) -> float:
    return float(max(said.loc[item, [name for name in said if name.startswith("probability_")]], default=0.0))


def compared(
    numbers: tuple[int, int],
    champion: "pd.DataFrame",
    challenger: "pd.DataFrame",
    labels: Mapping[str, str],
    allowed: Set[str],
) -> Shadow:
    """Count where two models differ, and who is right by the labels of training and validation motors.

    Parameters
    ----------
    numbers : (int, int)
        Iterations of champion and challenger.
    champion, challenger : DataFrame
        As of `disagreed`.
    labels : mapping
        By item.
    allowed : set of str
        Items of training and validation motors: nobody looks at the test here.
    """
    both = len(set(champion.index) & set(challenger.index) & set(allowed))
    differ = disagreed(champion, challenger, allowed)
    known = [item for item in differ if item in labels]
    right = [sum(said.loc[item, "label"] == labels[item] for item in known) for said in (champion, challenger)]
    return Shadow(*numbers, both, len(differ), *right)
