"""Settings of forecasters of several branches, which a gate weighs."""

from collections.abc import Iterator
from typing import Any, ClassVar, Generic, Literal, Self, TypeVar

from pydantic import Field, model_validator

from motor.backbones.base import Backbone, Outline
from motor.backbones.diffusion.settings import Diffusion
from motor.backbones.graph.settings import Graph
from motor.backbones.hybrid.forecaster import HybridForecaster
from motor.backbones.linear.settings import Linear
from motor.backbones.tft.settings import Tft
from motor.backbones.torch_forecaster import TorchBackbone, TorchForecaster
from motor.backbones.vssm.settings import Vssm
from motor.registry import Record

Settings = TypeVar("Settings", bound=TorchBackbone)


class Branch(Record, Generic[Settings]):
    """One branch."""

    enabled: bool = Field(default=True, description="whether it takes part")
    weight: float = Field(default=1.0, gt=0, description="of the gate before it has learned anything, over the others'")
    settings: Settings

    @model_validator(mode="after")
    def _is_masked_with_the_others(self) -> Self:
        if self.settings.dropout_masks:
            raise ValueError("masks are those of all branches; set backbone.dropout_masks instead of a branch's own")
        return self


class OfLinear(Branch[Linear]):
    """The linear branch: it starts from the closed form, and is trained on."""

    settings: Linear = Field(default=Linear(), description="of the branch, as of the backbone ``linear``")


class OfTft(Branch[Tft]):
    """The branch of a temporal fusion transformer."""

    settings: Tft = Field(default=Tft(), description="of the branch, as of the backbone ``tft``")


class OfVssm(Branch[Vssm]):
    """The branch of a state space model."""

    settings: Vssm = Field(default=Vssm(), description="of the branch, as of the backbone ``vssm``")


class OfDiffusion(Branch[Diffusion]):
    """The branch of a diffusion model."""

    settings: Diffusion = Field(default=Diffusion(), description="of the branch, as of the backbone ``diffusion``")


class OfGraph(Branch[Graph]):
    """The branch of sensors that see one another."""

    settings: Graph = Field(default=Graph(), description="of the branch, as of the backbone ``graph``")


class Branches(Record):
    """What a gate weighs."""

    linear: OfLinear = OfLinear()
    tft: OfTft = OfTft()
    vssm: OfVssm = OfVssm()
    diffusion: OfDiffusion = OfDiffusion(enabled=False)
    graph: OfGraph = OfGraph(enabled=False)

    def enabled(self) -> dict[str, Branch[Any]]:
        """Return the branches that take part, by name."""
        every = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: branch for name, branch in every.items() if branch.enabled}


class Gated(TorchBackbone):
    """What forecasters of several branches share."""

    GIVES: ClassVar[tuple[str, ...]] = ("embedding", "regimes", "gate")
    FORECASTER: ClassVar[type[TorchForecaster]] = HybridForecaster
    NETWORK: ClassVar[str] = "motor.backbones.hybrid.network:Network"

    branches: Branches = Field(default=Branches(), description="what the gate weighs, by kind")
    temperature: float = Field(
        default=1.0, gt=0, description="of the gate's softmax: small lets the best branch count alone"
    )
    branch_loss: float = Field(
        default=0.5,
        ge=0,
        description="weight of each branch's own loss; at 0 branches starve, whatever their gate says",
    )
    begin: Literal["scratch", "finetunes"] = Field(
        default="scratch",
        description="``finetunes``: each branch begins with a fine-tune of its own, which the grid shares with others",
    )

    @model_validator(mode="after")
    def _can_be_weighed(self) -> Self:
        there = self.branches.enabled()
        if len(there) < 2:
            named = ", ".join(there) or "none"
            raise ValueError(f"a gate needs two branches or more, but {named} is enabled; set branches.NAME.enabled")
        patches = {
            name: branch.settings.patch for name, branch in there.items() if "embedding" in branch.settings.GIVES
        }
        if len(set(patches.values())) > 1:
            said = ", ".join(f"{name} {patch}" for name, patch in patches.items())
            raise ValueError(
                f"branches have patches of different lengths ({said}); give them one, so tokens can be joined"
            )
        return self

    @property
    def gives(self) -> tuple[str, ...]:
        """The gate, and what its branches give."""
        of_branches = [given for branch in self.branches.enabled().values() for given in branch.settings.gives]
        return tuple(given for given in self.GIVES if given in {*of_branches, "gate"})

    @property
    def sees_together(self) -> bool:
        return any(branch.settings.sees_together for branch in self.branches.enabled().values())

    @property
    def begins_with(self) -> tuple[Backbone, ...]:
        """The branches, where they have fine-tunes of their own."""
        enabled = self.branches.enabled().values()
        return tuple(branch.settings for branch in enabled) if self.begin == "finetunes" else ()

    @property
    def gate_sees_regimes_alone(self) -> bool:
        """Whether the gate is fed by the regimes and nothing else."""
        return False

    def outline(self) -> Outline:
        """Return what is known before anything is built; any levels can be forecast."""
        settings = [branch.settings for name, branch in self.branches.enabled().items() if name != "linear"]
        outlines = [outline for one in settings if (outline := one.outline()) is not None]
        patch = outlines[0].patch if outlines else 1
        return Outline(patch=patch, n_blocks=sum(one.n_blocks for one in outlines), levels=(), head_length=None)

    def incompatibilities(
        self,
        context_length: int,
        prediction_length: int,
        quantile_levels: tuple[float, ...],
        domains: tuple[str, ...],
    ) -> Iterator[tuple[str, str]]:
        """Yield what of it or of its branches cannot work (see `Backbone`)."""
        asked = (context_length, prediction_length, quantile_levels, domains)
        found = list(super().incompatibilities(*asked))
        for branch in self.branches.enabled().values():
            found += [one for one in branch.settings.incompatibilities(*asked) if one not in found]
        yield from found


class Hybrid(Gated):
    """Branches of different kinds under a softmax gate, each with a loss of its own; a gate sees all tokens."""

    kind: Literal["hybrid"] = "hybrid"


class OfBoth(Branches):
    """The branches of an ensemble of two."""

    linear: OfLinear = OfLinear(enabled=False)


class PtftVssm(Gated):
    """A transformer and a state space model, weighed by the regimes that the latter finds."""

    kind: Literal["ptft_vssm"] = "ptft_vssm"
    branches: OfBoth = Field(default=OfBoth(), description="what the gate weighs, by kind")

    @model_validator(mode="after")
    def _has_regimes(self) -> Self:
        if not self.branches.vssm.enabled:
            raise ValueError("the gate of ptft_vssm is fed by the regimes of branches.vssm, which is not enabled")
        return self

    @property
    def gate_sees_regimes_alone(self) -> bool:
        return True
