"""The critical-difference diagram."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from motor.report.figures.critical import critical_difference_figure


def draw(path, names):
    generator = np.random.default_rng(0)
    ranks = {
        name: float(rank) for name, rank in zip(names, np.linspace(1.5, len(names) - 0.5, len(names)), strict=True)
    }
    distance = np.abs(np.subtract.outer(list(ranks.values()), list(ranks.values())))
    p_values = pd.DataFrame(np.where(distance < 1.5, 1.0, 0.01), index=names, columns=names)
    order = generator.permutation(len(names))
    critical_difference_figure(path, {names[place]: ranks[names[place]] for place in order}, p_values, 1.5)
    return path.read_bytes()


@pytest.mark.parametrize("n_recipes", [3, 20])
def test_critical_figure_drawn_twice_has_the_same_bytes(tmp_path, n_recipes):
    names = [f"method_{number}, svm" for number in range(n_recipes)]
    assert draw(tmp_path / "one.png", names) == draw(tmp_path / "two.png", names)
    assert mpl.image.imread(tmp_path / "one.png")[..., :3].std() > 0.05


def test_critical_figure_of_long_and_chinese_names_warns_of_nothing(tmp_path):
    draw(
        tmp_path / "figure.png",
        ["方法 A, 声音", "C_two_stage, each domain alone, context 4096, logistic_regression, $x$", "B"],
    )


def test_critical_figure_leaves_the_settings_of_matplotlib_alone(tmp_path):
    draw(tmp_path / "first.png", ["A", "B", "C"])  # its library sets matplotlib up when it is first loaded
    before = dict(mpl.rcParams)
    draw(tmp_path / "figure.png", ["A", "B", "C"])
    assert dict(mpl.rcParams) == before


def test_critical_figure_of_one_recipe_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="needs two recipes or more; there are 1"):
        critical_difference_figure(tmp_path / "figure.png", {"A": 1.0}, pd.DataFrame([[1.0]], ["A"], ["A"]), 1.0)
