"""A temporal fusion transformer whose time steps are patches (Lim et al. 2021, Int. J. Forecasting 37, 1748-1764).

Shapes: B windows, T context, H horizon, Q quantiles, P samples of a patch, L patches of the context, F of the horizon,
S = L + F, D width, N variables, V known values.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import LSTM, Embedding, Linear, Module, Parameter
from torch.nn.functional import dropout

from motor.backbones.batch import Batch
from motor.backbones.blocks import Blocks
from motor.backbones.forecast import Forecast
from motor.backbones.layers.gated import GatedResidual, GatedSkip, InterpretableAttention, VariableSelection
from motor.backbones.layers.ids import MotorIds
from motor.backbones.layers.patches import known, n_known, n_patches, patches, shapes
from motor.backbones.objectives.quantile import pinball
from motor.backbones.torch_forecaster import Geometry

if TYPE_CHECKING:
    from motor.backbones.tft.settings import Tft

LEFT_OUT = 0.1  # share of samples that a linear skip learns without, which shrinks it as a ridge penalty does
N_VARIABLES = 3  # a patch's samples, its mean and deviation, and what is known of it


class Inputs(Module):
    """From patches and known values to one vector a place, by variable selection."""

    def __init__(self, patch: int, n_values: int, width: int, n_places: int, n_future: int) -> None:
        super().__init__()
        self.n_future, self.first = n_future, n_places
        self.samples, self.shape, self.known = Linear(patch, width), Linear(2, width), Linear(n_values, width)
        self.places = Embedding(n_places + n_future, width)
        self.unseen_ND = Parameter(torch.zeros(N_VARIABLES - 1, width))  # what the horizon has in place of samples
        self.select = VariableSelection(N_VARIABLES, width, width)

    def forward(self, patches_BLP: Tensor, static_BV: Tensor, id_B1D: Tensor | float) -> tuple[Tensor, Tensor]:
        """Return the places (B, S, D) and the static context (B, 1, D), which the motor's id is a part of."""
        n_windows, n_past = patches_BLP.shape[:2]
        n_places = n_past + self.n_future
        static_B1D = self.known(static_BV)[:, None] + id_B1D
        first = self.first - n_past
        place_SD = self.places.weight[first : first + n_places]  # counted from the forecast's origin
        past_BLND = torch.stack([self.samples(patches_BLP), self.shape(shapes(patches_BLP))], dim=2)
        future_BFND = self.unseen_ND.expand(n_windows, self.n_future, -1, -1)
        seen_BSND = torch.cat([past_BLND, future_BFND], dim=1)
        known_BSND = (static_B1D + place_SD)[:, :, None]
        return self.select(torch.cat([seen_BSND, known_BSND], dim=2), static_B1D), static_B1D


class Local(Module):
    """A recurrent layer over the places, which may be shut out, and the static context brought in (eq. 17 to 19)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.recurrent, self.skip = LSTM(width, width, batch_first=True), GatedSkip(width)
        self.enrich = GatedResidual(width, context=width)

    def forward(self, places_BSD: Tensor, static_B1D: Tensor) -> Tensor:
        return self.enrich(self.skip(self.recurrent(places_BSD)[0], places_BSD), static_B1D)


class Temporal(Module):
    """Attention over the places, and a layer of its own for each (eq. 20 to 22)."""

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.attention, self.skip = InterpretableAttention(width, n_heads), GatedSkip(width)
        self.each, self.out = GatedResidual(width), GatedSkip(width)

    def forward(self, places_BSD: Tensor) -> Tensor:
        seen_BSD = self.skip(self.attention(places_BSD), places_BSD)
        return self.out(self.each(seen_BSD), places_BSD)


class LinearSkip(Module):
    """A linear forecast from the context's samples, and what the encoder's places make of it: a gate, and quantiles.

    The linear forecast is nothing before it has learned, and what is noise the gate can shut out. No gradient passes on
    to the encoder, which would leave the forecast to the samples and learn little: its own head shapes it.
    """

    def __init__(self, geometry: Geometry, patch: int, width: int) -> None:
        super().__init__()
        self.weight_HT = Parameter(torch.zeros(geometry.prediction_length, geometry.context_length))
        self.patch, self.n_levels = patch, len(geometry.quantile_levels)
        self.gate, self.head = Linear(width, 1), Linear(width, patch * self.n_levels)

    def forward(self, context_BT: Tensor, places_BFD: Tensor) -> Tensor:
        """Return quantiles (B, H, Q); a shorter context is the end of a longer one."""
        places_BFD = places_BFD.detach()
        kept_BT = dropout(context_BT, LEFT_OUT, self.training)
        linear_BH = kept_BT @ self.weight_HT[:, -context_BT.shape[1] :].T
        n_samples = linear_BH.shape[1]
        gate_BH = self.gate(places_BFD).sigmoid().expand(-1, -1, self.patch).flatten(1)[:, :n_samples]
        steps_BFPQ = self.head(places_BFD).unflatten(-1, (self.patch, self.n_levels))
        return (gate_BH * linear_BH)[..., None] + steps_BFPQ.flatten(1, 2)[:, :n_samples]


class Network(Module):
    """From a normalised context to quantiles, patch by patch of the horizon."""

    def __init__(self, geometry: Geometry, settings: "Tft") -> None:
        super().__init__()
        patch, width, n_heads = settings.patch, settings.width, settings.n_heads
        self.patch, self.domains, self.horizon = patch, geometry.domains, geometry.prediction_length
        n_places, n_future = (
            n_patches(n_samples, patch) for n_samples in (geometry.context_length, geometry.prediction_length)
        )
        self.levels, self.n_levels = geometry.quantile_levels, len(geometry.quantile_levels)
        self.inputs = Inputs(patch, n_known(geometry.domains), width, n_places, n_future)
        self.local, self.temporal = Local(width), Temporal(width, n_heads)
        self.head = Linear(width, patch * self.n_levels)
        self.linear = LinearSkip(geometry, patch, width) if settings.linear_skip else None
        self.embedding = settings.embedding
        self.ids = None if settings.motor_ids is None else MotorIds(settings.motor_ids, width, settings.id_dropout)

    def blocks(self) -> Blocks:
        """Return its recurrent layer and its attention as the blocks of its encoder."""
        inputs = [self.inputs, *([] if self.ids is None else [self.ids])]
        head = [self.head, *([] if self.linear is None else [self.linear])]
        return Blocks(inputs=inputs, encoder=[self.local, self.temporal], head=head)

    def forward(self, batch: Batch) -> Forecast:
        """Return quantiles and the tokens of the context."""
        places_BSD = self._places(batch)
        n_future = self.inputs.n_future
        steps_BFPQ = self.head(places_BSD[:, -n_future:]).unflatten(-1, (self.patch, self.n_levels))
        alone = Forecast(steps_BFPQ.flatten(1, 2)[:, : self.horizon], tokens_BLD=places_BSD[:, :-n_future])
        if self.linear is None:
            return alone
        own = {} if batch.future_BH is None else {"encoder": pinball(alone._replace(levels=self.levels), batch)}
        return alone._replace(
            quantiles_BHQ=self.linear(batch.context_BT, places_BSD[:, -n_future:]), auxiliary=own or None
        )

    def encode(self, batch: Batch) -> Tensor:
        """Return what each patch of the context became, (B, L, D), with what the horizon became beside: (B, L, 2 D).

        A patch is looked at for what the horizon needs of it; what is expected follows from the horizon's places alone.
        """
        places_BSD = self._places(batch)
        past_BLD, future_BFD = places_BSD.split([places_BSD.shape[1] - self.inputs.n_future, self.inputs.n_future], 1)
        if self.embedding == "context":
            return past_BLD
        return torch.cat([past_BLD, future_BFD.mean(dim=1, keepdim=True).expand_as(past_BLD)], dim=-1)

    def _places(self, batch: Batch) -> Tensor:
        id_B1D = 0.0 if self.ids is None else self.ids(batch)
        places_BSD, static_B1D = self.inputs(patches(batch.context_BT, self.patch), known(batch, self.domains), id_B1D)
        return self.temporal(self.local(places_BSD, static_B1D))
