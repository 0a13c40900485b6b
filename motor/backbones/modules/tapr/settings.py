"""Settings of the trend-aware patch router."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from motor.backbones.modules.base import Asked, Module

FACTOR = 4  # from one scale to the next
FEWEST = 2  # tokens of the coarsest scale: one alone has no trend


class Tapr(Module):
    """Trend-aware patch router: tokens at several scales, parted into trend and season, coarse ones seen by fine ones;
    and a forecast that says first where it goes, then how far, then by how much.

    Of a forecaster that shows no tokens it makes its own, and changes the forecast alone.
    """

    PART: ClassVar[str] = "motor.backbones.modules.tapr.network:Router"

    kind: Literal["tapr"] = Field(default="tapr", description="its name; it need not be written")
    order: ClassVar[int] = 10

    n_scales: int = Field(default=3, ge=1, le=8, description="each 4 times as coarse as the one before")
    lambda_trend: float = Field(
        default=0.1, ge=0, description="weight of the losses of direction, size and their agreement; 0 leaves them out"
    )
    width: int = Field(default=32, ge=4, multiple_of=4, description="of its layers")
    kernel: int = Field(default=25, ge=3, description="tokens whose mean is the trend, at most")

    def incompatibilities(self, asked: Asked) -> Iterator[tuple[str, str]]:
        if asked.n_tokens is None:
            return
        needed = FEWEST * FACTOR ** (self.n_scales - 1) if self.n_scales > 1 else 1
        if asked.n_tokens < needed:
            yield (
                "n_scales",
                f"{self.n_scales} scales need {needed} patches, so that the coarsest has {FEWEST}; a context of "
                f"{asked.context_length} samples has {asked.n_tokens}; lower modules.tapr.n_scales, or take a longer "
                "context or shorter patches",
            )
