"""Energy and device of a stage, where the machine tells them.

What is read are the counters of whole devices: of the GPUs that this process may use, and of this node's processor
packages. Where others compute on them at the same time, their energy is in the reading, too. A stage whose workers are
on other nodes is read on its own node alone.
"""

import contextlib
import os
import platform
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

POWERCAP = Path("/sys/class/powercap")
READ_INTERVAL_S = 60.0  # a package's counter comes round after some minutes of full load
JOULES_PER_WH = 3600.0


class Meter:
    """Reads energy from its start on.

    Parameters
    ----------
    gpus : float
        GPUs that the stage asked for; without any, none is read.
    powercap : Path
        Where Linux tells the energy of processor packages (RAPL); as a rule only root may read it.
    """

    def __init__(self, gpus: float = 0, powercap: Path = POWERCAP) -> None:
        self._gpus = gpu_joules() if gpus else {}
        self._packages = Packages(powercap)
        self._stopped = threading.Event()
        if self._packages.joules:
            threading.Thread(target=self._follow, daemon=True).start()

    def stop(self) -> dict[str, float | None]:
        """Return the energy since the start, in watt-hours: ``gpu`` and ``cpu``, None where nothing tells it."""
        self._stopped.set()
        now = gpu_joules() if self._gpus else {}
        gpu = [now[name] - before for name, before in self._gpus.items() if name in now]
        return {"gpu": _watt_hours(gpu), "cpu": _watt_hours(list(self._packages.read().values()))}

    def _follow(self) -> None:
        while not self._stopped.wait(READ_INTERVAL_S):
            self._packages.read()


class Packages:
    """The processor packages' energy since the first reading, although their counters come round."""

    def __init__(self, powercap: Path) -> None:
        self._folders = sorted(powercap.glob("intel-rapl:?")) if powercap.exists() else []  # AMD's have this name too
        self._lock = threading.Lock()
        self._last = {folder: joules for folder in self._folders if (joules := _counter(folder)) is not None}
        self.joules = dict.fromkeys(self._last, 0.0)

    def read(self) -> Mapping[Path, float]:
        """Return the joules of each package since the first reading."""
        with self._lock:
            for folder, last in self._last.items():
                now = _counter(folder)
                if now is None:
                    continue
                came_round = _counter(folder, "max_energy_range_uj") or 0.0 if now < last else 0.0
                self.joules[folder] += now - last + came_round
                self._last[folder] = now
            return self.joules


def _counter(folder: Path, name: str = "energy_uj") -> float | None:
    try:
        return int((folder / name).read_text(encoding="ascii")) / 1e6
    except (OSError, ValueError):  # not readable, as a rule
        return None


def _watt_hours(joules: list[float]) -> float | None:
    return round(sum(joules) / JOULES_PER_WH, 6) if joules else None


def gpu_joules() -> dict[str, float]:
    """Return the energy of each visible GPU since its driver was loaded, by its name and number.

    Empty where NVML is not installed, finds no driver, or the GPU does not tell (as some slices of a MIG).
    """
    found = {}
    with _nvml() as nvml:
        for index, handle in _visible(nvml):
            with contextlib.suppress(nvml.NVMLError):
                found[f"{nvml.nvmlDeviceGetName(handle)} {index}"] = (
                    nvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1e3
                )
    return found


@contextlib.contextmanager
def _nvml() -> Iterator[Any]:
    """Give NVML, or None where there is none."""
    try:
        import pynvml
    except ImportError:
        yield None
        return
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        yield None
        return
    try:
        yield pynvml
    finally:
        pynvml.nvmlShutdown()


def _visible(nvml: Any) -> Iterator[tuple[str, Any]]:
    """Yield the GPUs that this process may use, as CUDA does: by number or UUID."""
    if nvml is None:
        return
    listed = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = (
        [str(i) for i in range(nvml.nvmlDeviceGetCount())] if listed is None else [n for n in listed.split(",") if n]
    )
    for name in names:
        with contextlib.suppress(nvml.NVMLError):
            by_number = name.isdecimal()
            yield (
                name,
                nvml.nvmlDeviceGetHandleByIndex(int(name)) if by_number else nvml.nvmlDeviceGetHandleByUUID(name),
            )


def device_name(gpus: float) -> str:
    """Return what a stage computes on: the names of its GPUs, else the processor's."""
    if not gpus:
        return processor_name()
    with _nvml() as nvml:
        names = sorted(nvml.nvmlDeviceGetName(handle) for _, handle in _visible(nvml))
    return " + ".join(names) or "GPU"


@cache
def processor_name() -> str:
    """Return, say, ``AMD EPYC 9654 96-Core Processor``."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
