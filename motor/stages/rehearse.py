"""Stage `rehearse`: some training steps and forward passes of a backbone at full size, timed, with what they take.

What it measures depends on where it is built; its files say where, and when.
"""

import json
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from grid.stage import Context, Resources, Stage, when_set
from grid.store.store import write_json
from motor.backbones.base import Backbone
from motor.backbones.batch import Batch
from motor.backbones.modules.base import Module
from motor.backbones.training import Training, precision_used, train
from motor.lazy import Lazy, torch
from motor.retrieval.memory import Memory, Remembered
from motor.stages.devices import held_device

if TYPE_CHECKING:
    from motor.backbones.forecaster import Forecaster

flop_counter = Lazy("torch.utils.flop_counter")

FILE_NAME = "rehearsal.json"
LEVELS = (0.1, 0.5, 0.9)
PRODUCTS = {"cpu": 2048, "cuda": 8192}  # rows of the square matrices that show the device's peak
REPEATS = 5
PASSES = 2  # that are timed, of embeddings and of forecasts
REMEMBERED = 2**14  # windows of each of two motors of noise, where modules look windows up


@dataclass(frozen=True)
class Rehearse(Stage):
    """Train a backbone with random weights for some steps on noise."""

    KIND: ClassVar[str] = "rehearse"
    ASKS: ClassVar[Resources | None] = None

    name: str
    backbone: Backbone
    context_length: int
    prediction_length: int
    batch_size: int
    micro_batch: int | None
    precision: Literal["mixed", "float32"]
    num_steps: int
    modules: tuple[Module, ...] = when_set(default=())

    def label(self) -> str:
        return f"{self.name}-ctx{self.context_length}"

    def create(self) -> "Forecaster":
        """Return the forecaster with random weights, its modules beside it, and noise for them to look up."""
        forecaster = self.backbone.create(self.context_length, self.prediction_length, LEVELS, 0.1, (), 0)
        if not self.modules:
            return forecaster
        from motor.backbones.modules.attached.forecaster import attached  # layers of torch

        whole, random = attached(forecaster, self.modules), np.random.default_rng(0)
        length = self.context_length + self.prediction_length + REMEMBERED
        whole.remember(Memory.of(Remembered(name, random.standard_normal(length)) for name in ("one", "other")))
        return whole

    def build(self, folder: Path, context: Context) -> None:
        """Write ``rehearsal.json``: speed, memory, share of the device's peak, where and when."""
        device = held_device(context.resources)
        forecaster = self.create().to(device)
        memory, clock = PeakMemory(device), clock_of(device)
        n_tokens, flops = self._counted(forecaster, device)
        context.report(step=0, of=self.num_steps)
        seconds = self._timed(forecaster, device, clock, context)
        peak_bytes = memory.peak_bytes()
        precision = precision_used(self._training(1), device, forecaster.model)
        peak_flops = product_flops(device, precision, clock)
        result = {
            "name": self.name,
            "n_parameters": sum(weight.numel() for weight in forecaster.model.parameters()),
            "patch": forecaster.patch,
            "n_tokens": n_tokens,
            "seconds_a_step": seconds,
            "peak_memory_gb": peak_bytes / 1e9,
            "flops_a_step": flops,
            "peak_flops_a_second": peak_flops,
            "share_of_peak": flops / seconds / peak_flops,
            "precision": precision,
            "forecasts_a_second": self._rate(forecaster, forecaster.predict_one_pass, clock),
        }
        if "embedding" in self.backbone.gives:
            result["embeddings_a_second"] = self._rate(forecaster, forecaster.embed, clock)
        write_json(folder / FILE_NAME, result | where(device, context))

    def _training(self, num_steps: int) -> Training:
        return Training(num_steps=num_steps, batch_size=self.batch_size, precision=self.precision)

    def _counted(self, forecaster: "Forecaster", device: str) -> tuple[int, int]:
        """Do a first step, which allocates; return the encoder's tokens and the step's floating-point operations."""
        with forecaster.tokens_seen() as seen, flop_counter.FlopCounterMode(display=False) as counter:
            self._train(forecaster, device, 1, lambda: None)
        n_tokens = seen[0] if seen else forecaster.n_tokens(self.context_length)
        return n_tokens, int(counter.get_total_flops())

    def _timed(self, forecaster: "Forecaster", device: str, clock: Callable[[], float], context: Context) -> float:
        """Return the seconds of a step: the median."""
        marks: list[float] = []

        def mark() -> None:
            marks.append(clock())
            context.report(step=len(marks) - 1, of=self.num_steps)

        self._train(forecaster, device, self.num_steps, mark)
        marks.append(clock())
        return statistics.median(end - begin for begin, end in pairwise(marks))

    def _train(self, forecaster: "Forecaster", device: str, num_steps: int, mark: Callable[[], None]) -> None:
        def batches(_: int) -> Iterator[Batch]:
            for number in range(num_steps):
                mark()
                yield self._batch(number)

        settings, nothing = self._training(num_steps), lambda row: None
        train(forecaster, batches, None, settings, 0, None, nothing, device, micro_batch=self.micro_batch)

    def _batch(self, number: int) -> Batch:
        """Return noise; what is multiplied does not change how long it takes."""
        length = self.context_length + self.prediction_length
        window_BN = np.random.default_rng(number).standard_normal((self.batch_size, length), dtype=np.float32)
        context_BT, future_BH = np.split(window_BN, [self.context_length], axis=1)
        motor_B = np.full(self.batch_size, "rehearsed")
        return Batch(context_BT, future_BH, np.zeros(self.batch_size, np.int64), motor_B=motor_B)

    def _rate(self, forecaster: "Forecaster", forward: Callable[..., Any], clock: Callable[[], float]) -> float:
        """Return the windows a second of a forward pass in float32, as features are computed."""
        size = self.micro_batch or self.batch_size
        batch, seconds = self._batch(0).rows(slice(size)), []
        forecaster.model.eval()
        for _ in range(PASSES):
            began = clock()
            forward(batch)
            seconds.append(clock() - began)
        return size / min(seconds)


@dataclass
class PeakMemory:
    """The most memory that was held since this was made: of the GPU, or of this process."""

    device: str
    _floor: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.device == "cpu":
            # Linux then starts the high-water mark anew; a worker may have built other stages before
            Path("/proc/self/clear_refs").write_text("5")
        else:
            torch.cuda.reset_peak_memory_stats()

    def peak_bytes(self) -> int:
        """Return the peak in bytes."""
        if self.device == "cpu":
            lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))

        return int(torch.cuda.max_memory_allocated())


def clock_of(device: str) -> Callable[[], float]:
    """Return a clock on the wall that waits for what a GPU still has to do."""

    def look() -> float:
        if device != "cpu":
            torch.cuda.synchronize()
        return time.perf_counter()

    return look


def product_flops(device: str, precision: str, clock: Callable[[], float]) -> float:
    """Measure a large product of matrices: floating-point operations a second, the best of some."""
    size, best = PRODUCTS[device], float("inf")
    left, right = (torch.randn(size, size, device=device, dtype=getattr(torch, precision)) for _ in range(2))
    for _ in range(REPEATS):
        began = clock()
        left @ right
        best = min(best, clock() - began)
    return 2 * size**3 / best


def where(device: str, context: Context) -> dict[str, Any]:
    """Tell where and when something is measured."""
    return {
        "device": device,
        "device_name": torch.cuda.get_device_name() if device == "cuda" else processor_name(),
        "threads": torch.get_num_threads(),
        "host": platform.node(),
        "measured": time.strftime("%Y-%m-%d %H:%M:%S%z"),
        "torch": torch.__version__,
        "asked_for": context.resources.describe(),
    }


def processor_name() -> str:
    """Return the processor's name as Linux gives it, else the kind of machine."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def read_rehearsal(folder: Path) -> dict[str, Any]:
    """Return ``rehearsal.json`` of a built rehearsal."""
    return json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
