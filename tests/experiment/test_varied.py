"""`axes.vary`: any setting by its path is an axis; a cell that does not read it is there once."""

import pytest

from grid.config.check import ConfigError

ONE = ("axes.domain=[ZhenDong]",)


def varied(make_tiny, tmp_path, *overrides):
    return make_tiny(tmp_path, *ONE, *overrides).plan.cells


def test_vary_puts_each_value_into_its_setting_and_nothing_else(make_tiny, tmp_path):
    asked = ("axes.method=[C]", "axes.classifier=[lda]")
    path = "finetune.learning_rate"
    cells = varied(make_tiny, tmp_path, *asked, "axes.vary={finetune.learning_rate: [1e-3, 2e-4]}")
    rates = {cell.axes[path]: cell.stage.features[0].finetunes[0].training.learning_rate for cell in cells}
    assert rates == {1e-3: 1e-3, 2e-4: 2e-4}
    (plain,) = varied(make_tiny, tmp_path, *asked, "finetune.learning_rate=2e-4")
    (same,) = (cell for cell in cells if cell.axes[path] == 2e-4)
    assert same.stage.features[0].key == plain.stage.features[0].key


def test_vary_a_setting_of_one_backbone_leaves_the_others_once(make_tiny, tmp_path):
    asked = ("axes.method=[A]", "axes.classifier=[lda]", "axes.backbone=[tft, retrieval]")
    cells = varied(make_tiny, tmp_path, *asked, "axes.vary={backbone.top_k: [3, 5]}")
    found = {(cell.axes["backbone"], cell.axes["backbone.top_k"]) for cell in cells}
    assert found == {("tft", None), ("retrieval", 3), ("retrieval", 5)}
    assert len(cells) == 3


def test_vary_what_nobody_reads_in_a_cell_is_not_varied_there(make_tiny, tmp_path):
    vary = "axes.vary={finetune.learning_rate: [1e-3, 1e-4], classifiers.svm.penalty: [1, 10]}"
    cells = varied(make_tiny, tmp_path, "axes.method=[C, untrained, linear]", "axes.classifier=[svm, lda]", vary)
    counts = {}
    for cell in cells:
        pair = (cell.axes["method"], cell.axes["classifier"])
        counts[pair] = counts.get(pair, 0) + 1
    trained = {("C", "svm"): 4, ("C", "lda"): 2}
    assert counts == trained | {(m, j): n for m in ("untrained", "linear") for j, n in (("svm", 2), ("lda", 1))}


def test_one_value_alone_is_taken_and_where_it_is_the_configs_own_nothing_is_varied(make_tiny, tmp_path):
    asked = ("axes.method=[C]", "axes.classifier=[lda]")
    path = "finetune.learning_rate"
    (plain,) = varied(make_tiny, tmp_path, *asked, f"{path}=1e-3")
    for value, shown in ((2e-4, 2e-4), (1e-3, None)):
        (cell,) = varied(make_tiny, tmp_path, *asked, f"{path}=1e-3", f"axes.vary={{{path}: [{value}]}}")
        assert cell.axes[path] == shown
        assert cell.stage.features[0].finetunes[0].training.learning_rate == value
        assert (cell.stage.features[0].key == plain.stage.features[0].key) == (shown is None)


def test_modules_of_one_choice_alone_are_taken(make_tiny, tmp_path):
    asked = ("axes.method=[C]", "axes.classifier=[lda]", "modules.gram={top_k: 3, key_length: 16}")
    (cell,) = varied(make_tiny, tmp_path, *asked, "axes.modules=[gram]")
    assert cell.axes["modules"] == "gram"
    assert [module.kind for module in cell.stage.features[0].finetunes[0].modules] == ["gram"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("finetune.learning_rat", r"axes\.vary.*no cell of this grid has the setting 'finetune\.learning_rat'"),
        ("split.k", "split.k is shared by all cells and cannot be varied"),
        ("finetune", "finetune is a whole section and cannot be varied"),
    ],
)
def test_vary_a_path_that_cannot_be_is_a_fault_with_its_place(make_tiny, tmp_path, path, message):
    with pytest.raises(ConfigError, match=message):
        varied(make_tiny, tmp_path, "axes.method=[C]", f"axes.vary={{{path}: [1, 2]}}")


def test_vary_a_value_that_the_setting_cannot_have_is_a_fault(make_tiny, tmp_path):
    with pytest.raises(ConfigError, match="learning_rate"):
        varied(make_tiny, tmp_path, "axes.method=[C]", "axes.vary={finetune.learning_rate: [0.1, -1]}")
