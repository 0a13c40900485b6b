"""Which numbers a training step multiplies: bfloat16 where the device has such products, float32 elsewhere."""

from typing import Any, Literal

from motor.backbones.training.settings import Training


def precision_used(settings: Training, device: str) -> Literal["bfloat16", "float32"]:
    """Tell what the matrix products of training are computed in on a device; weights and sums are float32 always.

    Parameters
    ----------
    settings : Training
    device : str
        As torch names it.
    """
    return "bfloat16" if settings.precision == "mixed" and _multiplies_bfloat16(device) else "float32"


def products_in(precision: str, device: str) -> Any:
    """Return a context in which torch multiplies matrices in `precision` (autocast)."""
    import torch

    return torch.autocast(device.partition(":")[0], torch.bfloat16, enabled=precision == "bfloat16")


def _multiplies_bfloat16(device: str) -> bool:
    """Tell whether the device has instructions for it; emulated, bfloat16 is slower than float32."""
    import torch

    if device.startswith("cuda"):
        return torch.cuda.is_bf16_supported(including_emulation=False)
    has = torch.cpu.get_capabilities()  # on ARM the name is bf16
    return any(has.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))
