"""How a forecaster is trained: the settings, the workers that share a step, and what can fail."""

import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SerializeAsAny,
    create_model,
    model_serializer,
    model_validator,
)
from pydantic_core.core_schema import SerializerFunctionWrapHandler

from motor.backbones.lora import Lora
from motor.backbones.objectives.base import Objective
from motor.backbones.objectives.quantile import Quantile
from motor.registry import Record, choice, from_record

Report = Callable[[dict[str, float]], None]


class TrainingError(RuntimeError):
    """Training cannot go on: the loss is not finite, the data ended, or a checkpoint is of another run."""


class OutOfMemory(TrainingError):
    """A step did not fit the memory; started again, training goes on with fewer windows at once."""


def _listed(objective: Any) -> Any:
    """Return one objective as a tuple of one, and several as a tuple."""
    if isinstance(objective, dict | Objective):
        return (objective,)
    return tuple(objective) if isinstance(objective, list) else objective


def _distinct(objectives: tuple[Objective, ...]) -> tuple[Objective, ...]:
    kinds = [objective.kind for objective in objectives]
    if repeated := next((kind for kind in kinds if kinds.count(kind) > 1), None):
        raise ValueError(f"objective {repeated!r} is given {kinds.count(repeated)} times; give it once, with a weight")
    return objectives


def _objectives() -> Any:
    """Return the type of a field that takes one objective, or a list of them."""
    kinds: Any = choice(Objective.ROOM)
    several = tuple[SerializeAsAny[kinds], ...]  # one that was read back from a record may be none of those in use
    return Annotated[several, Field(min_length=1), BeforeValidator(_listed), AfterValidator(_distinct)]


class Training(Record):
    """How a forecaster is trained; the defaults are those of the task's description."""

    num_steps: int = Field(default=10_000, ge=0, description="steps of AdamW, at most")
    learning_rate: float = Field(default=5e-5, gt=0, description="its peak, after the rise; then it falls to 0")
    batch_size: int = Field(
        default=8, ge=1, le=1_000_000, description="windows a step, however many workers and passes share them"
    )
    warmup_ratio: float = Field(default=0.05, ge=0, lt=1, description="share of the steps in which the rate rises")
    weight_decay: float = Field(default=0.0, ge=0, description="of matrices; vectors (norms, biases) do not decay")
    gradient_clip: float = Field(default=1.0, gt=0, description="largest norm of a step's gradient")
    objective: _objectives() = Field(  # type: ignore[valid-type]
        default=(Quantile(),),
        description="loss that is made small, or a list of them, whose values are added by their ``weight``",
    )
    dropout_rate: float = Field(default=0.1, ge=0, lt=1, description="of the backbone, in training alone")
    validate_every: int = Field(default=500, ge=1, description="steps between validations; the best weights are kept")
    patience: int | None = Field(default=5, ge=1, description="validations without a better one; null never stops")
    trainable_blocks: int | None = Field(default=None, ge=0, description="last encoder blocks to train; null is all")
    lora: Lora | None = Field(default=None, description="train low-rank adapters and the head alone; null is off")
    adapters: str | None = Field(
        default=None,
        exclude=True,
        description="with lora: folder of adapters that were kept of fine-tunes whose whole weights are gone, and come "
        "back from them; a loop names it",
    )
    ema_decay: float | None = Field(
        default=None, gt=0, lt=1, description="of an average over the steps' weights, which is kept; null is off"
    )
    precision: Literal["mixed", "float32"] = Field(
        default="mixed",
        description="``mixed``: training takes shortcuts and multiplies in bfloat16 where the device is faster so, "
        "weights and forecasts stay float32; ``float32``: it draws and multiplies as the stock model does",
    )
    compile: bool = Field(
        default=False, description="compile the blocks (instead of this project's shortcuts through them): for GPUs"
    )
    gradient_checkpointing: bool = Field(
        default=False,
        exclude=True,
        description="keep a block's input alone and compute the rest again: less memory, a third slower, the same bits",
    )
    contexts: Literal["each", "shared"] = Field(
        default="each",
        description="``each``: one fine-tune a context length; ``shared``: one for all, which draws it each step",
    )
    conformal: bool | Literal["by_window"] = Field(
        default=False,
        description="widen or narrow the intervals of each domain, after training, until they cover on validation "
        "motors what they say; the median stays; ``by_window``: apart for windows that are harder to forecast, told "
        "by a second pass over the context's own end, so that classes are covered alike",
    )
    checkpoint_every: int = Field(
        default=500, ge=1, exclude=True, description="steps between checkpoints, from which a killed fine-tune goes on"
    )
    log_every: int = Field(default=50, ge=1, exclude=True, description="steps between points of the loss curve")

    @classmethod
    def from_record(cls, settings: Mapping[str, Any]) -> Self:
        """Return the settings that a record tells (see `grid.stage.Stage.from_record`)."""
        fields = {name: value for name, value in settings.items() if name != "objective"}
        read = cls.model_validate_json(json.dumps(fields))
        if "objective" not in settings:
            return read
        objectives = tuple(from_record(Objective.ROOM, one) for one in settings["objective"])
        return read.model_copy(update={"objective": objectives})

    @model_serializer(mode="wrap")
    def _without_what_is_usual(self, serialized: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave later settings out where they are as they default: what was trained before has no word of them."""
        fields = serialized(self)
        if self.objective == (Quantile(),):
            fields.pop("objective", None)
        if not self.conformal:
            fields.pop("conformal", None)
        return fields

    @model_validator(mode="after")
    def _one_way_to_freeze(self) -> Self:
        if self.lora is not None and self.trainable_blocks is not None:
            raise ValueError(
                f"lora and trainable_blocks = {self.trainable_blocks} both say what is frozen; give one of them"
            )
        return self


def training_schema() -> type[Training]:
    """Return the settings of a training, with the objectives that are in use (see `motor.registry.using`)."""
    return create_model("Training", __base__=Training, objective=(_objectives(), Training.model_fields["objective"]))


class Place(NamedTuple):
    """Which of how many workers this process is; with several, torch.distributed's default group joins them."""

    rank: int = 0
    world_size: int = 1


ALONE = Place()
