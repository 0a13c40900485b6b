"""A denoiser of horizons, and the way back from noise to a future.

Trained to predict the velocity (Salimans and Ho 2022, "Progressive distillation for fast sampling of diffusion models",
ICLR, eq. 8 to 10); drawn from without noise on the way, by DPM-Solver++ of order 2 (Lu et al. 2022, arXiv 2211.01095,
algorithm 2) or its order 1, which is DDIM (Song, Meng and Ermon 2021, "Denoising diffusion implicit models", ICLR, eq.
12), so that a future is a function of the context and of the noise that it starts from. Of a normal process of any
variance DDIM keeps 75 % of the variance in 10 steps and 95 % in 50; order 2 gives 104 to 106 % and 100 %.

Shapes: B windows, T context, H horizon, Q quantiles, S samples, R rows of any kind, D width.
"""

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import Dropout, Linear, Module, ModuleList, SiLU

from motor.backbones.batch import Batch
from motor.backbones.blocks import Blocks
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


def spread_noise(n_samples: int, n_steps: int) -> Tensor:
    """Return normal noise of mean 0 and deviation 1 at each step, the steps uncorrelated if S > H: (S, H).

    A Latin hypercube (McKay, Beckman and Conover 1979, Technometrics 21, 239-245) of torch's generator, then made
    uncorrelated. All windows share these noises, so what a plain draw of 20 or 200 misses of their variance, some 32
    and 10 % of it, would be in every forecast.
    """
    strata_S = torch.special.ndtri((torch.arange(n_samples, dtype=torch.float64) + 0.5) / n_samples)
    noise_SH = torch.stack([strata_S[torch.randperm(n_samples)] for _ in range(n_steps)], dim=1)
    if n_samples > n_steps:
        root_HH = torch.linalg.cholesky(noise_SH.T @ noise_SH / n_samples)
        noise_SH = torch.linalg.solve_triangular(root_HH, noise_SH.T, upper=False).T
    return (noise_SH / noise_SH.std(dim=0, correction=0)).float()


def spread_levels(n_rows: int, n_levels: int) -> Tensor:
    """Draw a noise level for each row, all levels as often as they can be: (R,), from torch's generator.

    Kingma, Salimans, Poole and Ho 2021, "Variational diffusion models", NeurIPS, appendix I.1: evenly spaced levels
    from one random start, so that a step's loss varies less than with levels of their own.
    """
    even_R = (torch.rand(()) + torch.arange(n_rows) / n_rows) % 1
    return (even_R * n_levels).long().clamp(max=n_levels - 1)[torch.randperm(n_rows)]


class Layer(Module):
    """A residual layer with context and noise level as inputs."""

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
        self.straight = Linear(geometry.context_length + n_known(geometry.domains), horizon)
        self.register_buffer("noise_SH", spread_noise(settings.n_samples, horizon))
        shares = signal_shares(settings.schedule, settings.n_noise_levels)
        self.register_buffer("shares_N", shares, persistent=False)

    def blocks(self) -> Blocks:
        """Return the layers of its denoiser."""
        return Blocks(inputs=[self.context], encoder=list(self.layers), head=[self.head])

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
        """Return the denoiser's input of each context; a shorter one is filled up with its mean, 0."""
        context_BT = batch.context_BT
        missing = self.geometry.context_length - context_BT.shape[1]
        whole_BT = torch.nn.functional.pad(context_BT, (missing, 0))
        told_BT = torch.cat([whole_BT, known(batch, self.geometry.domains)], dim=1)
        return torch.cat([self.context(told_BT), self.straight(told_BT)], dim=1)

    def _velocity(self, noisy_RH: Tensor, level_R: Tensor, given_RD: Tensor) -> Tensor:
        given_RD, straight_RH = given_RD.split([self.settings.width, self.geometry.prediction_length], dim=1)
        rates = torch.arange(N_WAVES, device=level_R.device).exp2() * math.pi / 2
        waves_RW = (level_R[:, None] + 1) / self.settings.n_noise_levels * rates / 2**8
        told_RD = given_RD + self.level(torch.cat([waves_RW.sin(), waves_RW.cos()], dim=1))
        hidden_RD = self.inputs(noisy_RH)
        for layer in self.layers:
            hidden_RD = layer(hidden_RD, told_RD)
        return self.head(hidden_RD) - (1 - self.shares_N[level_R][:, None]).sqrt() * straight_RH

    def _denoised(self, future_BH: Tensor, given_BD: Tensor) -> Forecast:
        """Return the loss of some noise levels of each window: drawn in training, otherwise one, spread evenly."""
        n_windows, n_levels = len(future_BH), self.settings.n_noise_levels
        n_draws = self.settings.levels_a_window if self.training else 1
        future_RH, given_RD = future_BH.repeat(n_draws, 1), given_BD.repeat(n_draws, 1)
        clean_RH = future_RH.nan_to_num()
        if self.training:
            level_R = spread_levels(len(clean_RH), n_levels).to(clean_RH.device)
            noise_RH = torch.randn_like(clean_RH)
        else:
            order_R = torch.arange(n_windows, device=clean_RH.device)
            level_R = order_R * 7 % n_levels
            noise_RH = self.noise_SH[order_R % len(self.noise_SH)][:, : clean_RH.shape[1]]
        share_R1 = self.shares_N[level_R][:, None]
        noisy_RH = share_R1.sqrt() * clean_RH + (1 - share_R1).sqrt() * noise_RH
        velocity_RH = share_R1.sqrt() * noise_RH - (1 - share_R1).sqrt() * clean_RH
        found_RH = self._velocity(noisy_RH, level_R, given_RD)
        loss = ((found_RH - velocity_RH).square() * ~future_RH.isnan()).mean()
        guess_BH = (share_R1.sqrt() * noisy_RH - (1 - share_R1).sqrt() * found_RH)[:n_windows]
        n_quantiles = len(self.geometry.quantile_levels)
        return Forecast(guess_BH[..., None].expand(-1, -1, n_quantiles), quantile_loss=loss)

    def _drawn(self, given_BD: Tensor) -> Tensor:
        """Return futures: (S, B, H)."""
        n_samples, n_windows = len(self.noise_SH), len(given_BD)
        noisy_RH = self.noise_SH[:, None].expand(-1, n_windows, -1).flatten(0, 1)
        given_RD = given_BD.expand(n_samples, -1, -1).flatten(0, 1)
        if self.settings.PACKAGES:
            scheduler = library_scheduler(self.settings.sampler, self.shares_N, self.settings.n_steps)
            for place in scheduler.timesteps:
                level_R = place.to(noisy_RH.device).expand(len(noisy_RH))
                noisy_RH = scheduler.step(self._velocity(noisy_RH, level_R, given_RD), place, noisy_RH).prev_sample
            return noisy_RH.unflatten(0, (n_samples, n_windows))
        depth_N = half_log_ratio(self.shares_N)
        before: tuple[Tensor, Tensor] | None = None
        places = self._places(depth_N)
        for place, following in zip(places, [*places[1:], None], strict=True):
            share, level_R = self.shares_N[place], torch.full((len(noisy_RH),), place, device=noisy_RH.device)
            clean_RH = share.sqrt() * noisy_RH - (1 - share).sqrt() * self._velocity(noisy_RH, level_R, given_RD)
            if following is None:
                return clean_RH.unflatten(0, (n_samples, n_windows))
            step, next_share = depth_N[following] - depth_N[place], self.shares_N[following]
            ahead_RH = clean_RH
            if before is not None and self.settings.sampler == "dpm_solver":
                ahead_RH = clean_RH + step / (2 * before[0]) * (clean_RH - before[1])
            kept = ((1 - next_share) / (1 - share)).sqrt()
            noisy_RH = kept * noisy_RH - next_share.sqrt() * torch.expm1(-step) * ahead_RH
            before = step, clean_RH
        raise AssertionError("there is a last level")

    def _places(self, depth_N: Tensor) -> list[int]:
        """Return the noise levels on the way back, from the last to the first one."""
        n_steps = min(self.settings.n_steps, len(depth_N))
        if self.settings.sampler == "ddim":
            return torch.linspace(len(depth_N) - 1, 0, n_steps).round().long().tolist()
        wanted_P = torch.linspace(depth_N[-1].item(), depth_N[0].item(), n_steps, device=depth_N.device)
        nearest_P = (depth_N - wanted_P[:, None]).abs().argmin(dim=1)
        return list(dict.fromkeys(nearest_P.tolist()))


def half_log_ratio(shares_N: Tensor) -> Tensor:
    """Return half of the logarithm of signal over noise at each level, along which the way back is nearly straight."""
    return (shares_N / (1 - shares_N)).log() / 2


def library_scheduler(name: str, shares_N: Tensor, n_steps: int) -> Any:
    """Return a scheduler of diffusers for the same noise levels, set to so many steps."""
    import diffusers  # an extra

    rates_N = 1 - shares_N.double() / torch.cat([shares_N.new_ones(1), shares_N[:-1]]).double()
    settings: dict[str, Any] = {"trained_betas": rates_N.cpu().numpy(), "prediction_type": "v_prediction"}
    settings |= {"clip_sample": False} if name == "DDIMScheduler" else {}
    made = getattr(diffusers, name)(num_train_timesteps=len(shares_N), timestep_spacing="trailing", **settings)
    made.set_timesteps(min(n_steps, len(shares_N)))
    return made
