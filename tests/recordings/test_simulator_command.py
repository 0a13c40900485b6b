"""`python -m motor.recordings.simulator`: what it writes is read back as the same recordings in every format."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from motor.recordings.readers.simulator import Simulator
from motor.recordings.recording import Recording
from motor.recordings.simulator import WRITERS, write_plant
from motor.registry import plugins

SIZES = ["--series", "10", "--recordings-per-motor", "1", "--n-samples", "256", "--sampling-rate-hz", "4096"]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    """Return the folder that the command fills, and the block that it prints for each format."""
    folder = tmp_path_factory.mktemp("plant")
    typed = [sys.executable, "-m", "motor.recordings.simulator", str(folder), "--format", *WRITERS, *SIZES]
    done = subprocess.run([*typed, "--workers", "1"], capture_output=True, text=True, check=True)
    blocks = [yaml.safe_load("dataset:" + block)["dataset"] for block in done.stdout.split("dataset:")[1:]]
    return folder, {block["kind"]: block for block in blocks}


@pytest.fixture(scope="module")
def simulated() -> dict[str, Recording]:
    """Return the same recordings out of the reader, by moment and domain."""
    plant = Simulator(motors_per_class=2, recordings_per_motor=1, n_samples=256, sampling_rate_hz=4096.0)
    return {f"{one.moment}-{one.domain}": one for one in list(plant.read())[:10]}


@pytest.mark.parametrize("kind", WRITERS)
def test_simulator_written_in_each_format_is_read_back(
    kind: str, written: tuple[Path, dict[str, dict[str, Any]]], simulated: dict[str, Recording]
) -> None:
    settings = {name: tuple(v) if isinstance(v, list) else v for name, v in written[1][kind].items()}
    settings["sampling_rate_hz"] = float(settings["sampling_rate_hz"])
    found = {f"{one.moment}-{one.domain}": one for one in plugins("motor.recordings.readers")[kind](**settings).read()}  # type: ignore[attr-defined]
    assert found.keys() == simulated.keys()
    for name, recording in simulated.items():
        np.testing.assert_array_equal(found[name].signal, recording.signal)
        assert (found[name].motor, found[name].label) == (recording.motor, recording.label)


def test_simulator_table_has_the_columns_of_the_seeds(written: tuple[Path, Any]) -> None:
    first, second, third = (written[0] / "long.csv").read_text().split("\n")[:3]
    assert first == "item_id,timestamp,target,label"
    assert [len(line.split(",")) for line in (second, third)] == [4, 4]
    assert third.split(",")[1] == f"{1 / 4096:.9f}"


def test_simulator_writes_beside_nothing_that_stands(written: tuple[Path, Any]) -> None:
    with pytest.raises(FileExistsError, match=r"long\.csv is there already; delete it"):
        write_plant(Simulator(n_samples=64), 1, written[0], ["long_csv"], 1)
