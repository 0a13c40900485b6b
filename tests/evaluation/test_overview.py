"""The overview of all cells."""

import pytest

from motor.evaluation.figures.overview import overview_figure


def cells():
    return [
        (
            {"method": method, "domain": domain, "classifier": classifier},
            {"macro_f1": 0.5, "macro_f1_interval": [0.4, 0.6], "chance": {"uniform": 0.33}},
        )
        for method in ("A", "B")
        for domain in ("声音", "Joint")
        for classifier in ("svm", "mlp")
    ]


def test_overview_figure_same_cells_gives_the_same_bytes(tmp_path):
    for name in ("one.png", "two.png"):
        overview_figure(tmp_path / name, cells(), ["method"], "domain", "classifier")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert (tmp_path / "one.png").stat().st_size > 5000


def test_overview_figure_cell_without_an_interval_is_drawn(tmp_path):
    bare = [(axes, {**metrics, "macro_f1_interval": None}) for axes, metrics in cells()]
    overview_figure(tmp_path / "bare.png", bare, ["method"], "domain", "classifier")
    overview_figure(tmp_path / "full.png", cells(), ["method"], "domain", "classifier")
    assert (tmp_path / "bare.png").read_bytes() != (tmp_path / "full.png").read_bytes()


def test_overview_figure_without_cells_raises(tmp_path):
    with pytest.raises(ValueError, match="no cells"):
        overview_figure(tmp_path / "none.png", [], ["method"], "domain", "classifier")
