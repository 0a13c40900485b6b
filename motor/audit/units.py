"""Motors on both sides of a split."""

from typing import TYPE_CHECKING

from motor.audit.outcome import SHOWN, Finding, Outcome

if TYPE_CHECKING:
    import pandas as pd

WHAT = "Is every motor on one side only, in every fold?"


def shared_motors(recordings: "pd.DataFrame") -> Outcome:
    """Find motors that have recordings on more than one side of a fold.

    Parameters
    ----------
    recordings : DataFrame
        One row for each recording of each fold: fold, item, motor, side.

    Returns
    -------
    Outcome
        The finding is called ``shared_motors``.
    """
    n_sides = recordings.groupby(["fold", "motor"])["side"].nunique()
    shared = n_sides[n_sides > 1].reset_index()
    if shared.empty:
        return Outcome.of("shared_motors", WHAT, ())
    motors = sorted(shared["motor"].unique())
    finding = Finding(
        name="shared_motors",
        what=f"{len(motors)} motors have recordings on several sides of one fold, so a model can recognise the motor.",
        evidence={"n_motors": len(motors), "motors": motors[:SHOWN], "folds": sorted(shared["fold"].unique())[:SHOWN]},
        next_step="Split by motor; if these are different machines, give them different names.",
    )
    return Outcome.of("shared_motors", WHAT, (finding,))
