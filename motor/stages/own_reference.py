"""Compare a machine with its own past: features of recordings over those of the motor's healthy references."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from motor.lazy import pandas as pd
from motor.registry import Record

FILE_NAME = "own_references.parquet"
LEVEL = "level"  # the feature, and the beginning of its columns' names
OVER_OWN = "over own reference: "
ANY_MOTOR = ""  # stands for a motor that has no reference, or that nothing tells
KEYS = ["motor", "domain"]


class OwnReference(Record):
    """The motors' own references that recording features are compared with.

    Attributes
    ----------
    use : {"none", "subtract", "both"}
        Columns as they are; over the mean of the motor's own healthy references; or both, side by side.
    level : {"none", "absolute", "own_reference"}
        Columns of level beside any other feature (root mean square, third octaves, velocity, in dB): none; as they
        are; or over the motor's own references.
    earliest : int
        How many of a motor's first recordings (by ``recorded_at``) are its reference, where the data marks none.
    """

    use: Literal["none", "subtract", "both"] = "none"
    level: Literal["none", "absolute", "own_reference"] = "none"
    earliest: int = Field(default=0, ge=0)

    @property
    def compares(self) -> bool:
        """Whether a motor's own references are asked for."""
        return self.use != "none" or self.level == "own_reference"


@dataclass(frozen=True)
class OwnReferences:
    """The features of each motor's healthy references.

    Attributes
    ----------
    means : DataFrame
        Indexed by motor and domain, the mean of each column over the motor's references; a row of motor `ANY_MOTOR`
        for each domain has the mean over the training motors.
    """

    means: "pd.DataFrame"

    @classmethod
    def of(
        cls, values: "pd.DataFrame", meta: "pd.DataFrame", training: set[str], domains: tuple[str, ...]
    ) -> "OwnReferences":
        """Return the mean features of each motor's references.

        Parameters
        ----------
        values : DataFrame
            Described references, indexed by item.
        meta : DataFrame
            One row for each: item, motor, domain.
        training : set of str
            Motors whose mean stands for a motor without a reference.
        domains : tuple of str
            In which there must be one.

        Raises
        ------
        ValueError
            If no training motor of a domain has a reference.
        """
        keyed = values.loc[meta["item"]].set_axis(pd.MultiIndex.from_frame(meta[KEYS]))
        means = keyed.groupby(level=KEYS).mean()
        trained = means[means.index.get_level_values("motor").isin(training)]
        if lacking := sorted(set(domains) - set(trained.index.get_level_values("domain"))):
            raise ValueError(
                f"own_reference: no training motor has a healthy reference in domain {lacking[0]!r}; mark some by "
                "reference, set own_reference.earliest, or own_reference.use: none"
            )
        anyone = trained.groupby(level="domain").mean()
        anyone.index = pd.MultiIndex.from_tuples([(ANY_MOTOR, domain) for domain in anyone.index], names=KEYS)
        return cls(pd.concat([anyone, means]))

    @classmethod
    def read(cls, folder: Path) -> "OwnReferences":
        """Read what `write` wrote."""
        return cls(pd.read_parquet(folder / FILE_NAME).set_index(KEYS))

    def write(self, folder: Path) -> None:
        """Write ``own_references.parquet``."""
        self.means.reset_index().to_parquet(folder / FILE_NAME, index=False)

    def joined(self, values: "pd.DataFrame", meta: "pd.DataFrame") -> "OwnReferences":
        """Return it with new motors' references, which take the place of what was known of them."""
        keyed = values.loc[meta["item"]].set_axis(pd.MultiIndex.from_frame(meta[KEYS]))
        new = keyed.groupby(level=KEYS).mean()
        new = new[new.index.get_level_values("motor") != ANY_MOTOR]
        return replace(self, means=pd.concat([self.means[~self.means.index.isin(new.index)], new]))

    def has(self, meta: "pd.DataFrame") -> "np.ndarray":
        """Return for each row of `meta` whether its motor has a reference in its domain: bool (n_series,)."""
        known = set(self.means.index)
        return np.array([motor != ANY_MOTOR and (motor, domain) in known for motor, domain in meta[KEYS].to_numpy()])

    def compared(self, values: "pd.DataFrame", meta: "pd.DataFrame", how: OwnReference) -> "pd.DataFrame":
        """Return columns compared as `how` says, in the order of the rows of `values`.

        A series whose motor has no reference is compared with the training motors' mean; its level over its own
        reference is then 0, which says nothing.

        Parameters
        ----------
        values : DataFrame
            Indexed by item.
        meta : DataFrame
            One row for each, in this order: item, motor, domain.
        """
        has = self.has(meta)
        motors = np.where(has, meta["motor"].to_numpy(dtype=object), ANY_MOTOR)
        rows = pd.MultiIndex.from_arrays([motors, meta["domain"]], names=KEYS)
        over = values - self.means.loc[rows, list(values)].to_numpy()
        levels = [name for name in values if name.startswith(f"{LEVEL}_")] if how.level != "none" else []
        others = [name for name in values if name not in levels]
        parts = []
        if how.use != "subtract":
            parts.append(values[others])
        if how.use != "none":
            parts.append(over[others].add_prefix(OVER_OWN))
        if how.level == "absolute":
            parts.append(values[levels])
        elif how.level == "own_reference":
            known = np.repeat(has[:, None], len(levels), axis=1)
            parts.append(over[levels].where(known, 0.0).add_prefix(OVER_OWN))
        return pd.concat(parts, axis=1)


def without_reference(references: OwnReferences, meta: "pd.DataFrame") -> Mapping[str, list[str]]:
    """Return for each domain the motors of `meta` that have no reference there, sorted."""
    lacking = meta[~references.has(meta)]
    return {str(domain): sorted(set(rows["motor"])) for domain, rows in lacking.groupby("domain")}
