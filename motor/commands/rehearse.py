"""A full-size rehearsal: a few steps of the real shapes on whatever device is there, and what a grid would cost.

python launch.py rehearsal.yaml [KEY=VALUE ...] [--dry-run] [--force]
"""

import math
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from grid.config.check import ConfigError, Document, Fault, check, read_document
from grid.plan.plan import Cell, Plan, describe, make_plan
from grid.stage import InputError, Resources, Stage
from grid.store.store import Store, StoreError, write_json
from motor.experiment.cells import make_cells
from motor.experiment.reading import Experiment, read_experiment
from motor.registry import Record, choice
from motor.stages.features import Features
from motor.stages.finetune import Finetune
from motor.stages.rehearse import LEVELS, Rehearse, read_rehearsal

OK, SOME_FAILED, AT_FAULT, INTERRUPTED = 0, 1, 2, 130
SECTION = "rehearsal"


class Rehearsed(Record):
    """What is rehearsed, and which grid is priced by it."""

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


class Asked(Record):
    """What each rehearsal asks of the cluster."""

    cpus: float = Field(default=2, gt=0, description="CPU cores; also how many threads it uses")
    gpus: float | None = Field(default=None, ge=0, description="GPUs; null: one, if the cluster has any")
    memory_gb: float = Field(default=0, ge=0, description="memory to reserve, in 10^9 bytes; 0 reserves none")


class RehearsalConfig(Record):
    """A config with the section `rehearsal`."""

    name: str = Field(default="rehearsal", pattern=r"^\w[\w.-]*$", description="of the results' folder")
    rehearsal: Rehearsed
    resources: Asked = Asked()


@dataclass(frozen=True)
class Cost:
    """What a grid would cost with one of the backbones.

    Attributes
    ----------
    n_finetunes, n_steps : int
        Trained fine-tunes, and their steps together.
    finetune_hours : float
    n_features, n_windows : int
        Stages that describe series by a forecaster, and the forward passes of windows in them together.
    feature_hours : float
    memory_gb : float
        The most that one fine-tune holds.
    """

    n_finetunes: int
    n_steps: int
    finetune_hours: float
    n_features: int
    n_windows: int
    feature_hours: float
    memory_gb: float

    @property
    def hours(self) -> float:
        """Of one device that does it all, one stage after the other."""
        return self.finetune_hours + self.feature_hours


def is_rehearsal(path: Path) -> bool:
    """Tell whether a config asks for a rehearsal; a file that cannot be read is left to the reader of grids."""
    try:
        data = read_document(path).data
    except (ConfigError, OSError):
        return False
    return isinstance(data, dict) and SECTION in data


def rehearse(
    path: Path,
    overrides: Sequence[str],
    environ: Mapping[str, str],
    store: Store,
    address: str | None,
    root: Path,
    forced: bool,
    dry_run: bool,
) -> int:
    """Measure what is not measured yet, print what the grid would cost, and return the exit status of `launch.py`.

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
    address : str or None
        A Ray cluster.
    root : Path
        The project's folder, sent to the nodes of a cluster.
    forced : bool
        Whether to measure again.
    dry_run : bool
        Whether to print the plan alone.
    """
    try:
        config = read_rehearsal_config(path, overrides, environ)
        priced = priced_stages(path.parent / config.rehearsal.grid, environ, store)
        stages = stages_of(config)
        plan = make_plan(
            [Cell({"backbone": stage.name}, stage) for stage in stages],
            store,
            frozenset({Rehearse.KIND}) if forced else frozenset(),
        )
        resources = dict.fromkeys(plan.stages, resources_of(config.resources, address))
        if dry_run:
            print(describe(plan, resources))
            return OK
        status = _run(plan, store, resources, address, root)
    except (ConfigError, InputError, StoreError, ValueError) as error:
        print(error, file=sys.stderr)
        return AT_FAULT
    except ConnectionError as error:
        print(f"no Ray cluster answers: {error}; correct --address or RAY_ADDRESS", file=sys.stderr)
        return AT_FAULT
    _tell(config, store, stages, priced)
    return status


def read_rehearsal_config(path: Path, overrides: Sequence[str], environ: Mapping[str, str]) -> RehearsalConfig:
    """Read and check a config.

    Raises
    ------
    ConfigError
        With every fault, each with its place.
    """
    document = read_document(path, overrides, environ)
    config, faults = check(document, RehearsalConfig)
    if config is not None:
        faults = list(_misfits(config, document))
        if not (path.parent / config.rehearsal.grid).is_file():
            place = document.place((SECTION, "grid"))
            faults.append(
                Fault(place, f"there is no {path.parent / config.rehearsal.grid}; name a config beside {path.name}")
            )
    if config is None or faults:
        raise ConfigError(faults)
    return config


def _misfits(config: RehearsalConfig, document: Document) -> Iterable[Fault]:
    """Yield what cannot be rehearsed."""
    rehearsal = config.rehearsal
    for name, backbone in rehearsal.backbones.items():
        place = document.place((SECTION, "backbones", name))
        if backbone.CLOSED_FORM:
            yield Fault(place, f"{backbone.kind} is solved in closed form, so there are no steps to rehearse")
            continue
        for argument, why in backbone.misfits(rehearsal.context_length, rehearsal.prediction_length, LEVELS, ()):
            yield Fault(place, f"{argument}: {why}")


def stages_of(config: RehearsalConfig) -> list[Rehearse]:
    """Return a stage for each backbone."""
    rehearsal = config.rehearsal
    fields = rehearsal.model_dump(include={"context_length", "prediction_length", "batch_size"})
    fields |= rehearsal.model_dump(include={"micro_batch", "precision", "num_steps"})
    return [Rehearse(name=name, backbone=backbone, **fields) for name, backbone in rehearsal.backbones.items()]


def resources_of(asked: Asked, address: str | None) -> Resources:
    """Return what each rehearsal asks for; where the config does not say, one GPU if there is any."""
    gpus = asked.gpus
    if gpus is None:
        gpus = 1 if _has_gpu(address or os.environ.get("RAY_ADDRESS")) else 0
    return Resources(asked.cpus, gpus, asked.memory_gb)


def _has_gpu(address: str | None) -> bool:
    if address is None or address == "local":
        import torch

        return torch.cuda.is_available()
    import ray

    from grid.run.cluster import Connection

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


def _run(plan: Plan, store: Store, resources: Mapping[str, Resources], address: str | None, root: Path) -> int:
    from grid.run.run import run

    if not plan.missing:
        print("Nothing to measure: it all stands; --force measures again.")
        return OK
    print(describe(plan, resources), flush=True)
    outcome = run(plan, store, resources, address, root)
    for failure in outcome.failures.values():
        print(f"failed: {failure.stage.label()}: {failure.cause}\n  log: {failure.log}", file=sys.stderr)
    if outcome.interrupted:
        return INTERRUPTED
    return SOME_FAILED if outcome.failures else OK


def cost(
    stages: Iterable[Stage], measured: Mapping[str, Any], rehearsed: Rehearse, n_series: int, n_domains: int
) -> Cost:
    """Return what a grid's stages would cost at a measured speed.

    A step's time goes with its windows and with the encoder's tokens. That is what matrix products do; attention's
    share falls faster, so shorter contexts than the rehearsed cost at most this. All weights count as trained, and
    neither validation nor the forecasts of the skill are counted.

    Parameters
    ----------
    stages : iterable of Stage
        Distinct.
    measured : mapping
        As `read_rehearsal` gives it.
    rehearsed : Rehearse
        What was measured.
    n_series : int
        Recordings of all domains.
    n_domains : int
    """
    stages = list(stages)
    trained = [stage for stage in stages if isinstance(stage, Finetune) and stage.is_trained]
    described = [stage for stage in stages if isinstance(stage, Features)]
    rates = {"embedding": measured["embeddings_a_second"]}

    def share(context_length: int) -> float:
        """Tokens at a context, over those that were rehearsed."""
        patch = measured["patch"]
        fewer = math.ceil(rehearsed.context_length / patch) - math.ceil(context_length / patch)
        return (measured["n_tokens"] - fewer) / measured["n_tokens"]

    def training_s(stage: Finetune) -> float:
        shares = [share(length) for length in stage.context_lengths]
        windows = stage.training.num_steps * stage.training.batch_size / rehearsed.batch_size
        return windows * measured["seconds_a_step"] * sum(shares) / len(shares)

    def windows_of(stage: Features) -> int:
        domains = stage.of_fold[2]
        return round(n_series * len(domains) / n_domains) * stage.windows_per_series * len(stage.finetunes)

    def describing_s(stage: Features) -> float:
        passes_s = (1 / rates.get(name, measured["forecasts_a_second"]) for name in stage.names)
        return windows_of(stage) * sum(passes_s) * share(stage.context_length)

    return Cost(
        n_finetunes=len(trained),
        n_steps=sum(stage.training.num_steps for stage in trained),
        finetune_hours=sum(map(training_s, trained)) / 3600,
        n_features=len(described),
        n_windows=sum(windows_of(stage) * len(stage.names) for stage in described),
        feature_hours=sum(map(describing_s, described)) / 3600,
        memory_gb=measured["peak_memory_gb"],
    )


def _tell(
    config: RehearsalConfig, store: Store, stages: Sequence[Rehearse], priced: tuple[Experiment, list[Stage]]
) -> None:
    """Print what was measured and what the grid would cost, and write it beside the other results."""
    experiment, of_grid = priced
    n_domains = len(experiment.base.dataset.domains)
    rows = []
    for stage in stages:
        if store.holds(stage):
            measured = read_rehearsal(store.folder(stage))
            rows.append((stage, measured, cost(of_grid, measured, stage, config.rehearsal.series, n_domains)))
    if not rows:
        return
    text = report(rows, config.rehearsal.grid, config.rehearsal.series)
    folder = store.root / "results" / config.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rehearsal.md").write_text(text, encoding="utf-8")
    told = [{"measured": measured, "cost": {**asdict(of), "hours": of.hours}} for _, measured, of in rows]
    write_json(folder / "rehearsal.json", {"grid": config.rehearsal.grid, "backbones": told})
    store.publish(folder)
    print(f"\n{text}\nWritten to {store.place(folder / 'rehearsal.md')}")


def report(rows: Sequence[tuple[Rehearse, Mapping[str, Any], Cost]], grid: str, n_series: int) -> str:
    """Return Markdown: what was measured, where and when, and what the grid would cost."""
    lines = ["# Rehearsal", "", *_measured_lines(rows), "", f"## What {grid} would cost here", ""]
    lines += [
        "| Backbone | Fine-tunes | Steps | Hours | Feature stages | Forward passes | Hours | All, hours | Memory |",
        "| :--- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for _, measured, of in rows:
        cells = [measured["name"], of.n_finetunes, f"{of.n_steps:,}", f"{of.finetune_hours:,.1f}", of.n_features]
        cells += [f"{of.n_windows:,}", f"{of.feature_hours:,.1f}", f"{of.hours:,.1f}", f"{of.memory_gb:.1f} GB"]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join([*lines, "", *_caveats(rows, n_series), ""])


def _measured_lines(rows: Sequence[tuple[Rehearse, Mapping[str, Any], Cost]]) -> list[str]:
    lines = [
        "| Backbone | Parameters | Context | Horizon | Batch | Steps a second | Memory | Of the peak | Products in |",
        "| :--- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | :--- |",
    ]
    for stage, measured, _ in rows:
        at_once = f" ({stage.micro_batch} at once)" if stage.micro_batch else ""
        cells = [measured["name"], f"{measured['n_parameters'] / 1e6:.1f}M", stage.context_length]
        cells += [stage.prediction_length, f"{stage.batch_size}{at_once}", f"{1 / measured['seconds_a_step']:.3g}"]
        peak = f"{measured['peak_flops_a_second'] / 1e12:.3g}"
        cells += [f"{measured['peak_memory_gb']:.1f} GB", f"{measured['share_of_peak']:.0%} of {peak} TFLOP/s"]
        lines.append(f"| {' | '.join(map(str, [*cells, measured['precision']]))} |")
    lines.append("")
    for _, measured, _ in rows:
        on = f"{measured['device_name']}, {measured['threads']} threads, torch {measured['torch']}"
        lines.append(f"{measured['name']}: measured {measured['measured']} on {measured['host']} ({on}).")
    return lines


def _caveats(rows: Sequence[tuple[Rehearse, Mapping[str, Any], Cost]], n_series: int) -> list[str]:
    memory = "GPU memory" if rows[0][1]["device"] == "cuda" else "memory of the process"
    return [
        f"Hours are those of one such device, one stage after the other, for {n_series:,} recordings. A step's time is",
        "scaled by its windows and its tokens, which is at most what shorter contexts cost; frozen layers count as",
        f"trained; validation, other stages and waiting are not counted. Memory: {memory}, at its peak, of a fine-tune",
        "at the rehearsed context.",
    ]
