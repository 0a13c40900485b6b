"""A context as patches, and what is known beside it.

Shapes: B windows, T context, H horizon, L patches of the context, F patches of the horizon, P samples of a patch,
V known values.
"""

import math

import torch
from torch import Tensor

from motor.backbones.batch import Batch

USUAL_RPM = 1000.0
STILL = 1e-3
"""The logarithm of a patch's deviation is taken of no less than this, in deviations of its context."""


def patches(context_BT: Tensor, patch: int) -> Tensor:
    """Cut contexts into patches from the end backwards; the first one is filled up with the mean, 0: (B, L, P)."""
    missing = -context_BT.shape[1] % patch
    return torch.nn.functional.pad(context_BT, (missing, 0)).unflatten(1, (-1, patch))


def n_patches(n_samples: int, patch: int) -> int:
    """Return how many patches hold so many samples."""
    return math.ceil(n_samples / patch)


def shapes(patches_BLP: Tensor) -> Tensor:
    """Return mean and logarithm of the deviation of each patch: (B, L, 2)."""
    mean_BL1 = patches_BLP.mean(dim=-1, keepdim=True)
    deviation_BL = (patches_BLP - mean_BL1).square().mean(dim=-1).sqrt()  # a tenth of the time of torch's std
    return torch.stack([mean_BL1[..., 0], (deviation_BL + STILL).log()], dim=-1)


def n_known(domains: tuple[str, ...]) -> int:
    """Return how many values `known` gives a window."""
    return 2 + (len(domains) if len(domains) >= 2 else 0)


def known(batch: Batch, domains: tuple[str, ...]) -> Tensor:
    """Return what is known of each window at any time: (B, V).

    The logarithm of the speed over `USUAL_RPM`, whether the speed is known, and, with two or more, the domain as a
    one among zeros. Sensor and rig are known of a new recording, too; a motor's name is not, and is not given.
    """
    n_windows = batch.context_BT.shape[0]
    speed_B = (batch.covariates or {}).get("speed_rpm")
    speed_B = batch.context_BT.new_full((n_windows,), math.nan) if speed_B is None else speed_B
    is_known_B = speed_B > 0  # NaN is not
    log_B = torch.where(is_known_B, speed_B, USUAL_RPM).div(USUAL_RPM).log()
    values = [torch.stack([log_B, is_known_B.float()], dim=1)]
    if len(domains) >= 2:
        values.append(torch.nn.functional.one_hot(batch.domain_B, len(domains)).float())
    return torch.cat(values, dim=1)


def known_at(batch: Batch, domains: tuple[str, ...], n_places: int) -> Tensor:
    """Return what is known of each window, once for each of so many patches: (B, L, V)."""
    return known(batch, domains)[:, None].expand(-1, n_places, -1)
