"""The device that a stage computes on, and the threads."""

import os
import time
from dataclasses import dataclass

from grid.stage import Resources
from motor.lazy import psutil, torch

LONG_S, LOOK_S = 1.0, 0.1


def held_device(resources: Resources) -> str:
    """Return the device that a worker holds, and keep torch to the CPUs that it holds."""
    torch.set_num_threads(max(1, int(resources.cpus)))
    if not resources.gpus:
        return "cpu"
    if not torch.cuda.is_available():
        raise RuntimeError(
            "a GPU was asked for (resources.*.gpus), but torch sees none on this node; install a CUDA build"
        )
    return "cuda"


@dataclass
class Threads:
    """How many threads the fits of a stage use: as many as it asked for, and with long fits what its node has idle.

    What other processes use is looked at between fits, while this one waits: a tenth of a second for a fit of one or
    more. For what gives the same bits on any number of threads.
    """

    asked: int
    _looked_at: float | None = None

    @classmethod
    def of(cls, resources: Resources) -> "Threads":
        return cls(max(1, int(resources.cpus)))

    def now(self) -> int:
        """Return how many the next fit may use."""
        is_long = self._looked_at is not None and time.monotonic() - self._looked_at > LONG_S
        threads = max(self.asked, idle_cpus()) if is_long else self.asked
        self._looked_at = time.monotonic()
        return threads


def idle_cpus() -> int:
    """Return how many of the CPUs that this process may run on nobody uses at the moment."""
    own = psutil.Process().cpu_affinity() if hasattr(psutil.Process, "cpu_affinity") else range(os.cpu_count() or 1)
    busy = psutil.cpu_percent(LOOK_S, percpu=True)
    return round(sum(1 - busy[cpu] / 100 for cpu in own))
