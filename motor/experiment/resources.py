"""The config's section `resources`: CPUs, GPUs and memory for each kind of stage."""

from dataclasses import fields, replace
from functools import cache
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, create_model, model_validator

from grid.stage import Resources, Stage
from motor.registry import Outside, Record
from motor.stages.audit import Audit, Cleared
from motor.stages.classify import Classify
from motor.stages.labels import LabelsBeside, LabelsByLife
from motor.stages.prepare import Represent

# Imported, so that they are known; methods import the others.
OF_EVERY_CELL = (Audit, Cleared, Classify, LabelsBeside, LabelsByLife, Represent)
PROJECT = "motor"
MOST_CORES = 100_000  # of one stage: no node has as many


def _handed_out(amount: float) -> float:
    """Return an amount that Ray hands out: it has ten thousandths."""
    if round(amount, 4) != amount:
        raise ValueError(f"{amount!r} is finer than is handed out; round it to 4 digits behind the point")
    return amount


def _whole_above_one(amount: float) -> float:
    if amount > 1 and amount != int(amount):
        raise ValueError(f"{amount:g} GPUs cannot be shared out; give a whole number, or a part of one")
    return amount


class Asked(Record):
    """What a stage of one kind asks of the cluster."""

    cpus: Annotated[float, AfterValidator(_handed_out)] = Field(
        default=1, ge=0.01, le=MOST_CORES, description="CPU cores; also how many threads the stage uses"
    )
    gpus: Annotated[float, AfterValidator(_handed_out), AfterValidator(_whole_above_one)] = Field(
        default=0, ge=0, le=MOST_CORES, description="GPUs; 0.5 lets two stages share one; 0 computes on the CPU"
    )
    memory_gb: float = Field(default=0, ge=0, description="memory to reserve, in 10^9 bytes; 0 reserves none")
    time_limit_s: float = Field(
        default=0,
        ge=0,
        le=1e9,
        description="seconds after which a stage of this kind is stopped, and its cells fail; 0: none; a fine-tune "
        "goes on from its checkpoint with --retry-failed",
    )
    memory_limit_gb: float = Field(
        default=0,
        ge=0,
        description="memory, in 10^9 bytes, that a stage of this kind may hold; one that holds more is stopped, and "
        "tried again with fewer windows at once where it can; mapped files and shared memory do not count; 0: no limit",
    )
    retries: int = Field(
        default=2,
        ge=0,
        description="tries more after a node or worker was lost, or memory ran out; then its cells fail",
    )

    @model_validator(mode="after")
    def _limit_holds_what_is_reserved(self) -> Self:
        if 0 < self.memory_limit_gb < self.memory_gb:
            raise ValueError(
                f"memory_limit_gb = {self.memory_limit_gb:g} is less than memory_gb = {self.memory_gb:g}, which the "
                "stage reserves; raise the limit, reserve less, or give 0 for no limit"
            )
        return self


class AskedOfTraining(Asked):
    """What a fine-tune asks of the cluster; with several workers, each asks for all of it."""

    workers: int = Field(
        default=1, ge=1, le=MOST_CORES, description="Ray Train workers, which share each step's windows"
    )
    micro_batch: int | None = Field(
        default=None,
        ge=1,
        description="windows a worker takes at once; null: all of its share, halved where memory ends",
    )


class OfEveryKind(Record):
    """By kind of stage; none of it changes a result on the same kind of device."""

    batch_size: int | None = Field(
        default=None, ge=1, description="windows a forward pass when features are computed; null: found by measuring"
    )


@cache
def resource_settings(outside: Outside) -> type[Record]:
    """Return the schema of ``resources``: a section for each kind of stage of the project, and of some plug-ins."""
    sections: dict[str, Any] = {}
    for kind, stage in stage_kinds(outside).items():
        section = AskedOfTraining if stage.SHARES_WORK else Asked
        summary = (stage.__doc__ or "").partition("\n")[0].removesuffix(".")
        sections[kind] = (section, Field(default=section(), description=summary[:1].lower() + summary[1:]))
    return create_model("ResourceSettings", __base__=OfEveryKind, **sections)


def stage_kinds(outside: Outside) -> dict[str, type[Stage]]:
    """Return the stages that grids are made of, by kind: the project's, and those in the files of some plug-ins."""
    packages = {PROJECT, *(plugin.__module__.partition(".")[0] for plugin in outside)}
    found: dict[str, type[Stage]] = {}
    for kind, classes in Stage.kinds().items():
        known = [one for one in classes if one.__module__.partition(".")[0] in packages and one.ASKS is not None]
        if known:
            found[kind] = known[0]
    return dict(sorted(found.items()))


def given_to(settings: Any, of: type[Stage]) -> Resources:
    """Return what the cluster is asked for by stages of a class that say nothing themselves (`Stage.asks`).

    Parameters
    ----------
    settings : ResourceSettings
    of : type of Stage
    """
    kinds = (vars(made).get("KIND", "") for made in of.__mro__)  # one without a section asks as its base
    given = next(getattr(settings, kind) for kind in kinds if kind in type(settings).model_fields)
    names = {field.name for field in fields(Resources)}
    values = {name: getattr(given, name) for name in given.model_fields_set & names}
    return replace(of.ASKS or Resources(), **values)
