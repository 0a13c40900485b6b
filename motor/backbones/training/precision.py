"""Which numbers a training step multiplies: bfloat16 where the device is faster with them, float32 elsewhere."""

import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from motor.backbones.training.settings import Training
from motor.lazy import torch

if TYPE_CHECKING:
    from torch.nn import Module

Precision = Literal["bfloat16", "float32"]

ROWS = 256  # of the left matrix: some ms a product
NARROWEST, WIDEST = 512, 4096  # narrower ones take so little time that what is measured would be chance
REPEATS = 5
MARGIN = 1.15  # bfloat16, which halves the memory, gives way to a float32 that is faster by this


def precision_used(settings: Training, device: str, model: "Module | None" = None) -> Precision:
    """Tell what the matrix products of training are computed in on a device; weights and sums are float32 always.

    A CPU that lists instructions for bfloat16 may have fast units for it (AMX, Zen 4) or be faster in float32 (Cooper
    Lake and Intel's later ones where AMX is hidden), so both products are timed there, once a process and width.

    Parameters
    ----------
    settings : Training
    device : str
        As torch names it.
    model : Module, optional
        What is trained: products as wide as its widest layer are timed.
    """
    if settings.precision == "float32" or not _multiplies_bfloat16(device):
        return "float32"
    if device.startswith("cuda"):
        return "bfloat16"
    return faster_product(*_widest(model))


def products_in(precision: str, device: str) -> Any:
    """Return a context in which torch multiplies matrices in `precision` (autocast)."""
    return torch.autocast(device.partition(":")[0], torch.bfloat16, enabled=precision == "bfloat16")


@lru_cache
def faster_product(n_in: int, n_out: int) -> Precision:
    """Time a layer of some width on this CPU in both ways, casts included, and name the faster one.

    CPU time, which other processes do not change; the least of some repeats. Both are far apart (a factor of 2) where
    it was measured, so that the same kind of machine gives the same answer.
    """
    generator = torch.Generator().manual_seed(0)  # torch's own, which seeds weights and dropout, stays as it is
    x, weight = (torch.randn(n, n_in, generator=generator) for n in (ROWS, n_out))
    return chosen(_seconds("bfloat16", x, weight), _seconds("float32", x, weight))


def chosen(bfloat16_s: float, float32_s: float) -> Precision:
    """Return what to multiply in, by the seconds that the same product takes in both."""
    return "float32" if float32_s * MARGIN < bfloat16_s else "bfloat16"


def _seconds(precision: Precision, x: Any, weight: Any) -> float:
    """Return the CPU time of a product; the first one, which prepares, does not count."""
    taken = []
    with torch.no_grad(), products_in(precision, "cpu"):
        for _ in range(REPEATS + 1):
            began = time.process_time()
            torch.nn.functional.linear(x, weight)
            taken.append(time.process_time() - began)
    return min(taken[1:])


def _widest(model: "Module | None") -> tuple[int, int]:
    """Return the inputs and outputs of a model's largest layer, within what can be timed."""
    layers = [] if model is None else [one for one in model.modules() if isinstance(one, torch.nn.Linear)]
    largest = max(layers, key=lambda one: one.weight.numel(), default=None)
    sizes = (0, 0) if largest is None else (largest.in_features, largest.out_features)
    n_in, n_out = (min(max(size, NARROWEST), WIDEST) for size in sizes)
    return n_in, n_out


def _multiplies_bfloat16(device: str) -> bool:
    """Tell whether the device has instructions for it; emulated, bfloat16 is slower than float32."""
    if device.startswith("cuda"):
        return torch.cuda.is_bf16_supported(including_emulation=False)
    has = torch.cpu.get_capabilities()  # on ARM the name is bf16
    return any(has.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))
