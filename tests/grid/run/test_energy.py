"""Energy: counters that come round, that nobody may read, and that are not there."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from grid.run.energy import Meter, Packages, device_name, gpu_joules, processor_name


def package(root: Path, number: int, joules: float, largest: float = 262143.0) -> Path:
    """Lay out a processor package as Linux does."""
    folder = root / f"intel-rapl:{number}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "energy_uj").write_text(f"{round(joules * 1e6)}\n")
    (folder / "max_energy_range_uj").write_text(f"{round(largest * 1e6)}\n")
    return folder


def test_meter_adds_packages_up_in_watt_hours(tmp_path: Path) -> None:
    for number in range(2):
        package(tmp_path, number, 1000)
    meter = Meter(powercap=tmp_path)
    package(tmp_path, 0, 1000 + 3600)
    package(tmp_path, 1, 1000 + 7200)
    assert meter.stop() == {"gpu": None, "cpu": 3.0}


def test_packages_counter_that_came_round_is_seen_through(tmp_path: Path) -> None:
    folder = package(tmp_path, 0, 900, largest=1000)
    packages = Packages(tmp_path)
    for joules in (100, 600, 50):
        package(tmp_path, 0, joules, largest=1000)
        packages.read()
    assert packages.joules == {folder: pytest.approx(200 + 500 + 450)}


def test_meter_parts_of_a_package_are_not_counted_twice(tmp_path: Path) -> None:
    folder = package(tmp_path, 0, 1000)
    package(tmp_path, 0, 1000).joinpath("intel-rapl:0:0").mkdir()
    (tmp_path / "intel-rapl:0:0").symlink_to(folder)
    assert Packages(tmp_path).joules == {folder: 0.0}


def test_meter_nothing_that_tells_is_none(tmp_path: Path) -> None:
    assert Meter(powercap=tmp_path / "nothing").stop() == {"gpu": None, "cpu": None}


def test_meter_counter_that_is_no_number_is_none(tmp_path: Path) -> None:
    (package(tmp_path, 0, 0) / "energy_uj").write_text("not permitted")
    assert Meter(powercap=tmp_path).stop() == {"gpu": None, "cpu": None}


def test_gpu_joules_without_a_visible_gpu_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpu_joules() == {}


def test_device_name_without_a_gpu_is_the_processor() -> None:
    assert device_name(0) == processor_name() != ""


class Nvml(ModuleType):
    """As much of `pynvml` as is used: three GPUs, of which the last does not tell its energy."""

    class NVMLError(Exception):
        pass

    uuids = ("GPU-a", "GPU-b", "GPU-c")
    joules = 0.0

    def nvmlInit(self) -> None: ...

    def nvmlShutdown(self) -> None: ...

    def nvmlDeviceGetCount(self) -> int:
        return len(self.uuids)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> int:
        if uuid not in self.uuids:
            raise self.NVMLError
        return self.uuids.index(uuid)

    def nvmlDeviceGetName(self, handle: int) -> str:
        return "NVIDIA H200"

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: int) -> int:
        if handle == 2:
            raise self.NVMLError
        return round(1000 * self.joules * (handle + 1))


@pytest.mark.parametrize(
    ("visible", "watt_hours"), [(None, 3.0), ("1", 2.0), ("GPU-a", 1.0), ("GPU-a,1", 3.0), ("2", None), ("GPU-x", None)]
)
def test_meter_counts_the_gpus_that_the_process_may_use(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, visible: str | None, watt_hours: float | None
) -> None:
    nvml = Nvml("pynvml")
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    meter = Meter(gpus=1, powercap=tmp_path)
    nvml.joules = 3600
    assert meter.stop() == {"gpu": watt_hours, "cpu": None}


def test_gpu_joules_without_a_driver_or_the_library_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert gpu_joules() == {}
    assert device_name(1) == "GPU"


@pytest.mark.gpu
def test_meter_gpu_that_works_uses_energy() -> None:
    import torch

    meter = Meter(gpus=1)
    values = torch.randn(4096, 4096, device="cuda")
    for _ in range(500):
        values = values @ values / 64
    torch.cuda.synchronize()
    spent = meter.stop()["gpu"]
    assert spent is not None
    assert 1e-4 < spent < 10
    assert torch.cuda.get_device_name() in device_name(1)
