"""Everything private of Ray that is used, written for Ray `WRITTEN_FOR`, which constraints.txt pins.

Names that begin with an underscore, and modules called `_private` or `_internal`, may go or change their meaning with
any release; `NAMES` is what a test looks up. Ray is imported inside functions, for it takes a
second, and not every process that reads this file uses it.
"""

import contextlib
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from grid.run import agent_stand_in
from grid.stage import Resources

WRITTEN_FOR = "2.60.0"
TRAIN = "ray.train.v2._internal"
REGISTERED_S = 30.0  # in which a raylet registers, as Ray has it
# Where each private name is found: a module, and the name in it.
NAMES = (
    ("ray.job_config", "JobConfig.from_json"),  # `_py_driver_sys_path`, of its instances
    ("ray._private.node", "Node.kill_all_processes"),
    ("ray._private.node", "Node.start_api_server"),
    ("ray._private.node", "Node.start_log_monitor"),
    ("ray._private.node", "Node.start_monitor"),
    ("ray._private.services", "resolve_ip_for_localhost"),
    ("ray._private.services", "get_node"),
    ("ray._private.services", "start_ray_process"),
    ("ray._private.state", "GlobalState._initialize_global_state"),
    ("ray._private.utils", "get_dashboard_dependency_error"),
    ("ray._private.worker", "_global_node"),
    ("ray._raylet", "DASHBOARD_AGENT_LISTEN_PORT_NAME"),
    ("ray._raylet", "METRICS_AGENT_PORT_NAME"),
    ("ray._raylet", "METRICS_EXPORT_PORT_NAME"),
    ("ray._raylet", "RUNTIME_ENV_AGENT_PORT_NAME"),
    ("ray._raylet", "setproctitle"),
    ("ray.air.execution._internal.actor_manager", "RayActorManager._actor_task_failed"),
    ("ray.tune.execution.class_cache", "_ActorClassCache.get"),
    ("ray.tune.execution.tune_controller", "TuneController._maybe_reuse_cached_actor"),
    ("ray.tune.utils.object_cache", "_ObjectCache.cache_object"),
    ("ray.tune.utils.object_cache", "_ObjectCache.flush_cached_objects"),
    (f"{TRAIN}.execution.controller.state", "TrainControllerStateType.RUNNING"),
    (f"{TRAIN}.metrics.controller", "ControllerMetrics.get_controller_metrics"),
    (f"{TRAIN}.metrics.controller", "ControllerMetrics.CONTROLLER_STATE"),
    (f"{TRAIN}.state.state_manager", "TrainStateManager.create_train_run_attempt"),
    (f"{TRAIN}.state.state_manager", "TrainStateManager._create_or_update_train_run_attempt"),
    (f"{TRAIN}.state.schema", "TrainWorker"),
    (f"{TRAIN}.exceptions", "WorkerHealthCheckTimeoutError"),
    (f"{TRAIN}.exceptions", "WorkerGroupStartupFailedError"),
    (f"{TRAIN}.exceptions", "WorkerGroupStartupTimeoutError"),
)


def find(module: str, name: str) -> Any:
    """Return something private; raises ImportError or AttributeError where it is gone."""
    found: Any = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


@contextlib.contextmanager
def on_loopback() -> Iterator[str]:
    """Let a Ray that is started in this block listen on the loopback alone; give the address to start it with.

    `ray.init` takes a loopback address for a mistake, and puts the machine's own in its place.
    """
    from ray._private import services

    original = services.resolve_ip_for_localhost
    services.resolve_ip_for_localhost = lambda host: host
    try:
        yield "127.0.0.1"
    finally:
        services.resolve_ip_for_localhost = original


@contextlib.contextmanager
def with_servers_alone(n_workers: int) -> Iterator[None]:
    """Let a Ray that is started in this block be its two servers and workers, with no process that none of them needs.

    `n_workers` is how many workers are started before they are asked for, where there are CPUs for so many.

    Ray starts seven more of its own, each a Python that imports for a second: the dashboard, of which
    ``include_dashboard=False`` leaves the process, the autoscaler's monitor, the one that copies workers' logs, and two
    agents of the raylet. The raylet takes no other way than to have its agents; `agent_stand_in` stands there.
    """
    from ray._private import node, services, utils

    originals = services.start_ray_process, services.get_node, utils.get_dashboard_dependency_error

    def start(command: Sequence[str], process_type: str, *given: Any, **named: Any) -> Any:
        words = [_with_few_workers(_without_agent(word, command), n_workers) for word in command]
        return originals[0](words, process_type, *given, **named)

    left_out = {name: getattr(node.Node, name) for name in ("start_api_server", "start_log_monitor", "start_monitor")}
    services.start_ray_process, services.get_node = start, _get_node_once_it_is_there
    # To see that the dashboard's libraries are there, it imports them.
    utils.get_dashboard_dependency_error = lambda: None
    for name in left_out:
        setattr(node.Node, name, lambda *given, **named: None)
    try:
        yield
    finally:
        services.start_ray_process, services.get_node, utils.get_dashboard_dependency_error = originals
        for name, method in left_out.items():
            setattr(node.Node, name, method)


def _get_node_once_it_is_there(gcs_address: str, node_id: str) -> Any:
    """Return what `services.get_node` does, which sleeps for a second where a node has not registered yet."""
    from ray._private import services, state

    known = state.GlobalState()
    known._initialize_global_state(services._get_gcs_client_options(gcs_address))
    end = time.monotonic() + REGISTERED_S
    while time.monotonic() < end and node_id not in {one["NodeID"] for one in known.node_table()}:
        time.sleep(0.01)
    return known.get_node(node_id)


@contextlib.contextmanager
def killing_at_once() -> Iterator[None]:
    """Let a Ray that is shut down in this block kill its servers, instead of asking them to end.

    The raylet takes half a second or more for it, and so do its workers, of which nothing is needed any more.
    """
    from ray._private import node

    original = node.Node.kill_all_processes

    def kill(ray_node: Any, *given: Any, **named: Any) -> None:
        original(ray_node, *given, **{**named, "allow_graceful": False})

    node.Node.kill_all_processes = kill
    try:
        yield
    finally:
        node.Node.kill_all_processes = original


def _with_few_workers(word: str, n_workers: int) -> str:
    """Return an argument of the raylet's, with no more workers where it says how many to start."""
    option, _, number = word.partition("=")
    return f"{option}={min(int(number), n_workers)}" if option == "--num_prestart_python_workers" else word


def _without_agent(word: str, raylet: Sequence[str]) -> str:
    """Return an argument of the raylet's, with the stand-in where it names the command of an agent."""
    from ray import _raylet

    unused = "METRICS_AGENT_PORT_NAME", "METRICS_EXPORT_PORT_NAME", "DASHBOARD_AGENT_LISTEN_PORT_NAME"
    agents = {
        "--dashboard_agent_command": (unused, ""),
        "--runtime_env_agent_command": (("RUNTIME_ENV_AGENT_PORT_NAME",), "--runtime-env-agent-port"),
    }
    option, _, command = word.partition("=")
    if option not in agents:
        return word
    names, listen = agents[option]
    ports = ",".join(getattr(_raylet, name) for name in names)
    options = dict(argument.partition("=")[::2] for argument in raylet)
    where = [options["--session_dir"], options["--node_id"], options["--node_ip_address"], ports, listen]
    stand_in = [sys.executable, "-I", "-S", agent_stand_in.__file__, *where, "--"]
    return f"{option}={subprocess.list2cmdline(stand_in)} {command}"


def importing_from(folders: Sequence[str]) -> Any:
    """Return what `ray.init` takes as `job_config`, with folders that workers import from, beside their own.

    A `runtime_env` does so, too, but by the agent of environments, which would have to be started.
    """
    from ray.job_config import JobConfig

    return JobConfig(_py_driver_sys_path=list(folders))


def joined_by() -> tuple[str, str]:
    """Return the address of the head of the cluster that this process has joined, and the socket of its raylet."""
    import ray

    node = ray._private.worker._global_node
    return node.gcs_address, node.raylet_socket_name


@contextlib.contextmanager
def in_any_worker() -> Iterator[None]:
    """Let Tune's trials run in whatever worker is there already.

    Tune gives them an environment of their own, with a variable for PyTorch Lightning and those of Ray Train, which the
    workers of an embedded Ray inherit from this process anyway. For its sake the workers that have started meanwhile
    would be left idle, new ones started, and the agent that makes environments.
    """
    import ray
    from ray.tune.execution.class_cache import _ActorClassCache

    original = _ActorClassCache.get

    def get(cache: Any, trainable: type) -> Any:
        return cache._cache.setdefault(trainable, ray.remote(trainable))

    _ActorClassCache.get = get
    try:
        yield
    finally:
        _ActorClassCache.get = original


@contextlib.contextmanager
def keeping_actors() -> Iterator[None]:
    """Let Tune keep actors that have nothing to do just now, for trials that all ask for the same.

    By itself it stops all but one, and starts others where the next stages become ready, which import for seconds; and
    it stops an actor that is starting when another one becomes free.
    """
    from ray.tune.execution.tune_controller import TuneController
    from ray.tune.utils.object_cache import _ObjectCache

    originals = _ObjectCache.cache_object, _ObjectCache.flush_cached_objects, TuneController._maybe_reuse_cached_actor

    def cache(cached: Any, key: Any, actor: Any) -> bool:
        cached._cached_objects[key].append(actor)
        cached._num_cached_objects += 1
        return True

    def flush(cached: Any, force_all: bool = False) -> Iterator[Any]:
        return originals[1](cached, force_all=True) if force_all else iter(())

    def reuse(controller: Any, trial: Any) -> bool:
        is_starting = trial in controller._trial_to_actor and trial not in controller._resetting_trials
        return False if is_starting else bool(originals[2](controller, trial))

    _ObjectCache.cache_object, _ObjectCache.flush_cached_objects = cache, flush
    TuneController._maybe_reuse_cached_actor = reuse
    try:
        yield
    finally:
        _ObjectCache.cache_object, _ObjectCache.flush_cached_objects = originals[:2]
        TuneController._maybe_reuse_cached_actor = originals[2]


@contextlib.contextmanager
def memory_kills_one() -> Iterator[None]:
    """Let a worker that Ray kills for want of memory be a trial that failed.

    Tune knows dead actors and failed tasks; `OutOfMemoryError` is neither, and ends the experiment.
    """
    from ray.air.execution._internal.actor_manager import RayActorManager
    from ray.exceptions import OutOfMemoryError, RayActorError

    original = RayActorManager._actor_task_failed

    def task_failed(manager: RayActorManager, tracked_actor_task: Any, exception: Exception) -> None:
        killed = isinstance(exception, OutOfMemoryError)
        original(manager, tracked_actor_task, RayActorError(error_msg=str(exception)) if killed else exception)

    RayActorManager._actor_task_failed = task_failed
    try:
        yield
    finally:
        RayActorManager._actor_task_failed = original


def name_process(name: str) -> None:
    """Let the dashboard's view of the cluster, `top` and `nvidia-smi` say what this process does.

    Ray names it after a method of the actor each time when Tune has read a report.
    """
    import ray

    ray._raylet.setproctitle(f"ray::{name}")


def ends_of_workers() -> tuple[type[Exception], ...]:
    """Return what Ray Train raises of a worker that does not answer any more, or did not come up."""
    from ray.train.v2._internal import exceptions

    unborn = exceptions.WorkerGroupStartupFailedError, exceptions.WorkerGroupStartupTimeoutError
    return exceptions.WorkerHealthCheckTimeoutError, *unborn


@dataclass(frozen=True)
class TrainRun:
    """A run of this process as Ray's dashboard shows those of Ray Train; `ascii_title` is its name in metrics."""

    key: str
    manager: Any
    state: Any  # a metric

    @classmethod
    def begin(cls, title: str, ascii_title: str, resources: Resources) -> "TrainRun":
        """Tell what Ray Train's own callbacks tell of runs whose workers are others than this process."""
        from ray.train.v2._internal.execution.controller.state import TrainControllerStateType
        from ray.train.v2._internal.metrics.controller import ControllerMetrics
        from ray.train.v2._internal.state.state_manager import TrainStateManager

        key, manager = uuid.uuid4().hex, TrainStateManager()
        manager.create_train_run(**_described(key, title, resources))
        manager.update_train_run_running(key)
        asked = {"CPU": float(resources.cpus), "GPU": float(resources.gpus)}
        manager.create_train_run_attempt(key, key, 1, asked)
        attempt = manager._run_attempts[key][key]
        attempt.workers = [_this_process(asked)]
        attempt.status, attempt.status_detail = "RUNNING", None
        manager._create_or_update_train_run_attempt(attempt)
        metrics = ControllerMetrics.get_controller_metrics(ascii_title, key)
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


def _described(key: str, title: str, resources: Resources) -> dict[str, Any]:
    from ray.runtime_context import get_runtime_context
    from ray.train import DataConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig

    here = get_runtime_context()
    return {
        "id": key,
        "name": title,
        "job_id": here.get_job_id(),
        "controller_actor_id": here.get_actor_id(),
        "controller_log_file_path": None,
        "run_config": RunConfig(name=title),
        "train_loop_config": None,
        "scaling_config": ScalingConfig(num_workers=1, use_gpu=bool(resources.gpus)),
        "backend_config": TorchConfig(),
        "datasets": {},
        "dataset_config": DataConfig(),
    }


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
