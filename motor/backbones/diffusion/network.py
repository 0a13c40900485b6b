"""A denoiser of horizons, and the way back from noise to a future.

Trained to predict the velocity (Salimans and Ho 2022, "Progressive distillation for fast sampling of diffusion models",
ICLR, eq. 8 to 10); drawn from by DDIM without noise of its own (Song, Meng and Ermon 2021, "Denoising diffusion
implicit models", ICLR, eq. 12), so that a future is a function of the context and of the noise that it starts from.

Shapes: B windows, T context, H horizon, Q quantiles, S samples, R rows of any kind, D width.
"""

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import Dropout, Linear, Module, ModuleList, SiLU

from motor.backbones.batch import Batch
from motor.backbones.forecast import Forecast
from motor.backbones.layers.patches import known, n_known
from motor.backbones.torch_forecaster import Geometry

if TYPE_CHECKING:
    from motor.backbones.diffusion.settings import Diffusion

N_LAYERS = 2
N_WAVES = 16
LEAST_SIGNAL = 1e-4  # share of the signal that is left at the last noise level


def signal_shares(schedule: str, n_levels: int) -> Tensor:
    """Return the share of the signal's variance at each noise level, from almost 1 to almost 0.

    ``linear``: Ho, Jain and Abbeel 2020, "Denoising diffusion probabilistic models", NeurIPS, whose rates are of a
    thousand levels; ``cosine``: Nichol and Dhariwal 2021, "Improved denoising diffusion probabilistic models", ICML.
    """
    if schedule == "linear":
        rates = torch.linspace(1e-4, 0.02, n_levels, dtype=torch.float64) * 1000 / n_levels
        return (1 - rates.clamp(max=0.999)).cumprod(dim=0).float()
    place = (torch.arange(1, n_levels + 1, dtype=torch.float64) / n_levels + 0.008) / 1.008
    return ((place * math.pi / 2).cos() ** 2).clamp(min=LEAST_SIGNAL).float()


class Layer(Module):
    """A residual layer that is told context and noise level."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.wide, self.act, self.dropout = Linear(2 * width, 2 * width), SiLU(), Dropout()
        self.narrow = Linear(2 * width, width)

    def forward(self, hidden_RD: Tensor, given_RD: Tensor) -> Tensor:
        wide = self.act(self.wide(torch.cat([hidden_RD, given_RD], dim=-1)))
        return hidden_RD + self.narrow(self.dropout(wide))


class Network(Module):
    """From a normalised context to futures and their quantiles."""

    noise_SH: Tensor
    shares_N: Tensor

    def __init__(self, geometry: Geometry, settings: "Diffusion") -> None:
        super().__init__()
        self.geometry, self.settings = geometry, settings
        width, horizon = settings.width, geometry.prediction_length
        self.context = Linear(geometry.context_length + n_known(geometry.domains), width)
        self.level, self.inputs = Linear(2 * N_WAVES, width), Linear(horizon, width)
        self.layers = ModuleList(Layer(width) for _ in range(N_LAYERS))
        self.head = Linear(width, horizon)
        self.register_buffer("noise_SH", torch.randn(settings.n_samples, horizon))
        shares = signal_shares(settings.schedule, settings.n_noise_levels)
        self.register_buffer("shares_N", shares, persistent=False)

    def forward(self, batch: Batch) -> Forecast:
        """Return drawn futures and their quantiles; where the future is known, the loss of the denoiser instead."""
        given_BD = self._given(batch)
        if batch.future_BH is not None:
            return self._denoised(batch.future_BH, given_BD)
        samples_SBH = self._drawn(given_BD)
        levels_Q = torch.tensor(self.geometry.quantile_levels, device=samples_SBH.device)
        quantiles_BHQ = samples_SBH.quantile(levels_Q, dim=0).movedim(0, -1)
        return Forecast(quantiles_BHQ, samples_SBH=samples_SBH)

    def _given(self, batch: Batch) -> Tensor:
        """Return what the denoiser is told of each context; a shorter one is filled up with its mean, 0."""
        context_BT = batch.context_BT
        missing = self.geometry.context_length - context_BT.shape[1]
        whole_BT = torch.nn.functional.pad(context_BT, (missing, 0))
        return self.context(torch.cat([whole_BT, known(batch, self.geometry.domains)], dim=1))

    def _velocity(self, noisy_RH: Tensor, level_R: Tensor, given_RD: Tensor) -> Tensor:
        rates = torch.arange(N_WAVES, device=level_R.device).exp2() * math.pi / 2
        waves_RW = (level_R[:, None] + 1) / self.settings.n_noise_levels * rates / 2**8
        told_RD = given_RD + self.level(torch.cat([waves_RW.sin(), waves_RW.cos()], dim=1))
        hidden_RD = self.inputs(noisy_RH)
        for layer in self.layers:
            hidden_RD = layer(hidden_RD, told_RD)
        return self.head(hidden_RD)

    def _denoised(self, future_BH: Tensor, given_BD: Tensor) -> Forecast:
        """Return the loss of one noise level a window: drawn in training, spread evenly otherwise."""
        n_windows, n_levels = len(future_BH), self.settings.n_noise_levels
        clean_BH = future_BH.nan_to_num()
        if self.training:
            level_B = torch.randint(n_levels, (n_windows,), device=clean_BH.device)
            noise_BH = torch.randn_like(clean_BH)
        else:
            order_B = torch.arange(n_windows, device=clean_BH.device)
            level_B = order_B * 7 % n_levels
            noise_BH = self.noise_SH[order_B % len(self.noise_SH)][:, : clean_BH.shape[1]]
        share_B1 = self.shares_N[level_B][:, None]
        noisy_BH = share_B1.sqrt() * clean_BH + (1 - share_B1).sqrt() * noise_BH
        velocity_BH = share_B1.sqrt() * noise_BH - (1 - share_B1).sqrt() * clean_BH
        found_BH = self._velocity(noisy_BH, level_B, given_BD)
        loss = ((found_BH - velocity_BH).square() * ~future_BH.isnan()).mean()
        guess_BH = share_B1.sqrt() * noisy_BH - (1 - share_B1).sqrt() * found_BH
        n_quantiles = len(self.geometry.quantile_levels)
        return Forecast(guess_BH[..., None].expand(-1, -1, n_quantiles), quantile_loss=loss)

    def _drawn(self, given_BD: Tensor) -> Tensor:
        """Return futures: (S, B, H)."""
        n_samples, n_windows = len(self.noise_SH), len(given_BD)
        noisy_RH = self.noise_SH[:, None].expand(-1, n_windows, -1).flatten(0, 1)
        given_RD = given_BD.expand(n_samples, -1, -1).flatten(0, 1)
        n_levels = self.settings.n_noise_levels
        places = torch.linspace(n_levels - 1, 0, min(self.settings.n_steps, n_levels)).round().long().tolist()
        for place, following in zip(places, [*places[1:], None], strict=True):
            share, next_share = self.shares_N[place], 1.0 if following is None else self.shares_N[following]
            velocity_RH = self._velocity(
                noisy_RH, torch.full((len(noisy_RH),), place, device=noisy_RH.device), given_RD
            )
            clean_RH = share.sqrt() * noisy_RH - (1 - share).sqrt() * velocity_RH
            noise_RH = (1 - share).sqrt() * noisy_RH + share.sqrt() * velocity_RH
            noisy_RH = next_share**0.5 * clean_RH + (1 - next_share) ** 0.5 * noise_RH
        return noisy_RH.unflatten(0, (n_samples, n_windows))
