"""Windows a second of embeddings and of residuals through the project's path, beside the bare forward pass, in one run.

    python -m benchmarks.features [--series 12] [--windows 8] [--context 4096] [--horizon 1024] [--rounds 3]
        [--threads 1] [--gpu]

The project's path is what the stage `features` does once a forecaster is loaded: windows are cut out of the prepared
recordings and scaled, the size of batches is found (anew in each round), the forecaster is asked, its answer becomes
features of each window, then of each series. The bare pass is the stock model, in evaluation mode and without
gradients, in a loop over the same windows, which lie scaled in memory, and nothing is done with what comes out. It
takes the batch that the project finds, and in a second column 32 windows; the faster of the two is what counts.

The ways take turns; seconds are of CPU time (all threads), since others use the machine, too; on a GPU, of the wall.

Before it was run: 0.95 for each.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

GOAL = 0.8
PLAIN_BATCH = 32
SHAPE = "d_model: 256, d_kv: 64, d_ff: 1024, num_layers: 4, num_heads: 4"  # of chronos-bolt-tiny
FAMILIES = ("bolt", "chronos2")
KINDS = ("untrained", "untrained_residual")  # methods, and so features
CONFIG = """\
dataset: {{kind: simulator, motors_per_class: {motors}, recordings_per_motor: 1, n_samples: 65536}}
split: {{kind: ratio, train: 2, validation: 1, test: 1}}
windows: {{prediction_length: {horizon}, per_series_features: {windows}}}
backbone: {{kind: {family}, {shape}}}
resources: {{features: {{cpus: {threads}, gpus: {gpus}}}}}
axes:
  method: [untrained, untrained_residual]
  domain: [ShengYing]
  context_length: [{context}]
  classifier: [lda]
"""

Work = Callable[[], None]


@dataclass
class Way:
    """One way through the windows, and what it took in each round."""

    work: Work
    seconds: list[float] = field(default_factory=list)

    def run(self, clock: Callable[[], float]) -> None:
        """Go through the windows once."""
        began = clock()
        self.work()
        self.seconds.append(clock() - began)


def built(folder: Path, text: str) -> tuple[list[Any], Callable[[Any], Any]]:
    """Build what the features are made from; return the stages of the features, and what gives a stage its context."""
    from grid.plan.plan import make_plan
    from grid.run.run import BuildContext, build_stage
    from grid.store.store import Store
    from motor.experiment.cells import make_cells, resources_of
    from motor.experiment.reading import read_experiment

    config, store = folder / "features.yaml", Store(folder / "storage")
    config.write_text(text, encoding="utf-8")
    experiment = read_experiment(config, (), {})
    stages = make_plan(make_cells(experiment, store.root, dry_run=False), store).stages.values()

    def context_of(stage: Any) -> Any:
        return BuildContext(store, stage, resources_of(experiment, [stage])[stage.key], lambda progress: None)

    def build(stage: Any) -> None:
        for source in stage.inputs:
            if not store.holds(source):
                build(source)
                build_stage(source, store, context_of(source))

    of_features = [stage for stage in stages if stage.KIND == "features"]
    for stage in of_features:
        build(stage)
    return of_features, context_of


def ways_of(stage: Any, context: Any) -> tuple[dict[str, Way], int]:
    """Return the ways to the features of a stage, and how many windows each goes through."""
    from motor.backbones.batching import BatchSize
    from motor.stages.devices import held_device
    from motor.stages.features import ForecastDescriber
    from motor.stages.prepare import Prepared

    tuned, device = stage.finetunes[0], held_device(context.resources)
    prepared = Prepared.open(context.folder(tuned.prepared), tuned.prepared)
    forecaster = tuned.backbone.load(context.folder(tuned) / "predictor", tuned.domains).to(device)
    meta = prepared.meta(tuned.fold, tuned.domains)
    series = prepared.batch(meta, tuned.fold)
    sizes: list[Any] = []

    def project() -> None:
        sizes[:] = [BatchSize(None, device, print)]
        describer = ForecastDescriber(stage, [forecaster], tuple(sizes))
        describer.table([describer.look(series)], meta)

    project()  # once, to know the size that it finds
    windows_BT = in_memory(ForecastDescriber(stage, [forecaster]), series)
    ways = {
        "project": Way(project),
        "bare, same batch": Way(bare(forecaster, stage, windows_BT, sizes[0].size)),
        f"bare, batch {PLAIN_BATCH}": Way(bare(forecaster, stage, windows_BT, PLAIN_BATCH)),
    }
    return ways, len(windows_BT)


def in_memory(describer: Any, series: Any) -> Any:
    """Return the contexts of all windows of some series, scaled."""
    import torch

    stage, rate_hz = describer.stage, series.series[0].sampling_rate_hz
    fixed = describer.cut(stage.features[0], series, rate_hz)
    return torch.as_tensor(fixed.batch(range(len(fixed)))["window"][:, : stage.context_length]).contiguous()


def bare(forecaster: Any, stage: Any, windows_BT: Any, batch_size: int) -> Work:
    """Return a loop over windows with the stock model alone."""
    import torch

    model, device = forecaster.model.eval(), forecaster.device
    needs_future, more = stage.features[0].needs_future, {}
    if needs_future and stage.finetunes[0].backbone.kind == "chronos2":
        more = {"num_output_patches": model.chronos_config.max_output_patches}
    forward = model if needs_future else model.encode

    def work() -> None:
        with torch.inference_mode():
            for batch_BT in windows_BT.split(batch_size):
                forward(context=batch_BT.to(device), **more)
        if device.type == "cuda":
            torch.cuda.synchronize()

    return work


def measure(arguments: argparse.Namespace, family: str, folder: Path) -> list[dict[str, Any]]:
    """Run the ways of both features of a family in turn, and print their rows."""
    settings = {"family": family, "shape": SHAPE, "motors": max(4, arguments.series // 3), "gpus": int(arguments.gpu)}
    stages, context_of = built(folder, CONFIG.format(**(vars(arguments) | settings)))
    clock = time.perf_counter if arguments.gpu else time.process_time
    results = []
    for stage in stages:
        ways, n_windows = ways_of(stage, context_of(stage))
        for _ in range(arguments.rounds):
            for way in ways.values():
                way.run(clock)
        results.append(row(family, stage.names[0], ways, n_windows))
    return results


def row(family: str, feature: str, ways: dict[str, Way], n_windows: int) -> dict[str, Any]:
    """Print what the ways of one feature came to, and return it."""
    project, *bares = ways.values()
    rates = [n_windows / statistics.median(way.seconds) for way in ways.values()]
    ratios = [statistics.median(b / p for b, p in zip(way.seconds, project.seconds, strict=True)) for way in bares]
    ratio = min(ratios)
    cells = [family, feature, *(f"{rate:.1f}" for rate in rates), f"{ratio:.2f}"]
    print("| " + " | ".join(cells) + " |", flush=True)
    return {"family": family, "feature": feature, "windows_per_s": round(rates[0], 1), "ratio": round(ratio, 3)}


def main() -> None:
    """Print the table and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=12, help="a multiple of 3, at least 12")
    parser.add_argument("--windows", type=int, default=8, help="of each series")
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--horizon", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--gpu", action="store_true", help="on the GPU that torch sees")
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", str(arguments.threads))  # before torch is imported
    print(f"| family | feature | windows/s | bare, same batch | bare, batch {PLAIN_BATCH} | ratio |")
    print("|---|---|---|---|---|---|")
    results: list[dict[str, Any]] = []
    for family in FAMILIES:
        with tempfile.TemporaryDirectory() as folder:
            results += measure(arguments, family, Path(folder))
    summary = {
        "name": "features",
        "ratio": min(result["ratio"] for result in results),
        "goal": GOAL,
        "against": "the bare forward pass of the same stock model over the same windows in memory, in turns",
        "context_length": arguments.context,
        "prediction_length": arguments.horizon,
        "threads": arguments.threads,
        "rows": results,
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
