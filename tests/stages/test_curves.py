"""What TensorBoard reads: curves, live and right when a fine-tune is taken up again, and one row for each cell."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from motor.stages.curves import LiveCurves, write_cell, write_curves


def rows(first: int, end: int, every: int = 10) -> list[dict[str, float]]:
    return [{"step": step, "of": 100, "loss": 1 / step, "windows_per_s": 50.0} for step in range(first, end, every)]


def read(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Return each curve's points as TensorBoard shows them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder)).Reload()
    return {tag: [(of.step, of.value) for of in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def steps(folder: Path, tag: str = "finetune/loss") -> list[int]:
    return [step for step, _ in read(folder)[tag]]


def test_live_curves_are_there_while_training_goes_on(tmp_path: Path) -> None:
    curves = LiveCurves(tmp_path)
    curves.add({"step": 10, "loss": 0.5})
    end = time.monotonic() + 10
    while not read(tmp_path) and time.monotonic() < end:
        time.sleep(0.02)
    assert read(tmp_path) == {"finetune/loss": [(10, 0.5)]}
    curves.close()


def test_live_curves_have_the_names_that_the_whole_ones_have(tmp_path: Path) -> None:
    with LiveCurves(tmp_path / "live") as curves:
        for row in rows(10, 50):
            curves.add(row)
    write_curves(tmp_path / "whole", rows(10, 50))
    assert read(tmp_path / "live") == read(tmp_path / "whole")
    assert set(read(tmp_path / "live")) == {"finetune/loss", "finetune/windows_per_s"}


@pytest.mark.parametrize("again_from", [10, 30, 60])
def test_live_curves_taken_up_again_have_each_point_once(tmp_path: Path, again_from: int) -> None:
    with LiveCurves(tmp_path) as curves:
        for row in rows(10, 60):
            curves.add(row)
    with LiveCurves(tmp_path) as curves:
        for row in rows(again_from, 100):
            curves.add(row)
    assert steps(tmp_path) == list(range(10, 100, 10))


def test_live_curves_taken_up_twice_have_each_point_once(tmp_path: Path) -> None:
    for first, end in ((10, 60), (40, 90), (70, 110)):
        with LiveCurves(tmp_path) as curves:
            for row in rows(first, end):
                curves.add(row)
    assert steps(tmp_path) == list(range(10, 110, 10))


def test_live_curves_first_step_that_is_given_purges_from_there(tmp_path: Path) -> None:
    with LiveCurves(tmp_path) as curves:
        for row in rows(5, 100, every=5):
            curves.add(row)
    with LiveCurves(tmp_path, first_step=51) as curves:
        for row in rows(60, 110):
            curves.add(row)
    assert steps(tmp_path) == [*range(5, 51, 5), *range(60, 110, 10)]


def test_live_curves_without_a_row_write_nothing(tmp_path: Path) -> None:
    with LiveCurves(tmp_path / "none"):
        pass
    assert not (tmp_path / "none").exists()


def table(root: Path) -> tuple[set[str], dict[str, dict[str, float]]]:
    """Return the axes that TensorBoard's HParams table has as columns, and each row's figures."""
    from tensorboard import context
    from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
    from tensorboard.plugins import base_plugin
    from tensorboard.plugins.hparams import api_pb2, backend_context, list_session_groups

    events = plugin_event_multiplexer.EventMultiplexer().AddRunsFromDirectory(str(root))
    events.Reload()
    provider = data_provider.MultiplexerDataProvider(events, str(root))
    backend = backend_context.Context(base_plugin.TBContext(data_provider=provider, multiplexer=events))
    asked = context.RequestContext()
    experiment = backend.experiment_from_metadata(asked, "", True, backend.hparams_metadata(asked, ""), [])
    request = api_pb2.ListSessionGroupsRequest(slice_size=100, include_metrics=True)
    request.allowed_statuses.extend(api_pb2.Status.values())
    rows = list_session_groups.Handler(asked, backend, "", request).run().session_groups
    figures = {row.name: {of.name.tag: of.value for of in row.metric_values} for row in rows}
    return {of.name for of in experiment.hparam_infos}, figures


CELLS: Sequence[tuple[str, dict[str, Any], float]] = (
    ("A-64", {"method": "A", "context_length": 64, "patch_length": None}, 0.5),
    ("classical", {"method": "classical", "context_length": None, "patch_length": None}, 0.75),
    ("Z-16", {"method": "Z", "context_length": None, "patch_length": 16}, 0.25),
)


def test_cells_are_one_row_each_with_a_column_for_every_axis(tmp_path: Path) -> None:
    for name, axes, macro_f1 in CELLS:
        write_cell(tmp_path / name, axes, {"cell/macro_f1": macro_f1})
    write_curves(tmp_path / "finetune" / "A-64", rows(10, 50))  # which is no cell
    columns, figures = table(tmp_path)
    assert columns == {"method", "context_length", "patch_length"}
    assert figures == {name: {"cell/macro_f1": macro_f1} for name, _, macro_f1 in CELLS}


FULL = """
import resource, signal, sys
from pathlib import Path
from motor.stages.curves import LiveCurves
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
with LiveCurves(Path(sys.argv[1])) as curves:
    for step in range(5000):
        curves.add({"step": step, "loss": 0.5})
"""


def test_live_curves_on_a_full_disk_raise_and_do_not_hang(tmp_path):
    ended = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "OSError: [Errno 27] File too large" in ended.stderr


def test_cells_and_curves_are_written_without_torch_which_costs_each_process_seconds(tmp_path: Path) -> None:
    program = "import sys; from pathlib import Path; from motor.stages.curves import write_cell, write_curves;"
    program += "write_cell(Path(sys.argv[1]), {'method': 'A'}, {'f': 1.0}); write_curves(Path(sys.argv[1]), []);"
    program += "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program, str(tmp_path)]).returncode == 0
