"""Compute the keys that windows are compared by: without weights, so that none goes stale while a network is trained.

Shapes: B windows, T samples of a window, D numbers of a key: of a `shape` as many as `length`, else half as many.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from motor.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

STILL = 1e-6
"""A window that deviates less than this, in scaled units, is not divided by its deviation."""

KeyName = Literal["shape", "power", "amplitude", "autocorrelation"]


def shape(window_BT: "Tensor", length: int) -> "Tensor":
    """Return the last `length` samples at mean 0 and norm 1, (B, D): distances follow correlation, whatever the gain.

    Longer windows are looked at by their newest samples; a missing sample counts as the mean.
    """
    return _of_unit_norm(_centred(window_BT[:, -length:]))


def power(window_BT: "Tensor", length: int) -> "Tensor":
    """Return the power spectrum under a Hann window at norm 1, (B, D): neither phase nor gain counts."""
    return _of_unit_norm(_magnitude(window_BT[:, -length:]) ** 2)


def amplitude(window_BT: "Tensor", length: int) -> "Tensor":
    """Return the root of the power spectrum at norm 1, (B, D): weak lines count for more than in `power`."""
    return _of_unit_norm(_magnitude(window_BT[:, -length:]))


def autocorrelation(window_BT: "Tensor", length: int) -> "Tensor":
    """Return the autocorrelation from lag 1 to half the window over that of lag 0, (B, D) (Wiener-Khinchin)."""
    centred_BT = _centred(window_BT[:, -length:])
    n_samples = centred_BT.shape[1]
    spectrum = torch.fft.rfft(centred_BT, 2 * n_samples).abs() ** 2
    lags = torch.fft.irfft(spectrum, 2 * n_samples)[:, : n_samples // 2 + 1]
    found = lags[:, 1:] / lags[:, :1].clamp_min(STILL**2)
    return found / found.shape[1] ** 0.5


def dual(window_BT: "Tensor", length: int, value_share: float) -> "Tensor":
    """Return the shape, and beside it mean and logarithm of the deviation, whose squared distance counts `value_share`.

    With a share of 0 it is the shape alone.
    """
    shape_BD = shape(window_BT, length)
    if not value_share:
        return shape_BD
    newest_BT = window_BT[:, -length:]
    mean_B1 = newest_BT.nanmean(dim=1, keepdim=True).nan_to_num()
    deviation_B1 = (newest_BT - mean_B1).square().nanmean(dim=1, keepdim=True).nan_to_num().sqrt()
    value_B2 = torch.cat([mean_B1, deviation_B1.clamp_min(STILL).log()], dim=1)
    return torch.cat([(1 - value_share) ** 0.5 * shape_BD, value_share**0.5 * value_B2], dim=1)


KEYS: dict[str, "Callable[[Tensor, int], Tensor]"] = {
    "shape": shape,
    "power": power,
    "amplitude": amplitude,
    "autocorrelation": autocorrelation,
}


def _centred(window_BT: "Tensor") -> "Tensor":
    return (window_BT - window_BT.nanmean(dim=1, keepdim=True)).nan_to_num()


def _magnitude(window_BT: "Tensor") -> "Tensor":
    centred_BT = _centred(window_BT)
    return torch.fft.rfft(centred_BT * torch.hann_window(centred_BT.shape[1], device=centred_BT.device)).abs()


def _of_unit_norm(key_BD: "Tensor") -> "Tensor":
    norm_B1 = key_BD.norm(dim=1, keepdim=True)
    return key_BD / norm_B1.where(norm_B1 > STILL, norm_B1.new_ones(()))
