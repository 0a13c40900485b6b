"""Deep SVDD (Ruff et al. 2018, ICML): an encoder that brings what it learns from close to one point.

Shapes: N rows, D columns, L latent values.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from motor.judges.estimators.deep.networks import Encoder, OfRows, exactly, one_by_one, pretrain, trained
from motor.judges.scoring import DetectorError

NEAREST = 0.1  # of the centre's size: a coordinate nearer to 0 is moved there, or weights of 0 would reach it
COLLAPSED = 1e-6  # of the latent variance before: less is left of it where all rows have become one


class DeepSvdd(OfRows):
    """Minus the squared distance to the centre, of an encoder that an autoencoder has trained before.

    Parameters
    ----------
    boundary : {"one_class", "soft"}
        Mean distance (eq. 4), or a sphere with a share `nu` of rows outside (eq. 3).
    nu : float
    n_latent, n_pretrain_epochs, n_epochs, batch_size : int
    learning_rate, weight_decay : float
    random_state : int
    """

    def __init__(
        self,
        boundary: str,
        nu: float,
        n_latent: int,
        n_pretrain_epochs: int,
        n_epochs: int,
        batch_size: int,
        learning_rate: float,
        weight_decay: float,
        random_state: int,
    ) -> None:
        self.boundary = boundary
        self.nu = nu
        self.n_latent = n_latent
        self.n_pretrain_epochs = n_pretrain_epochs
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.random_state = random_state

    def score_samples(self, X: Any) -> np.ndarray:
        row_ND = self.rows(X)
        distance = self.strangeness(row_ND.shape[1])
        found: Tensor = exactly(lambda: one_by_one(distance, row_ND), self.random_state)
        return np.asarray(self.radius_**2 - found.numpy().astype(np.float64))

    def strangeness(self, n_columns: int) -> Callable[[Tensor], Tensor]:
        """Return a function of rows (B, D) that gives their squared distances to the centre, (B,)."""
        encoder = Encoder(n_columns, self.n_latent)
        encoder.load_state_dict({name: torch.from_numpy(value) for name, value in self.state_.items()})
        centre_L = torch.from_numpy(self.centre_)

        def distance(row_BD: Tensor) -> Tensor:
            return ((encoder(row_BD) - centre_L) ** 2).sum(dim=1)

        return distance

    def _fit(self, row_ND: Tensor) -> None:
        encoder = Encoder(row_ND.shape[1], self.n_latent)
        pretrain(encoder, self.n_latent, row_ND, n_epochs=self.n_pretrain_epochs, **self._how)
        with torch.inference_mode():
            latent_NL = encoder(row_ND)
        variance, centre_L = _variance(latent_NL), guarded(latent_NL.mean(dim=0)).clone()
        self.radius_ = 0.0
        self._train(encoder, centre_L, row_ND)
        with torch.inference_mode():
            left = _variance(encoder(row_ND))
        if variance > 0 and not left > COLLAPSED * variance:
            raise DetectorError(
                f"deep_svdd collapsed: {len(row_ND)} training series have become one point (of their variance "
                f"{left / variance:.1e} is left), so that it tells none from another; lower "
                "classifiers.deep_svdd.weight_decay, learning_rate or n_epochs"
            )
        self.state_ = {name: value.numpy().copy() for name, value in encoder.state_dict().items()}
        self.centre_ = centre_L.numpy().copy()

    def _train(self, encoder: Encoder, centre_L: Tensor, row_ND: Tensor) -> None:
        def distance(row_BD: Tensor) -> Tensor:
            return ((encoder(row_BD) - centre_L) ** 2).sum(dim=1)

        def loss(row_BD: Tensor) -> Tensor:
            found_B = distance(row_BD)
            if self.boundary == "one_class":
                return found_B.mean()
            return self.radius_**2 + (found_B - self.radius_**2).clamp(min=0).mean() / self.nu

        def set_radius() -> None:
            if self.boundary == "soft":
                with torch.inference_mode():
                    self.radius_ = float(torch.quantile(distance(row_ND), 1 - self.nu).clamp(min=0).sqrt())

        set_radius()
        trained(encoder, loss, row_ND, n_epochs=self.n_epochs, after_epoch=set_radius, **self._how)

    @property
    def _how(self) -> dict[str, Any]:
        return {"batch_size": self.batch_size, "learning_rate": self.learning_rate, "weight_decay": self.weight_decay}


def guarded(centre_L: Tensor) -> Tensor:
    """Return a centre (L,) none of whose coordinates is near 0 for its own size."""
    nearest = max(NEAREST * float(centre_L.abs().mean()), 1e-6)
    sign_L = torch.where(centre_L < 0, -1.0, 1.0)
    return torch.where(centre_L.abs() < nearest, sign_L * nearest, centre_L)


def _variance(latent_NL: Tensor) -> float:
    return float(latent_NL.double().var(dim=0, correction=0).sum())
