"""Peak memory of a training step and of features at a long context, beside the stock way, in one run.

    python -m benchmarks.memory [--context 8192] [--horizon 1024] [--shape small] [--families bolt chronos2]
        [--windows 32] [--threads 2] [--device cpu]

Each way runs in a process of its own; what counts is the most that the process held at any time (VmHWM, with Python
and all libraries in it), on a GPU the most that torch had allocated. Training: two steps of AdamW at batch 4 in float32
with dropout 0.1, so that its state is there in the second; the stock way is `Chronos2Pipeline.fit`, and for Bolt a
Hugging Face `Trainer` as AutoGluon drives it. Features: embeddings and forecasts of some windows, as the stage
`features` asks for them, and by the stock pipeline's `embed` and `predict`, which take all windows at once.

What counts for the goal is training with gradient checkpointing and a micro-batch of 1, whose gradients are added up to
the same batch of 4; each of the two is also shown by itself.

Before it was run: 0.55 for Bolt and 0.35 for Chronos-2; checkpointing alone 0.70 and 0.43.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

GOAL = 0.7
BATCH_SIZE = 4
DROPOUT_RATE = 0.1
N_STEPS = 2  # the optimizer's state comes with the first
LEVELS = (0.1, 0.5, 0.9)
SHAPES = {
    "tiny": {"d_model": 256, "d_kv": 64, "d_ff": 1024, "num_layers": 4, "num_heads": 4},
    "small": {"d_model": 512, "d_kv": 64, "d_ff": 2048, "num_layers": 6, "num_heads": 8},
}
CHECKPOINTED, ALONE, BOTH = "gradient_checkpointing", "micro_batch: 1", "gradient_checkpointing, micro_batch: 1"
TRAINING: dict[str, tuple[bool, int | None]] = {  # gradient_checkpointing, micro_batch
    "as it comes": (False, None),
    CHECKPOINTED: (True, None),
    ALONE: (False, 1),
    BOTH: (True, 1),
}
STOCK, FEATURES = "stock", "batch found"


def forecaster_of(arguments: argparse.Namespace) -> Any:
    """Return an untrained forecaster of a family."""
    from motor.registry import plugins

    sizes: dict[str, Any] = dict(SHAPES[arguments.shape])
    if arguments.family == "bolt":
        sizes["num_decoder_layers"] = sizes["num_layers"]
    backbone: Any = plugins("motor.backbones")[arguments.family](**sizes)
    forecaster = backbone.create(arguments.context, arguments.horizon, LEVELS, DROPOUT_RATE, ("one",), 0)
    return forecaster.to(arguments.device)


def windows_of(arguments: argparse.Namespace, count: int) -> Any:
    """Return noise as windows: float32 of shape (count, context + horizon)."""
    import numpy as np

    shape = count, arguments.context + arguments.horizon
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)


def train_ours(arguments: argparse.Namespace) -> None:
    """Train by this project."""
    import numpy as np

    from motor.backbones.batch import Batch
    from motor.backbones.training import Training, train

    checkpointing, micro_batch = TRAINING[arguments.way]
    settings = Training(
        num_steps=N_STEPS,
        batch_size=BATCH_SIZE,
        dropout_rate=DROPOUT_RATE,
        precision="float32",
        gradient_checkpointing=checkpointing,
    )

    def batches(_: int) -> Iterator[Any]:
        for _ in range(N_STEPS):
            context_BT, future_BH = np.split(windows_of(arguments, BATCH_SIZE), [arguments.context], axis=1)
            yield Batch(context_BT, future_BH, np.zeros(BATCH_SIZE, np.int64))

    made = forecaster_of(arguments)
    train(made, batches, None, settings, 0, None, lambda row: None, arguments.device, micro_batch=micro_batch)


def train_stock(arguments: argparse.Namespace) -> None:
    """Train by the library's own means."""
    with tempfile.TemporaryDirectory() as folder:
        if arguments.family == "bolt":
            train_by_trainer(arguments, folder)
        else:
            from chronos import Chronos2Pipeline

            Chronos2Pipeline(forecaster_of(arguments).model).fit(
                windows_of(arguments, BATCH_SIZE)[:, None],
                arguments.horizon,
                context_length=arguments.context,
                min_past=arguments.context,
                num_steps=N_STEPS,
                batch_size=BATCH_SIZE,
                output_dir=folder,
                disable_tqdm=True,
            )


def train_by_trainer(arguments: argparse.Namespace, folder: str) -> None:
    """Train Bolt by a Hugging Face `Trainer`."""
    import numpy as np
    from transformers import Trainer, TrainingArguments

    told = TrainingArguments(
        output_dir=folder,
        per_device_train_batch_size=BATCH_SIZE,
        max_steps=N_STEPS,
        optim="adamw_torch_fused",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=arguments.device == "cpu",
    )
    parts = (np.split(window_N, [arguments.context]) for window_N in windows_of(arguments, N_STEPS * BATCH_SIZE))
    rows: Any = [{"context": context_T, "target": future_H} for context_T, future_H in parts]
    Trainer(forecaster_of(arguments).model, told, train_dataset=rows).train()


def features_ours(arguments: argparse.Namespace) -> None:
    """Take features of windows as the stage does: a batch of a size that is found at a time."""
    import numpy as np

    from motor.backbones.batch import Batch
    from motor.backbones.batching import BatchSize
    from motor.features.embedding import Embedding
    from motor.features.residual import Residual

    made, windows_BN = forecaster_of(arguments), windows_of(arguments, arguments.windows)
    for feature, length in ((Embedding(), arguments.context), (Residual(), windows_BN.shape[1])):

        def described(numbers: range, feature: Any = feature, length: int = length) -> Any:
            context_BT, future_BH = np.split(windows_BN[numbers, :length], [arguments.context], axis=1)
            return feature.per_window(made, Batch(context_BT, future_BH, np.zeros(len(numbers), np.int64)), 20480.0)

        list(BatchSize(None, arguments.device, print).passes(len(windows_BN), described))


def features_stock(arguments: argparse.Namespace) -> None:
    """Embed and forecast windows by the library's pipeline, as it does by itself."""
    import torch
    from chronos import Chronos2Pipeline, ChronosBoltPipeline

    model, context_BT = forecaster_of(arguments).model, torch.as_tensor(windows_of(arguments, arguments.windows))
    context_BT = context_BT[:, : arguments.context]
    is_bolt = arguments.family == "bolt"
    pipeline: Any = ChronosBoltPipeline(model) if is_bolt else Chronos2Pipeline(model)
    inputs = context_BT if is_bolt else context_BT[:, None]
    pipeline.embed(inputs)
    pipeline.predict(inputs, arguments.horizon)


def peak_mb(device: str) -> float:
    """Return the most memory that this process held, or that torch had on the GPU."""
    if device != "cpu":
        import torch

        return torch.cuda.max_memory_allocated() / 1e6
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM"))


def run_here(arguments: argparse.Namespace) -> None:
    """Go one way, in this process, and print its peak."""
    import warnings

    import torch

    warnings.simplefilter("ignore")
    torch.set_num_threads(arguments.threads)
    ways: dict[str, Callable[[argparse.Namespace], None]] = {"training": train_ours, "features": features_ours}
    if arguments.way == STOCK:
        ways = {"training": train_stock, "features": features_stock}
    ways[arguments.work](arguments)
    print(json.dumps({"peak_mb": peak_mb(arguments.device)}))


def peak_of(arguments: argparse.Namespace, family: str, work: str, way: str) -> float:
    """Return the peak of one way, from a process of its own."""
    settings = {**vars(arguments), "family": family, "work": work, "way": way}
    told = [f"--{name}={settings[name]}" for name in ("context", "horizon", "shape", "windows", "threads", "device")]
    chosen = [f"--{name}={settings[name]}" for name in ("family", "work", "way")]
    command = [sys.executable, "-m", "benchmarks.memory", *told, *chosen]
    threads = {"OMP_NUM_THREADS": str(arguments.threads)}
    done = subprocess.run(command, env=os.environ | threads, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{family}, {work}, {way} failed:\n{done.stderr[-3000:]}")
    return float(json.loads(done.stdout.splitlines()[-1])["peak_mb"])


def compare(arguments: argparse.Namespace, family: str, work: str, ways: list[str]) -> list[dict[str, Any]]:
    """Print the rows of one kind of work, and return them."""
    stock_mb, rows = peak_of(arguments, family, work, STOCK), []
    print(f"| {family} | {work} | {STOCK} | {stock_mb:.0f} | 1.00 |", flush=True)
    for way in ways:
        own_mb = peak_of(arguments, family, work, way)
        rows.append(
            {"family": family, "work": work, "setting": way, "peak_mb": round(own_mb), "stock_mb": round(stock_mb)}
        )
        rows[-1]["ratio"] = round(own_mb / stock_mb, 3)
        print(f"| {family} | {work} | {way} | {own_mb:.0f} | {own_mb / stock_mb:.2f} |", flush=True)
    return rows


def parsed() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--context", type=int, default=8192)
    parser.add_argument("--horizon", type=int, default=1024)
    parser.add_argument("--shape", choices=sorted(SHAPES), default="small")
    parser.add_argument("--families", nargs="+", default=["bolt", "chronos2"])
    parser.add_argument("--windows", type=int, default=32, help="that features are taken of")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    for name in ("family", "work", "way"):  # of a process that goes one way
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Print the table and the ratios."""
    arguments = parsed()
    if arguments.way:
        run_here(arguments)
        return
    print("| family | work | setting | peak, MB | of stock |")
    print("|---|---|---|---|---|")
    rows: list[dict[str, Any]] = []
    for family in arguments.families:
        rows += compare(arguments, family, "training", list(TRAINING))
        rows += compare(arguments, family, "features", [FEATURES])
    summary = {
        "name": "memory",
        "ratio": max(row["ratio"] for row in rows if row["setting"] == BOTH),
        "goal": GOAL,
        "setting": f"finetune.{CHECKPOINTED}: true, resources.finetune.{ALONE}",
        "against": "Chronos2Pipeline.fit; for Bolt a Hugging Face Trainer; same model, batch, windows, float32",
        "context_length": arguments.context,
        "shape": arguments.shape,
        "rows": rows,
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
