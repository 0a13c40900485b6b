"""Names of any alphabet where the terminal, or the whole locale, knows ASCII alone."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.hostile

ROOT = Path(__file__).parents[2]
CONFIG = """\
dataset:
  kind: tree
  path: \u6570\u636e
  pattern: (?P<motor>M\\d+)\\.npy$
  sampling_rate_hz: 2000
  domains: [\u632f\u52a8]
  classes: [\u6b63\u5e38, \u6253\u706b]
normal: \u6b63\u5e38
split: {kind: ratio, train: 2, validation: 0, test: 1}
backbone: {kind: bolt, d_model: 16, d_ff: 16}
features: {classical: {psd_highest_hz: 999, high_frequencies_hz: []}}
axes: {method: [classical], domain: [\u632f\u52a8], context_length: [64], classifier: [lda]}
"""


@pytest.mark.parametrize(
    "encoding",
    [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}],
)
def test_check_data_of_names_that_the_terminal_cannot_show_escapes_them(
    tmp_path: Path, encoding: dict[str, str]
) -> None:
    for number in range(8):
        label = "\u6b63\u5e38" if number % 2 else "\u6253\u706b"
        file = tmp_path / "\u6570\u636e" / "\u632f\u52a8" / label / f"M{number}.npy"
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, np.random.default_rng(number).normal(size=500))
    (tmp_path / "names.yaml").write_text(CONFIG, encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, str(ROOT / "launch.py"), "check-data", "names.yaml", "--storage", "storage"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), **encoding},
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr + ended.stdout
    assert b"\\u632f\\u52a8" in ended.stdout
    assert b"8 series of 8 motors" in ended.stdout


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_command_with_closed_streams_goes_on(closed: str) -> None:
    command = [sys.executable, str(ROOT / "launch.py"), "--help"]
    ended = subprocess.run(["sh", "-c", f'exec "$@" {closed}', "sh", *command], capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_command_without_docstrings_says_what_to_run() -> None:
    command = [sys.executable, "-OO", str(ROOT / "launch.py"), "--help"]
    ended = subprocess.run(command, capture_output=True, check=False, text=True)
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        "python -OO runs no Ray; run the same command by python, or by python -O",
    ]
