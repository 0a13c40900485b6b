"""What every method keeps to; a new one is tested here with no new test."""

import subprocess
import sys

import pytest

from motor.registry import plugins

METHODS = plugins("motor.methods")


@pytest.fixture(params=METHODS)
def recipe(request):
    return METHODS[request.param]()


def test_recipe_takes_a_feature_that_there_is(recipe):
    assert recipe.feature in plugins("motor.features")


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
    assert recipe.trainable_blocks is None or recipe.labels != "none"


def test_recipe_describes_itself_unlike_the_others(recipe):
    others = [METHODS[name]().describe() for name in METHODS if name != recipe.kind]
    assert recipe.describe() not in others
    assert recipe.feature in recipe.describe()


def test_recipe_makes_a_cell_in_every_regime(recipe, make_tiny, tmp_path):
    tiny = make_tiny(tmp_path, f"axes.method=[{recipe.kind}]", "backbone.num_layers=2")
    assert [cell.name() for cell in tiny.plan.cells] == [
        f"{recipe.kind}/{regime}/64/lda" for regime in ("ShengYing", "ZhenDong", "Joint")
    ]
    stage = tiny.plan.cells[0].stage.features[0]
    assert (stage.feature.kind, stage.finetune.labels) == (recipe.feature, recipe.labels)


def test_methods_import_nothing_heavy():
    code = (
        "import sys, launch; from motor.registry import plugins; plugins('motor.methods'); "
        "print({'ray', 'sklearn', 'scipy', 'pandas', 'torch', 'matplotlib', 'pyarrow'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "set()"


@pytest.mark.parametrize("module", ["motor.settings", "motor.methods.cells", "motor.methods.chain", "launch"])
def test_module_can_be_imported_first(module):
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True, capture_output=True)
