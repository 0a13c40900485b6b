"""Features of new recordings, by the same plug-ins and the same steps as the stages that trained a cell.

Each recording (or, where sensors are compared, each moment of a motor) goes through the models by itself: what is
said of it does not depend, to the last bit, on what else was asked for at the same time.

Shapes: B windows, T context, N samples of a window.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from motor.features.base import DOMAIN_MARK, WindowFeatures, of_class_forecaster, side_by_side
from motor.predicting.record import CellRecord
from motor.recordings.recording import Recording
from motor.windows.cutting import FixedWindows
from motor.windows.scaling import Scaler
from motor.windows.source import Series

if TYPE_CHECKING:
    import pandas as pd

OF_PARTNERS = ("cross_sensor_correlation", "has_partner")  # 0 of a recording that has none, in training as here


@dataclass(frozen=True)
class Heard:
    """A recording as it was measured, and as it is represented."""

    recording: Recording
    signal: np.ndarray  # float32 (n_represented,)
    sampling_rate_hz: float


@dataclass(frozen=True)
class SideBySide:
    """A few signals in one array: what `FixedWindows` cuts from (see `motor.windows.source.Signals`)."""

    samples: np.ndarray
    begins: np.ndarray
    n_samples: np.ndarray

    @classmethod
    def of(cls, signals: Sequence[np.ndarray]) -> "SideBySide":
        n_samples = np.array([len(signal) for signal in signals], dtype=np.int64)
        return cls(np.concatenate(signals), np.cumsum(n_samples) - n_samples, n_samples)


def hear(record: CellRecord, recording: Recording) -> Heard:
    """Represent a recording as the cell's were.

    Raises
    ------
    ValueError
        If it cannot be represented so: too slow a rate, no speed, a signal that is not finite.
    """
    recording = _with_speed(record, recording)
    rate_hz = recording.sampling_rate_hz
    signal, represented_hz = record.representation.apply(recording.signal, rate_hz, recording.speed_rpm)
    return Heard(recording, signal, represented_hz)


def _with_speed(record: CellRecord, recording: Recording) -> Recording:
    """Estimate the shaft's speed where the cell's recordings had it so."""
    source = record.speed["source"]
    is_told = recording.speed_rpm is not None and source != "estimated"
    if not record.needs_speed or source == "given" or is_told:
        return recording
    from dataclasses import replace

    from motor.recordings.speed import estimate_speed

    low, high = record.speed["range_rpm"]
    estimate = estimate_speed(recording.signal, recording.sampling_rate_hz, range_rpm=(low, high))
    return replace(recording, speed_rpm=estimate.speed_rpm)


def as_meta(recordings: Sequence[Recording]) -> "pd.DataFrame":
    """Return what feature plug-ins are told of series."""
    import pandas as pd

    columns = ("item", "motor", "domain", "label", "moment")
    return pd.DataFrame({name: [getattr(one, name) for one in recordings] for name in columns}, dtype=object)


class Describer(ABC):
    """What one fold of a cell says of recordings: `look` at each by itself, then `table` of all."""

    def __init__(self, record: CellRecord) -> None:
        self.record = record

    @abstractmethod
    def look(self, group: Sequence[Heard], scalers: Mapping[Any, Scaler]) -> Any:
        """Return what is seen of one recording, or of those of one moment that are heard together.

        Raises
        ------
        ValueError
            If a recording cannot be described, with the next step.
        """

    @abstractmethod
    def table(self, looks: Sequence[Any], recordings: Sequence[Recording]) -> "pd.DataFrame":
        """Return one row for each recording, indexed by item, of all that was looked at."""

    def described(self, looks: Sequence[Any], recordings: Sequence[Recording]) -> "pd.DataFrame":
        """Return `table` with the domain's marks and zeros for partners that nobody has, as in training."""
        import pandas as pd

        frame = self.table(looks, recordings)
        frame = frame.loc[
            [one.item for one in recordings], [name for name in frame if not str(name).startswith(DOMAIN_MARK)]
        ]
        marks = sorted(self.record.domains) if len(self.record.domains) > 1 else []
        added = {f"{DOMAIN_MARK}{name}": [float(one.domain == name) for one in recordings] for name in marks}
        added |= {name: [0.0] * len(recordings) for name in OF_PARTNERS if name not in frame}
        return pd.concat([frame, pd.DataFrame(added, index=frame.index)], axis=1)

    def _windows(self, group: Sequence[Heard], scalers: Mapping[Any, Scaler], length: int) -> FixedWindows:
        """Cut the even windows of a few recordings, each with its scaler."""
        series = []
        for index, heard in enumerate(group):
            known = heard.recording
            scaling = self.record.scaling[known.domain]
            scaler = scaling.scaler(scalers, known.item, known.domain, heard.signal, known.motor)
            series.append(_series(known, index, heard.sampling_rate_hz, scaler))
        signals, record = SideBySide.of([heard.signal for heard in group]), self.record
        told = (signals, tuple(series), record.domains, length, record.windows_per_series)
        return FixedWindows(*told, together=record.sees_together)


def _series(known: Recording, index: int, sampling_rate_hz: float, scaler: Scaler) -> Series:
    told = (known.item, index, known.domain, known.label, sampling_rate_hz, scaler)
    return Series(*told, motor=known.motor, moment=known.moment)


class ForecastDescriber(Describer):
    """By the forecasters of one fold: one, or one for each class (see the stage `features`)."""

    def __init__(self, record: CellRecord, forecasters: Sequence[Any]) -> None:
        super().__init__(record)
        self.forecasters = forecasters

    def look(self, group: Sequence[Heard], scalers: Mapping[Any, Scaler]) -> list[list[WindowFeatures]]:
        """Return what each feature sees of each window: a list for each forecaster."""
        return [[self._seen(model, one, group, scalers) for one in self.record.features] for model in self.forecasters]

    def _seen(
        self, forecaster: Any, feature: Any, group: Sequence[Heard], scalers: Mapping[Any, Scaler]
    ) -> WindowFeatures:
        record = self.record
        parts, items, numbers = [], [], []
        for members in [group] if record.sees_together else [[heard] for heard in group]:
            length = record.context_length + (record.prediction_length if feature.needs_future else 0)
            fixed = self._windows(members, scalers, length)
            cut = fixed.batch(np.arange(len(fixed)))
            rate_hz = members[0].sampling_rate_hz
            told = (forecaster, cut["window"], cut["domain"], record.context_length, rate_hz)
            parts.append(feature.per_window(*told, cut.get("group")))
            items += [fixed.series[place].item for place in cut["item"]]
            numbers += cut["window_index"].tolist()
        return WindowFeatures.join(parts, items, numbers)

    def table(self, looks: Sequence[Any], recordings: Sequence[Recording]) -> "pd.DataFrame":
        meta = as_meta(recordings)
        return side_by_side([self._of_forecaster(looks, place, meta) for place in range(len(self.forecasters))])

    def _of_forecaster(self, looks: Sequence[Any], place: int, meta: "pd.DataFrame") -> "pd.DataFrame":
        frames = []
        for number, feature in enumerate(self.record.features):
            frames.append(feature.per_series(joined([look[place][number] for look in looks]), meta))
        frame = side_by_side(frames)
        if len(self.forecasters) == 1:
            return frame
        return of_class_forecaster(frame, self.record.finetunes[place]["labels"])


class FittedDescriber(Describer):
    """By what was learned from training windows (see the stage `learn`)."""

    def __init__(self, record: CellRecord, models: Sequence[Any]) -> None:
        super().__init__(record)
        self.models = models

    def look(self, group: Sequence[Heard], scalers: Mapping[Any, Scaler]) -> list["pd.DataFrame"]:
        return [self._row(heard, scalers) for heard in group]

    def _row(self, heard: Heard, scalers: Mapping[Any, Scaler]) -> "pd.DataFrame":
        fixed = self._windows([heard], scalers, self.record.context_length)
        cut = fixed.batch(np.arange(len(fixed)))
        meta = as_meta([heard.recording])[["item", "motor", "domain"]]
        return side_by_side([model.transform(cut["window"], cut["item"], meta) for model in self.models])

    def table(self, looks: Sequence[Any], recordings: Sequence[Recording]) -> "pd.DataFrame":
        import pandas as pd

        return pd.concat([row for look in looks for row in look])


class RecordingDescriber(Describer):
    """By what is computed of a recording as it was measured (see the stage `describe`)."""

    def look(self, group: Sequence[Heard], scalers: Mapping[Any, Scaler]) -> list["pd.DataFrame"]:
        import pandas as pd

        rows = []
        for known in (heard.recording for heard in group):
            values: dict[str, float] = {}
            for feature in self.record.features:
                values |= feature.from_recording(known.signal, known.sampling_rate_hz, known.speed_rpm)
            rows.append(pd.DataFrame(values, index=pd.Index([known.item], name="item")))
        return rows

    def table(self, looks: Sequence[Any], recordings: Sequence[Recording]) -> "pd.DataFrame":
        import pandas as pd

        return pd.concat([row for look in looks for row in look])


def joined(parts: Sequence[WindowFeatures]) -> WindowFeatures:
    """Return what was seen of several groups as one, in their order."""
    import pandas as pd

    residuals = [part.residuals_BH for part in parts if part.residuals_BH is not None]
    return WindowFeatures(pd.concat([part.frame for part in parts]), np.concatenate(residuals) if residuals else None)
