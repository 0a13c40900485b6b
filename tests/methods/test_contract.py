"""What every method keeps to; a new one is tested here with no new test."""

import subprocess
import sys

import pytest

from motor.methods.fine_tuned import FineTuned
from motor.registry import plugins

METHODS = plugins("motor.methods")


@pytest.fixture(params=METHODS)
def recipe(request):
    return METHODS[request.param]()


@pytest.fixture
def asked(tmp_path):
    """What some method asks for, and the others leave be: the parts of machines, a table of vectors."""
    (tmp_path / "v.npz").touch()
    return 'dataset.machines={"*": {blades: 4}}', f"features.given.path={tmp_path / 'v.npz'}"


def test_recipe_takes_features_of_one_kind(recipe):
    features = [plugins("motor.features")[name] for name in recipe.features]
    assert all(issubclass(feature, recipe.TAKES) for feature in features)


def test_recipe_has_a_control_that_is_the_same_without_training(recipe):
    if recipe.control is not None:
        control = METHODS[recipe.control]()
        assert (control.labels, control.features, control.backbone) == ("none", recipe.features, recipe.backbone)


def test_recipe_that_trains_a_chronos_forecaster_has_a_control(recipe):
    trains = isinstance(recipe, FineTuned) and recipe.labels != "none" and recipe.backbone == "config"
    assert (recipe.control is not None) == trains


def test_recipe_has_a_results_folder_of_its_own(recipe):
    others = [METHODS[name]().folder for name in METHODS if name != recipe.kind]
    assert recipe.folder not in others
    assert recipe.folder == recipe.folder.strip(".")
    assert "/" not in recipe.folder


def test_recipe_starts_from_a_method_that_starts_from_none(recipe):
    if recipe.start is not None:
        first = METHODS[recipe.start]()
        assert first.start is None
        assert first.labels != "none"


def test_recipe_with_free_blocks_is_fine_tuned(recipe):
    if isinstance(recipe, FineTuned):
        assert recipe.trainable_blocks is None or recipe.labels != "none"


def test_recipe_describes_itself_unlike_the_others(recipe):
    others = [METHODS[name]().describe() for name in METHODS if name != recipe.kind]
    assert recipe.describe() not in others
    assert all(feature in recipe.describe() for feature in recipe.features)


def serving(recipe):
    """A backbone that has what the recipe's features take."""
    taken = {need for name in recipe.features for need in getattr(plugins("motor.features")[name], "needs", ())}
    given = {name: set(plugin().gives) for name, plugin in plugins("motor.backbones").items()}
    kinds = ["bolt", *given]  # the first that serves
    kind = next(kind for kind in kinds if taken <= given[kind])
    return "backbone.num_layers=2" if kind == "bolt" else f"backbone={{kind: {kind}}}"


def test_recipe_makes_a_cell_in_every_regime(recipe, asked, make_tiny, tmp_path):
    tiny = make_tiny(tmp_path, f"axes.method=[{recipe.kind}]", serving(recipe), *asked)
    context = "-" if "context_length" in recipe.idle_axes else "64"
    assert [cell.name() for cell in tiny.plan.cells] == [
        f"{recipe.kind}/{regime}/{context}/lda" for regime in ("ShengYing", "ZhenDong", "Joint")
    ]
    assert tiny.plan.cells[0].stage.features[0].names == recipe.features


def test_recipe_axes_that_are_idle_make_no_cells(recipe, asked, make_tiny, tmp_path):
    axes = ["axes.context_length=[64, 128]", "axes.representation=[raw, decimated]", "axes.prediction_length=[16, 32]"]
    tiny = make_tiny(tmp_path, f"axes.method=[{recipe.kind}]", "axes.domain=[Joint]", serving(recipe), *asked, *axes)
    idle = {"context_length", "representation", "prediction_length"} & set(recipe.idle_axes)
    assert len(tiny.plan.cells) == 2 ** (3 - len(idle))


def test_methods_import_nothing_heavy():
    code = (
        "import sys, launch; from motor.registry import plugins; plugins('motor.methods'); "
        "print({'ray', 'sklearn', 'scipy', 'pandas', 'torch', 'matplotlib', 'pyarrow'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "set()"


@pytest.mark.parametrize(
    "module",
    [
        "motor.experiment.settings",
        "motor.experiment.cells",
        "motor.experiment.chain",
        "motor.experiment.link",
        "launch",
    ],
)
def test_module_can_be_imported_first(module):
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True, capture_output=True)
