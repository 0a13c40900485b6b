"""Windows a second of fine-tuning, beside the stock way, in one run; and whether it learns as much.

    python -m benchmarks.finetune [--shapes tiny small] [--families bolt chronos2] [--context 4096] [--horizon 1024]
        [--blocks 3] [--steps 3] [--device cpu] [--threads 1]
    python -m benchmarks.finetune --loss [--families bolt chronos2] [--loss-steps 300]

The stock way of Chronos-2 is its own `Chronos2Pipeline.fit`; of Bolt, which has none, a Hugging Face `Trainer` as
AutoGluon drives it (fused AdamW, linear decay, dropout 0.1, float32 on a CPU). Ours is `train` with the defaults of
`Training`. Both start from the same random weights of the same shape and cut windows of the same length from the same
series, batch 8. They take turns in blocks of some steps, of which the first does not count (it allocates). On a CPU
a step is measured in CPU time, since others use the machine, too; on a GPU by the clock on the wall.

`--loss`: both ways on the same windows in the same order and the same schedule, from the same weights; the gradient
is clipped at the same place (the stock losses are sums over the horizon or the quantiles, ours are means). The
stock way is then a `Trainer` for both families, since `fit` draws its windows itself. Scored is the weighted quantile
loss of windows that neither saw.

Before it was run: 1.9 for Bolt and 2.2 for Chronos-2 on a CPU with bfloat16; a loss within 1 %.
"""

import argparse
import gc
import json
import logging
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from motor.backbones.batch import Batch
from motor.backbones.forecaster import Forecaster
from motor.backbones.training import Training, precision_used, train, validate
from motor.registry import plugins

SHAPES = {
    "tiny": {"d_model": 256, "d_kv": 64, "d_ff": 1024, "num_layers": 4, "num_heads": 4},
    "small": {"d_model": 512, "d_kv": 64, "d_ff": 2048, "num_layers": 6, "num_heads": 8},
    "base": {"d_model": 768, "d_kv": 64, "d_ff": 3072, "num_layers": 12, "num_heads": 12},
}
BATCH_SIZE = 8
DROPOUT_RATE = 0.1
GOALS = {"cpu": 1.8, "cuda": 2.0}
GOAL_OF_PEAK = 0.4  # on a GPU, Bolt-base
GOAL_OF_LOSS = 1.01
LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
LEARNING_RATE = 1e-4
LOSS_CONTEXT, LOSS_HORIZON = 512, 64  # short, so that 300 steps take a minute
LOSS_LEARNING_RATE = 1e-3
SERIES_LENGTH = 32768


@dataclass
class Setting:
    """What both ways share."""

    family: str
    shape: str
    context: int
    horizon: int
    device: str

    def forecaster(self) -> Forecaster:
        """Return the same untrained forecaster each time."""
        sizes: dict[str, Any] = dict(SHAPES[self.shape])
        if self.family == "bolt":
            sizes["num_decoder_layers"] = sizes["num_layers"]
        backbone = plugins("motor.backbones")[self.family](**sizes)
        made = backbone.create(self.context, self.horizon, LEVELS, DROPOUT_RATE, (), 0)
        return made.to(self.device)

    def windows(self, seed: int) -> Iterator[Batch]:
        """Yield batches of random windows of the series, without end."""
        generator, length = np.random.default_rng(seed), self.context + self.horizon
        series = make_series()
        while True:
            rows = generator.integers(0, len(series), BATCH_SIZE)
            starts = generator.integers(0, SERIES_LENGTH - length + 1, BATCH_SIZE)
            window_BN = np.stack([series[row, start : start + length] for row, start in zip(rows, starts, strict=True)])
            yield Batch(window_BN[:, : self.context], window_BN[:, self.context :], np.zeros(BATCH_SIZE, np.int64))


def make_series(n_series: int = 32) -> np.ndarray:
    """Return sums of sines with drifting strength, in noise: float32 of shape (n_series, SERIES_LENGTH)."""
    generator, time_T = np.random.default_rng(7), np.arange(SERIES_LENGTH)
    periods = generator.uniform(8, 200, (n_series, 3, 1))
    drift = 1 + 0.5 * np.sin(2 * np.pi * time_T / generator.uniform(2000, 9000, (n_series, 3, 1)))
    waves = drift * np.sin(2 * np.pi * (time_T / periods + generator.random((n_series, 3, 1))))
    return (waves.sum(axis=1) + 0.3 * generator.standard_normal((n_series, SERIES_LENGTH))).astype(np.float32)


class Watch(TrainerCallback):
    """Notes the clock where each step begins, and at the end."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.marks: list[float] = []

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self.marks.append(self.clock())

    def on_train_end(self, *_: Any, **__: Any) -> None:
        self.marks.append(self.clock())


def clock_of(device: str) -> Callable[[], float]:
    """Return CPU time of this process on a CPU; the clock on the wall on a GPU, once it is done."""
    if device == "cpu":
        return time.process_time

    def wait_and_look() -> float:
        torch.cuda.synchronize()
        return time.perf_counter()

    return wait_and_look


def ours(setting: Setting, n_steps: int, seed: int) -> list[float]:
    """Return the seconds of each step of `train`."""
    return step_seconds(setting, n_steps, setting.windows(seed))


def step_seconds(setting: Setting, n_steps: int, windows: Iterator[Batch]) -> list[float]:
    """Return the seconds of each step of `train` on some windows, which are cut within the step."""
    clock, marks = clock_of(setting.device), []

    def batches(_: int) -> Iterator[Batch]:
        while True:
            marks.append(clock())
            yield next(windows)

    settings = Training(
        num_steps=n_steps, learning_rate=LEARNING_RATE, batch_size=BATCH_SIZE, dropout_rate=DROPOUT_RATE
    )
    train(setting.forecaster(), batches, None, settings, 0, None, lambda row: None, setting.device)
    return [end - begin for begin, end in pairwise([*marks, clock()])]


def stock(setting: Setting, n_steps: int, seed: int) -> list[float]:
    """Return the seconds of each step of the stock way."""
    watch = Watch(clock_of(setting.device))
    with tempfile.TemporaryDirectory() as folder:
        if setting.family == "chronos2":
            fit(setting, n_steps, watch, folder)
        else:
            trainer_of(setting.forecaster(), setting.windows(seed), n_steps, LEARNING_RATE, folder, watch).train()
    return [end - begin for begin, end in pairwise(watch.marks)]


def fit(setting: Setting, n_steps: int, watch: Watch, folder: str) -> None:
    """Run Chronos-2's own fine-tuning; every window is as long as ours."""
    from chronos import Chronos2Pipeline

    Chronos2Pipeline(setting.forecaster().model).fit(
        make_series()[:, None, :],
        setting.horizon,
        context_length=setting.context,
        min_past=setting.context,
        learning_rate=LEARNING_RATE,
        num_steps=n_steps,
        batch_size=BATCH_SIZE,
        output_dir=folder,
        callbacks=[watch],
        remove_printer_callback=True,
        disable_tqdm=True,
    )


def trainer_of(
    forecaster: Forecaster, windows: Iterator[Batch], n_steps: int, learning_rate: float, folder: str, *callbacks: Any
) -> Trainer:
    """Return a `Trainer` as AutoGluon and `fit` set it, on batches that come ready."""
    on_gpu = forecaster.device.type == "cuda"
    arguments = TrainingArguments(
        output_dir=folder,
        per_device_train_batch_size=BATCH_SIZE,
        max_steps=n_steps,
        learning_rate=learning_rate,
        lr_scheduler_type="linear",
        optim="adamw_torch_fused",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=not on_gpu,
        bf16=on_gpu,
        tf32=on_gpu or None,
    )
    dataset = Windows(windows, is_bolt=hasattr(forecaster.model, "decoder"))
    trainer = Trainer(forecaster.model, arguments, train_dataset=dataset, callbacks=list(callbacks))
    trainer.remove_callback(PrinterCallback)
    return trainer


class Windows(torch.utils.data.IterableDataset):
    """Windows one by one, by the names of the stock models' arguments; the loader puts the same batches together."""

    def __init__(self, batches: Iterator[Batch], is_bolt: bool) -> None:
        self.batches, self.is_bolt = batches, is_bolt

    def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
        for batch in self.batches:
            for context_T, future_H in zip(batch.context_BT, batch.future_BH, strict=True):
                if self.is_bolt:
                    yield {"context": context_T, "target": future_H}
                else:
                    yield {"context": context_T, "future_target": future_H, "num_output_patches": len(future_H) // 16}


def collated(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Put rows together; a number that all share stays one."""
    return {
        name: torch.from_numpy(np.stack([row[name] for row in rows])) if isinstance(value, np.ndarray) else value
        for name, value in rows[0].items()
    }


def flops_of_step(setting: Setting) -> int:
    """Count the floating-point operations of one of our steps: products forward and backward, as they are done."""
    from motor.backbones.training.settings import ALONE
    from motor.backbones.training.steps import Steps

    steps = Steps(setting.forecaster(), Training(num_steps=1, dropout_rate=DROPOUT_RATE), 0, ALONE, None)
    with FlopCounterMode(display=False) as counter:
        steps.take(next(setting.windows(0)), 0)
    return counter.get_total_flops()


def peak_flops(device: str, dtype: torch.dtype, size: int) -> float:
    """Measure what one large product reaches, in floating-point operations a second: the best of five."""
    left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    clock, best = clock_of(device), float("inf")
    for _ in range(6):
        began = clock()
        left @ right
        best = min(best, clock() - began)
    return 2 * size**3 / best


@dataclass
class Comparison:
    """The steps of both ways, block by block."""

    setting: Setting
    ours_s: list[float] = field(default_factory=list)
    stock_s: list[float] = field(default_factory=list)

    def run(self, n_blocks: int, n_steps: int) -> "Comparison":
        """Take turns; the first step of a block does not count."""
        for block in range(n_blocks):
            self.stock_s.append(statistics.median(stock(self.setting, n_steps + 1, block)[1:]))
            gc.collect()
            self.ours_s.append(statistics.median(ours(self.setting, n_steps + 1, block)[1:]))
            gc.collect()
        return self

    def ratio(self) -> float:
        """Return how many times as fast ours is: the median over the blocks, pair by pair."""
        return statistics.median(theirs / own for own, theirs in zip(self.ours_s, self.stock_s, strict=True))


def compare_speed(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure every shape of every family, and print a row for each."""
    dtypes = {"bfloat16": torch.bfloat16, "float32": torch.float32}
    precision = precision_used(Training(), arguments.device)
    size = 2048 if arguments.device == "cpu" else 8192
    peaks = {name: peak_flops(arguments.device, dtype, size) for name, dtype in dtypes.items()}
    print(" ".join(f"{name} product: {peak / 1e9:,.0f} GFLOP/s;" for name, peak in peaks.items()), f"{precision=}")
    print("| family | shape | stock, windows/s | ours, windows/s | ratio | goal | GFLOP a step | of the peak |")
    print("|---|---|---|---|---|---|---|---|")
    results = {}
    for family in arguments.families:
        for shape in arguments.shapes:
            setting = Setting(family, shape, arguments.context, arguments.horizon, arguments.device)
            done = Comparison(setting).run(arguments.blocks, arguments.steps)
            flops, own_s = flops_of_step(setting), statistics.median(done.ours_s)
            share = flops / own_s / peaks[precision] / (arguments.threads if arguments.device == "cpu" else 1)
            rates = [BATCH_SIZE / statistics.median(done.stock_s), BATCH_SIZE / own_s]
            goal = GOALS[arguments.device]
            cells = [family, shape, *(f"{rate:.2f}" for rate in rates), f"{done.ratio():.2f}", f"{goal:g}"]
            print("| " + " | ".join([*cells, f"{flops / 1e9:.0f}", f"{share:.0%}"]) + " |", flush=True)
            results[f"{family} {shape}"] = {"ratio": round(done.ratio(), 3), "share_of_peak": round(share, 3)}
    return {
        "name": "finetune",
        "ratio": min(result["ratio"] for result in results.values()),
        "goal": GOALS[arguments.device],
        "against": "Chronos2Pipeline.fit; for Bolt a Hugging Face Trainer; same model, batch, windows and dropout",
        "precision": precision,
        "peak_gflops": {name: round(peak / 1e9) for name, peak in peaks.items()},
        **results,
    }


def compare_loss(arguments: argparse.Namespace) -> dict[str, Any]:
    """Train both ways on the same windows, and print what each reaches."""
    print("| family | steps | untrained WQL | stock | ours | ours / stock | goal |")
    print("|---|---|---|---|---|---|---|")
    results = {}
    for family in arguments.families:
        setting = Setting(family, "tiny", LOSS_CONTEXT, LOSS_HORIZON, arguments.device)
        held_out = [batch for batch, _ in zip(setting.windows(999), range(16), strict=False)]
        start = validate(setting.forecaster(), held_out)["validation_wql"]
        stock_loss, own_loss = (loss(setting, arguments.loss_steps, held_out) for loss in (stock_loss_of, own_loss_of))
        ratio = own_loss / stock_loss
        cells = [family, str(arguments.loss_steps), *(f"{wql:.4f}" for wql in (start, stock_loss, own_loss))]
        print("| " + " | ".join([*cells, f"{ratio:.4f}", f"{GOAL_OF_LOSS:g}"]) + " |", flush=True)
        results[family] = {"untrained": start, "stock": stock_loss, "ours": own_loss, "ratio": round(ratio, 4)}
    return {
        "name": "finetune --loss",
        "ratio": max(result["ratio"] for result in results.values()),
        "goal": GOAL_OF_LOSS,
        "against": "a Hugging Face Trainer in float32: same windows in the same order, schedule, clipping and dropout",
        **results,
    }


def stock_loss_of(setting: Setting, n_steps: int, held_out: list[Batch]) -> float:
    """Return the WQL that the stock loop reaches."""
    forecaster = setting.forecaster()
    with tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(0)
        trainer = trainer_of(forecaster, setting.windows(0), n_steps, LOSS_LEARNING_RATE, folder)
        trainer.data_collator = collated
        trainer.train()
    forecaster.model.eval()
    return validate(forecaster, held_out)["validation_wql"]


def own_loss_of(setting: Setting, n_steps: int, held_out: list[Batch]) -> float:
    """Return the WQL that `train` reaches with the stock loop's schedule."""
    forecaster = setting.forecaster()
    summed_over = setting.horizon if setting.family == "bolt" else forecaster.model.num_quantiles
    settings = Training(
        num_steps=n_steps,
        learning_rate=LOSS_LEARNING_RATE,
        batch_size=BATCH_SIZE,
        dropout_rate=DROPOUT_RATE,
        warmup_ratio=0.0,
        gradient_clip=1.0 / summed_over,
    )
    train(forecaster, lambda _: setting.windows(0), None, settings, 0, None, lambda row: None, setting.device)
    return validate(forecaster, held_out)["validation_wql"]


def main() -> None:
    """Print the table and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loss", action="store_true", help="compare what is learned, not the speed")
    parser.add_argument("--families", nargs="+", default=["bolt", "chronos2"], choices=["bolt", "chronos2"])
    parser.add_argument("--shapes", nargs="+", default=["tiny", "small"], choices=list(SHAPES))
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--horizon", type=int, default=1024)
    parser.add_argument("--blocks", type=int, default=3)
    parser.add_argument("--steps", type=int, default=3, help="steps of a block that count")
    parser.add_argument("--loss-steps", type=int, default=300)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    logging.getLogger("transformers").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    print(json.dumps(compare_loss(arguments) if arguments.loss else compare_speed(arguments)))


if __name__ == "__main__":
    main()
