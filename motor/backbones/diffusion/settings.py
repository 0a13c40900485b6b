"""Settings of a diffusion model of the horizon."""

from typing import ClassVar, Literal, get_args

from pydantic import Field

from motor.backbones.base import Outline
from motor.backbones.torch_forecaster import TorchBackbone

Library = Literal["DDIMScheduler", "DPMSolverMultistepScheduler", "UniPCMultistepScheduler"]
"""Those of diffusers that draw nothing on the way, so that a window's answer depends on nothing beside it."""


class Diffusion(TorchBackbone):
    """Futures are drawn by taking noise away step by step; quantiles are those of the drawn ones.

    A rival and a generator of scenarios: it forecasts as well as others, but drawing costs `n_samples` times `n_steps`
    passes through its denoiser. The noises are drawn once, with the weights, and shared by all windows.
    """

    GIVES: ClassVar[tuple[str, ...]] = ("samples",)
    NETWORK: ClassVar[str] = "motor.backbones.diffusion.network:Network"

    kind: Literal["diffusion"] = "diffusion"
    width: int = Field(default=128, ge=2, description="of the denoiser")
    schedule: Literal["cosine", "linear"] = Field(default="cosine", description="how noise grows over the noise levels")
    n_noise_levels: int = Field(default=100, ge=2, description="noise levels that it is trained on")
    levels_a_window: int = Field(default=4, ge=1, description="noise levels of a window in each step of its training")
    sampler: Literal["dpm_solver", "ddim", Library] = Field(
        default="dpm_solver",
        description="way from noise to a future; ``ddim`` makes futures too alike in few steps; names of classes are "
        "schedulers of the package diffusers, an extra",
    )
    n_steps: int = Field(default=10, ge=1, description="steps from noise to a future, at most the noise levels")
    n_samples: int = Field(default=20, ge=2, description="futures that are drawn of each window")

    @property
    def PACKAGES(self) -> tuple[str, ...]:  # type: ignore[override] # of these settings
        return ("diffusers",) if self.sampler in get_args(Library) else ()

    def outline(self) -> Outline:
        """Return what is known before anything is built; any levels can be forecast."""
        return Outline(patch=1, n_blocks=2, levels=(), head_length=None)
