"""How a fine-tune's forecasts are measured on series that no training saw."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from motor.backbones.batch import Batch, as_batch
from motor.backbones.batching import BatchSize
from motor.backbones.forecast import MEDIAN, STILL
from motor.features.skill import forecast_skill, skill_columns
from motor.lazy import pandas as pd
from motor.stages.forecast_facts import facts_of, window_facts
from motor.stages.forecasts import (
    N_WORST,
    by_motor,
    classmates_of,
    columns_of,
    edges_of,
    retrieval_facts,
    said_of,
    summarised,
    worst_cases,
)
from motor.stages.prepare import Prepared
from motor.windows.fixed import FixedWindows

if TYPE_CHECKING:
    from motor.backbones.forecaster import Forecaster
    from motor.stages.finetune import Finetune

N_WINDOWS = 4  # a series


@dataclass(frozen=True)
class Measured:
    """A forecaster on held-out series: errors of each window, and what follows from them.

    Attributes
    ----------
    stage : Finetune
    forecaster : Forecaster
        On its device.
    prepared : Prepared
    meta : DataFrame
        The series that no training saw.
    even : callable
        Gives so many even windows of each training series.
    device : str
    work : Path
    """

    stage: "Finetune"
    forecaster: "Forecaster"
    prepared: Prepared
    meta: "pd.DataFrame"
    even: Callable[[int], Iterable[Batch]]
    device: str
    work: Path

    @cached_property
    def frame(self) -> "pd.DataFrame":
        """One row a window and context length: what `skill_columns` and `columns_of` give, and which window it is."""
        if self.meta.empty:  # nothing is held out
            return pd.DataFrame()
        size = BatchSize(self.stage.batch_size, self.device, partial(print, flush=True), self.work)
        lengths = self.stage.context_lengths
        return pd.concat([self._errors(length, size).assign(context_length=length) for length in lengths])

    def skill(self) -> list[dict[str, Any]]:
        """Return the error over the mean forecast's, by context, class and segment."""
        of_lengths = [] if self.frame.empty else list(self.frame.groupby("context_length", sort=False))
        by = ("domain", "label")
        return [
            {"context_length": int(length), **row}
            for length, rows in of_lengths
            for row in forecast_skill(rows, self.meta, by).to_dict("records")
        ]

    def forecasts(self) -> dict[str, Any]:
        """Return what ``forecasts.json`` says: rows of each context by domain and class and by motor, and worst cases.

        Of the longest context also how sure it is (`facts_of`).
        """
        if self.frame.empty:
            return {"by_context": {}, "motors": {}, "worst": [], "sure": {}}
        edges = edges_of(self.even(N_WINDOWS))
        frame = self.frame.join(self.meta.set_index("item")[["domain", "label", "motor", "speed_rpm"]], on="item")
        of_lengths = frame.groupby("context_length", sort=False)
        by_context = {str(length): summarised(rows, edges) for length, rows in of_lengths}
        motors = {str(length): by_motor(rows) for length, rows in of_lengths}
        longest = frame[frame["context_length"] == self.stage.context_length]
        worst = self._worst(longest) if self.stage.memory is not None or self._says_more else []
        return {
            "by_context": by_context,
            "motors": motors,
            "worst": worst,
            "sure": facts_of(longest, self.stage.quantile_levels),
        }

    def retrieval(self) -> dict[str, Any]:
        """Return what ``training.json`` says of neighbours; nothing of a forecaster without a memory."""
        if self.meta.empty or self.stage.labels == "none":
            return {}
        known = self.stage.known(self.prepared)
        training = known[self.stage.is_trained_on(known) & (known["side"] == "train")]
        held_out = partial(self.stage.fixed_batches, self._windows, self.stage.context_length)
        mates = classmates_of(self.meta, training)
        found = retrieval_facts(self.forecaster, self.even(N_WINDOWS), held_out, mates)
        return {} if found is None else {"retrieval": found}

    @cached_property
    def _windows(self) -> FixedWindows:
        return self.stage.fixed(self.prepared, self.meta, N_WINDOWS)

    def _errors(self, context_length: int, size: BatchSize) -> "pd.DataFrame":
        windows, longest = self._windows, self.stage.context_length
        says_more = self._says_more

        def errors(numbers: range) -> pd.DataFrame:
            cut = windows.batch(numbers)
            batch = as_batch(windows, cut, longest, context_length)
            forecast = said_of(self.forecaster, batch, self.stage.memory is not None or says_more)
            columns = skill_columns(np.asarray(batch.future_BH), self._median(forecast), np.asarray(batch.context_BT))
            columns |= columns_of(batch, forecast) | {"number": np.asarray(numbers)}
            if context_length == longest:
                columns |= window_facts(batch, forecast, self.stage.quantile_levels, says_more)
            items = [windows.series[place].item for place in cut["item"]]
            index = pd.MultiIndex.from_arrays([items, cut["window_index"]], names=["item", "window"])
            return pd.DataFrame(columns, index=index)

        return pd.concat(size.passes(len(windows), errors, windows.end_of_batch))

    @property
    def _says_more(self) -> bool:
        return not {"gate", "regimes"}.isdisjoint(self.stage.backbone.gives)

    def _median(self, forecast: Any) -> np.ndarray:
        median_BH: np.ndarray = forecast.quantiles_BHQ[..., self.stage.quantile_levels.index(MEDIAN)].cpu().numpy()
        return median_BH

    def _worst(self, frame: "pd.DataFrame") -> list[dict[str, Any]]:
        """Return the windows that are forecast worst, in their context's deviations (see `worst_cases`)."""
        relative = (frame["mae"] / frame["deviation"].clip(lower=STILL)).to_numpy()
        rows = frame.iloc[np.argsort(-relative, kind="stable")[:N_WORST]]
        cases = []
        for number, label in zip(rows["number"].tolist(), rows["label"].tolist(), strict=True):
            cut = self._windows.batch(range(number, number + 1))
            batch = as_batch(self._windows, cut, self.stage.context_length)
            rates = [self._windows.series[place].sampling_rate_hz for place in cut["item"]]
            with_memory = None if self.stage.memory is None else self.forecaster
            cases += worst_cases(with_memory, batch, [str(label)], self.forecaster.forecast(batch), rates)
        return cases


def read_training(folder: Path, context_length: int) -> dict[str, Any]:
    """Return ``training.json`` of a built fine-tune, as it is for one of its context lengths."""
    training = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    n_tokens = training.pop("n_tokens_by_context")[str(context_length)]
    return training | {"context_seen": min(context_length, training["context_seen"]), "n_tokens": n_tokens}


def read_skill(folder: Path, context_length: int) -> list[dict[str, Any]]:
    """Return the rows of ``skill.json`` of a built fine-tune that are of one of its context lengths."""
    rows = json.loads((folder / "skill.json").read_text(encoding="utf-8"))
    shown = (row for row in rows if row["context_length"] == context_length)
    return [{name: value for name, value in row.items() if name != "context_length"} for row in shown]
