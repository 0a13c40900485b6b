"""A variational autoencoder as a detector (Kingma and Welling 2014, ICLR; An and Cho 2015).

Shapes: N rows, D columns, L latent values.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from motor.judges.estimators.deep.networks import Encoder, OfRows, cells_of, decoder, exactly, one_by_one, trained

MOST_LOG = 10.0  # of a latent variance's logarithm, both ways


class Vae(OfRows):
    """Minus a row's reconstruction error, its latent values' distance from the prior, or both.

    Parameters
    ----------
    score : {"reconstruction", "kl", "both"}
        Mean absolute error; Kullback-Leibler divergence of the latent values; the one plus `kl_weight` times the other.
    kl_weight : float
    n_latent, n_epochs, batch_size : int
    learning_rate, weight_decay : float
    random_state : int
    """

    def __init__(
        self,
        score: str,
        kl_weight: float,
        n_latent: int,
        n_epochs: int,
        batch_size: int,
        learning_rate: float,
        weight_decay: float,
        random_state: int,
    ) -> None:
        self.score = score
        self.kl_weight = kl_weight
        self.n_latent = n_latent
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.random_state = random_state

    def score_samples(self, X: Any) -> np.ndarray:
        row_ND = self.rows(X)
        strange = self.strangeness(row_ND.shape[1])
        found: Tensor = exactly(lambda: one_by_one(strange, row_ND), 0)
        return np.asarray(-found.numpy().astype(np.float64))

    def strangeness(self, n_columns: int) -> Callable[[Tensor], Tensor]:
        """Return a function of rows (B, D) that gives (B,): reconstruction error, distance from the prior, or both."""
        network = self._network(n_columns)
        network.load_state_dict({name: torch.from_numpy(value) for name, value in self.state_.items()})
        return lambda row_BD: self._strange(network, row_BD)

    def _network(self, n_columns: int) -> nn.ModuleList:
        return nn.ModuleList([Encoder(n_columns, 2 * self.n_latent), decoder(n_columns, self.n_latent)])

    def _fit(self, row_ND: Tensor) -> None:
        network = self._network(row_ND.shape[1])
        encoder, again = network

        def loss(row_BD: Tensor) -> Tensor:
            mean_BL, log_BL = _latent(encoder, row_BD)
            drawn_BL = mean_BL + torch.exp(log_BL / 2) * torch.randn_like(mean_BL)
            error = (again(drawn_BL) - cells_of(row_BD)).abs().mean()
            return error + self.kl_weight * divergence(mean_BL, log_BL).mean() / cells_of(row_BD).shape[1]

        how = {"batch_size": self.batch_size, "learning_rate": self.learning_rate, "weight_decay": self.weight_decay}
        trained(network, loss, row_ND, n_epochs=self.n_epochs, **how)  # type: ignore[arg-type]
        self.state_ = {name: value.numpy().copy() for name, value in network.state_dict().items()}

    def _strange(self, network: nn.ModuleList, row_BD: Tensor) -> Tensor:
        encoder, again = network
        mean_BL, log_BL = _latent(encoder, row_BD)
        kl_B = divergence(mean_BL, log_BL)
        if self.score == "kl":
            return kl_B
        error_B = (again(mean_BL) - cells_of(row_BD)).abs().mean(dim=1)
        return error_B if self.score == "reconstruction" else error_B + self.kl_weight * kl_B


def _latent(encoder: nn.Module, row_BD: Tensor) -> tuple[Tensor, Tensor]:
    mean_BL, log_BL = encoder(row_BD).chunk(2, dim=1)
    return mean_BL, log_BL.clamp(-MOST_LOG, MOST_LOG)


def divergence(mean_BL: Tensor, log_BL: Tensor) -> Tensor:
    """Return each row's divergence from a standard normal distribution, (B,) (Kingma and Welling 2014, appendix B)."""
    return -0.5 * (1 + log_BL - mean_BL**2 - log_BL.exp()).sum(dim=1)
