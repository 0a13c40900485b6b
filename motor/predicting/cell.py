"""A trained cell, opened: recordings in, probabilities out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from motor.predicting import novelty
from motor.predicting.describing import (
    Describer,
    FittedDescriber,
    ForecastDescriber,
    Heard,
    RecordingDescriber,
    hear,
)
from motor.predicting.faults import Fault
from motor.predicting.parts import CellParts, FoldParts, PartError
from motor.predicting.record import CellRecord
from motor.recordings.readers.base import cut
from motor.recordings.recording import Recording
from motor.windows.scaling import Scaler

if TYPE_CHECKING:
    import pandas as pd

SAME_RATE = 1e-3  # a rate this near to one of the training is that one, as a share
DIGITS = 9  # of a probability: what lies beyond is the arithmetic's own rounding
Scalers = Mapping[Any, Scaler]


@dataclass(frozen=True)
class Fold:
    """One fold's models, in memory."""

    name: str
    describer: Describer
    scalers: Scalers
    classifier: Mapping[str, Any]
    limits: Mapping[str, float]  # by domain: an alarm is raised where 1 - p(normal) is greater
    novelty: Mapping[str, novelty.Novelty]

    @classmethod
    def open(cls, parts: CellParts, fold: FoldParts, device: str) -> "Fold":
        """Load the models of a fold."""
        domains = parts.record.domains
        classifier = parts.opened_pickle(fold.classifier)
        if fold.novelty is not None:
            unlike = novelty.read(fold.novelty, domains)
        elif fold.features is not None and fold.features.is_file():
            unlike = novelty.fit_by_domain(fold.features, classifier["columns"], domains)
        else:
            raise PartError(f"{fold.features} is missing, and a prediction compares with it; build the cell again")
        return cls(
            name=fold.name,
            describer=_describer(parts, fold, device),
            scalers=_scalers(fold.scalers),
            classifier=classifier,
            limits={domain: float(fold.thresholds[domain]["value"]) for domain in domains},
            novelty=unlike,
        )

    def probabilities(self, X: np.ndarray, classes: Sequence[str]) -> np.ndarray:
        """Return the probability of each class: float64 (n_recordings, n_classes); one that it never saw has 0."""
        estimator = self.classifier["estimator"]
        found = estimator.predict_proba(X)
        known = list(estimator.classes_)
        columns = [found[:, known.index(name)] if name in known else np.zeros(len(found)) for name in classes]
        return np.stack(columns, axis=1)

    def unlike(self, X: np.ndarray, domains: Sequence[str]) -> np.ndarray:
        """Return how unlike anything in training each recording is, from 0 to 1."""
        unlike = np.zeros(len(X))
        for domain in set(domains):
            rows = np.array([name == domain for name in domains])
            unlike[rows] = self.novelty[domain].unlike(X[rows])
        return unlike


@dataclass(frozen=True)
class TrainedCell:
    """A cell that judges recordings of its domains.

    Attributes
    ----------
    parts : CellParts
    folds : tuple of Fold
        Their probabilities are averaged; one of them by itself is what the cell's figures judged.
    """

    parts: CellParts
    folds: tuple[Fold, ...]

    @classmethod
    def open(cls, parts: CellParts, folds: Sequence[str] | None = None, device: str = "cpu") -> "TrainedCell":
        """Load a cell, or only some of its folds.

        Raises
        ------
        PartError
            If a part of it is missing or not the one that was written.
        ValueError
            If there is no such fold.
        """
        names = [fold.name for fold in parts.folds]
        if unknown := sorted(set(folds or ()) - set(names)):
            raise ValueError(f"cell {parts.name} has no fold {unknown[0]!r}; there are: {', '.join(names)}")
        chosen = [fold for fold in parts.folds if folds is None or fold.name in folds]
        return cls(parts, tuple(Fold.open(parts, fold, device) for fold in chosen))

    @property
    def record(self) -> CellRecord:
        return self.parts.record

    def predict(
        self, recordings: Sequence[Recording], references: Sequence[Recording] = ()
    ) -> tuple["pd.DataFrame", list[Fault]]:
        """Judge recordings; those that cannot be judged are told beside the table.

        Parameters
        ----------
        recordings : sequence of Recording
            Of the cell's domains. A motor that is not told is "".
        references : sequence of Recording
            Healthy recordings of the same motors, where the cell scales by reference.
        """
        faults: list[Fault] = []
        fitted = self._fitted(references, faults)
        groups = self._groups(self._heard(recordings, faults))
        judged: list[Heard] = []
        looks: list[list[Any]] = [[] for _ in self.folds]
        for group in groups:
            try:
                seen = [fold.describer.look(group, {**fold.scalers, **fitted}) for fold in self.folds]
            except ValueError as error:
                faults += [Fault.of(heard.recording.item, self._advised(error, heard)) for heard in group]
                continue
            judged += group
            for of_fold, look in zip(looks, seen, strict=True):
                of_fold.append(look)
        return self._table(looks, [heard.recording for heard in judged]), faults

    def _table(self, looks: list[list[Any]], recordings: list[Recording]) -> "pd.DataFrame":
        """Average what the folds say."""
        import pandas as pd

        classes, domains = self.record.classes, [one.domain for one in recordings]
        if not recordings:
            return pd.DataFrame(columns=columns_of(classes))
        probabilities, unlike, limits = [], [], []
        for fold, of_fold in zip(self.folds, looks, strict=True):
            frame = fold.describer.described(of_fold, recordings)
            X = frame[fold.classifier["columns"]].to_numpy()
            probabilities.append(fold.probabilities(X, classes))
            unlike.append(fold.unlike(X.astype(np.float64), domains))
            limits.append([fold.limits[domain] for domain in domains])
        mean_BC = np.mean(probabilities, axis=0)
        score_B = 1.0 - mean_BC[:, classes.index(self.record.normal)]
        table = {
            "item": [one.item for one in recordings],
            "domain": domains,
            "label": [classes[place] for place in mean_BC.argmax(axis=1)],
            **{f"probability_{name}": mean_BC[:, place].round(DIGITS) for place, name in enumerate(classes)},
            "alarm": score_B > np.mean(limits, axis=0),
            "unlike": np.mean(unlike, axis=0).round(DIGITS),
        }
        return pd.DataFrame(table)

    def _heard(self, recordings: Sequence[Recording], faults: list[Fault]) -> list[Heard]:
        """Check, cut and represent recordings."""
        heard = []
        for recording in recordings:
            try:
                self._check(recording)
                for series in cut(recording, self._longest(recording)):
                    heard.append(self._fitting(hear(self.record, series)))
            except ValueError as error:
                faults.append(Fault.of(recording.item, error))
        return heard

    def _longest(self, recording: Recording) -> int | None:
        """Return the samples of the series that a longer recording is cut into; None keeps it whole."""
        longest = self.parts.heard.get(recording.domain, {}).get("n_samples", (0, 0))[1]
        return longest if longest and len(recording.signal) > longest else None

    def _check(self, recording: Recording) -> None:
        """Raise ValueError if a recording is none of the kind that the cell was trained on."""
        signal, trained = recording.signal, self.parts.heard.get(recording.domain, {})
        if signal.min() == signal.max():
            raise ValueError(f"every sample is {signal[0]:g}: the sensor told nothing; check it, or leave this out")
        rates, fewest = trained.get("sampling_rates_hz", []), trained.get("n_samples", [0, 0])[0]
        rate_hz = recording.sampling_rate_hz
        if rates and not self._bears_rate(rate_hz, rates):
            known = ", ".join(f"{rate:g}" for rate in rates[:8])
            raise ValueError(
                f"the sampling rate is {rate_hz:g} Hz, but the cell was trained on {known} Hz in domain "
                f"{recording.domain!r}; resample the recording, or correct sampling_rate_hz"
            )
        if len(signal) < fewest:
            raise ValueError(
                f"too short: {len(signal)} samples, but the cell was trained on recordings of {fewest} or more in "
                f"domain {recording.domain!r}; give a recording of at least {fewest / rate_hz:.3g} s"
            )

    def _bears_rate(self, rate_hz: float, rates: Sequence[float]) -> bool:
        """Tell whether a rate is one of the training, or made one by the representation."""
        if any(abs(rate_hz - rate) <= SAME_RATE * rate for rate in rates):
            return True
        return not self.record.is_described and self.record.representation.sets_rate

    def _fitting(self, heard: Heard) -> Heard:
        """Return it, or raise ValueError if it does not hold one window."""
        if len(heard.signal) < self.record.fewest_samples:
            n_represented, needed = len(heard.signal), self.record.fewest_samples
            raise ValueError(
                f"too short: {len(heard.recording.signal)} samples, which are {n_represented} as represented "
                f"({self.record.representation.kind}), but a window needs {needed}; give a longer recording"
            )
        return heard

    def _groups(self, heard: list[Heard]) -> list[list[Heard]]:
        """Put recordings of one moment of a motor together where the cell compares sensors; else each is alone."""
        groups: dict[Any, list[Heard]] = {}
        for number, one in enumerate(heard):
            known = one.recording
            is_tied = self.record.pairs_sensors and known.motor and known.moment is not None
            key = (known.motor, known.moment) if is_tied else number
            groups.setdefault(key, []).append(one)
        return list(groups.values())

    def _fitted(self, references: Sequence[Recording], faults: list[Fault]) -> dict[Any, Scaler]:
        """Fit scalers to the healthy references of each motor."""
        signals: dict[str, list[tuple[tuple[str, str], np.ndarray]]] = {}
        for heard in self._heard(references, faults):
            domain, motor = heard.recording.domain, heard.recording.motor
            signals.setdefault(domain, []).append(((motor, domain), heard.signal))
        fitted: dict[Any, Scaler] = {}
        for domain, of_domain in signals.items():
            if self.record.scaling[domain].by == "reference":
                fitted |= self.record.scaling[domain].fit(of_domain)
        return fitted

    def _advised(self, error: ValueError, heard: Heard) -> ValueError:
        """Add what to do where a motor's reference is lacking."""
        domain = heard.recording.domain
        if self.record.scaling[domain].by != "reference" or "no scaler" not in str(error):
            return error
        motor = f"of motor {heard.recording.motor!r}" if heard.recording.motor else "of its motor"
        return ValueError(
            f"this cell scales a recording by what its own motor showed when it was healthy, and no healthy "
            f"recording {motor} in domain {domain!r} was given; give some with --reference FILES (reference=[...])"
        )


def columns_of(classes: Sequence[str]) -> list[str]:
    """Return the columns of a table of predictions."""
    return ["item", "domain", "label", *(f"probability_{name}" for name in classes), "alarm", "unlike"]


def _describer(parts: CellParts, fold: FoldParts, device: str) -> Describer:
    record = parts.record
    if record.is_described:
        return RecordingDescriber(record)
    if record.is_learned:
        return FittedDescriber(record, [parts.opened_pickle(fold.models[one.kind]) for one in record.features])
    missing = [str(folder) for folder in fold.forecasters if not folder.is_dir()]
    if missing:
        raise PartError(f"{missing[0]} is missing; export the cell again, or build it again with launch.py")
    loaded = [record.backbone.load(folder, record.domains) for folder in fold.forecasters]
    return ForecastDescriber(record, [forecaster.to(device) for forecaster in loaded])


def _scalers(stored: Mapping[str, Any]) -> Scalers:
    by_domain = {domain: Scaler.from_dict(values) for domain, values in stored["by_fold"].items()}
    by_motor = {
        (motor, domain): Scaler.from_dict(values)
        for domain, of_domain in stored["by_motor"].items()
        for motor, values in of_domain.items()
    }
    return {**by_domain, **by_motor}
