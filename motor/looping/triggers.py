"""When a loop begins its next round by itself: rules over facts, with a time to cool down between rounds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from motor.experiment.looping import Triggers

STRANGE = 0.95  # `unlike`: farther from training than 95 % of its own series are from the others


@dataclass(frozen=True)
class Facts:
    """Facts that decide which triggers are reached.

    Attributes
    ----------
    n_labels : int
        New and changed since labels were sealed last.
    unlike_share : float
        Of the recordings without a label, those that are unlike training (`STRANGE`).
    sealed_at, now : datetime or None, datetime
        When labels were sealed last.
    """

    n_labels: int
    unlike_share: float
    sealed_at: datetime | None
    now: datetime

    @property
    def hours(self) -> float:
        """Since labels were sealed last; endless where none were, or the clock was set back since."""
        if self.sealed_at is None or self.now < self.sealed_at:
            return float("inf")
        return (self.now - self.sealed_at).total_seconds() / 3600


def due(facts: Facts, triggers: Triggers) -> Mapping[str, float]:
    """Return the triggers that are reached, with what reached them; none while the last round cools down."""
    if facts.hours < triggers.cooldown_hours:
        return {}
    values = {"labels": float(facts.n_labels), "unlike": facts.unlike_share, "hours": facts.hours}
    limits = {"labels": triggers.labels, "unlike": triggers.unlike, "hours": triggers.hours}
    return {name: values[name] for name, limit in limits.items() if limit is not None and values[name] >= limit}
