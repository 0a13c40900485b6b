"""A fine-tune under Ray Train: in this process where a trial holds its device, or on several workers."""

import gc
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grid.queue import of_one_worker
from grid.stage import Context, Resources
from motor.backbones.training import ALONE, OutOfMemory, Place
from motor.stages.train_view import in_train_view, run_name

Row = dict[str, float]
Report = Callable[[Row], None]
Task = Callable[[Place, Report], None]

FOLLOW_INTERVAL_S = 1.0
PROGRESS = "progress.json"


def in_ray_train(task: Task, context: Context) -> None:
    """Run a task on as many workers as the stage asks for, and anew with smaller batches where memory ran out.

    Parameters
    ----------
    task : callable
        ``task(place, report)`` is run once on each worker, with its rank and the number of workers; torch's
        default process group is there where these are several. It goes on from its own checkpoints.
    context : Context
        Of the stage.

    Raises
    ------
    Exception
        What the task raised; of several workers, what the first of them raised.
    """
    while True:
        try:
            if context.resources.workers == 1:
                return _here(task, context)
            return _on_workers(task, context)
        except OutOfMemory as error:
            print(error, flush=True)  # to the stage's log
        _free_memory()


def _free_memory() -> None:
    """Let go of what the failed step held, before the next start asks for it."""
    import torch

    gc.collect()
    torch.cuda.empty_cache()


def _here(task: Task, context: Context) -> None:
    """With `num_workers=0` Ray Train starts no processes of its own, which would cost 12 to 18 s on two cores."""
    from ray.train import ScalingConfig
    from ray.train.torch import TorchTrainer

    scaling = ScalingConfig(num_workers=0, use_gpu=bool(context.resources.gpus))
    with in_train_view(context.title, context.resources):
        TorchTrainer(lambda: task(ALONE, lambda row: context.report(**row)), scaling_config=scaling).fit()


def _on_workers(task: Task, context: Context) -> None:
    from ray.train import FailureConfig, RunConfig
    from ray.train.torch import TorchConfig, TorchTrainer
    from ray.train.v2.api.exceptions import WorkerGroupError

    file = context.work() / PROGRESS
    file.unlink(missing_ok=True)
    trainer = TorchTrainer(
        _Worker(task, file, context.resources),
        torch_config=TorchConfig(backend="nccl" if context.resources.gpus else "gloo"),
        scaling_config=_scaling(context.resources),
        run_config=RunConfig(
            name=run_name(context.title),
            storage_path=str(context.work() / "ray_train"),
            failure_config=FailureConfig(max_failures=0),
        ),
    )
    with _followed(file, context):
        try:
            trainer.fit()
        except WorkerGroupError as error:
            failures = [error.worker_failures[rank] for rank in sorted(error.worker_failures)]
            found = next((failure for failure in failures if isinstance(failure, OutOfMemory)), None)
            raise (found or _cause(failures[0])) from error


def _cause(failure: Exception) -> Exception:
    """Return what a worker raised, without Ray's wrapping."""
    cause = getattr(failure, "cause", None)
    return cause if isinstance(cause, Exception) else failure


def _scaling(resources: Resources) -> Any:
    from ray.train import ScalingConfig

    each = of_one_worker(resources)
    return ScalingConfig(num_workers=resources.workers, use_gpu=bool(resources.gpus), resources_per_worker=each)


@dataclass(frozen=True)
class _Worker:
    """What runs on each worker."""

    task: Task
    file: Path
    resources: Resources

    def __call__(self) -> None:
        from ray import train

        place = Place(train.get_context().get_world_rank(), train.get_context().get_world_size())
        self.task(place, self._tell)

    def _tell(self, row: Row) -> None:
        """Leave a row where the trial finds it: a report of Ray Train's would wait for every worker."""
        draft = self.file.with_suffix(".draft")
        draft.write_text(json.dumps(row), encoding="utf-8")
        draft.replace(self.file)


@contextmanager
def _followed(file: Path, context: Context) -> Iterator[None]:
    """Hand on what the first worker reports."""
    done = threading.Event()

    def follow() -> None:
        told = ""
        while not done.wait(FOLLOW_INTERVAL_S):
            text = file.read_text(encoding="utf-8") if file.exists() else ""
            if text and text != told:
                told = text
                context.report(**json.loads(text))

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
