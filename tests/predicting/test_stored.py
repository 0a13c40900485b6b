"""The cells of a storage, found by key, by name and as the best."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from motor.predicting.parts import PartError
from motor.predicting.stored import CellError, find_cells


def test_stored_cell_by_name_by_key_and_by_its_start(storage: Path, tiny_built: Any) -> None:
    key = tiny_built.cell("A/Joint/64/lda").key
    for wanted in ("A/Joint/64/lda", key, key[:8]):
        (cell,) = find_cells(storage, wanted)
        assert (cell.key, cell.name) == (key, "A/Joint/64/lda")


def test_stored_best_is_what_the_ranking_names_first(storage: Path) -> None:
    from motor.evaluation.ranking import rank_recipes
    from motor.evaluation.scores import score_cells
    from motor.predicting.results import results_of
    from motor.predicting.stored import _cells_of, _result

    cells = [_result(cell) for cell in _cells_of(results_of(storage), "tiny")]
    ranking = rank_recipes(cells, score_cells(cells, ("normal", "spark", "vibrate")), "Joint")
    assert ranking is not None
    first = ranking.recipes[0]
    found = find_cells(storage, "best")
    assert {cell.axes["method"] for cell in found} == {first.method}
    assert len(found) == (1 if first.is_joint else 2)


def test_stored_best_of_one_domain_is_one_cell(storage: Path) -> None:
    (cell,) = find_cells(storage, "best", domain="ZhenDong")
    assert cell.axes["domain"] in ("ZhenDong", "Joint")


@pytest.mark.parametrize(
    ("wanted", "results", "words"),
    [
        ("A/Joint/64/lgbm", None, "did you mean 'A/Joint/64/lda'.*there are 5: "),
        ("best", "grd", "no results of 'grd'; there are: tiny"),
        ("ffffffff", None, "no cell 'ffffffff'"),
    ],
)
def test_stored_cell_that_is_not_there_named(storage: Path, wanted: str, results: str | None, words: str) -> None:
    with pytest.raises(CellError, match=words):
        find_cells(storage, wanted, results)


def test_stored_storage_that_is_not_there_named(tmp_path: Path) -> None:
    with pytest.raises(CellError, match="there is no storage"):
        find_cells(tmp_path / "gone", "best")
    with pytest.raises(CellError, match="no results yet"):
        find_cells(tmp_path, "best")


def test_stored_unknown_domain_of_the_best_named(storage: Path) -> None:
    with pytest.raises(CellError, match=r"unknown domain 'ZenDong' .did you mean 'ZhenDong'"):
        find_cells(storage, "best", domain="ZenDong")


def test_stored_cell_whose_forecaster_was_deleted_told(storage: Path, tiny_built: Any, tmp_path: Path) -> None:
    copy = tmp_path / "storage"
    shutil.copytree(storage, copy, symlinks=True)
    shutil.rmtree(copy / "finetune")
    (cell,) = find_cells(copy, tiny_built.cell("A/Joint/64/lda").key)
    with pytest.raises(PartError, match=r"stage finetune .* was deleted.*--force finetune"):
        cell.parts()


def test_stored_cell_says_what_it_was_trained_on(storage: Path) -> None:
    parts = find_cells(storage, "A/Joint/64/lda")[0].parts()
    assert parts.trained_on == {
        domain: {"sampling_rates_hz": [4096.0], "n_samples": [512, 512]} for domain in ("ShengYing", "ZhenDong")
    }
    assert parts.metrics["n_motors"] == 3
