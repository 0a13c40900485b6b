"""Tables of vectors: read as they were written, and refused with every fault by name."""

import numpy as np
import pandas as pd
import pytest

from motor.features.given import Given
from motor.features.vectors import Vectors, VectorsError, read_vectors, write_vectors

ITEMS = ["a/1", "a/2", "b/1"]


@pytest.fixture
def table():
    numbers = np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32)
    return pd.DataFrame({"item": ITEMS, "x": numbers[:, 0], "y": numbers[:, 1]})


@pytest.mark.parametrize("suffix", [".parquet", ".npz"])
def test_vectors_written_and_read_are_the_same_bits(table, tmp_path, suffix):
    about = {"learned_from": {"0": ["m1"]}}
    write_vectors(Vectors(tmp_path, table.assign(fold="0"), about), tmp_path / f"v{suffix}")
    found = read_vectors(tmp_path / f"v{suffix}")
    assert found.about == about
    assert found.of_fold("0", ITEMS[::-1]).to_numpy().tobytes() == table[["x", "y"]].to_numpy()[::-1].tobytes()


def test_vectors_as_one_array_an_item_are_read(tmp_path):
    np.savez(tmp_path / "v.npz", **{item: np.arange(3.0) + place for place, item in enumerate(ITEMS)})
    assert read_vectors(tmp_path / "v.npz").of_fold("any", ["b/1"]).to_numpy().tolist() == [[2.0, 3.0, 4.0]]


def test_vectors_as_lists_keep_their_type(tmp_path):
    lists = [np.ones(2, np.float32)] * 3
    pd.DataFrame({"item": ITEMS, "vector": lists}).to_parquet(tmp_path / "v.parquet")
    assert set(read_vectors(tmp_path / "v.parquet").of_fold("0", ITEMS).dtypes) == {np.dtype(np.float32)}


def test_vectors_faults_are_all_in_one_message(tmp_path):
    lists = [np.ones(2), np.array([1.0, np.nan]), np.ones(3), np.ones(2)]
    pd.DataFrame({"item": [*ITEMS, "a/1"], "vector": lists}).to_parquet(tmp_path / "v.parquet")
    with pytest.raises(VectorsError) as error:
        read_vectors(tmp_path / "v.parquet")
    assert "1 item is given twice: a/1" in str(error.value)
    assert "unequal length (most have 2): b/1 (3)" in str(error.value)
    assert "not finite: a/2" in str(error.value)


def test_vectors_that_lack_an_item_name_it(table, tmp_path):
    with pytest.raises(VectorsError, match="1 item is missing: c/9"):
        Vectors(tmp_path, table).of_fold("0", ["a/1", "c/9"])


def test_vectors_with_a_column_of_labels_are_refused(table, tmp_path):
    table.assign(label="normal").to_parquet(tmp_path / "v.parquet")
    with pytest.raises(VectorsError, match="column 'label'"):
        read_vectors(tmp_path / "v.parquet")


def test_pickled_objects_are_never_opened(tmp_path):
    np.savez(tmp_path / "v.npz", item=np.array(ITEMS), vector=np.array([[1], [2, 3], {}], dtype=object))
    with pytest.raises(VectorsError, match="allow_pickle"):
        read_vectors(tmp_path / "v.npz")
    with pytest.raises(ValueError, match="pickle is never opened"):
        Given(path="v.pkl")
