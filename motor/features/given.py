"""Vectors that a model anywhere made of the recordings: a table in the place of a computation."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from motor.features.base import Feature
from motor.features.vectors import SUFFIXES


def _a_table(path: str | None) -> str | None:
    if path is not None and not path.endswith(SUFFIXES):
        raise ValueError(f"{path!r} is no table of vectors: give {' or '.join(SUFFIXES)}; a pickle is never opened")
    return path


class Given(Feature):
    """The vector that a table has of each item; see `motor.features.vectors.read_vectors`.

    Its content's digest enters the key, its path does not. What its model learned from is for the table to say, and
    where it says motors that a fold tests, that fold is refused.
    """

    kind: Literal["given"] = "given"

    path: Annotated[str | None, AfterValidator(_a_table)] = Field(
        default=None, description="of the table, ``.parquet`` or ``.npz`` (docs/given.md)", exclude=True
    )


PLUGIN = Given
