"""A forecaster that looks up what followed similar windows of other motors (kNN in shape), beside a linear one.

Shapes: B windows, T context, H horizon, Q quantiles, L lags, N models (one for each known domain, else 1),
K neighbours, G segments of the horizon, F forecasts that are blended (linear, neighbours).
"""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from motor.backbones.batch import Batch
from motor.backbones.forecast import Forecast, loc_scale
from motor.backbones.linear.forecaster import FITTED_WINDOWS, LinearForecaster, Windows
from motor.backbones.linear.least_squares import ErrorHistogram
from motor.lazy import torch
from motor.retrieval.keys import shape
from motor.retrieval.memory import Memory

if TYPE_CHECKING:
    from torch import Tensor

    from motor.backbones.training.trainer import History, Trainer, TrainingData
    from motor.retrieval.memory import Memory, Unfolded
    from motor.retrieval.search import Neighbours

MEMORY = "memory.safetensors"
N_SEGMENTS = 8  # of the horizon, each with weights of its own
MOST_PARTS = 5  # of the motors, each forecast by what the others teach
WEIGHTS = {"errors": np.array([[1.0, 1.0]]), "none": np.array([[0.0, 1.0]])}  # of blends that nothing is fitted for
RIDGE = 1e-3  # of a row, in units of the context's variance: keeps weights finite where both forecasts are alike

Rows = Iterator[tuple[int, np.ndarray, np.ndarray]]


def unblended(linear: "torch.nn.ParameterDict", prediction_length: int) -> "torch.nn.ParameterDict":
    """Return a linear forecaster's tensors with weights that leave its forecast alone."""
    n_models = len(linear["coefficient_NLH"])
    weight_NHF = torch.tensor([1.0, 0.0]).repeat(n_models, prediction_length, 1)
    linear["weight_NHF"] = torch.nn.Parameter(weight_NHF, requires_grad=False)
    return linear


class RetrievalForecaster(LinearForecaster):
    """A linear forecast and what neighbours add to it, with quantiles of their errors.

    Neighbours add what the same linear forecast missed after them (``blend: errors``), or their futures under fixed
    weights. No window is ever given a neighbour of its own motor, not in the fit either: so the weights know how good
    neighbours of a new motor are. Without a memory it forecasts as the linear forecaster does.
    """

    leaves_own_motor_out: ClassVar[bool] = True

    memory: "Memory | None" = None
    unfolded: "Unfolded | None" = None

    @property
    def key_length(self) -> int:
        """Samples that windows are compared by."""
        return min(self.settings.key_length, self.context_length)

    def n_tokens(self, context_length: int) -> int:
        """Return how many samples it weighs or compares."""
        return min(context_length, max(self.n_lags, self.key_length))

    def remember(self, memory: "Memory") -> None:
        """Take up a memory to look windows up in."""
        self.memory = memory
        self.unfolded = memory.unfolded(self.key_length, self.prediction_length, self.settings.stride)

    def fit(self, data: "TrainingData", trainer: "Trainer") -> "History":
        """Keep the training series, solve for the linear forecaster, and weigh the two; no step is taken."""
        self.remember(Memory.of(data.series()))
        self.weigh(lambda: data.even(FITTED_WINDOWS))
        return []

    def weigh(self, windows: Windows) -> None:
        """Choose the weights by least squares, segment by segment, then the quantiles of what is left.

        Each motor's windows are forecast without that motor, by neighbours and by a linear forecaster of the others;
        the linear one is solved on all of them last.

        Raises
        ------
        ValueError
            If windows do not say their motor, or the memory has too few windows of other motors.
        """
        rows = list(self._crossed_rows(windows))
        self.solve(windows)
        for model in sorted({model for model, _, _ in rows}):
            parts_RHF, future_RH = (np.concatenate([row[place] for row in rows if row[0] == model]) for place in (1, 2))
            weight_HF = WEIGHTS.get(self.settings.blend)
            weight_HF = _weights(parts_RHF, future_RH) if weight_HF is None else weight_HF
            error_RH = future_RH - (parts_RHF * weight_HF).sum(axis=2)
            histogram = ErrorHistogram.empty(np.sqrt((error_RH**2).mean(axis=0)) + 1e-6)
            histogram.add(error_RH)
            self.model["weight_NHF"][model] = torch.as_tensor(weight_HF)
            self.model["offset_NHQ"][model] = torch.as_tensor(histogram.quantiles(self.quantile_levels))

    def save(self, folder: Path) -> None:
        """Write model.safetensors, forecaster.json and, once fitted, memory.safetensors."""
        super().save(folder)
        if self.memory is not None:
            self.memory.save(Path(folder) / MEMORY)

    def _pass(self, batch: Batch, length: int) -> Forecast:
        parts_BHF, loc_B1, scale_B1 = self._parts(batch)
        model_B = batch.domain_B if self.is_told else torch.zeros_like(batch.domain_B)
        point_BH = (parts_BHF * self.model["weight_NHF"][model_B]).sum(dim=2)
        quantiles_BHQ = (point_BH[..., None] + self.model["offset_NHQ"][model_B])[:, :length]
        return Forecast(quantiles_BHQ * scale_B1[..., None] + loc_B1[..., None])

    def _parts(self, batch: Batch) -> "tuple[Tensor, Tensor, Tensor]":
        """Return the two forecasts in units of each context's mean and deviation (B, H, F), and these: (B, 1) each."""
        linear_BH, loc_B1, scale_B1 = self.points(batch, self.prediction_length)
        if self.unfolded is None:
            return torch.stack([linear_BH, torch.zeros_like(linear_BH)], dim=2), loc_B1, scale_B1
        if self.settings.blend == "errors":
            near_BH = self._missed(batch) * loc_scale(self._newest(batch))[1] / scale_B1
        else:
            near_BH = (self.retrieved(batch) - loc_B1) / scale_B1
        return torch.stack([linear_BH, near_BH], dim=2), loc_B1, scale_B1

    def looked_up(self, batch: Batch) -> "tuple[Tensor, Tensor] | None":
        """See `Forecaster.looked_up`."""
        if self.unfolded is None:
            return None
        checked = batch.tensors(self.device)
        return torch.from_numpy(self._found(checked).square_QK.mean(axis=1)), self.retrieved(checked)

    def retrieved(self, batch: Batch) -> "Tensor":
        """Return the weighted mean of what followed the nearest windows, in the batch's units: (B, H).

        Each neighbour's future is brought from its window's mean and deviation to those of the last `key_length`
        samples of the context.
        """
        assert self.unfolded is not None
        found, newest_BT = self._found(batch), self._newest(batch)
        loc_B1, scale_B1 = loc_scale(newest_BT)
        return self._weighed(found, self.unfolded.futures(found.place_QK)).to(newest_BT) * scale_B1 + loc_B1

    def _missed(self, batch: Batch) -> "Tensor":
        """Return the weighted mean of what the linear forecast misses after the nearest windows: (B, H).

        In units of the last `key_length` samples' deviation, as each neighbour's is in those of its window's.
        """
        assert self.unfolded is not None
        found = self._found(batch)
        model_B = batch.domain_B if self.is_told else torch.zeros_like(batch.domain_B)
        lags_BKL = torch.from_numpy(self.unfolded.pasts(found.place_QK)[..., -self.n_lags :]).to(self.device)
        lags_BKL = torch.nn.functional.pad(lags_BKL, (self.n_lags - lags_BKL.shape[2], 0))  # a mean where it is unknown
        rows_BKL = torch.cat([lags_BKL, torch.ones_like(lags_BKL[..., :1])], dim=2)
        said_BKH = rows_BKL @ self.model["coefficient_NLH"][model_B]
        missed_BKH = self.unfolded.futures(found.place_QK) - said_BKH.cpu().numpy()
        return self._weighed(found, missed_BKH).to(self.device)

    def _newest(self, batch: Batch) -> "Tensor":
        return batch.context_BT[:, -self.key_length :]

    def _found(self, batch: Batch) -> "Neighbours":
        """Return the nearest windows of other motors."""
        assert self.unfolded is not None
        motor_B = [""] * batch.n_windows if batch.motor_B is None else batch.motor_B.tolist()
        key_BD = shape(self._newest(batch).cpu(), self.key_length)
        return self.unfolded.search.nearest(key_BD, self.settings.top_k, motor_B)

    def _weighed(self, found: "Neighbours", told_BKH: np.ndarray) -> "Tensor":
        """Return the mean over neighbours, by a softmax of their squared distances."""
        steepness = 0.0 if self.settings.temperature is None else 1 / self.settings.temperature
        weight_BK = torch.from_numpy(-steepness * found.square_QK).softmax(dim=1)
        return (weight_BK[..., None] * torch.from_numpy(told_BKH)).sum(dim=1).float()

    def _crossed_rows(self, windows: Windows) -> Rows:
        """Yield the forecasts of each part of the motors by what the others teach."""
        motors: dict[tuple[int, str], None] = {}
        for batch in windows():
            if batch.motor_B is None:
                raise ValueError("training windows do not say whose they are, so their own motor cannot be left out")
            model_B = np.asarray(batch.domain_B) if self.is_told else np.zeros(batch.n_windows, dtype=np.int64)
            motors |= dict.fromkeys(zip(model_B.tolist(), batch.motor_B.tolist(), strict=True))
        names = sorted({name for _, name in motors})
        part_of = {name: place % MOST_PARTS for place, name in enumerate(names)}
        parts = {model: {part_of[name] for of, name in motors if of == model} for model, _ in motors}
        if min(map(len, parts.values())) < 2:  # a domain of one part alone teaches nothing without it
            self.solve(windows)
            yield from self._forecast_rows(windows())
            return
        for part in sorted(set(part_of.values())):
            held_out = {name for name in names if part_of[name] == part}
            self.solve(partial(_of_motors, windows, set(names) - held_out))
            yield from self._forecast_rows(_of_motors(windows, held_out))

    def _forecast_rows(self, batches: Iterable[Batch]) -> Rows:
        """Yield (model, the two forecasts, what came) in normalised units, for each batch and model in it."""
        for batch in batches:
            checked = batch.tensors(self.device)
            parts_BHF, loc_B1, scale_B1 = (part.cpu().double().numpy() for part in self._parts(checked))
            future_BH = (np.asarray(batch.future_BH, dtype=np.float64) - loc_B1) / scale_B1
            whole_B = np.isfinite(future_BH).all(axis=1)
            model_B = np.asarray(batch.domain_B) if self.is_told else np.zeros(len(whole_B), dtype=np.int64)
            for model in np.unique(model_B[whole_B]).tolist():
                chosen_B = whole_B & (model_B == model)
                yield model, parts_BHF[chosen_B], future_BH[chosen_B]


def _of_motors(windows: Windows, names: set[str]) -> Iterator[Batch]:
    """Yield the windows of some motors."""
    for batch in windows():
        chosen_B = np.isin(np.asarray(batch.motor_B, dtype=str), sorted(names))
        if chosen_B.any():
            yield batch.rows(np.flatnonzero(chosen_B))  # type: ignore[arg-type]


def _weights(parts_RHF: np.ndarray, future_RH: np.ndarray) -> np.ndarray:
    """Return for each step the weights of the forecasts, one set a segment: shape (prediction_length, n_forecasts)."""
    weight_HF = np.empty(parts_RHF.shape[1:])
    for steps in np.array_split(np.arange(len(weight_HF)), min(N_SEGMENTS, len(weight_HF))):
        rows_MF, wanted_M = parts_RHF[:, steps].reshape(-1, parts_RHF.shape[2]), future_RH[:, steps].ravel()
        gram_FF: Any = rows_MF.T @ rows_MF + RIDGE * len(rows_MF) * np.eye(parts_RHF.shape[2])
        weight_HF[steps] = np.linalg.solve(gram_FF, rows_MF.T @ wanted_M)
    return weight_HF
