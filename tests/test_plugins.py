"""Plug-ins as one file each in a folder of one's own: a small grid runs to its end, report, prediction and export."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import launch

ROOT = Path(launch.__file__).parent
READER = '''
"""Readings: a text file a recording, whose first line tells the speed."""

from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from motor.recordings.readers.base import Reader, Source


class Readings(Reader):
    """Text files, say ``ShengYing/normal/motor_1-0.reading``."""

    kind: Literal["readings"] = "readings"
    opens: ClassVar[tuple[str, ...]] = (".reading",)

    def files(self):
        path = self.existing_path()
        return sorted(path.rglob("*.reading")) if path.is_dir() else [path]

    def sources(self):
        for file in self.files():
            speed_rpm, *samples = file.read_text().split()
            own = {"domain": file.parts[-3], "label": file.parts[-2], "speed_rpm": float(speed_rpm)}
            yield Source("/".join(file.parts[-3:]), str(file), partial(_signal, samples), own=own)


def _signal(samples):
    return np.array(samples, dtype=np.float32), None


PLUGIN = Readings
'''
REPRESENTATION = '''
"""The signal beside the shaft's frequency: what it is at once, and what it was a revolution before."""

from typing import ClassVar, Literal

import numpy as np

from motor.windows.representations.base import Representation


class Turned(Representation):
    """What a revolution changes."""

    needs_speed: ClassVar[bool] = True
    kind: Literal["turned"] = "turned"

    def represent(self, signal, sampling_rate_hz, speed_rpm):
        if speed_rpm is None:
            raise ValueError("no speed")
        lag = int(60 * sampling_rate_hz / speed_rpm)
        return signal[lag:] - signal[:-lag], sampling_rate_hz


PLUGIN = Turned
'''
AXIS = '''
"""Steps of a fine-tune."""

from typing import Any, ClassVar, Literal

from motor.evaluation.axes.base import Axis, Concern


class Steps(Axis):
    """Values of ``finetune.num_steps``."""

    kind: Literal["steps"] = "steps"
    setting: ClassVar[tuple[str, ...]] = ("finetune", "num_steps")
    values: ClassVar[Any] = int
    concerns: ClassVar[Concern] = "training"


PLUGIN = Steps
'''
CONFIG = """\
plugins: [mine]
dataset:
  kind: readings
  path: data
  pattern: (?P<motor>motor_[0-9]+)-(?P<moment>[0-9]+)
  sampling_rate_hz: 4096
  domains: [ShengYing, ZhenDong]
  classes: [normal, spark, vibrate]
split: {kind: ratio, train: 2, validation: 1, test: 1}
representation: {kind: turned}
windows: {prediction_length: 16, per_series: 2, per_series_features: 2, stream: memory_map}
backbone: {kind: bolt, d_model: 16, d_kv: 8, d_ff: 16, num_layers: 1, num_decoder_layers: 1, num_heads: 2}
finetune: {num_steps: 2, learning_rate: 1e-2, batch_size: 4, validate_every: 2}
axes: {method: [A], domain: [ShengYing], context_length: [64], classifier: [lda], steps: [1, 2]}
"""


def typed(folder, *words, program=(str(ROOT / "launch.py"),)):
    """Run a command in a folder as a person does and return what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "PYTHONPATH"))}
    told = subprocess.run(
        [sys.executable, *program, *map(str, words)], capture_output=True, text=True, env=environment, cwd=folder
    )
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout


@pytest.fixture(scope="module")
def folder(tiny_data, tmp_path_factory):
    """A folder with a config, its plug-ins and its data in a format of their own."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "mine").mkdir()
    (folder / "mine" / "readings.py").write_text(READER, encoding="utf-8")
    (folder / "mine" / "turned.py").write_text(REPRESENTATION, encoding="utf-8")
    (folder / "mine" / "steps.py").write_text(AXIS, encoding="utf-8")
    (folder / "own.yaml").write_text(CONFIG, encoding="utf-8")
    for source in tiny_data.rglob("*.npy"):
        file = folder / "data" / source.relative_to(tiny_data).with_suffix(".reading")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"1500\n{' '.join(map(str, np.load(source)))}\n", encoding="utf-8")
    return folder


@pytest.mark.ray
def test_reader_representation_and_axis_of_ones_own_run_to_report_prediction_and_export(folder):
    storage = ("--storage", folder / "storage")
    typed(folder, "own.yaml", *storage)
    report = (folder / "storage" / "results" / "own" / "result.md").read_text(encoding="utf-8")
    assert "turned" in report
    assert "steps 2" in report
    assert "2 of 2 cells stand" in typed(folder, "own.yaml", "--status", *storage)
    (folder / "mine").rename(folder / "elsewhere")  # what was built carries the source
    new = sorted((folder / "data" / "ShengYing").rglob("*.reading"))[:2]
    judged = typed(folder, "predict", *new, "--cell", "best", *storage)
    assert judged.count("\n") == 3
    assert "NaN" not in judged
    exported = folder / "exported"
    typed(folder, "export", "--cell", "best", "--to", exported, *storage)
    assert typed(folder, *new, program=(str(exported / "predict.py"),)) == judged
