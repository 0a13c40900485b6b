"""A variational state space model whose regimes are summed out exactly.

States are inferred by a network that reads the patches in order; given states, the regimes are those of a hidden Markov
chain, and are filtered exactly (Dong, Seybold, Murphy and Bui 2020, "Collapsed amortized variational inference for
switching nonlinear dynamical systems", ICML). What is emitted depends on the state alone, so that the state cannot be
bypassed; divergence below some nats is free (Kingma et al. 2016, "Improved variational inference with inverse
autoregressive flow", NeurIPS), so that it is not given up.

Shapes: B windows, T context, H horizon, Q quantiles, P samples of a patch, L patches of the context, F of the horizon,
D width, Z numbers of a state, K regimes, V known values.
"""

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import Linear, Module, Parameter, Sequential, SiLU

from motor.backbones.batch import Batch
from motor.backbones.blocks import Blocks
from motor.backbones.forecast import Forecast
from motor.backbones.layers.gated import GatedResidual
from motor.backbones.layers.patches import known_at, n_known, n_patches, patches, shapes
from motor.backbones.layers.recurrent import Reader
from motor.backbones.torch_forecaster import Geometry

if TYPE_CHECKING:
    from motor.backbones.vssm.settings import Vssm

STICKY = 2.0
"""First logit of staying in a regime over that of leaving it: 0.7 of four."""
LOG_2PI = math.log(2 * math.pi)
RULED_OUT = 1e-3  # added to a regime's posterior before its logarithm is taken
TINY = 1e-30  # least density, over that of the likeliest regime, that a logarithm is taken of
SCALES = (-5.0, 3.0)  # logarithms of deviations stay within


class Regimes(Module):
    """Dynamics of a state in each regime, and the chain of the regimes."""

    def __init__(self, n_states: int, n_regimes: int) -> None:
        super().__init__()
        self.move_KZZ = Parameter(0.5 * torch.eye(n_states).repeat(n_regimes, 1, 1))
        self.rest_KZ = Parameter(0.5 * torch.randn(n_regimes, n_states))
        self.log_scale_KZ = Parameter(torch.zeros(n_regimes, n_states))
        self.stay_KK = Parameter(STICKY * torch.eye(n_regimes))
        self.first_K = Parameter(torch.zeros(n_regimes))

    def moved(self, state: Tensor) -> Tensor:
        """Return where states (..., Z) go to in each regime: (..., K, Z)."""
        rest_KZ, move_KZZ = self.rest_KZ.to(state), self.move_KZZ.to(state)
        still_KZ = rest_KZ - torch.einsum("kz,kzy->ky", rest_KZ, move_KZZ)
        return (state @ move_KZZ.transpose(0, 1).flatten(1)).unflatten(-1, still_KZ.shape) + still_KZ

    def filtered(self, state_BLZ: Tensor) -> tuple[Tensor, Tensor]:
        """Return each regime's posterior (B, L, K), and the logarithm of the states' density (B, L).

        They are as precise as the states.
        """
        first_B1KZ = self.rest_KZ.to(state_BLZ).expand(len(state_BLZ), 1, -1, -1)
        mean_BLKZ = torch.cat([first_B1KZ, self.moved(state_BLZ[:, :-1])], dim=1)
        log_state_BLK = log_normal(state_BLZ[:, :, None], mean_BLKZ, self.log_scale_KZ.to(state_BLZ))
        most_BL1 = log_state_BLK.detach().amax(dim=-1, keepdim=True)
        chain_KK, belief_BK = (logits.to(state_BLZ).softmax(dim=-1) for logits in (self.stay_KK, self.first_K))
        posteriors, densities = [], []
        for state_BK in (log_state_BLK - most_BL1).exp().unbind(dim=1):
            joint_BK = belief_BK * state_BK
            density_B1 = joint_BK.sum(dim=-1, keepdim=True).clamp(min=TINY)
            posteriors.append(joint_BK / density_B1)
            densities.append(density_B1)
            belief_BK = posteriors[-1] @ chain_KK
        return torch.stack(posteriors, dim=1), torch.cat(densities, dim=1).log() + most_BL1[..., 0]

    def rolled(self, state_BZ: Tensor, posterior_BK: Tensor, n_steps: int) -> tuple[Tensor, Tensor]:
        """Return the mean state and the regimes of so many patches to come: (B, F, Z), (B, F, K)."""
        chain_KK, states, regimes = self.stay_KK.softmax(dim=-1), [], []
        for _ in range(n_steps):
            posterior_BK = posterior_BK @ chain_KK
            state_BZ = (posterior_BK[..., None] * self.moved(state_BZ)).sum(dim=1)
            states.append(state_BZ)
            regimes.append(posterior_BK)
        return torch.stack(states, dim=1), torch.stack(regimes, dim=1)


class Network(Module):
    """From a normalised context to quantiles, regimes and tokens."""

    def __init__(self, geometry: Geometry, settings: "Vssm") -> None:
        super().__init__()
        patch, width, n_states, n_regimes = settings.patch, settings.width, settings.n_states, settings.n_regimes
        self.patch, self.domains, self.horizon = patch, geometry.domains, geometry.prediction_length
        self.elbo_weight, self.free_nats = settings.elbo_weight, settings.free_nats
        self.embedding = settings.embedding
        self.n_future = n_patches(geometry.prediction_length, patch)
        self.n_levels = len(geometry.quantile_levels)
        self.inputs, self.reader = Linear(patch + 2 + n_known(geometry.domains), width), Reader(width)
        self.posterior = Linear(width, 2 * n_states)
        self.regimes = Regimes(n_states, n_regimes)
        self.emission = Sequential(Linear(n_states, width), SiLU(), Linear(width, 2 * patch))
        self.future = Sequential(Linear(n_states + n_regimes + width, width), SiLU(), GatedResidual(width))
        self.head = Linear(width, patch * self.n_levels)

    def blocks(self) -> Blocks:
        """Return the recurrent layer as the one block of its encoder."""
        return Blocks(inputs=[self.inputs], encoder=[self.reader], head=[self.head])

    def forward(self, batch: Batch) -> Forecast:
        """Return quantiles, tokens and regimes; where the future is known, the bound's part of the loss, too."""
        patches_BLP = patches(batch.context_BT, self.patch)
        read_BLD, mean_BLZ, log_scale_BLZ = self._inferred(patches_BLP, batch)
        drawn = mean_BLZ + torch.randn_like(mean_BLZ) * log_scale_BLZ.exp() if self.training else mean_BLZ
        regime_BLK, log_density_BL = self.regimes.filtered(drawn)
        quantiles_BHQ = self._quantiles(drawn[:, -1], regime_BLK[:, -1], read_BLD[:, -1])
        auxiliary = None
        if batch.future_BH is not None and self.elbo_weight:
            entropy_BL = (log_scale_BLZ + 0.5 * (LOG_2PI + 1)).sum(dim=-1)
            bound = self._negative_bound(patches_BLP, drawn, -entropy_BL - log_density_BL)
            auxiliary = {"elbo": self.elbo_weight * bound}
        tokens_BLD = torch.cat([mean_BLZ, read_BLD], dim=-1)
        return Forecast(quantiles_BHQ, auxiliary=auxiliary, tokens_BLD=tokens_BLD, regimes_BLK=regime_BLK)

    def encode(self, batch: Batch) -> Tensor:
        """Return each patch's mean state beside its regimes, (B, L, Z + K), or beside what was read, (B, L, Z + D).

        A state that moves by regimes is known by both: the mean alone does not tell which dynamics it follows.
        """
        read_BLD, mean_BLZ, _ = self._inferred(patches(batch.context_BT, self.patch), batch)
        if self.embedding == "states_and_read":
            return torch.cat([mean_BLZ, read_BLD], dim=-1)
        regime_BLK, _ = self.regimes.filtered(mean_BLZ.double())  # logarithms of small ones show each rounding
        return torch.cat([mean_BLZ, (regime_BLK + RULED_OUT).log().to(mean_BLZ)], dim=-1)

    def _inferred(self, patches_BLP: Tensor, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Return what was read of the patches, and mean and logarithm of the deviation of their states."""
        static_BLV = known_at(batch, self.domains, patches_BLP.shape[1])
        read_BLD = self.reader(self.inputs(torch.cat([patches_BLP, shapes(patches_BLP), static_BLV], dim=-1)))
        mean_BLZ, log_scale_BLZ = self.posterior(read_BLD).chunk(2, dim=-1)
        return read_BLD, mean_BLZ, log_scale_BLZ.clamp(*SCALES)

    def _quantiles(self, state_BZ: Tensor, regime_BK: Tensor, read_BD: Tensor) -> Tensor:
        state_BFZ, regime_BFK = self.regimes.rolled(state_BZ, regime_BK, self.n_future)
        read_BFD = read_BD[:, None].expand(-1, self.n_future, -1)
        steps_BFD = self.future(torch.cat([state_BFZ, regime_BFK, read_BFD], dim=-1))
        return self.head(steps_BFD).unflatten(-1, (self.patch, self.n_levels)).flatten(1, 2)[:, : self.horizon]

    def _negative_bound(self, patches_BLP: Tensor, state_BLZ: Tensor, divergence_BL: Tensor) -> Tensor:
        """Return the negative evidence bound, nats a sample: a mean over windows and samples."""
        mean_BLP, log_scale_BLP = self.emission(state_BLZ).chunk(2, dim=-1)
        emitted_BL = log_normal(patches_BLP, mean_BLP, log_scale_BLP.clamp(*SCALES))
        costly_BL = divergence_BL.clamp(min=self.free_nats) - self.free_nats
        return (costly_BL - emitted_BL).mean() / self.patch


def log_normal(x: Tensor, mean: Tensor, log_scale: Tensor) -> Tensor:
    """Return the log density of independent normal numbers, summed over the last axis."""
    return -(0.5 * ((x - mean) * (-log_scale).exp()).square() + log_scale + 0.5 * LOG_2PI).sum(dim=-1)
