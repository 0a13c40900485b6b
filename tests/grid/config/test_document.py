"""Overlays and sections: data merge, places stay."""

import pytest

from grid.config.document import ConfigError, Document
from grid.config.reading import read_document

TEXT = """\
seed: 1
finetune:
  num_steps: 100
  optimizer: {kind: adam, beta: 0.9}
  layers: [1, 2]
by_method:
  C:
    seed: 2
    finetune:
      num_steps: 5
      layers: [3]
      extra: x
  sgd:
    finetune: {optimizer: {kind: sgd, momentum: 0.5}}
  tuned:
    finetune: {optimizer: {beta: 0.5}}
  empty:
  wrong: 3
by_domain:
  A: {num_steps: 7}
"""


@pytest.fixture
def document(tmp_path) -> Document:
    return at(tmp_path)


def at(folder, *overrides: str) -> Document:
    (folder / "mine.yaml").write_text(TEXT)
    return read_document(folder / "mine.yaml", overrides)


def place(document: Document, *keys: str | int) -> str:
    return document.place(keys).rpartition("/")[2]


def test_overlaid_merges_mappings_and_replaces_the_rest(document):
    merged = document.overlaid(("by_method", "C")).without(["by_method", "by_domain"])
    assert merged.data == {
        "seed": 2,
        "finetune": {"num_steps": 5, "optimizer": {"kind": "adam", "beta": 0.9}, "layers": (3,), "extra": "x"},
    }


def test_overlaid_nodes_keep_their_own_places(document):
    merged = document.overlaid(("by_method", "C"))
    assert place(merged, "seed") == "mine.yaml:8:5, by_method.C.seed"
    assert place(merged, "finetune", "num_steps") == "mine.yaml:10:7, by_method.C.finetune.num_steps"
    assert place(merged, "finetune", "layers", 0) == "mine.yaml:11:16, by_method.C.finetune.layers[0]"
    assert place(merged, "finetune", "optimizer", "beta") == "mine.yaml:4:27, finetune.optimizer.beta"
    assert place(merged, "finetune") == "mine.yaml:2:1, finetune"


def test_overlaid_leaves_the_document_as_it_was(document):
    before = document.data
    document.overlaid(("by_method", "C"))
    assert document.data == before


def test_overlaid_other_kind_replaces_the_mapping(document):
    merged = document.overlaid(("by_method", "sgd"))
    assert merged.data["finetune"]["optimizer"] == {"kind": "sgd", "momentum": 0.5}
    assert merged.data["finetune"]["num_steps"] == 100


def test_overlaid_same_kind_merges_the_mapping(document):
    merged = document.overlaid(("by_method", "tuned"))
    assert merged.data["finetune"]["optimizer"] == {"kind": "adam", "beta": 0.5}


def test_overlaid_under_a_section_applies_there(document):
    merged = document.overlaid(("by_domain", "A"), under=("finetune",))
    assert merged.data["finetune"]["num_steps"] == 7
    assert place(merged, "finetune", "num_steps") == "mine.yaml:20:7, by_domain.A.num_steps"
    assert document.overlaid(("by_domain", "A"), under=("new", "one")).data["new"] == {"one": {"num_steps": 7}}


@pytest.mark.parametrize("name", ["empty", "nobody"])
def test_overlaid_without_such_an_overlay_changes_nothing(document, name):
    assert document.overlaid(("by_method", name)) == document


def test_overlaid_scalar_is_a_fault(document):
    (fault,) = document.overlaid(("by_method", "wrong")).faults
    assert fault.place.endswith("mine.yaml:18:3, by_method.wrong")
    assert fault.message == "wrong must be a mapping, got 3"


def test_overlaid_command_line_stands_against_the_file(tmp_path):
    merged = at(tmp_path, "finetune.num_steps=9").overlaid(("by_method", "C"))
    assert merged.data["finetune"]["num_steps"] == 9
    assert merged.data["finetune"]["layers"] == (3,)


def test_overlaid_command_line_can_set_the_overlay(tmp_path):
    merged = at(tmp_path, "by_method.C.finetune.num_steps=9", "finetune.num_steps=8").overlaid(("by_method", "C"))
    assert merged.data["finetune"]["num_steps"] == 9


def test_overlaid_kind_of_the_command_line_stands_against_the_file(tmp_path):
    merged = at(tmp_path, "finetune.optimizer={kind: lion}").overlaid(("by_method", "sgd"))
    assert merged.data["finetune"]["optimizer"] == {"kind": "lion"}


def test_section_missing_is_an_error_at_the_nearest_place(document):
    with pytest.raises(ConfigError, match=r"mine.yaml:2:1, finetune: missing section 'finetune.scheduler'"):
        document.section(("finetune", "scheduler"))


def test_section_faults_are_its_own(tmp_path):
    (tmp_path / "mine.yaml").write_text("a: {x: 1, x: 2}\nb: {y: 1}")
    document = read_document(tmp_path / "mine.yaml")
    assert len(document.section(("a",)).faults) == 1
    assert document.section(("b",)).faults == ()
    assert document.without(["a"]).faults == ()
