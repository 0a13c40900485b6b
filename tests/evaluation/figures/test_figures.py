import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest

from motor.evaluation.cell_metrics import classification_metrics
from motor.evaluation.figures import confusion_figure, residual_figure, roc_pr_figure, tsne_figure
from motor.evaluation.figures.style import drawable

CLASSES = ("normal", "spark", "vibrate")
CHINESE = ("正常", "火花$x$", "振动")


def draw(name, path, table, classes=CLASSES):
    """Draw the named figure of a table of predictions."""
    labels, motors, domains = table["label"], table["motor"], table["domain"]
    if name == "confusion":
        confusion_figure(path, classification_metrics(table, classes, classes[0]))
    elif name == "roc_pr":
        roc_pr_figure(path, table, classes, classes[0])
    elif name == "residual":
        residuals = table.assign(residual=10 ** (3 * table[f"probability_{classes[0]}"]))
        residual_figure(path, residuals, classes)
    else:
        features = np.random.default_rng(0).normal(size=(len(table), 60))
        tsne_figure(path, features, labels, motors, domains, classes)
    return path.read_bytes()


FIGURES = pytest.mark.parametrize("name", ["confusion", "roc_pr", "residual", "tsne"])


@FIGURES
def test_figure_drawn_twice_has_the_same_bytes(name, tmp_path, make_predictions):
    table = make_predictions(n_motors=3)
    first = draw(name, tmp_path / "deep" / "first.png", table)
    assert first == draw(name, tmp_path / "second.png", table)
    assert first.startswith(b"\x89PNG")
    assert b"Software" not in first


@FIGURES
def test_figure_is_not_empty_and_shows_the_data(name, tmp_path, make_predictions):
    one = draw(name, tmp_path / "one.png", make_predictions(seed=1, n_motors=3))
    other = draw(name, tmp_path / "other.png", make_predictions(seed=1, n_motors=4))
    pixels = mpl.image.imread(tmp_path / "one.png")
    assert one != other
    assert pixels[..., :3].std() > 0.05


@FIGURES
def test_figure_with_chinese_names_warns_of_nothing(name, tmp_path, make_predictions):
    draw(name, tmp_path / "figure.png", make_predictions(classes=CHINESE, n_motors=2, domains=("声音",)), CHINESE)


@FIGURES
def test_figure_leaves_the_settings_of_matplotlib_alone(name, tmp_path, make_predictions):
    before = dict(mpl.rcParams)
    draw(name, tmp_path / "figure.png", make_predictions(n_motors=2))
    assert dict(mpl.rcParams) == before


def test_figures_load_no_window_toolkit(tmp_path):
    code = (
        "import sys, pathlib, pandas as pd; from motor.evaluation.figures import residual_figure; "
        "table = pd.DataFrame({'domain': 'd', 'label': 'a', 'motor': 'm', 'residual': [1.0, 2.0, 90.0]}); "
        "residual_figure(pathlib.Path(sys.argv[1]), table, ('a',)); sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "figure.png")], check=True)


def test_drawable_names_that_no_font_knows_are_numbered():
    assert drawable(["spark", "\U000f0000"]) == {"spark": "spark", "\U000f0000": "no. 2"}


@pytest.mark.parametrize("n_series", [1, 4, 5, 7])
def test_tsne_of_few_series_is_drawn(n_series, tmp_path, make_predictions):
    draw("tsne", tmp_path / "figure.png", make_predictions(n_motors=3).iloc[:n_series])
    assert (tmp_path / "figure.png").stat().st_size > 2000


def test_tsne_of_features_with_gaps_and_constants_is_drawn(tmp_path):
    features = np.random.default_rng(0).normal(size=(12, 4))
    features[0, 0], features[:, 1], features[:, 2] = np.nan, 3.0, np.nan
    tsne_figure(tmp_path / "figure.png", features, ["a"] * 12, ["m"] * 12, ["d"] * 12, ("a",))
    assert (tmp_path / "figure.png").stat().st_size > 10_000


def test_tsne_of_unequal_lengths_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="'features': 3, 'labels': 2"):
        tsne_figure(tmp_path / "figure.png", np.zeros((3, 2)), ["a"] * 2, ["m"] * 3, ["d"] * 3, ("a",))


def test_roc_of_one_class_is_drawn_without_curves(tmp_path, make_predictions):
    table = make_predictions(n_motors=2)
    assert draw("roc_pr", tmp_path / "figure.png", table[table["label"] == "spark"])


def test_residuals_without_a_finite_value_are_an_error(tmp_path, make_predictions):
    with pytest.raises(ValueError, match="no series has a finite residual"):
        residual_figure(tmp_path / "figure.png", make_predictions(n_motors=2).assign(residual=np.nan), CLASSES)


def test_residuals_without_their_column_are_an_error(tmp_path, make_predictions):
    with pytest.raises(ValueError, match=r"lack the columns \['residual'\]"):
        residual_figure(tmp_path / "figure.png", make_predictions(n_motors=2), CLASSES)
