"""`compare`: which reports words mean, and the folder that comes of them."""

import json

import numpy as np
import pytest

from motor.commands import line
from motor.commands.compare import reports_in

RECIPE = {"name": "method orders", "axes": {"method": "orders"}, "is_joint": False, "family": "plain", "score": 0.5}
RECIPE |= {"interval": [0.4, 0.6], "behind": None, "seconds": 1.0, "backbone": None}
SUMMARY = {"name": "g", "recipes": [RECIPE], "metric": {"kind": "macro_f1", "better": "higher"}, "domains": ["a"]}
SUMMARY |= {"n_motors": 9, "verdict": None, "classes": ["x"], "normal": "x", "digests": {"data": "d"}}


@pytest.fixture
def storage(tmp_path):
    for name in ("one", "two"):
        folder = tmp_path / "store" / "results" / name
        folder.mkdir(parents=True)
        (folder / "summary.json").write_text(json.dumps({**SUMMARY, "name": name}), encoding="utf-8")
    return tmp_path / "store"


def test_words_mean_storages_results_and_configs(storage, tmp_path):
    config = tmp_path / "two.yaml"
    config.write_text("seed: 1\n", encoding="utf-8")
    named = [[str(storage)], [str(storage / "results" / "one")], [str(config)]]
    found = [[(report.where, report.name) for report in reports_in(words, str(storage))] for words in named]
    assert found == [[("store", "one"), ("store", "two")], [("store", "one")], [("store", "two")]]


@pytest.mark.parametrize(
    ("word", "message"), [("nowhere", "neither a storage"), ("empty", "no report"), ("broken", "is damaged")]
)
def test_word_without_a_report_says_what_it_has(storage, tmp_path, word, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "summary.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        reports_in([str(tmp_path / word)], str(storage))


def test_arrays_of_another_launch_are_not_used(storage):
    np.savez(storage / "results" / "one" / "ranking.npz", values=np.zeros((3, 7)))
    assert reports_in([str(storage / "results" / "one")], "")[0].kept is None


def test_compare_writes_page_rows_and_schema(storage, tmp_path, capsys):
    assert line.main(["compare", str(storage), "--to", str(tmp_path / "page"), "--language", "zh"]) == 0
    rows = json.loads((tmp_path / "page" / "rows.json").read_text(encoding="utf-8"))
    assert [row["grid"] for row in rows] == ["one", "two"]
    assert {path.name for path in (tmp_path / "page").iterdir()} == {"index.html", "rows.json", "row.schema.json"}
    assert "2 reports" in capsys.readouterr().out
