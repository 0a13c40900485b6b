"""A trained cell, opened: recordings in, probabilities (of a detector: scores) out."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from motor.features.base import DOMAIN_MARK
from motor.judges.scoring import AnomalyScorer, likeliest
from motor.lazy import pandas as pd
from motor.predicting import novelty
from motor.predicting.faults import Fault
from motor.predicting.parts import CellParts, FoldParts, PartError, PartsOfFold
from motor.recordings.recording import Recording, cut
from motor.stages.describe import evidence_of, severity_of
from motor.stages.describer import Describer
from motor.stages.speeds import with_speed
from motor.windows.scaling import Scaler

SAME_RATE = 1e-3  # a rate this near to one of the training is that one, as a share
HAS_REFERENCE = "has_reference"  # whether a series was compared with its own motor's healthy recordings
EVIDENCE = "evidence"  # the strongest lines of a series, each a mapping, and the parts that they fit
SEVERITY = ("velocity_mm_s", "iso_zone")  # root mean square, 10 to 1000 Hz, and its zone in ISO 20816-3
DIGITS = 9  # of a probability: what lies beyond is the arithmetic's own rounding
FAULTY = "faulty"  # what a detector calls what raises an alarm: it tells no fault from another
OF_PARTNERS = ("cross_sensor_correlation", "has_partner")  # 0 of a recording that has none, in training as here
Scalers = Mapping[Any, Scaler]


@dataclass(frozen=True)
class Fold:
    """One fold's models, in memory."""

    name: str
    describer: Describer
    scalers: Scalers
    classifier: Mapping[str, Any]
    limits: Mapping[str, float]  # by domain: an alarm is raised where 1 - p(normal), or the score, is greater; or none
    novelty: Mapping[str, novelty.Novelty]

    @classmethod
    def open(cls, parts: CellParts, fold: FoldParts, device: str) -> "Fold":
        """Load the models of a fold."""
        domains = parts.domains
        classifier = parts.unpickled(fold.classifier)
        if fold.novelty is not None:
            unlike = novelty.read(fold.novelty, domains)
        elif fold.features is not None and fold.features.is_file():
            unlike = novelty.fit_by_domain(fold.features, classifier["columns"], domains)
        else:
            raise PartError(f"{fold.features} is missing, and a prediction compares with it; build the cell again")
        return cls(
            name=fold.name,
            describer=fold.described.open(PartsOfFold(parts, fold), device),
            scalers=_scalers(fold.scalers),
            classifier=classifier,
            limits={domain: float(fold.thresholds[domain]["value"]) for domain in domains if parts.normal},
            novelty=unlike,
        )

    @property
    def detects(self) -> bool:
        """Whether the judge is a detector, which names no class."""
        return isinstance(self.classifier["estimator"], AnomalyScorer)

    def judged(self, X: np.ndarray, classes: Sequence[str]) -> np.ndarray:
        """Return the probability of each class, or a detector's score: float64 (n_recordings, n_classes or 1).

        A class that it never saw has 0.
        """
        estimator = self.classifier["estimator"]
        if self.detects:
            return np.asarray(estimator.score(X))[:, None]
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
        Their probabilities (or scores) are averaged; one of them by itself is what the cell's figures judged.
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
    def detects(self) -> bool:
        """Whether the judge is a detector, which names no class."""
        return self.folds[0].detects

    @property
    def describer(self) -> Describer:
        """Of any fold: what they need of a recording is the same."""
        return self.folds[0].describer

    def predict(
        self, recordings: Sequence[Recording], references: Sequence[Recording] = ()
    ) -> tuple["pd.DataFrame", list[Fault]]:
        """Judge recordings; those that cannot be judged are listed beside the table.

        Parameters
        ----------
        recordings : sequence of Recording
            Of the cell's domains. An unknown motor is "".
        references : sequence of Recording
            Healthy recordings of the same motors, where the cell scales by reference.
        """
        faults: list[Fault] = []
        fitted = self._fitted(references, faults)
        cell = replace(self, folds=self._referred(references, faults))
        judged: list[Recording] = []
        looks: list[list[Any]] = [[] for _ in self.folds]
        for group in self._groups(self._represented(recordings, faults)):
            try:
                seen = [self._looks(fold, group, fitted) for fold in self.folds]
            except ValueError as error:
                faults += [Fault.of(one.measured.item, self._advised(error, one.measured)) for one in group]
                continue
            judged += [one.measured for one in group]
            for of_fold, of_group in zip(looks, seen, strict=True):
                of_fold += of_group
        return cell._table(looks, judged), faults

    def _referred(self, references: Sequence[Recording], faults: list[Fault]) -> tuple[Fold, ...]:
        """Return the folds with describers that know the references of new motors, where they take them."""
        if not references or not self.describer.takes_references:
            return self.folds
        healthy = self._represented(references, faults)
        meta, folds = as_meta([one.measured for one in healthy]), []
        for fold in self.folds:
            looks = [look for one in healthy for look in self._looks(fold, [one], {})]
            folds.append(replace(fold, describer=fold.describer.referred(looks, meta) if looks else fold.describer))
        return tuple(folds)

    def features(self, recordings: Sequence[Recording]) -> "pd.DataFrame":
        """Return what the first fold's classifier sees of recordings, by item, of those that can be judged."""
        fold, found = self.folds[0], list["pd.DataFrame"]()
        for group in self._groups(self._represented(recordings, [])):
            try:
                looks = self._looks(fold, group, {})
            except ValueError:
                continue
            measured, columns = [one.measured for one in group], fold.classifier["columns"]
            X = completed(fold.describer.table(looks, as_meta(measured)), columns, measured)
            found.append(pd.DataFrame(X, index=[one.item for one in measured], columns=columns))
        return pd.concat(found) if found else pd.DataFrame()

    def _looks(self, fold: Fold, group: "list[Represented]", fitted: Scalers) -> list[Any]:
        """Look at the recordings of a group: each by itself, unless they have to be looked at together."""
        several = [group] if fold.describer.looks_together else [[one] for one in group]
        prepared, scalers = self.parts.prepared, {**fold.scalers, **fitted}
        batches = [
            prepared.batch([one.represented for one in these], [one.measured for one in these], scalers)
            for these in several
        ]
        return [fold.describer.look(batch) for batch in batches]

    def _table(self, looks: list[list[Any]], recordings: list[Recording]) -> "pd.DataFrame":
        """Average what the folds say."""
        classes, domains = self.parts.classes, [one.domain for one in recordings]
        if not recordings:
            return pd.DataFrame(columns=columns_of(classes, self.detects, bool(self.parts.normal)))
        judged, unlike, limits = [], [], []
        for fold, of_fold in zip(self.folds, looks, strict=True):
            X = completed(fold.describer.table(of_fold, as_meta(recordings)), fold.classifier["columns"], recordings)
            judged.append(fold.judged(X, classes))
            unlike.append(fold.unlike(X.astype(np.float64), domains))
            limits.append([fold.limits.get(domain, np.inf) for domain in domains])
        known = {"item": [one.item for one in recordings], "domain": domains}
        columns = self._judge_columns(np.mean(judged, axis=0), np.mean(limits, axis=0))
        if self.parts.stage.features[0].looks_at_lines:
            columns[EVIDENCE] = [self._evidence(one) for one in recordings]
        columns |= self._severity(recordings)
        if self.describer.takes_references:
            columns[HAS_REFERENCE] = self.describer.has_reference(as_meta(recordings))
        return pd.DataFrame(known | columns | {"unlike": np.mean(unlike, axis=0).round(DIGITS)})

    def _severity(self, recordings: Sequence[Recording]) -> dict[str, list[Any]]:
        """Return columns of velocity and zone, where some recording has them; None where one has not."""
        found = [severity_of(one, self.parts.units.get(one.domain), self.parts.machines) for one in recordings]
        return {name: [one.get(name) for one in found] for name in SEVERITY if any(name in one for one in found)}

    def _evidence(self, recording: Recording) -> list[dict[str, Any]]:
        lines = evidence_of(recording, self.parts.machines, self.parts.prepared.speed)
        return [asdict(line) for line in lines]

    def _judge_columns(self, mean_BC: np.ndarray, limit_B: np.ndarray) -> dict[str, Any]:
        """Return the columns that the judge has: a detector's label is normal or, with an alarm, `FAULTY`."""
        classes, normal = self.parts.classes, self.parts.normal
        if self.detects:
            alarm_B = mean_BC[:, 0] > limit_B
            label = np.where(alarm_B, FAULTY, normal)
            return {"label": label, "score": mean_BC[:, 0].round(DIGITS), "alarm": alarm_B}
        return {
            "label": likeliest(mean_BC, classes),
            **{f"probability_{name}": mean_BC[:, place].round(DIGITS) for place, name in enumerate(classes)},
            **({"alarm": 1.0 - mean_BC[:, classes.index(normal)] > limit_B} if normal else {}),
        }

    def _represented(self, recordings: Sequence[Recording], faults: list[Fault]) -> "list[Represented]":
        """Check, cut and represent recordings."""
        represented = []
        for recording in recordings:
            try:
                self._check(recording)
                beside = [other for other in recordings if other.motor and other.moment is not None]
                represented += [self._one(series, beside) for series in cut(recording, self._longest(recording))]
            except ValueError as error:
                faults.append(Fault.of(recording.item, error))
        return represented

    def _one(self, recording: Recording, beside: Sequence[Recording]) -> "Represented":
        """Represent a recording as those of the training were."""
        prepared = self.parts.prepared
        if self.describer.sees_measured or prepared.representation.needs_speed:
            recording = with_speed(recording, prepared.speed, beside)
        return self._fitting(Represented(recording, prepared.represented(recording)))

    def _longest(self, recording: Recording) -> int | None:
        """Return the samples of the series that a longer recording is cut into; None keeps it whole."""
        longest = self.parts.trained_on.get(recording.domain, {}).get("n_samples", (0, 0))[1]
        return longest if longest and len(recording.signal) > longest else None

    def _check(self, recording: Recording) -> None:
        """Raise ValueError if a recording is none of the kind that the cell was trained on."""
        signal, trained = recording.signal, self.parts.trained_on.get(recording.domain, {})
        if signal.min() == signal.max():
            raise ValueError(f"every sample is {signal[0]:g}: the sensor measured nothing; check it, or leave this out")
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
        return not self.describer.sees_measured and self.parts.prepared.representation.sets_rate

    def _fitting(self, one: "Represented") -> "Represented":
        """Return it, or raise ValueError if it does not hold one window."""
        needed, n_represented = self.describer.fewest_samples, len(one.represented.signal)
        if n_represented < needed:
            raise ValueError(
                f"too short: {len(one.measured.signal)} samples, which are {n_represented} as represented "
                f"({self.parts.prepared.representation.kind}), but a window needs {needed}; give a longer recording"
            )
        return one

    def _groups(self, represented: "list[Represented]") -> "list[list[Represented]]":
        """Put recordings of one moment of a motor together where the cell compares sensors; else each is alone."""
        groups: dict[Any, list[Represented]] = {}
        for number, one in enumerate(represented):
            known = one.measured
            is_tied = self.describer.compares and known.motor and known.moment is not None
            key = (known.motor, known.moment) if is_tied else number
            groups.setdefault(key, []).append(one)
        return list(groups.values())

    def _fitted(self, references: Sequence[Recording], faults: list[Fault]) -> dict[Any, Scaler]:
        """Fit scalers to the healthy references of each motor."""
        signals: dict[str, list[tuple[tuple[str, str], np.ndarray]]] = {}
        for one in (found.represented for found in self._represented(references, faults)):
            signals.setdefault(one.domain, []).append(((one.motor, one.domain), one.signal))
        fitted: dict[Any, Scaler] = {}
        for domain, of_domain in signals.items():
            if self.parts.prepared.scaling[domain].by == "reference":
                fitted |= self.parts.prepared.scaling[domain].fit(of_domain)
        return fitted

    def _advised(self, error: ValueError, recording: Recording) -> ValueError:
        """Add what to do where a motor's reference is lacking."""
        domain = recording.domain
        if self.parts.prepared.scaling[domain].by != "reference" or "no scaler" not in str(error):
            return error
        motor = f"of motor {recording.motor!r}" if recording.motor else "of its motor"
        return ValueError(
            f"this cell scales a recording by what its own motor showed when it was healthy, and no healthy "
            f"recording {motor} in domain {domain!r} was given; give some with --reference FILES (reference=[...])"
        )


@dataclass(frozen=True)
class Represented:
    """A recording as it was measured, and as it is represented."""

    measured: Recording
    represented: Recording


def columns_of(classes: Sequence[str], detects: bool = False, alarms: bool = True) -> list[str]:
    """Return the columns of a table of predictions; a detector's has a score in place of probabilities.

    Without a healthy class there are no alarms.
    """
    judged = ["score"] if detects else [f"probability_{name}" for name in classes]
    return ["item", "domain", "label", *judged, *(["alarm"] if alarms else []), "unlike"]


def as_meta(recordings: Sequence[Recording]) -> "pd.DataFrame":
    """Return the fields of series that feature plug-ins see."""
    columns = ("item", "motor", "domain", "label", "moment")
    return pd.DataFrame({name: [getattr(one, name) for one in recordings] for name in columns}, dtype=object)


def completed(frame: "pd.DataFrame", columns: Sequence[str], recordings: Sequence[Recording]) -> np.ndarray:
    """Return the columns that a classifier saw, in its order.

    Which there are depends on the series at hand: a domain that none is of has no mark, and a series whose partner is
    not there no likeness to it. Both are as in training.
    """
    frame = frame.loc[[one.item for one in recordings]]
    lacking: dict[str, list[float]] = {}
    for name in (name for name in columns if name not in frame):
        if name.startswith(DOMAIN_MARK):
            lacking[name] = [float(one.domain == name.removeprefix(DOMAIN_MARK)) for one in recordings]
        elif name.endswith(OF_PARTNERS):
            lacking[name] = [0.0] * len(recordings)
    return pd.concat([frame, pd.DataFrame(lacking, index=frame.index)], axis=1)[list(columns)].to_numpy()


def _scalers(stored: Mapping[str, Any]) -> Scalers:
    by_domain = {domain: Scaler.from_dict(values) for domain, values in stored["by_fold"].items()}
    by_motor = {
        (motor, domain): Scaler.from_dict(values)
        for domain, of_domain in stored["by_motor"].items()
        for motor, values in of_domain.items()
    }
    return {**by_domain, **by_motor}
