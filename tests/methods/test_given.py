"""Method `given`: vectors that were made elsewhere stand where ours would, and are held against the data first."""

import json

import pandas as pd
import pytest

from grid.stage import InputError
from motor.commands import line
from motor.commands.embed import embed
from motor.experiment.tables import check_tables
from motor.features.vectors import Vectors, read_vectors, write_vectors
from motor.predicting.predictor import Predictor
from motor.predicting.results import Results
from motor.predicting.stored import StoredCell

CELL = "C/Joint/64/lda"
SAME = ("predicted", "alarm", "probability_normal", "probability_spark", "probability_vibrate")
GIVEN = ("axes.method=[given]", "axes.domain=[Joint]")


@pytest.fixture(scope="module")
def embedded(tiny_built):
    """The vectors of a fine-tuned cell, as `embed` gives them."""
    return embed(StoredCell(tiny_built.folder(tiny_built.cell(CELL)), Results(tiny_built.store)).parts())


@pytest.fixture
def planned(make_tiny, tmp_path):
    """A grid of the method over a table."""

    def plan(vectors, *overrides, name="v.parquet"):
        write_vectors(vectors, tmp_path / name)
        return make_tiny(tmp_path, *GIVEN, f"features.given.path={tmp_path / name}", *overrides)

    return plan


@pytest.mark.parametrize("name", ["v.parquet", "v.npz"])
def test_given_vectors_of_a_cell_make_its_own_predictions(tiny_built, embedded, planned, name):
    tiny = planned(embedded, name=name).build_all()
    own, given = (
        pd.read_csv(of.folder(of.cell(cell)) / "predictions.csv", float_precision="round_trip")
        for of, cell in ((tiny_built, CELL), (tiny, "given/Joint/-/lda"))
    )
    for column in ("item", *SAME):
        assert own[column].tolist() == given[column].tolist()


def test_embed_as_a_command_writes_the_table(tiny_built, embedded, tmp_path, capsys):
    config, root = tiny_built.store.root.parent / "tiny.yaml", tiny_built.store.root
    words = ["embed", str(config), "--storage", str(root), "--cell", tiny_built.cell(CELL).key]
    assert line.main([*words, "--to", str(tmp_path / "v.parquet")]) == 0
    items = embedded.table["item"].tolist()
    assert read_vectors(tmp_path / "v.parquet").of_fold("0", items).equals(embedded.of_fold("0", items))
    assert "features.given.path=" in capsys.readouterr().out


def test_given_table_decides_the_key_and_its_name_does_not(embedded, planned):
    first, renamed = planned(embedded), planned(embedded, name="w.parquet")
    other = planned(Vectors(embedded.path, embedded.table.iloc[::-1], embedded.about))
    keys = [tiny.plan.cells[0].stage.key for tiny in (first, renamed, other)]
    assert keys[0] == keys[1] != keys[2]


def test_given_table_without_an_item_is_refused_before_anything_runs(embedded, planned):
    item = embedded.table["item"].iloc[3]
    tiny = planned(Vectors(embedded.path, embedded.table.drop(index=3)))
    with pytest.raises(InputError, match=f"1 item is missing: {item} in fold"):
        check_tables(tiny.plan.missing.values(), tiny.store)
    tiny.build_stages("recordings")  # the import stands: its own items count
    with pytest.raises(InputError, match=f"1 item is missing: {item} in fold"):
        check_tables(tiny.plan.missing.values(), tiny.store)


def test_given_table_that_is_whole_is_accepted_before_anything_runs(embedded, planned):
    tiny = planned(embedded)
    check_tables(tiny.plan.missing.values(), tiny.store)


def test_given_vectors_that_learned_from_a_test_motor_are_refused(embedded, planned):
    with pytest.raises(InputError, match="learned from motor"):
        planned(embedded, "seed=7").build_all()


def test_given_without_a_table_is_a_fault_of_the_config(make_tiny, tmp_path):
    with pytest.raises(ValueError, match=r"features\.given\.path"):
        make_tiny(tmp_path, *GIVEN)


def test_given_tables_are_an_axis(embedded, make_tiny, tmp_path):
    for name in ("v.parquet", "w.npz"):
        write_vectors(embedded, tmp_path / name)
    paths = json.dumps([str(tmp_path / name) for name in ("v.parquet", "w.npz")])
    tiny = make_tiny(tmp_path, "axes.method=[given, A]", GIVEN[1], f"axes.vary={{features.given.path: {paths}}}")
    assert len(tiny.plan.cells) == 3


def test_given_table_may_be_the_one_value_of_an_axis(embedded, make_tiny, tmp_path):
    write_vectors(embedded, tmp_path / "v.parquet")
    path = f"axes.vary={{features.given.path: [{tmp_path / 'v.parquet'}]}}"
    tiny = make_tiny(tmp_path, "axes.method=[given]", GIVEN[1], path)
    assert len(tiny.plan.cells) == 1


def test_given_cell_cannot_describe_a_new_recording(embedded, planned):
    tiny = planned(embedded).build_all()
    with pytest.raises(InputError, match="sees vectors of a table"):
        Predictor.load(tiny.store.root, cell=tiny.plan.cells[0].stage.key)
