"""A linear autoregressive forecaster: every step of the horizon has its own ridge regression on the last samples.

Direct forecasts, in units of the context's own mean and deviation, as Chronos-Bolt normalises.

Shapes: B windows, T context, H horizon, Q quantiles, N models (one for each known domain, else 1),
L lags and a one for the intercept, R rows (one for each window and origin), M samples of a row and its future.
"""

from collections.abc import Callable, Iterable, Iterator
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from motor.backbones.batch import Batch
from motor.backbones.forecast import Forecast, loc_scale
from motor.backbones.linear.least_squares import ErrorHistogram, NormalEquations
from motor.backbones.torch_forecaster import Geometry, TorchForecaster
from motor.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

    from motor.backbones.training.trainer import History, Trainer, TrainingData

FITTED_WINDOWS = 16  # even windows a series that it is solved on

Windows = Callable[[], Iterable[Batch]]


def unfitted(geometry: Geometry, n_lags: int) -> "torch.nn.ParameterDict":
    """Return coefficients of nothing, and a normal distribution's quantiles; one set for each known domain."""
    n_models = len(geometry.domains) if len(geometry.domains) >= 2 else 1
    normal_Q = torch.tensor([NormalDist().inv_cdf(level) for level in geometry.quantile_levels], dtype=torch.float32)
    tensors = {
        "coefficient_NLH": torch.zeros(n_models, n_lags + 1, geometry.prediction_length),
        "offset_NHQ": normal_Q.repeat(n_models, geometry.prediction_length, 1),
    }
    parameters = {name: torch.nn.Parameter(tensor, requires_grad=False) for name, tensor in tensors.items()}
    return torch.nn.ParameterDict(parameters)


class LinearForecaster(TorchForecaster):
    """Ridge regressions with quantiles of their own errors; one set for each known domain.

    Until `fit` was called it forecasts the context's mean, with a normal distribution's quantiles.
    """

    settings: Any  # of `motor.backbones.linear.settings`

    @property
    def n_lags(self) -> int:
        """Last samples of the context that are weighed."""
        return int(self.model["coefficient_NLH"].shape[1]) - 1

    def n_tokens(self, context_length: int) -> int:
        """Return how many samples it weighs; the rest of a context sets mean and deviation alone."""
        return min(context_length, self.n_lags)

    def fit(self, data: "TrainingData", trainer: "Trainer") -> "History":
        """Solve on even windows of the training series; no step is taken."""
        self.solve(lambda: data.even(FITTED_WINDOWS))
        return []

    def solve(self, windows: Windows) -> dict[str, int]:
        """Fit in two passes: normal equations in float64, then the quantiles of the errors.

        Parameters
        ----------
        windows : callable
            Gives an iterable of batches, the same each time. Windows with missing samples are left out.

        Returns
        -------
        dict
            `n_windows` and `n_rows` that were fitted on.

        Raises
        ------
        ValueError
            If a domain has no window, or contexts are shorter than the lags.
        """
        equations = self._accumulated(windows)
        coefficients = [one.solved(self.settings.penalty) for one in equations]
        histograms = [
            ErrorHistogram.empty(one.rms(weights)) for one, weights in zip(equations, coefficients, strict=True)
        ]
        for model, _, rows_RL, future_RH in self._rows(windows, n_origins=1):  # errors at the end of each context
            histograms[model].add(future_RH - rows_RL @ coefficients[model])
        offsets = [histogram.quantiles(self.quantile_levels) for histogram in histograms]
        for name, values in (("coefficient_NLH", coefficients), ("offset_NHQ", offsets)):
            self.model[name].copy_(torch.as_tensor(np.stack(values)))
        return {"n_windows": sum(e.n_windows for e in equations), "n_rows": sum(e.n_rows for e in equations)}

    def _pass(self, batch: Batch, length: int) -> Forecast:
        point_BH, loc_B1, scale_B1 = self.points(batch, length)
        model_B = batch.domain_B if self.is_told else torch.zeros_like(batch.domain_B)
        quantiles_BHQ = point_BH[..., None] + self.model["offset_NHQ"][model_B][:, :length]
        return Forecast(quantiles_BHQ * scale_B1[..., None] + loc_B1[..., None])

    def points(self, batch: Batch, length: int) -> "tuple[Tensor, Tensor, Tensor]":
        """Return point forecasts in units of each context's mean and deviation (B, H), and these: (B, 1) each."""
        context_BT, domain_B = batch.context_BT, batch.domain_B
        check_lags(context_BT.shape[1], self.n_lags)
        loc_B1, scale_B1 = loc_scale(context_BT)
        n_lags = self.n_lags
        lags_BL = ((context_BT[:, -n_lags:] - loc_B1) / scale_B1).nan_to_num()  # a missing sample counts as the mean
        rows_BL = torch.cat([lags_BL, torch.ones_like(loc_B1)], dim=1)
        model_B = domain_B if self.is_told else torch.zeros_like(domain_B)
        point_BH = rows_BL.new_empty(len(rows_BL), length)
        for model in model_B.unique().tolist():
            chosen = model_B == model
            point_BH[chosen] = rows_BL[chosen] @ self.model["coefficient_NLH"][model, :, :length]
        return point_BH, loc_B1, scale_B1

    def _accumulated(self, windows: Windows) -> "list[NormalEquations]":
        n_models = len(self.model["coefficient_NLH"])
        equations = [NormalEquations.empty(self.n_lags + 1, self.prediction_length) for _ in range(n_models)]
        for model, n_windows, rows_RL, future_RH in self._rows(windows, self.settings.n_origins):
            equations[model].add(n_windows, rows_RL, future_RH)
        for model, one in enumerate(equations):
            if not one.n_rows:
                whose = f"domain {self.domains[model]!r} has" if self.is_told else "there are"
                raise ValueError(f"{whose} no windows without missing samples to fit a linear forecaster on")
        return equations

    def _rows(self, windows: Windows, n_origins: int) -> Iterator[tuple[int, int, np.ndarray, np.ndarray]]:
        """Yield (model, n_windows, rows_RL, future_RH) in normalised units, for each batch and model in it."""
        for batch in windows():
            known = (batch.context_BT, batch.future_BH)
            context_BT, future_BH = (torch.as_tensor(np.array(part), dtype=torch.float64) for part in known)
            check_lags(context_BT.shape[1], self.n_lags)
            loc_B1, scale_B1 = loc_scale(context_BT)
            whole_BN = ((torch.cat([context_BT, future_BH], dim=1) - loc_B1) / scale_B1).numpy()
            model_B = np.asarray(batch.domain_B) if self.is_told else np.zeros(len(whole_BN), dtype=np.int64)
            whole = np.isfinite(whole_BN).all(axis=1)
            for model in np.unique(model_B[whole]):
                chosen_BN = whole_BN[whole & (model_B == model)]
                yield int(model), len(chosen_BN), *self._cut(chosen_BN, context_BT.shape[1], n_origins)

    def _cut(self, whole_BN: np.ndarray, context_length: int, n_origins: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows of lags and a one, and their futures, at evenly spaced origins; the last is the context's end."""
        n_lags = self.n_lags
        origins = np.unique(np.linspace(context_length, n_lags, n_origins).astype(int))
        view_BWM = np.lib.stride_tricks.sliding_window_view(whole_BN, n_lags + self.prediction_length, axis=1)
        cut_RM = view_BWM[:, origins - n_lags].reshape(-1, view_BWM.shape[-1])
        return np.column_stack([cut_RM[:, :n_lags], np.ones(len(cut_RM))]), cut_RM[:, n_lags:]


def check_lags(context_length: int, n_lags: int) -> None:
    """Raise ValueError where contexts have fewer samples than are weighed: the forecaster was made for longer ones."""
    if context_length < n_lags:
        raise ValueError(
            f"this linear forecaster weighs the last {n_lags} samples, but contexts have {context_length}; give it "
            f"contexts of {n_lags} or more, or fit one for this context_length"
        )
