"""Faults of recordings that were to be judged; one bad recording does not lose the others."""

from typing import TYPE_CHECKING, NamedTuple

from motor.recordings.recording import NEXT_STEP

if TYPE_CHECKING:
    import pandas as pd

LEAVE_OUT = "correct the recording, or leave it out"


class Fault(NamedTuple):
    """A recording that cannot be judged: its name, and what is wrong, where, and what to do."""

    item: str
    reason: str

    @classmethod
    def of(cls, item: str, error: Exception) -> "Fault":
        """Return the fault that an error tells; advice for training data is put in terms of a prediction."""
        reason = str(error).replace(NEXT_STEP, LEAVE_OUT).replace("drop the series", LEAVE_OUT)
        is_named = reason.startswith(item) or repr(item) in reason
        return cls(item, reason if is_named else f"{item}: {reason}")


class PredictingError(ValueError):
    """Some recordings could not be judged.

    Attributes
    ----------
    faults : list of Fault
    predictions : DataFrame
        Of the recordings that could be.
    """

    def __init__(self, faults: list[Fault], predictions: "pd.DataFrame") -> None:
        super().__init__(faults, predictions)
        self.faults = faults
        self.predictions = predictions

    def __str__(self) -> str:
        count = f"{len(self.faults)} of the recordings cannot be judged (`.predictions` has the others)"
        return "\n  ".join([f"{count}:", *(fault.reason for fault in self.faults)])


class Outcome(NamedTuple):
    """Predictions of the recordings that could be judged, and what is wrong with the others."""

    predictions: "pd.DataFrame"
    faults: list[Fault]
