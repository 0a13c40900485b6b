"""Judge recordings by a trained cell: from Python, and behind the command, the endpoint and the exported folder."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from motor.lazy import numpy as np
from motor.lazy import pandas as pd
from motor.predicting.cell import TrainedCell, columns_of
from motor.predicting.exported import MODEL, read_exported
from motor.predicting.faults import Fault, Outcome, PredictingError
from motor.predicting.inputs import InputOptions, read_recordings
from motor.predicting.parts import CellParts
from motor.recordings.recording import DataError, Recording
from motor.recordings.signals import finite_signal


@dataclass(frozen=True)
class Predictor:
    """Judges recordings with one trained cell, or with one for each domain.

    Attributes
    ----------
    cells : tuple of TrainedCell
        Of domains that do not overlap.
    """

    cells: tuple[TrainedCell, ...]

    @classmethod
    def load(
        cls,
        folder: str | Path,
        cell: str = "best",
        *,
        config: str | None = None,
        folds: Sequence[str] | None = None,
        device: str = "cpu",
        digest: str | None = None,
    ) -> "Predictor":
        """Load what was exported, or a cell of a storage.

        Parameters
        ----------
        folder : str or Path
            A folder that ``launch.py export`` wrote, or a storage: a folder, or ``s3://bucket/prefix``.
        cell : str
            Of a storage: a key or its start, a name such as ``C/Joint/4096/svm``, or ``best``.
        config : str, optional
            Of a storage with the results of several grids: the grid's name.
        folds : sequence of str, optional
            Only these folds; by default all, their probabilities (scores) averaged.
        device : str
            For the forecasters: ``cpu`` or ``cuda``.
        digest : str, optional
            SHA-256 of ``model.json`` as ``export`` printed it: another folder is refused before a pickle is opened.

        Raises
        ------
        motor.predicting.parts.PartError
            If a part is missing, damaged, or not the one that was written.
        ValueError
            If no cell, or more than one, is meant, or if there is no such fold.
        """
        return cls.open(parts_of(folder, cell, config, digest=digest), folds, device)

    @classmethod
    def open(cls, parts: Sequence[CellParts], folds: Sequence[str] | None = None, device: str = "cpu") -> "Predictor":
        """Load cells whose parts are known; see `load`."""
        return cls(tuple(TrainedCell.open(one, folds, device) for one in parts))

    @property
    def domains(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(domain for cell in self.cells for domain in cell.parts.domains))

    @property
    def classes(self) -> tuple[str, ...]:
        return self.cells[0].parts.classes

    @property
    def dataset(self) -> Mapping[str, Any]:
        """The settings of the reader that the training used, by which fields of new recordings are found, too."""
        return self.cells[0].parts.dataset

    def about(self) -> dict[str, Any]:
        """Return what is loaded, ready for JSON: names, keys, classes, domains, and the figures it was judged at."""
        cells = [
            {
                "name": cell.parts.name,
                "key": cell.parts.key,
                "domains": list(cell.parts.domains),
                "folds": [fold.name for fold in cell.folds],
                "trained_on": dict(cell.parts.trained_on),
                "metrics": dict(cell.parts.metrics),
            }
            for cell in self.cells
        ]
        return {"classes": list(self.classes), "normal": self.cells[0].parts.normal, "cells": cells}

    def predict(
        self, recordings: str | Path | Recording | Iterable[str | Path | Recording], **options: Any
    ) -> "pd.DataFrame":
        """Judge recordings.

        Parameters
        ----------
        recordings : paths, patterns of paths, folders, or `Recording`s
            Any format of docs/data.md.
        **told
            As of `outcome`.

        Returns
        -------
        DataFrame
            One row a series: item, domain, label (the most probable class), probability_<class>, alarm (1 - p(normal)
            is over the cell's threshold; of a detector: score, an alarm where it is over the threshold, and the label
            "faulty" there), unlike (from 0 to 1; 1 is farther from all training series than any known
            series is).

        Raises
        ------
        PredictingError
            If some cannot be judged; it names them all, and has the predictions of the others.
        """
        found = self.outcome(recordings, **options)
        if found.faults:
            raise PredictingError(found.faults, found.predictions)
        return found.predictions

    def outcome(
        self,
        recordings: str | Path | Recording | Iterable[str | Path | Recording],
        *,
        domain: str | None = None,
        sampling_rate_hz: float | None = None,
        speed_rpm: float | None = None,
        pattern: str | None = None,
        variable: str | None = None,
        delimiter: str | None = None,
        decimal: str | None = None,
        skip_rows: int | None = None,
        reference: Iterable[str | Path | Recording] = (),
    ) -> Outcome:
        """Judge recordings, and tell beside them which could not be judged, and why.

        Parameters
        ----------
        recordings
            As of `predict`.
        domain, sampling_rate_hz, speed_rpm : optional
            Of recordings that do not tell it otherwise.
        pattern : str, optional
            Regular expression searched in a recording's name; groups domain, motor, moment, speed_rpm and
            sampling_rate_hz tell these. By default that of the training's config.
        variable : str, optional
            Of ``.mat`` and ``.csv`` files that hold several.
        delimiter, decimal, skip_rows : optional
            How tables are written; by default as the training's config says.
        reference : paths or `Recording`s
            Healthy recordings of the same motors, where the cell takes a motor's own reference. Of a cell that compares
            features with it, the table tells in ``has_reference`` which series had one.

        Raises
        ------
        motor.recordings.recording.DataError
            If a field can be of no recording: an unknown domain, a pattern that is no regular expression.
        """
        options: dict[str, Any] = {"domain": domain, "sampling_rate_hz": sampling_rate_hz, "speed_rpm": speed_rpm}
        options |= {"delimiter": delimiter, "decimal": decimal, "skip_rows": skip_rows}
        inputs = InputOptions(self.domains, self.dataset, pattern=pattern, variable=variable, **options)
        faults: list[Fault] = []
        good, healthy = _read(recordings, inputs, faults), _read(reference, inputs, faults)
        return self._judged(good, healthy, faults)

    def _judged(self, recordings: list[Recording], healthy: list[Recording], faults: list[Fault]) -> Outcome:
        """Give each cell the recordings of its domains, and put its rows back into the order that was asked for."""
        tables = []
        recordings = _once(recordings, self.domains, faults)
        for cell in self.cells:
            own = [one for one in recordings if one.domain in cell.parts.domains]
            of_cell = [one for one in healthy if one.domain in cell.parts.domains]
            table, found = cell.predict(own, of_cell)
            tables.append(table)
            faults += found
        filled = [table for table in tables if len(table)]
        if not filled:
            return Outcome(
                pd.DataFrame(columns=columns_of(self.classes, self.cells[0].detects, bool(self.cells[0].parts.normal))),
                faults,
            )
        place = {one.item: number for number, one in enumerate(recordings)}
        whole = pd.concat(filled, ignore_index=True)
        order = whole["item"].map(lambda item: place.get(item, place.get(item.rpartition("#")[0], len(place))))
        return Outcome(whole.iloc[order.argsort(kind="stable")].reset_index(drop=True), faults)


def parts_of(
    folder: str | Path, cell: str, config: str | None, domain: str | None = None, digest: str | None = None
) -> list[CellParts]:
    """Return where the files of a trained cell lie, in an exported folder or in a storage."""
    if (Path(folder) / MODEL).is_file():
        return read_exported(Path(folder), digest)
    from motor.predicting.stored import find_cells  # of a storage, which an exported folder needs not

    return [found.parts() for found in find_cells(folder, cell, config, domain)]


def _read(given: Any, options: InputOptions, faults: list[Fault]) -> list[Recording]:
    """Return recordings, reading those that are paths."""
    found: list[Recording] = []
    several = [given] if isinstance(given, str | Path | Recording) else list(given)
    paths = [one for one in several if not isinstance(one, Recording)]
    by_path = read_recordings(paths, options)
    for one in [*(one for one in several if isinstance(one, Recording)), *by_path]:
        if isinstance(one, Fault):
            faults.append(one)
        else:
            found.append(one)
    return found


def _once(recordings: list[Recording], domains: tuple[str, ...], faults: list[Fault]) -> list[Recording]:
    """Return the recordings whose name, and whose place at a motor's moment, no earlier one has taken."""
    kept, items, moments = [], set(), set()
    for one in recordings:
        moment = (one.motor, one.moment, one.domain)
        if one.domain not in domains:
            faults.append(
                Fault(one.item, f"{one.item}: unknown domain {one.domain!r}; there are: {', '.join(domains)}")
            )
        elif one.item in items:
            faults.append(Fault(one.item, f"{one.item}: comes twice; give each recording a name of its own"))
        elif one.motor and one.moment is not None and moment in moments:
            kept.append(replace(one, moment=None))  # two of one sensor are not of one moment: it is judged alone
        else:
            kept.append(one)
        items.add(one.item)
        moments.add(moment)
    return kept


def recording(
    signal: Any, sampling_rate_hz: float, domain: str, item: str = "signal", speed_rpm: float | None = None
) -> Recording:
    """Return a signal that is already in memory as a recording to judge.

    Parameters
    ----------
    signal : array-like of shape (n_samples,)
        In the unit that the training's files have.
    sampling_rate_hz : float
    domain : str
    item : str
        Its name in the table.
    speed_rpm : float, optional

    Raises
    ------
    motor.recordings.recording.DataError
        If it is no row of finite numbers, or the rate is not above 0.
    """
    samples = finite_signal(np.asarray(signal), item)
    if len(samples) < 2 or not 0 < sampling_rate_hz < np.inf:
        raise DataError(f"{item}: {len(samples)} samples at {sampling_rate_hz} Hz are no recording; correct them")
    return Recording(item, "", domain, "", float(sampling_rate_hz), samples, speed_rpm)
