"""Measure a few steps of the real shapes on whatever device is there, and say what a grid would cost."""

import argparse
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, create_model

from grid.config.check import ConfigError, Document, Fault, check, read_document
from grid.plan.plan import Cell, Plan, describe, make_plan
from grid.stage import Resources, Stage
from grid.store.store import Store, write_json
from motor.backbones.modules.base import Asked as AskedOfModule
from motor.backbones.modules.base import Chosen, module_settings
from motor.commands.exits import AT_FAULT, INTERRUPTED, OK, SOME_FAILED
from motor.commands.pricing import Priced, price, report
from motor.commands.words import ROOT, add_config, config_in, store_in
from motor.experiment.cells import make_cells
from motor.experiment.reading import Experiment, plugins_of, read_experiment
from motor.lazy import torch
from motor.lazy_ray import ray
from motor.registry import Outside, Record, choice, in_use, using
from motor.registry.sources import packages_of
from motor.stages.rehearse import LEVELS, Rehearse

if TYPE_CHECKING:
    from grid.run.run import Outcome

SECTION = "rehearsal"


class Rehearsed(Record):
    """The config's section `rehearsal`: the shapes that are measured, and the grid whose cost is worked out."""

    grid: str = Field(default="grid.yaml", description="config beside this one, whose plan is priced")
    series: int = Field(default=1868, ge=1, description="recordings that the priced grid would read, of all domains")
    context_length: int = Field(default=8192, ge=16, description="samples seen")
    prediction_length: int = Field(default=1024, ge=16, description="samples forecast")
    batch_size: int = Field(default=8, ge=1, description="windows a step")
    micro_batch: int | None = Field(default=None, ge=1, description="windows computed at once; null: all of a step's")
    precision: Literal["mixed", "float32"] = Field(default="mixed", description="as `finetune.precision`")
    num_steps: int = Field(default=3, ge=1, description="steps that are timed, after one that is not")
    backbones: dict[str, choice("motor.backbones")] = Field(  # type: ignore[valid-type]
        min_length=1, description="by a name of your own: settings as those of `backbone`"
    )
    modules: Chosen = Field(
        default=Chosen(), description="as a grid's `modules`: each backbone is rehearsed alone, and with those in `use`"
    )


class Asked(Record):
    """The resources that each rehearsal asks for."""

    cpus: float = Field(default=2, gt=0, description="CPU cores; also how many threads it uses")
    gpus: float | None = Field(default=None, ge=0, description="GPUs; null: one, if the cluster has any")
    memory_gb: float = Field(default=0, ge=0, description="memory to reserve, in 10^9 bytes; 0 reserves none")


class RehearsalConfig(Record):
    """A config with the section `rehearsal`."""

    name: str = Field(default="rehearsal", pattern=r"^\w[\w.-]*$", description="of the results' folder")
    plugins: tuple[str, ...] = Field(default=(), description="as in a grid's config")
    rehearsal: Rehearsed
    resources: Asked = Asked()


def is_rehearsal(path: Path) -> bool:
    """Tell whether a config asks for a rehearsal; a file that cannot be read is left to the reader of grids."""
    try:
        data = read_document(path).data
    except (ConfigError, OSError):
        return False
    return isinstance(data, dict) and SECTION in data


@dataclass(frozen=True)
class Rehearsal:
    """What was measured, and what the grid would cost.

    Attributes
    ----------
    outcome : Outcome or None
        Of this run; None where all was measured before.
    priced : list of (Rehearse, mapping, Cost)
        For each backbone that was measured, what was measured and the grid's cost.
    text : str
        The same as Markdown; "" where nothing was measured.
    file : Path or None
        Where it was written.
    """

    outcome: "Outcome | None"
    priced: list[Priced]
    text: str = ""
    file: Path | None = None


@dataclass(frozen=True)
class RehearsalPlan:
    """A rehearsal: the stages to measure, and the grid whose cost they give."""

    config: RehearsalConfig
    experiment: Experiment  # of the grid that is priced
    of_grid: list[Stage]
    stages: list[Rehearse]
    plan: Plan
    resources: Mapping[str, Resources]

    @property
    def n_domains(self) -> int:
        return len(self.experiment.base.dataset.domains)


def plan_rehearsal(
    path: Path,
    overrides: Sequence[str],
    environ: Mapping[str, str],
    store: Store,
    address: str | None = None,
    forced: bool = False,
) -> RehearsalPlan:
    """Read a config of a rehearsal, and plan it.

    Parameters
    ----------
    path : Path
        The config.
    overrides : sequence of str
        ``KEY=VALUE`` words.
    environ : mapping
        What ``${NAME}`` stands for.
    store : Store
        Rehearsals that stand there are not measured again.
    address : str, optional
        A Ray cluster, which is asked for a GPU where the config does not say.
    forced : bool
        Whether to measure again.
    """
    config = read_rehearsal_config(path, overrides, environ)
    experiment, of_grid = priced_stages(path.parent / config.rehearsal.grid, environ, store)
    stages = stages_of(config)
    cells = [Cell({"backbone": stage.name}, stage) for stage in stages]
    plan = make_plan(cells, store, frozenset({Rehearse.KIND}) if forced else frozenset())
    resources = dict.fromkeys(plan.stages, resources_of(config.resources, address))
    return RehearsalPlan(config, experiment, of_grid, stages, plan, resources)


def rehearse(asked: RehearsalPlan, store: Store, address: str | None = None, code: Path = ROOT) -> Rehearsal:
    """Measure what is not measured yet, price the grid, and write that beside the other results.

    Raises
    ------
    ConnectionError
        If no cluster answers.
    """
    outcome = None
    if asked.plan.missing:
        from grid.run.run import run  # not where all is measured

        print(describe(asked.plan, asked.resources), flush=True)
        packages = packages_of([type(stage.backbone) for stage in asked.stages])
        outcome = run(asked.plan, store, asked.resources, address, code, packages=packages)
    priced = price(asked.stages, store, asked.of_grid, asked.config.rehearsal.series, asked.n_domains)
    if not priced:
        return Rehearsal(outcome, priced)
    text = report(priced, asked.config.rehearsal.grid, asked.config.rehearsal.series)
    folder = store.root / "results" / asked.config.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rehearsal.md").write_text(text, encoding="utf-8")
    priced_backbones = [{"measured": measured, "cost": {**asdict(of), "hours": of.hours}} for _, measured, of in priced]
    write_json(folder / "rehearsal.json", {"grid": asked.config.rehearsal.grid, "backbones": priced_backbones})
    store.publish(folder)
    return Rehearsal(outcome, priced, text, folder / "rehearsal.md")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the argument that names the config."""
    add_config(parser)
    parser.add_argument("--force", nargs="*", metavar="KIND", help="measure again")
    parser.add_argument("--address", help="a Ray cluster (default: RAY_ADDRESS, else an embedded one)")


def plan_in(arguments: argparse.Namespace, store: Store) -> RehearsalPlan:
    """Return the rehearsal that is asked for."""
    given = (config_in(arguments), arguments.overrides, os.environ, store)
    return plan_rehearsal(*given, arguments.address, arguments.force is not None)


def command(arguments: argparse.Namespace) -> int:
    """Rehearse, and print what the grid would cost."""
    store = store_in(arguments)
    try:
        asked = plan_in(arguments, store)
        done = rehearse(asked, store, arguments.address)
    except ConnectionError as error:
        print(f"no Ray cluster answers: {error}; correct --address or RAY_ADDRESS", file=sys.stderr)
        return AT_FAULT
    if done.outcome is None:
        print("Nothing to measure: it all stands; --force measures again.")
    for failure in done.outcome.failures.values() if done.outcome else ():
        print(f"failed: {failure.stage.label()}: {failure.cause}\n  log: {failure.log}", file=sys.stderr)
    if done.file is not None:
        print(f"\n{done.text}\nWritten to {store.place(done.file)}")
    if done.outcome is not None and done.outcome.interrupted:
        return INTERRUPTED
    return SOME_FAILED if done.outcome is not None and done.outcome.failures else OK


def read_rehearsal_config(path: Path, overrides: Sequence[str], environ: Mapping[str, str]) -> RehearsalConfig:
    """Read and check a config.

    Raises
    ------
    ConfigError
        With every fault, each with its place.
    """
    document = read_document(path, overrides, environ)
    with using(plugins_of(document, path.parent)):
        config, faults = check(document, _schema(in_use()))
    if config is not None:
        faults = list(_incompatibilities(config, document))
        if not (path.parent / config.rehearsal.grid).is_file():
            place = document.place((SECTION, "grid"))
            faults.append(
                Fault(place, f"there is no {path.parent / config.rehearsal.grid}; name a config beside {path.name}")
            )
    if config is None or faults:
        raise ConfigError(faults)
    return config


@cache
def _schema(outside: Outside) -> type[RehearsalConfig]:
    """Return the schema with the backbones that are in use."""
    kinds: Any = dict[str, choice("motor.backbones")]  # type: ignore[misc]
    backbones: Any = (kinds, Rehearsed.model_fields["backbones"])
    section = module_settings()
    modules = (section, Field(default=section(), description=Rehearsed.model_fields["modules"].description))
    rehearsed: Any = create_model("Rehearsed", __base__=Rehearsed, backbones=backbones, modules=modules)
    return create_model("RehearsalConfig", __base__=RehearsalConfig, rehearsal=(rehearsed, ...))


def _incompatibilities(config: RehearsalConfig, document: Document) -> Iterable[Fault]:
    """Yield what cannot be rehearsed."""
    rehearsal = config.rehearsal
    for name, backbone in rehearsal.backbones.items():
        place = document.place((SECTION, "backbones", name))
        if backbone.CLOSED_FORM:
            yield Fault(place, f"{backbone.kind} is solved in closed form, so there are no steps to rehearse")
            continue
        for argument, why in backbone.incompatibilities(
            rehearsal.context_length, rehearsal.prediction_length, LEVELS, ()
        ):
            yield Fault(place, f"{argument}: {why}")
        outline, length = backbone.outline(), rehearsal.context_length
        n_tokens = -(-length // outline.patch) if outline is not None and backbone.SHOWS_TOKENS else None
        for module in rehearsal.modules.chosen:
            for argument, why in module.incompatibilities(AskedOfModule(n_tokens, length, rehearsal.prediction_length)):
                yield Fault(document.place((SECTION, "modules")), f"{name}, {module.kind}.{argument}: {why}")


def stages_of(config: RehearsalConfig) -> list[Rehearse]:
    """Return a stage for each backbone, and one for each with the modules that are used."""
    rehearsal = config.rehearsal
    fields = rehearsal.model_dump(include={"context_length", "prediction_length", "batch_size"})
    fields |= rehearsal.model_dump(include={"micro_batch", "precision", "num_steps"})
    chosen = rehearsal.modules.chosen
    return [
        Rehearse(
            name=f"{name}+{rehearsal.modules.use}" if modules else name, backbone=backbone, modules=modules, **fields
        )
        for name, backbone in rehearsal.backbones.items()
        for modules in (((), chosen) if chosen else ((),))
    ]


def resources_of(asked: Asked, address: str | None) -> Resources:
    """Return what each rehearsal asks for; where the config does not say, one GPU if there is any."""
    gpus = asked.gpus
    if gpus is None:
        gpus = 1 if _has_gpu(address or os.environ.get("RAY_ADDRESS")) else 0
    return Resources(asked.cpus, gpus, asked.memory_gb)


def _has_gpu(address: str | None) -> bool:
    if address is None or address == "local":
        return torch.cuda.is_available()

    from grid.run.cluster import Connection  # of a cluster alone

    connection = Connection(address)
    connection.start()
    try:
        return ray.cluster_resources().get("GPU", 0) > 0
    finally:
        connection.stop()


def priced_stages(path: Path, environ: Mapping[str, str], store: Store) -> tuple[Experiment, list[Stage]]:
    """Return a grid and its distinct stages; neither data nor weights need be there."""
    experiment = read_experiment(path, (), environ)
    cells = make_cells(experiment, store.root, dry_run=True)
    return experiment, list({stage.key: stage for cell in cells for stage in cell.walk()}.values())
