"""What weights that anybody can fetch were pretrained on, as their authors say."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from motor.lazy import yaml


@dataclass(frozen=True)
class Pretraining:
    """The data sets that a family of weights was pretrained on.

    Attributes
    ----------
    weights : str
        A regular expression of the whole of their names.
    data_sets : tuple of str
    source : str
        Who says so.
    """

    weights: str
    data_sets: tuple[str, ...]
    source: str


@cache
def pretraining() -> Mapping[str, Pretraining]:
    """Return what is known, by the regular expression of the weights' names."""
    records = yaml.safe_load((Path(__file__).parent / "pretraining.yaml").read_text(encoding="utf-8"))
    return {one["weights"]: Pretraining(one["weights"], tuple(one["data_sets"]), one["source"]) for one in records}
