"""Settings of the global retrieval-augmented memory."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from motor.backbones.base import missing_packages
from motor.backbones.modules.base import Asked, Module


class Gram(Module):
    """Global retrieval-augmented memory: the futures of similar windows of other training motors, weighed by distance
    and by a learned match, seen by the tokens, and mixed into the forecast by a gate."""

    LOOKS_UP: ClassVar[bool] = True
    PART: ClassVar[str] = "motor.backbones.modules.gram.network:Gate"

    kind: Literal["gram"] = Field(default="gram", description="its name; it need not be written")
    order: ClassVar[int] = 20

    top_k: int = Field(default=50, ge=1, description="neighbours; on real bearings few (3 to 10) were worse")
    key_length: int = Field(default=128, ge=8, description="last samples that are compared: two revolutions or more")
    stride: int = Field(default=1, ge=1, description="samples between the windows that are kept")
    index: Literal["exact", "approximate"] = Field(
        default="exact",
        description="how they are searched for; ``approximate`` (faiss, extra ``retrieval``) is for memories of more "
        "than a million windows, and may miss some",
    )
    value_share: float = Field(
        default=0.1, ge=0, lt=1, description="how much mean and deviation count in a distance; the rest is shape"
    )
    temperature: float = Field(default=0.2, gt=0, description="squared distance that makes a neighbour count 1/e")
    lambda_retrieval: float = Field(
        default=0.0,
        ge=0,
        description="weight of the gate's two losses, of its entropy (a tenth of it) and of its distance from one half "
        "where neighbours are near; both pull it to one half, so the default is none",
    )
    gate: Literal["guarded", "settled", "plain"] = Field(
        default="guarded",
        description="``settled``: after training, the gate's level and slope are least squares on validation motors; "
        "``guarded``: unless the gate as trained, the model or the memory alone errs less there; ``plain``: as the "
        "steps left it",
    )
    covariates: int = Field(
        default=0,
        ge=0,
        description="nearest neighbours that Chronos-2 is given as covariates with known past and future, in a second "
        "pass, whose forecast counts as far as is learned; other forecasters take none",
    )
    width: int = Field(default=32, ge=4, multiple_of=4, description="of its layers")
    in_export: bool = Field(
        default=False,
        exclude=True,
        description="whether an export holds the memory, whole training series; without it an exported folder "
        "forecasts without modules, and says so",
    )

    @property
    def PACKAGES(self) -> tuple[str, ...]:  # type: ignore[override] # of these settings
        return ("faiss-cpu",) if self.index == "approximate" else ()

    def incompatibilities(self, asked: Asked) -> Iterator[tuple[str, str]]:
        if self.key_length > asked.context_length:
            yield (
                "key_length",
                f"the last {self.key_length} samples of a context are to be compared, and it has "
                f"{asked.context_length}; set modules.gram.key_length to at most that",
            )
        if self.covariates > self.top_k:
            why = f"{self.covariates} of the neighbours are to be covariates, and {self.top_k} are looked up"
            yield "covariates", f"{why}; set modules.gram.covariates to at most that"
        for name in missing_packages(self.PACKAGES):
            yield (
                "index",
                f"index: approximate needs the package {name}, which is not installed here; run `pip install {name}`",
            )
