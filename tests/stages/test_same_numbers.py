"""The same config and seed give the same files, to the last bit."""

import pytest

CELLS = ("A/Joint/64/lda", "C_two_stage/Joint/64/lda")


@pytest.fixture(scope="module")
def again(make_tiny, tmp_path_factory):
    return make_tiny(tmp_path_factory.mktemp("again")).build(*CELLS)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("name", ["metrics.json", "predictions.csv"])
def test_cell_built_twice_has_the_same_bytes(tiny_built, again, cell, name):
    first, second = (tiny.folder(tiny.cell(cell)) / name for tiny in (tiny_built, again))
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("cell", CELLS)
def test_predictor_built_twice_has_the_same_bytes(tiny_built, again, cell):
    folders = [tiny.folder(tiny.cell(cell).features[0].finetunes[0]) / "predictor" for tiny in (tiny_built, again)]
    for file in folders[0].iterdir():
        assert file.read_bytes() == (folders[1] / file.name).read_bytes()


def test_cell_of_another_seed_has_other_weights(tiny_built, make_tiny, tmp_path):
    other = make_tiny(tmp_path, "seed=7").build_stages("finetune", regime="ShengYing", labels="normal")
    first, second = (
        tiny.folder(tiny.cell("A/ShengYing/64/lda").features[0].finetunes[0]) for tiny in (tiny_built, other)
    )
    name = "predictor/model.safetensors"
    assert (first / name).read_bytes() != (second / name).read_bytes()
