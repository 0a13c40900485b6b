"""A fine-tune in the Train view of Ray's dashboard, under its readable name.

Ray Train tells the dashboard of runs that have workers of their own, and nothing of those in local mode, which is how a
fine-tune of one worker runs: a worker group costs 12 to 18 s. Here the trial tells the same, in some milliseconds, by
what Ray Train's own callbacks use (`ray.train.v2._internal`: Ray is pinned).
"""

import contextlib
import os
import traceback
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from grid.run.cluster import STATE_TRACKING
from grid.stage import Resources


@contextlib.contextmanager
def in_train_view(title: str, resources: Resources) -> Iterator[None]:
    """Show what runs in this block as a run of Ray Train, if a dashboard looks; `title` is its name there."""
    run = _begin(title, resources) if os.environ.get(STATE_TRACKING) == "1" else None
    try:
        yield
    except BaseException as error:
        if run is not None:
            run.end(error)
        raise
    if run is not None:
        run.end()


def run_name(title: str) -> str:
    """Return a name that Ray Train's metrics can carry: of other letters than ASCII, their numbers."""
    return "".join(letter if letter.isascii() else f"u{ord(letter):04x}" for letter in title)


def _begin(title: str, resources: Resources) -> "_Run | None":
    try:
        return _Run.begin(title, resources)
    except Exception:  # to be shown is no part of the work: say why not, and go on
        print(f"{title} is not shown in Ray's dashboard:\n{traceback.format_exc()}", flush=True)
        return None


@dataclass(frozen=True)
class _Run:
    """A run as the dashboard knows it."""

    key: str
    manager: Any
    state: Any  # a metric

    @classmethod
    def begin(cls, title: str, resources: Resources) -> "_Run":
        from ray.runtime_context import get_runtime_context
        from ray.train import DataConfig, RunConfig, ScalingConfig
        from ray.train.torch import TorchConfig
        from ray.train.v2._internal.execution.controller.state import TrainControllerStateType
        from ray.train.v2._internal.metrics.controller import ControllerMetrics
        from ray.train.v2._internal.state.state_manager import TrainStateManager

        key, manager, here = uuid.uuid4().hex, TrainStateManager(), get_runtime_context()
        manager.create_train_run(
            id=key,
            name=title,
            job_id=here.get_job_id(),
            controller_actor_id=here.get_actor_id(),
            controller_log_file_path=None,
            run_config=RunConfig(name=title),
            train_loop_config=None,
            scaling_config=ScalingConfig(num_workers=1, use_gpu=bool(resources.gpus)),
            backend_config=TorchConfig(),
            datasets={},
            dataset_config=DataConfig(),
        )
        manager.update_train_run_running(key)
        asked = {"CPU": float(resources.cpus), "GPU": float(resources.gpus)}
        manager.create_train_run_attempt(key, key, 1, asked)
        attempt = manager._run_attempts[key][key]
        attempt.workers = [_this_process(asked)]
        attempt.status, attempt.status_detail = "RUNNING", None
        manager._create_or_update_train_run_attempt(attempt)
        metrics = ControllerMetrics.get_controller_metrics(run_name(title), key)
        state = metrics[ControllerMetrics.CONTROLLER_STATE]
        state.record(TrainControllerStateType.RUNNING)
        return cls(key, manager, state)

    def end(self, error: BaseException | None = None) -> None:
        """Say how it ended; a dashboard that has gone is no reason to fail."""
        with contextlib.suppress(Exception):
            if error is None:
                self.manager.update_train_run_attempt_finished(self.key, self.key)
                self.manager.update_train_run_finished(self.key)
            else:
                cause = f"{type(error).__name__}: {error}"
                self.manager.update_train_run_attempt_errored(self.key, self.key, cause)
                self.manager.update_train_run_errored(self.key, cause)
            self.state.reset()


def _this_process(asked: dict[str, float]) -> Any:
    import ray
    from ray.runtime_context import get_runtime_context
    from ray.train.v2._internal.state.schema import ActorStatus, TrainResources, TrainWorker

    here = get_runtime_context()
    return TrainWorker(
        world_rank=0,
        local_rank=0,
        node_rank=0,
        actor_id=here.get_actor_id(),
        node_id=here.get_node_id(),
        node_ip=ray.util.get_node_ip_address(),
        pid=os.getpid(),
        gpu_ids=[int(gpu) for gpu in ray.get_gpu_ids()],
        status=ActorStatus.ALIVE,
        resources=TrainResources(resources=asked),
        log_file_path=None,
    )
