"""A model of neuralforecast as a module from contexts to quantiles: no trainer, no data frames.

Shapes: B windows, T context, H horizon, Q quantiles, N domains.
"""

import inspect
import random
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import Embedding, Module

from motor.backbones.batch import Batch
from motor.backbones.torch_forecaster import Geometry

GIVEN = ("self", "h", "input_size", "n_series", "loss")  # the geometry says these
NOTHING = dict.fromkeys(("futr_exog", "hist_exog", "stat_exog"))


class Network(Module):
    """The library's module; where there are several domains, each adds a trained vector to its contexts."""

    def __init__(self, geometry: Geometry, name: str, settings: dict[str, Any]) -> None:
        super().__init__()
        self.length = geometry.context_length
        self.domains = Embedding(len(geometry.domains), self.length) if len(geometry.domains) >= 2 else None
        if self.domains is not None:
            torch.nn.init.zeros_(self.domains.weight)
        self.model = _built(geometry, name, settings)

    def forward(self, batch: Batch) -> Tensor:
        """Return quantiles: (B, H, Q)."""
        missing = self.length - batch.context_BT.shape[1]
        context_BT = torch.nn.functional.pad(batch.context_BT, (missing, 0))
        if self.domains is not None:
            context_BT = context_BT + self.domains(batch.domain_B)
        seen_BT = torch.ones_like(context_BT)
        seen_BT[:, :missing] = 0
        quantiles: Tensor = self.model(
            {"insample_y": context_BT[..., None], "insample_mask": seen_BT[..., None], **NOTHING}
        )
        return quantiles


def _built(geometry: Geometry, name: str, settings: dict[str, Any]) -> Module:
    """Return the library's model with weights of torch's seed; the library seeds every generator, which is undone."""
    from neuralforecast import models  # an extra
    from neuralforecast.losses.pytorch import MQLoss

    kind = getattr(models, name, None)
    if kind is None:
        raise ValueError(f"backbone.model: neuralforecast has no model {name!r}; it has {', '.join(models.__all__)}")
    known = inspect.signature(kind.__init__).parameters
    own = [one for one in [*known][: [*known].index("loss")] if one not in GIVEN and not one.endswith("exog_list")]
    if unknown := sorted(set(settings) - set(own)):
        raise ValueError(f"backbone.settings: {', '.join(unknown)} are none of {name}'s; it takes {', '.join(own)}")
    loss = MQLoss(quantiles=list(geometry.quantile_levels))
    asked = {"h": geometry.prediction_length, "input_size": geometry.context_length, "loss": loss}
    asked |= {"n_series": 1} if "n_series" in known else {}
    states = random.getstate(), np.random.get_state()  # noqa: NPY002 # the library's generators are the global ones
    try:
        model: Module = kind(**asked, **settings, random_seed=torch.initial_seed() % 2**32)
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
    return model
