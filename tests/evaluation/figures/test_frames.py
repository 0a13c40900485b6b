import pytest

from motor.evaluation.figures.frames import framed, framing
from motor.evaluation.figures.style import drawing


def of_both(figure):
    """Draw what a frame has."""
    axes = tuple(figure.subplots(1, 2))
    for axis in axes:
        axis.set(xlim=(-1, 4), ylim=(-1, 4), title="title", xlabel="x", ylabel="y")
    return axes


def fill(axis, slope):
    axis.text(1, 2, f"slope {slope}", zorder=1)  # beneath the line
    axis.plot([0, 3], [0, slope], label=f"line {slope}")
    axis.legend(loc="upper left")


@pytest.fixture
def frame():
    with framing(5, 3) as figure:
        axes = of_both(figure)
    return framed(axes)


def drawn(frame, path, slope):
    with frame.drawing(path) as axes:
        for axis in axes:
            fill(axis, slope)
    return path.read_bytes()


def test_frame_filled_again_and_again_gives_the_bytes_of_a_figure_drawn_anew(frame, tmp_path):
    with drawing(tmp_path / "anew.png", 5, 3) as figure:
        for axis in of_both(figure):
            fill(axis, 1)
    others = drawn(frame, tmp_path / "first.png", 1), drawn(frame, tmp_path / "other.png", 2)
    again = drawn(frame, tmp_path / "again.png", 1)
    assert (tmp_path / "anew.png").read_bytes() == others[0] == again != others[1]


def test_frame_whose_filling_fails_writes_nothing_and_is_empty_again(frame, tmp_path):
    def fail(axes):
        fill(axes[0], 3)
        raise KeyError("a class without a name")

    before = drawn(frame, tmp_path / "before.png", 1)
    with pytest.raises(KeyError), frame.drawing(tmp_path / "failed.png") as axes:
        fail(axes)
    assert not (tmp_path / "failed.png").exists()
    assert drawn(frame, tmp_path / "after.png", 1) == before
