"""A document's figures as PNG files."""

import contextlib
import subprocess
import sys
import time

import matplotlib as mpl
import psutil
import pytest

from motor.report.aside import begin_aside, drawn_aside, is_begun
from motor.report.document import Dot, DotRow, Group, Intervals, Line
from motor.report.drawing import draw


def intervals(n_rows=3, interval=(0.4, 0.6), name="方法 A, 声音, $x$"):
    rows = [
        DotRow(f"{name} {place}", [Dot(0.5, interval, "text"), Dot(0.7, None, "text", 1)]) for place in range(n_rows)
    ]
    groups = [Group("plain", 0, 0), Group("声音", 1, 1)]
    return Intervals(rows, groups, "macro-F1", (0.0, 1.0), [Line(0.33, "chance 0.33")], groups)


def test_intervals_drawn_twice_have_the_same_bytes(tmp_path):
    for name in ("one.png", "two.png"):
        draw(tmp_path / name, intervals())
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert mpl.image.imread(tmp_path / "one.png")[..., :3].std() > 0.05


def test_figures_drawn_aside_have_the_bytes_of_those_drawn_here_and_a_fault_there_is_one_here(tmp_path):
    draw(tmp_path / "here.png", intervals())
    with drawn_aside([(tmp_path / "aside.png", intervals())]):
        pass
    assert (tmp_path / "aside.png").read_bytes() == (tmp_path / "here.png").read_bytes()
    with (
        pytest.raises(RuntimeError, match=r"not drawn: (.|\n)*KeyError: 'layout'"),
        drawn_aside([(tmp_path / "no.png", {})]),
    ):
        pass


def test_figures_are_drawn_by_the_process_that_has_begun_and_here_where_it_was_killed(tmp_path):
    begin_aside()
    begin_aside()  # one is enough
    with drawn_aside([(tmp_path / "begun.png", intervals())]):
        assert not is_begun()
    others = set(psutil.Process().children())
    begin_aside()
    [waiting] = set(psutil.Process().children()) - others  # its command line reads as empty at its very start
    waiting.kill()
    with drawn_aside([(tmp_path / "killed.png", intervals())]):
        pass
    assert (tmp_path / "killed.png").read_bytes() == (tmp_path / "begun.png").read_bytes()


# A launch that is killed before it has asked the process that it has begun; it says which one that is.
KILLED = """
import os, psutil
from motor.report.aside import begin_aside
begin_aside()
print(psutil.Process().children()[0].pid, flush=True)
os.kill(os.getpid(), 9)
"""


def test_process_that_draws_aside_ends_with_the_one_that_never_asked_it():
    done = subprocess.run([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with contextlib.suppress(psutil.NoSuchProcess):
        left = psutil.Process(int(done.stdout))
        while left.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.1)  # it imports before it looks


def test_intervals_without_an_interval_are_drawn(tmp_path):
    draw(tmp_path / "bare.png", intervals(interval=None))
    draw(tmp_path / "full.png", intervals())
    assert (tmp_path / "bare.png").read_bytes() != (tmp_path / "full.png").read_bytes()


def test_intervals_of_many_long_names_warn_of_nothing(tmp_path):
    draw(
        tmp_path / "figure.png", intervals(48, name="C_two_stage, each domain alone, context 4096, logistic_regression")
    )
    assert (tmp_path / "figure.png").stat().st_size > 5000


@pytest.mark.parametrize("name", ["roc", "calibration", "fault-scores", "learning", "residuals-0", "tsne-motor"])
def test_figures_of_a_cell_are_drawn(name, grid, context, make_details, shown, tmp_path):
    from motor.report.findings import find
    from motor.report.plots.base import cell_plots

    beside = next(reversed(make_details(grid)["cells"].values()))
    figures = {
        figure.name: figure for figure in cell_plots(shown(find(grid, context), "cell").wording, grid[-1], beside)
    }
    draw(tmp_path / "figure.png", figures[name].plot)
    assert mpl.image.imread(tmp_path / "figure.png")[..., :3].std() > 0.02


def test_drawing_leaves_the_settings_of_matplotlib_alone(tmp_path):
    before = dict(mpl.rcParams)
    draw(tmp_path / "figure.png", intervals())
    assert dict(mpl.rcParams) == before
