"""What is found of a dataset while it passes into the table: counts, and what a person should look at."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from statistics import median
from typing import Any

import numpy as np

from motor.recordings.facts import Seen, seen_of
from motor.recordings.findings import (
    Finding,
    clipped_signals,
    duplicate_signals,
    nested,
    one_class_only,
    shared_moments,
    unequal_by_class,
    unmeasured_samples,
    untied_sensors,
)
from motor.recordings.gains import unequal_gains
from motor.recordings.recording import Recording

FINDERS = (unmeasured_samples, duplicate_signals, clipped_signals, untied_sensors)
FINDERS_OF_CLASSES = (unequal_gains, unequal_by_class, one_class_only)


@dataclass
class Validation:
    """Looks at recordings while they pass."""

    seen: list[Seen] = field(default_factory=list)

    def watch(self, recordings: Iterable[Recording]) -> Iterator[Recording]:
        """Yield the recordings unchanged."""
        for recording in recordings:
            self.seen.append(seen_of(recording))
            yield recording
            del recording  # a long one is not kept while the next is read

    @cached_property
    def labelled(self) -> list[Seen]:
        """What was seen of the recordings whose class is known."""
        return [one for one in self.seen if one.label]

    def summary(self) -> dict[str, Any]:
        """Return the counts, sorted, with text keys as JSON has them.

        Returns
        -------
        dict
            `n_recordings`, `n_motors`, `n_samples`; how many recordings have no label, also by motor, and how many
            motors have no others; at how many moments several sensors recorded one motor; recordings by `domain`, by
            `label` and by `domain_label`; motors by `domain_label`; the recordings of each sampling rate (Hz) and of
            each length (samples). What has no label stands in no count by label.
        """
        rates = Counter(one.sampling_rate_hz for one in self.seen)
        lengths = Counter(one.n_samples for one in self.seen)
        motors = {cell: len({one.motor for one in rows}) for cell, rows in self._by_cell().items()}
        return {
            "n_recordings": len(self.seen),
            "n_motors": len({one.motor for one in self.seen}),
            "n_samples": sum(one.n_samples for one in self.seen),
            "n_unlabelled": len(self.seen) - len(self.labelled),
            "n_unlabelled_motors": len({one.motor for one in self.seen} - {one.motor for one in self.labelled}),
            "unlabelled_by_motor": dict(sorted(Counter(one.motor for one in self.seen if not one.label).items())),
            "n_shared_moments": shared_moments(self.seen),
            "recordings_by_domain": dict(sorted(Counter(one.domain for one in self.seen).items())),
            "recordings_by_label": dict(sorted(Counter(one.label for one in self.labelled).items())),
            "recordings_by_domain_label": nested({cell: len(rows) for cell, rows in self._by_cell().items()}),
            "motors_by_domain_label": nested(motors),
            "recordings_by_sampling_rate_hz": {f"{rate:g}": count for rate, count in sorted(rates.items())},
            "recordings_by_n_samples": {str(length): count for length, count in sorted(lengths.items())},
        }

    def report(self) -> dict[str, Any]:
        """Return what `summary` leaves out: each motor's counts, levels by class, and the findings."""
        by_motor: dict[str, Counter[str]] = defaultdict(Counter)
        for one in self.labelled:
            by_motor[one.motor][one.label] += 1
        levels = {cell: [one.facts.level_db for one in rows] for cell, rows in self._by_cell().items()}
        return {
            "recordings_by_motor_label": {motor: dict(sorted(of.items())) for motor, of in sorted(by_motor.items())},
            "level_db_by_domain_label": nested({cell: _spread(values) for cell, values in levels.items()}),
            "findings": [asdict(finding) for finding in self.findings()],
        }

    def findings(self) -> list[Finding]:
        """Return all findings."""
        of_all = [finding for finder in FINDERS for finding in finder(self.seen)]
        return of_all + [finding for finder in FINDERS_OF_CLASSES for finding in finder(self.labelled)]

    def _by_cell(self) -> dict[tuple[str, str], list[Seen]]:
        """Return what was seen of each domain and label, sorted."""
        cells: dict[tuple[str, str], list[Seen]] = defaultdict(list)
        for one in self.labelled:
            cells[one.domain, one.label].append(one)
        return dict(sorted(cells.items()))


def _spread(values: Sequence[float]) -> dict[str, float]:
    """Return the median and the tenth and ninetieth percentile."""
    low, high = np.percentile(values, [10, 90])
    return {"median": round(median(values), 2), "p10": round(float(low), 2), "p90": round(float(high), 2)}
