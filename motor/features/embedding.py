"""Embedding features: the encoder's last hidden states, pooled (methods B and C).

Shapes: B windows, T context, L tokens, D embedding, W windows of one series.
"""

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from motor.features.base import ForecastFeature, WindowFeatures, check_series, domain_one_hot
from motor.lazy import pandas as pd
from motor.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

ATTENTION_TEMPERATURE = 0.1
"""As in contrastive learning on cosines (Chen et al. 2020, SimCLR): 0.3 more likeness weighs 20 times as much."""
STILL = 1e-6
"""A standard deviation below this, in scaled units, counts as this: a flat window has a finite logarithm."""


class Embedding(ForecastFeature):
    """Hidden states pooled over tokens, then over the windows of a series.

    Columns, D of each: ``embedding_<tokens>_000`` ...; with spread over tokens
    ``embedding_token_spread_000`` ...; with spread over windows ``embedding_window_spread_000`` ....
    """

    kind: Literal["embedding"] = "embedding"
    needs_future: ClassVar[bool] = False
    needs: ClassVar[tuple[str, ...]] = ("embedding",)

    tokens: Literal["mean", "attention"] = Field(default="mean", description="how tokens make one vector")
    windows: Literal["mean", "attention"] = Field(default="mean", description="how windows make one vector")
    spread: tuple[Literal["tokens", "windows"], ...] = Field(
        default=("tokens", "windows"),
        description="standard deviations to give beside it, over tokens and over windows; [] gives none",
    )
    level: Literal["none", "loc_scale"] = Field(
        default="none", description="``loc_scale`` adds each window's mean and log std, which the model normalises away"
    )

    def per_window(self, forecaster: Any, batch: Any, sampling_rate_hz: float) -> WindowFeatures:
        """Embed each window and pool its tokens (see `ForecastFeature.per_window`)."""
        with torch.inference_mode():
            tokens_BLD = forecaster.embed(batch)
            pooled = {f"embedding_{self.tokens}": pool_tokens(tokens_BLD, self.tokens)}
            if "tokens" in self.spread:
                pooled["embedding_token_spread"] = tokens_BLD.std(dim=1, correction=0)
        blocks = [_block(name, values_BD.float().cpu().numpy()) for name, values_BD in pooled.items()]
        if self.level == "loc_scale":
            blocks.append(loc_scale(batch.context_BT))
        return WindowFeatures(pd.concat(blocks, axis=1).astype(np.float32))

    def per_series(self, windows: WindowFeatures, meta: "pd.DataFrame") -> "pd.DataFrame":
        """Pool each series' windows and add the domain (see `ForecastFeature.per_series`).

        Whatever is not a token pool itself (spread over tokens, level) is averaged over windows.
        """
        check_series(windows.frame, meta)
        frame, stem = windows.frame.astype(np.float64), f"embedding_{self.tokens}_"
        embedding = frame.loc[:, frame.columns.str.startswith(stem)]
        rows = frame.groupby(level="item", sort=False).indices
        weights = [window_weights(embedding.to_numpy()[rows[item]], self.windows) for item in meta["item"]]
        index = pd.Index(meta["item"], name="item")
        means = [weight_W @ embedding.to_numpy()[rows[item]] for item, weight_W in zip(index, weights, strict=True)]
        blocks = [pd.DataFrame(np.stack(means), index=index, columns=embedding.columns)]
        others = frame.drop(columns=embedding.columns)
        blocks.append(others.groupby(level="item").mean().loc[index])
        if "windows" in self.spread:
            spread = embedding.groupby(level="item").std(ddof=0).loc[index]
            blocks.append(spread.rename(columns=lambda name: name.replace(stem, "embedding_window_spread_")))
        return pd.concat([*blocks, domain_one_hot(meta)], axis=1)


def pool_tokens(tokens_BLD: "Tensor", way: Literal["mean", "attention"]) -> "Tensor":
    """Pool the tokens of each window into one vector.

    ``attention`` has nothing to learn: each token counts by softmax(cosine to the tokens' mean / 0.1),
    so tokens unlike the rest (a transient, padding) weigh little. The mean is the query, not [REG],
    since not every checkpoint has one.

    Parameters
    ----------
    tokens_BLD : Tensor of shape (n_windows, n_tokens, d_model)

    Returns
    -------
    Tensor of shape (n_windows, d_model)
    """
    if way == "mean":
        return tokens_BLD.mean(dim=1)
    query_B1D = tokens_BLD.mean(dim=1, keepdim=True)
    cosine_BL = torch.cosine_similarity(tokens_BLD, query_B1D, dim=-1)
    weight_BL = torch.softmax(cosine_BL / ATTENTION_TEMPERATURE, dim=1)
    return torch.einsum("bl,bld->bd", weight_BL, tokens_BLD)


def window_weights(embedding_WD: np.ndarray, way: Literal["mean", "attention"]) -> np.ndarray:
    """Return the weight of each window of one series, of sum 1; ``attention`` is that of `pool_tokens`."""
    n_windows = len(embedding_WD)
    if way == "mean":
        return np.full(n_windows, 1.0 / n_windows)
    query_D = embedding_WD.mean(axis=0)
    norms = np.linalg.norm(embedding_WD, axis=1) * np.linalg.norm(query_D)
    cosine_W = embedding_WD @ query_D / np.maximum(norms, np.finfo(np.float64).tiny)
    weight_W = np.exp((cosine_W - cosine_W.max()) / ATTENTION_TEMPERATURE)
    return weight_W / weight_W.sum()


def loc_scale(context_BT: np.ndarray) -> "pd.DataFrame":
    """Return ``level_mean`` and ``level_log_std`` of each window (population standard deviation)."""
    deviation_B = context_BT.std(axis=1, dtype=np.float64)
    return pd.DataFrame(
        {
            "level_mean": context_BT.mean(axis=1, dtype=np.float64),
            "level_log_std": np.log(np.maximum(deviation_B, STILL)),
        }
    )


def _block(name: str, values_BD: np.ndarray) -> "pd.DataFrame":
    """Columns <name>_000, <name>_001, ..."""
    return pd.DataFrame(values_BD, columns=[f"{name}_{position:03d}" for position in range(values_BD.shape[1])])


PLUGIN = Embedding
