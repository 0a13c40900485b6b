"""A classifier that starts from an encoder which has seen no label, and unfreezes it block by block.

Shapes: N rows, D columns, L latent values, C classes.
"""

from typing import Any

import numpy as np
import torch
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import validate_data
from torch import Tensor, nn

from motor.judges.estimators.deep.networks import Encoder, OfRows, exactly, one_by_one, pretrain, trained


class PretrainedClassifier(ClassifierMixin, OfRows):
    """A linear layer on an encoder that an autoencoder has trained before (Howard and Ruder 2018, ACL, section 3.3).

    First the layer is trained, the encoder frozen; then one more of its blocks each time, the last first, by an
    optimizer of what is free by then. A class counts as any other in the loss, and rows are drawn as they come: they
    are balanced once. The encoder has no normalisation, so nothing of a frozen block moves.

    Parameters
    ----------
    n_latent, n_pretrain_epochs : int
    n_unfrozen : int
        Blocks of the encoder that are trained in the end; 0 leaves it as it is, more than there are is all.
    n_epochs : int
        Of the layer alone, and again with each block.
    batch_size : int
    learning_rate, weight_decay : float
    random_state : int
    """

    def __init__(
        self,
        n_latent: int,
        n_pretrain_epochs: int,
        n_unfrozen: int,
        n_epochs: int,
        batch_size: int,
        learning_rate: float,
        weight_decay: float,
        random_state: int,
    ) -> None:
        self.n_latent = n_latent
        self.n_pretrain_epochs = n_pretrain_epochs
        self.n_unfrozen = n_unfrozen
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> "PretrainedClassifier":
        row_ND = torch.from_numpy(validate_data(self, X, dtype=np.float32))
        self.classes_, class_N = np.unique(y, return_inverse=True)
        weight_C = torch.from_numpy(compute_class_weight("balanced", classes=self.classes_, y=y).astype(np.float32))
        exactly(lambda: self._learn(row_ND, torch.from_numpy(class_N), weight_C), self.random_state)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        row_ND = self.rows(X)
        network = self._network(row_ND.shape[1])
        network.load_state_dict({name: torch.from_numpy(value) for name, value in self.state_.items()})
        found: Tensor = exactly(lambda: one_by_one(network, row_ND), self.random_state)
        return np.asarray(found.double().softmax(dim=1).numpy())

    def predict(self, X: Any) -> np.ndarray:
        return np.asarray(self.classes_[np.argmax(self.predict_proba(X), axis=1)])

    def _network(self, n_columns: int) -> nn.Sequential:
        return nn.Sequential(Encoder(n_columns, self.n_latent), nn.Linear(self.n_latent, len(self.classes_)))

    def _learn(self, row_ND: Tensor, class_N: Tensor, weight_C: Tensor) -> None:
        network = self._network(row_ND.shape[1])
        encoder = network[0]
        how = {"batch_size": self.batch_size, "learning_rate": self.learning_rate, "weight_decay": self.weight_decay}
        pretrain(encoder, self.n_latent, row_ND, n_epochs=self.n_pretrain_epochs, **how)  # type: ignore[arg-type]
        numbered_NE = torch.cat([row_ND, class_N[:, None].float()], dim=1)

        def loss(row_BE: Tensor) -> Tensor:
            return nn.functional.cross_entropy(network(row_BE[:, :-1]), row_BE[:, -1].long(), weight_C)

        encoder.requires_grad_(False)
        trained(network, loss, numbered_NE, n_epochs=self.n_epochs, **how)  # type: ignore[arg-type]
        for block in blocks_of(encoder)[::-1][: self.n_unfrozen]:
            block.requires_grad_(True)
            trained(network, loss, numbered_NE, n_epochs=self.n_epochs, **how)  # type: ignore[arg-type]
        self.state_ = {name: value.numpy().copy() for name, value in network.state_dict().items()}


def blocks_of(encoder: nn.Module) -> list[nn.Module]:
    """Return the layers of an encoder that have weights, the first first."""
    return [layer for layer in encoder.steps if any(True for _ in layer.parameters())]  # type: ignore[union-attr]
