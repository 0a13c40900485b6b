"""The network of the retrieval-augmented memory: which neighbours match, what they say, and how far that is trusted.

Shapes: B windows, T context, H horizon, Q quantiles, K neighbours, G segments of the horizon, L tokens, D width of a
token, M patches of what was retrieved, W width of its layers.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import Linear, MultiheadAttention, Parameter

from motor.backbones.batch import Batch
from motor.backbones.forecast import MEDIAN, loc_scale, positions_of
from motor.backbones.layers.patches import patches
from motor.backbones.modules.attached.part import Change, Part, Seen, Site, layers, zero
from motor.backbones.modules.gram.settings import Gram
from motor.retrieval.keys import shape

if TYPE_CHECKING:
    from motor.backbones.modules.attached.forecaster import AttachedForecaster
    from motor.backbones.training.trainer import TrainingData
    from motor.retrieval.memory import Memory, Unfolded
    from motor.retrieval.search import Neighbours

NAME = "gram"
MODEL, MEMORY = "model", "memory"  # what the gate chooses between
N_SEGMENTS = 8  # of the horizon, each with a gate of its own
N_HEADS = 4
PATCH = 16  # samples of a token of what was retrieved
RISE = 10.0  # how much faster than a weight the gate may open
SETTLING_WINDOWS = 4  # a series, where no motors are held out
RIDGE = 1e-2  # of a row, in units of the context's variance: keeps the gate as trained where little is known
AS_TRAINED, MODEL_ALONE, MEMORY_ALONE = (0.0, 1.0), (0.0, 0.0), (1.0, 0.0)  # level and slope of a gate
ENTROPY_SHARE = 0.1  # of `lambda_retrieval`
LEAST = 1e-6  # of a probability, whose logarithm is taken


class Found(NamedTuple):
    """What a memory gives a batch: constants, in each context's mean and deviation.

    Attributes
    ----------
    square_BK : Tensor
        Squared distances.
    past_BKT, future_BKH : Tensor
        The neighbours' windows by shape, and what followed them.
    """

    square_BK: Tensor
    past_BKT: Tensor
    future_BKH: Tensor


class Retrieved(NamedTuple):
    """What the neighbours say together.

    Attributes
    ----------
    quantiles_BHQ : Tensor
        Their weighted mean, and about it the spread of their futures.
    gate_BG : Tensor
        From 0 (the forecaster's forecast) to 1 (theirs), as trained, not settled.
    square_B : Tensor
        Their mean squared distance.
    """

    quantiles_BHQ: Tensor
    gate_BG: Tensor
    square_B: Tensor


class Gate(Part):
    """Looks windows up, lets the tokens see what was found, and mixes it into the forecast."""

    level_G: Tensor
    slope_G: Tensor
    levels_Q: Tensor

    def __init__(self, settings: Gram, site: Site) -> None:
        super().__init__()
        self.settings, self.site = settings, site
        self.unfolded: Unfolded | None = None
        self.n_segments = min(N_SEGMENTS, site.prediction_length)
        self.middle = positions_of((MEDIAN,), site.levels)[0]
        width, key_length = settings.width, settings.key_length
        self.current = Linear(key_length, width)
        self.match = layers(2 * width + 1, width, 1)
        self.reference = Linear(site.prediction_length, width)
        self.gate = layers(2 * width + 2, width, self.n_segments)
        self.rise = Parameter(torch.zeros(()))
        if settings.covariates:
            self.beside = Parameter(torch.zeros(()))
        self.register_buffer("level_G", torch.zeros(self.n_segments))
        self.register_buffer("slope_G", torch.ones(self.n_segments))
        self.register_buffer("levels_Q", torch.tensor(site.levels), persistent=False)
        if site.width is not None:
            self.prompt = Linear(PATCH, width)
            self.query = Linear(site.width, width)
            self.attention = MultiheadAttention(width, N_HEADS, batch_first=True)
            self.out = zero(Linear(width, site.width))

    def remember(self, memory: "Memory") -> None:
        """Take up a memory to look windows up in."""
        given = self.settings
        horizon = self.site.prediction_length
        self.unfolded = memory.unfolded(given.key_length, horizon, given.stride, given.value_share, given.index)

    def tokens(self, tokens_BLD: Tensor, seen: Seen) -> Tensor:
        """Let each token look at the past and the future that were retrieved; what it takes is 0 until trained."""
        found, weight_BK = self._found(seen), self._weights(seen)
        window_BKN = torch.cat([found.past_BKT, found.future_BKH], dim=-1)
        window_BN = (weight_BK[..., None] * window_BKN).sum(dim=1)
        prompt_BMW = self.prompt(patches(window_BN, PATCH))
        taken_BLW = self.attention(self.query(tokens_BLD), prompt_BMW, prompt_BMW, need_weights=False)[0]
        return tokens_BLD + self.out(taken_BLW)

    def change(self, quantiles_BHQ: Tensor, seen: Seen) -> Change:
        said = self.retrieved(seen)
        length = quantiles_BHQ.shape[1]
        told_BHQ = self._learned_beside(quantiles_BHQ, seen)
        quantiles_BHQ = quantiles_BHQ + told_BHQ
        gate_BH1 = self._over_horizon(self.settled(said.gate_BG))[:, :length, None]
        memory_BHQ = said.quantiles_BHQ[:, :length]
        seen.notes[MODEL] = quantiles_BHQ
        losses = {} if seen.normal.future_BH is None else self._losses(said)
        mean_B1 = gate_BH1.mean(dim=1)
        branches = {MODEL: quantiles_BHQ, MEMORY: memory_BHQ}
        gate_BN = torch.cat([1 - mean_B1, mean_B1], dim=1)
        return Change(told_BHQ + gate_BH1 * (memory_BHQ - quantiles_BHQ), losses, gate_BN, branches)

    def _learned_beside(self, quantiles_BHQ: Tensor, seen: Seen) -> Tensor:
        """Return what a forecast beside the nearest neighbours adds, as far as that is learned; 0 until then."""
        if not self.settings.covariates or seen.beside is None:
            return torch.zeros_like(quantiles_BHQ)
        found, n_rows = self._found(seen), self.settings.covariates
        newest_BT = seen.batch.context_BT[:, -self.settings.key_length :]
        loc_B11, scale_B11 = (part[..., None] for part in loc_scale(newest_BT))
        past_BRT = found.past_BKT[:, :n_rows] * scale_B11 + loc_B11
        unknown = seen.batch.context_BT.shape[1] - past_BRT.shape[-1]
        past_BRT = torch.nn.functional.pad(past_BRT, (unknown, 0), value=torch.nan)
        future_BRH = found.future_BKH[:, :n_rows] * seen.scale_B1[..., None] + seen.loc_B1[..., None]
        raw_BHQ = seen.beside(past_BRT, future_BRH).float()
        normal_BHQ = (raw_BHQ - seen.loc_B1[..., None]) / seen.scale_B1[..., None]
        return RISE * self.beside * (normal_BHQ - quantiles_BHQ)

    def settled(self, gate_BG: Tensor) -> Tensor:
        """Return a gate with level and slope of each segment, from 0 to 1."""
        return (self.level_G + self.slope_G * gate_BG).clamp(0.0, 1.0)

    def retrieved(self, seen: Seen) -> Retrieved:
        """Return what the neighbours say, with its gradient where one is due."""
        if NAME not in seen.notes:
            found, weight_BK = self._found(seen), self._weights(seen)
            mean_BH = (weight_BK[..., None] * found.future_BKH).sum(dim=1)
            spread_QBH = torch.quantile(found.future_BKH, self.levels_Q, dim=1)
            spread_BHQ = (spread_QBH - spread_QBH[self.middle]).permute(1, 2, 0)
            square_B = found.square_BK.mean(dim=1)
            width_B = (spread_QBH[-1] - spread_QBH[0]).mean(dim=1)
            inputs = [self._encoded(seen), self.reference(mean_BH), torch.stack([square_B, width_B], dim=1)]
            opened_BG = self.gate(torch.cat(inputs, dim=-1)).float().sigmoid() * (RISE * self.rise)
            gate_BG = opened_BG.clamp(0.0, 1.0)
            seen.notes[NAME] = Retrieved(mean_BH[..., None] + spread_BHQ, gate_BG, square_B)
        return seen.notes[NAME]

    def looked_up(self, seen: Seen) -> tuple[Tensor, Tensor]:
        """Return the mean squared distance and the median forecast of the neighbours alone."""
        with torch.inference_mode():
            said = self.retrieved(seen)
        return said.square_B, said.quantiles_BHQ[..., self.middle]

    def neighbours(self, seen: Seen, count: int) -> list[list[dict[str, Any]]]:
        """Return what the nearest windows are, and what they say (see `AttachedForecaster.neighbours`)."""
        near, unfolded = self._nearest(seen), self.unfolded
        assert unfolded is not None
        newest_BT = seen.batch.context_BT[:, -self.settings.key_length :]
        loc_B1, scale_B1 = (part.cpu().numpy() for part in loc_scale(newest_BT))
        place_QK = near.place_QK[:, :count]
        both = unfolded.pasts(place_QK), unfolded.futures(place_QK)
        past_BKT, future_BKH = (part * scale_B1[..., None] + loc_B1[..., None] for part in both)
        return [
            [
                {
                    "motor": str(unfolded.motor_N[place]),
                    "sample": int(unfolded.offset_N[place]),
                    "distance": float(near.square_QK[row, rank] ** 0.5),
                    "past": past_BKT[row, rank],
                    "future": future_BKH[row, rank],
                }
                for rank, place in enumerate(places_K)
            ]
            for row, places_K in enumerate(place_QK)
        ]

    def settle(self, forecaster: "AttachedForecaster", data: "TrainingData") -> None:
        """Set each segment's level and slope by what the gate should have been on held-out motors.

        The forecaster has seen its training motors, and is better on them than on any other: where no motors are held
        out, it is trusted too much.
        """
        if self.settings.gate == "plain":
            return
        windows = data.validation()
        batches = data.even(SETTLING_WINDOWS) if windows is None else windows
        parts = zip(*(self._missed(forecaster, batch) for batch in batches), strict=True)
        seen = torch.stack([torch.cat(part) for part in parts])
        for segment, steps in enumerate(torch.arange(seen.shape[2]).tensor_split(self.n_segments)):
            apart_R, gate_R, missed_R = seen[:, :, steps].flatten(1)
            level, slope = settled(apart_R, gate_R, missed_R, is_guarded=self.settings.gate == "guarded")
            self.level_G[segment], self.slope_G[segment] = level, slope

    def _missed(self, forecaster: "AttachedForecaster", batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Return how far the memory is from the model, the gate as trained, and what the model misses: (B, H) each."""
        checked = forecaster._checked(batch)
        with torch.inference_mode():
            _, seen = forecaster.said(checked._replace(future_BH=None), forecaster.prediction_length)
            said, model_BH = self.retrieved(seen), seen.notes[MODEL][..., self.middle].double().cpu()
        apart_BH = said.quantiles_BHQ[..., self.middle].double().cpu() - model_BH
        future_BH = ((checked.future_BH - seen.loc_B1) / seen.scale_B1).double().cpu()
        is_known_BH = future_BH.isfinite()
        missed_BH = (future_BH - model_BH).where(is_known_BH, 0.0)
        return apart_BH * is_known_BH, self._over_horizon(said.gate_BG).double().cpu(), missed_BH

    def _found(self, seen: Seen) -> Found:
        """Look the windows up, once a pass.

        Raises
        ------
        RuntimeError
            If there is no memory, or training windows do not say whose they are.
        """
        key = f"{NAME} found"
        if key not in seen.notes:
            # constants, whose last bits decide which neighbours are nearest: in float32 whatever the rest is in
            with torch.no_grad(), torch.autocast(seen.loc_B1.device.type, enabled=False):
                seen.notes[key] = self._looked_up(seen)
        return seen.notes[key]

    def _nearest(self, seen: Seen) -> "Neighbours":
        if self.unfolded is None:
            raise RuntimeError("module gram has no memory to look windows up in; call forecaster.remember(memory)")
        batch = seen.batch
        if batch.motor_B is None and batch.future_BH is not None:
            raise RuntimeError("training windows do not say whose they are, so their own motor cannot be left out")
        motor_B = [""] * batch.n_windows if batch.motor_B is None else list(batch.motor_B)
        return self.unfolded.nearest(batch.context_BT[:, -self.settings.key_length :], self.settings.top_k, motor_B)

    def _looked_up(self, seen: Seen) -> Found:
        near, unfolded, newest_BT = (
            self._nearest(seen),
            self.unfolded,
            seen.batch.context_BT[:, -self.settings.key_length :],
        )
        assert unfolded is not None
        future_BKH = torch.from_numpy(unfolded.futures(near.place_QK)).to(newest_BT).nan_to_num()
        loc_B1, scale_B1 = loc_scale(newest_BT)
        # from the neighbour's mean and deviation to those of the newest samples, then to the whole context's
        raw_BKH = future_BKH * scale_B1[..., None] + loc_B1[..., None]
        normal_BKH = (raw_BKH - seen.loc_B1[..., None]) / seen.scale_B1[..., None]
        past_BKT = torch.from_numpy(unfolded.pasts(near.place_QK)).to(newest_BT).nan_to_num()
        return Found(torch.from_numpy(near.square_QK).to(newest_BT), past_BKT, normal_BKH)

    def _encoded(self, seen: Seen) -> Tensor:
        """Return the current window's shape, encoded: (B, W)."""
        length = self.settings.key_length
        return self.current(shape(seen.batch.context_BT[:, -length:], length) * length**0.5)

    def _weights(self, seen: Seen) -> Tensor:
        """Return how much each neighbour counts: by distance, and by a learned match of its shape with the window's."""
        found, current_BW = self._found(seen), self._encoded(seen)
        past_BKW = self.current(found.past_BKT)
        current_BKW = current_BW[:, None].expand_as(past_BKW)
        score_BK = self.match(torch.cat([current_BKW, past_BKW, found.square_BK[..., None]], dim=-1))[..., 0]
        return (score_BK.float() - found.square_BK / self.settings.temperature).softmax(dim=-1)

    def _losses(self, said: Retrieved) -> dict[str, Tensor]:
        weight = self.settings.lambda_retrieval
        if not weight:
            return {}
        gate_BG = said.gate_BG.clamp(LEAST, 1 - LEAST)
        entropy = -(gate_BG * gate_BG.log() + (1 - gate_BG) * (1 - gate_BG).log()).mean()
        sure_B1 = torch.exp(-said.square_B / self.settings.temperature)[:, None]
        return {
            "gram_entropy": -ENTROPY_SHARE * weight * entropy,
            "gram_steadiness": weight * ((gate_BG - 0.5).abs() * sure_B1).mean(),
        }

    def _over_horizon(self, gate_BG: Tensor) -> Tensor:
        """Return a gate for each step, the same within a segment: (B, H)."""
        sizes: Iterable[int] = (
            len(one) for one in torch.arange(self.site.prediction_length).tensor_split(self.n_segments)
        )
        return gate_BG.repeat_interleave(torch.tensor(list(sizes), device=gate_BG.device), dim=1)


def settled(apart_R: Tensor, gate_R: Tensor, missed_R: Tensor, is_guarded: bool) -> tuple[float, float]:
    """Return the level and the slope of a gate by least squares.

    A guarded one is left as trained, or as the model or the memory alone, where that errs less: so on these rows the
    gated forecast's absolute error is at most that of each.

    Parameters
    ----------
    apart_R : Tensor of shape (n_rows,)
        The memory's forecast less the model's.
    gate_R : Tensor of shape (n_rows,)
        The gate as trained.
    missed_R : Tensor of shape (n_rows,)
        What came less the model's forecast.
    """
    rows_R2 = torch.stack([apart_R, gate_R * apart_R], dim=1)
    gram_22 = rows_R2.T @ rows_R2 + RIDGE * len(rows_R2) * torch.eye(2).to(rows_R2)
    level, change = torch.linalg.solve(gram_22, rows_R2.T @ (missed_R - gate_R * apart_R)).tolist()
    gates = [(level, 1 + change), *((AS_TRAINED, MODEL_ALONE, MEMORY_ALONE) if is_guarded else ())]
    errors = [float((missed_R - (a + b * gate_R).clamp(0.0, 1.0) * apart_R).abs().mean()) for a, b in gates]
    return gates[errors.index(min(errors))]
