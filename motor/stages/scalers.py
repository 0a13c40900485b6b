"""Scalers of prepared recordings: by fold and domain, and by motor and domain where a motor's reference scales it."""

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from motor.recordings.table import Recordings, labelled
from motor.windows.references import is_reference
from motor.windows.scaling import Scaler, Scaling

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Scalers:
    """What was fitted.

    Attributes
    ----------
    by_fold : mapping
        For each fold, the scaler of each domain with ``by: domain``, from its healthy training recordings.
    by_motor : mapping
        The scaler of each (motor, domain) with ``by: reference``: the same in every fold, whatever the motor's side.
    """

    by_fold: Mapping[str, Mapping[str, Scaler]]
    by_motor: Mapping[tuple[str, str], Scaler]

    def of_fold(self, fold: str) -> Mapping[Any, Scaler]:
        """Return what `Scaling.scaler` looks up in one fold."""
        groups: ChainMap[Any, Scaler] = ChainMap(dict(self.by_fold[fold]), dict(self.by_motor))
        return groups

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` takes: ``by_fold`` by fold and domain, ``by_motor`` by domain and motor."""
        by_motor: dict[str, dict[str, dict[str, float]]] = {}
        for (motor, domain), scaler in self.by_motor.items():
            by_motor.setdefault(domain, {})[motor] = scaler.to_dict()
        by_fold = {
            fold: {domain: scaler.to_dict() for domain, scaler in of_fold.items()}
            for fold, of_fold in self.by_fold.items()
        }
        return {"by_fold": by_fold, "by_motor": by_motor}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Scalers":
        """Rebuild the scalers that `to_json` described."""
        return cls(
            by_fold={
                fold: {domain: Scaler.from_dict(values) for domain, values in of_fold.items()}
                for fold, of_fold in stored["by_fold"].items()
            },
            by_motor={
                (motor, domain): Scaler.from_dict(values)
                for domain, of_domain in stored["by_motor"].items()
                for motor, values in of_domain.items()
            },
        )


def is_healthy(labels: "pd.Series", normal: str) -> "pd.Series":
    """Return which series scalers are fitted to: those of the healthy class, all where no class is healthy."""
    return labels == normal if normal else labels.notna()


def fit_domains(recordings: Recordings, healthy: "pd.DataFrame", scaling: Mapping[str, Scaling]) -> dict[str, Scaler]:
    """Return the scaler of each domain that is scaled by domain.

    Parameters
    ----------
    recordings : Recordings
    healthy : DataFrame
        Rows of `recordings.meta`: the healthy recordings of one fold's training motors, without references.
    scaling : mapping of str to Scaling
        By domain.
    """
    fitted: dict[str, Scaler] = {}
    for domain, of_domain in scaling.items():
        if of_domain.by == "domain":
            rows = healthy.index[healthy["domain"] == domain]
            fitted |= of_domain.fit((domain, recordings.signal(int(row))) for row in rows)
    return fitted


def fit_references(
    recordings: Recordings, scaling: Mapping[str, Scaling], earliest: Mapping[str, int], normal: str
) -> dict[tuple[str, str], Scaler]:
    """Return the scaler of each motor in each domain that is scaled by reference.

    Nothing but the references of a motor is read for its scaler, so it is the same on every side of a split.

    Parameters
    ----------
    recordings : Recordings
    scaling : mapping of str to Scaling
        By domain.
    earliest : mapping of str to int
        By domain, as of `motor.windows.references.is_reference`; every domain that is scaled so must be there.
    normal : str
        The class of healthy motors.
    """
    meta = labelled(recordings.meta)
    fitted: dict[tuple[str, str], Scaler] = {}
    references = meta[is_reference(meta, earliest, normal)]
    for domain, of_domain in scaling.items():
        if of_domain.by == "reference":
            motors = references.loc[references["domain"] == domain, "motor"]
            signals = (((motor, domain), recordings.signal(int(row))) for row, motor in motors.items())
            fitted |= of_domain.fit(signals)
    return fitted
