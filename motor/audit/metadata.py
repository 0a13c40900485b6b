"""Find metadata that give the class away: rates and lengths that only some classes have."""

from typing import TYPE_CHECKING

from motor.audit.cues import CUES
from motor.audit.outcome import SHOWN, Finding

if TYPE_CHECKING:
    import pandas as pd

FEWEST_MOTORS = 2  # that hold a value, before it counts as one of a kind of recording


def values_of_classes(recordings: "pd.DataFrame", cue: str) -> tuple[Finding, ...]:
    """Find a sampling rate or a length which, wherever it is seen, tells the class.

    With few motors no test can reject, but a rate is chosen and no draw: where every value of a domain belongs to one
    class alone and to two motors at least, it is a mark of the class.

    Parameters
    ----------
    recordings : DataFrame
        One row a recording: motor, domain, label and the cue.
    cue : {"sampling_rate", "length"}
    """
    for domain, rows in recordings.groupby("domain"):
        by_value = rows.groupby(cue)
        one_class = (by_value["label"].nunique() == 1).all()
        if by_value.ngroups > 1 and one_class and (by_value["motor"].nunique() >= FEWEST_MOTORS).all():
            shown = {f"{value:g}": str(label) for value, label in by_value["label"].first().head(SHOWN).items()}
            finding = Finding(
                name=cue,
                what=f"{CUES[cue].what.capitalize()} in domain {domain} tells the class: each value has one class.",
                evidence={"domain": str(domain), "classes": shown},
                next_step=f"{CUES[cue].next_step}.",
            )
            return (finding,)
    return ()
