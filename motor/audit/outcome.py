"""What every check of the audit returns: what it asked, and what it found."""

from dataclasses import dataclass, field
from typing import Any

SHOWN = 5  # examples in a finding's evidence


@dataclass(frozen=True)
class Finding:
    """Something that lets a classifier score without hearing a fault.

    Attributes
    ----------
    name : str
        By which a config accepts it.
    what : str
        One plain sentence.
    evidence : dict
        Numbers and examples, ready for JSON.
    next_step : str
    """

    name: str
    what: str
    evidence: dict[str, Any] = field(default_factory=dict)
    next_step: str = ""


@dataclass(frozen=True)
class Check:
    """One question that the audit asked of the data, and whether the answer is the good one."""

    name: str
    passed: bool
    what: str


@dataclass(frozen=True)
class Outcome:
    """The checks that were made and the findings among them."""

    checks: tuple[Check, ...]
    findings: tuple[Finding, ...] = ()

    @classmethod
    def of(cls, name: str, what: str, findings: tuple[Finding, ...]) -> "Outcome":
        """Return the outcome of one check, which passes where nothing was found."""
        return cls((Check(name, not findings, what),), findings)
