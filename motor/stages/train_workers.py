"""A fine-tune under Ray Train: in this process where a trial holds its device, or on several workers."""

import gc
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from grid.run.limits import Over, WorkerEndedError, limits, oom_kills
from grid.run.queue import of_one_worker
from grid.run.ray_private import ends_of_workers
from grid.stage import Context, Resources
from motor.backbones.training import ALONE, OutOfMemory, Place
from motor.lazy import torch
from motor.lazy_ray import ray
from motor.stages.train_view import in_train_view, run_name

Row = dict[str, float]
Report = Callable[[Row], None]
Task = Callable[[Place, Report], None]

FOLLOW_INTERVAL_S = 1.0
KIND = "finetune"  # by which a config calls the resources of what is run here
PROGRESS, SAID, OVER = "progress.json", "said.log", "over_limit.json"  # what workers tell the trial, in its work folder
# What a worker says whose neighbour is gone: Gloo, NCCL, and torch's store where they meet
PEER_GONE = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "remote process exit")


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
    WorkerEndedError
        If one of several workers is gone: lost, killed for its memory, or over a limit.
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
    gc.collect()
    torch.cuda.empty_cache()


def _here(task: Task, context: Context) -> None:
    """With `num_workers=0` Ray Train starts no processes of its own, which would cost 12 to 18 s on two cores."""
    from ray.train.torch import TorchTrainer  # which imports torch

    scaling = ray.train.ScalingConfig(num_workers=0, use_gpu=bool(context.resources.gpus))
    with in_train_view(context.title, context.resources):
        TorchTrainer(lambda: task(ALONE, lambda row: context.report(**row)), scaling_config=scaling).fit()


def _on_workers(task: Task, context: Context) -> None:
    from ray.train.torch import TorchConfig, TorchTrainer  # which import torch

    work, killed = context.work(), oom_kills()
    for name in (PROGRESS, SAID, OVER):
        (work / name).unlink(missing_ok=True)
    trainer = TorchTrainer(
        _Worker(task, work, context.resources),
        torch_config=TorchConfig(backend="nccl" if context.resources.gpus else "gloo"),
        scaling_config=_scaling(context.resources),
        run_config=ray.train.RunConfig(
            name=run_name(context.title),
            storage_path=str(work / "ray_train"),
            failure_config=ray.train.FailureConfig(max_failures=0),
        ),
    )
    with _followed(work, context):
        try:
            trainer.fit()
        except ray.train.v2.api.exceptions.WorkerGroupError as error:
            failures: dict[int | None, Exception] = {
                rank: _cause(error.worker_failures[rank]) for rank in sorted(error.worker_failures)
            }
            raise _what_failed(failures, context, killed) from error
        except (
            ray.train.v2.api.exceptions.ControllerError
        ) as error:  # say, a worker died before the controller had asked for its rank
            raise _what_failed({None: error.controller_failure}, context, killed) from error


def _cause(failure: Exception) -> Exception:
    """Return what a worker raised, or what became of it, without Ray's wrapping."""
    cause = getattr(failure, "health_check_failure", None) or getattr(failure, "cause", None)
    return cause if isinstance(cause, Exception) else failure


def _what_failed(failures: Mapping[int | None, Exception], context: Context, killed: int) -> Exception:
    """Return what explains the failures of workers: where one is gone, the others fail because they miss it.

    Parameters
    ----------
    failures : mapping of int to Exception
        By rank, as far as it is known.
    context : Context
        Of the stage.
    killed : int
        How many processes the kernel had killed for their memory when it began.
    """
    if found := next((failure for failure in failures.values() if isinstance(failure, OutOfMemory)), None):
        return found
    note = context.work() / OVER
    if note.is_file():
        return WorkerEndedError(**json.loads(note.read_text(encoding="utf-8")))
    own = [failure for failure in failures.values() if not (_is_end(failure) or _misses_another(failure))]
    if own:
        return own[0]
    rank, end = next(((rank, end) for rank, end in failures.items() if _is_end(end)), (None, None))
    who = "a worker" if rank is None else f"worker {rank} of {context.resources.workers}"
    if "low on memory" in str(end) or "OutOfMemory" in type(end).__name__:
        return WorkerEndedError(f"{who} was killed by Ray: its node was low on memory", "memory")
    if oom_kills() > killed:
        return WorkerEndedError(f"{who} was killed by the kernel: out of memory", "memory")
    return WorkerEndedError(f"{who} was lost: its process or its node died", "lost")


def _is_end(failure: Exception) -> bool:
    """Tell whether a worker is gone, or does not answer any more."""
    return isinstance(failure, (ray.exceptions.RayError, *ends_of_workers()))


def _misses_another(failure: Exception) -> bool:
    return any(saying in str(failure) for saying in PEER_GONE)


def _scaling(resources: Resources) -> Any:
    each = of_one_worker(resources)
    return ray.train.ScalingConfig(
        num_workers=resources.workers, use_gpu=bool(resources.gpus), resources_per_worker=each
    )


@dataclass(frozen=True)
class _Worker:
    """The training that each worker runs."""

    task: Task
    work: Path
    resources: Resources

    def __call__(self) -> None:
        place = Place(ray.train.get_context().get_world_rank(), ray.train.get_context().get_world_size())
        with limits(self.resources, KIND, partial(self._tell_over, place.rank)), self._aloud(place.rank):
            self.task(place, self._tell)

    @contextmanager
    def _aloud(self, rank: int) -> Iterator[None]:
        """Leave what the first worker prints where the trial finds it, which has the stage's log."""
        if rank != 0:
            yield
            return
        with (self.work / SAID).open("a", encoding="utf-8", buffering=1) as said, redirect_stdout(said):
            yield

    def _tell(self, row: Row) -> None:
        """Leave a row where the trial finds it: a report of Ray Train's would wait for every worker."""
        self._leave(PROGRESS, row)

    def _tell_over(self, rank: int, cause: str, over: Over) -> None:
        """Leave word for the trial that this worker ends because it went over a limit."""
        kind = "time_limit" if over == "time" else "memory_limit"
        self._leave(OVER, {"cause": f"worker {rank} of {self.resources.workers} {cause}", "kind": kind})

    def _leave(self, name: str, value: Any) -> None:
        draft = self.work / f"{name}.draft"
        draft.write_text(json.dumps(value), encoding="utf-8")
        draft.replace(self.work / name)


@contextmanager
def _followed(work: Path, context: Context) -> Iterator[None]:
    """Hand on what the first worker reports and prints."""
    done, follower = threading.Event(), _Follower(work, context)

    def follow() -> None:
        while not done.wait(FOLLOW_INTERVAL_S):
            follower.print_said()
            follower.report_row()

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        follower.print_said()


class _Follower:
    """Reads what is new of a worker's reports and prints."""

    def __init__(self, work: Path, context: Context) -> None:
        self.work, self.context = work, context
        self.row = self.said = ""

    def print_said(self) -> None:
        """Print what was printed since the last time."""
        said = self._read(SAID)
        print(said[len(self.said) :], end="", flush=True)
        self.said = said

    def report_row(self) -> None:
        """Report the last row, if it is another than the last time."""
        row = self._read(PROGRESS)
        if row and row != self.row:
            self.row = row
            self.context.report(**json.loads(row))

    def _read(self, name: str) -> str:
        path = self.work / name
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
