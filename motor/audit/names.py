"""The names that findings have, and by which a config accepts them."""

from motor.audit.cues import CUES

FINDINGS = (
    "shared_motors",
    "duplicates",
    "similar_motors",
    "same_recordings",
    "fitted_statistics",
    "unmeasured_samples",
    *(name for name, cue in CUES.items() if not cue.by_fault),
)
