"""The overview of all cells."""

import pytest

from motor.report.figures.overview import overview_figure


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


def test_overview_figure_of_cells_without_a_context_is_drawn(tmp_path):
    bare = [({**axes, "context_length": None, "classifier": None}, metrics) for axes, metrics in cells()]
    overview_figure(tmp_path / "figure.png", bare, ["method", "context_length"], "domain", "classifier")
    assert (tmp_path / "figure.png").stat().st_size > 5000


def test_overview_figure_of_many_rows_draws_the_best_alone(tmp_path):
    many = [
        ({"method": f"m{number}", "domain": "d", "classifier": "lda"}, {**cells()[0][1], "macro_f1": number / 200})
        for number in range(120)
    ]
    overview_figure(tmp_path / "many.png", many, ["method"], "domain", "classifier")
    overview_figure(tmp_path / "best.png", many[:71:-1], ["method"], "domain", "classifier")
    assert (tmp_path / "many.png").read_bytes() == (tmp_path / "best.png").read_bytes()


def test_overview_figure_without_cells_raises(tmp_path):
    with pytest.raises(ValueError, match="no cells"):
        overview_figure(tmp_path / "none.png", [], ["method"], "domain", "classifier")
