"""The eight states follow from facts, in the order of a loop."""

import pytest

from motor.looping import iterations
from motor.looping.iterations import STATES, Standing
from motor.looping.loop import LoopError
from motor.review.database.chain import verify
from motor.review.database.opening import open_database

FACTS = [
    ("Created", {}),
    ("Annotating", {"n_asked": 5, "n_open": 5}),
    ("DataReady", {"is_sealed": True, "n_stages": 4}),
    ("Training", {"is_sealed": True, "n_stages": 4, "n_built": 2, "is_building": True}),
    ("Trained", {"is_sealed": True, "n_stages": 4, "n_built": 4}),
    ("Inferring", {"is_sealed": True, "n_stages": 4, "n_built": 4, "is_inferring": True}),
    ("Reviewing", {"is_sealed": True, "n_stages": 4, "n_built": 4, "is_inferred": True}),
    ("Completed", {"is_sealed": True, "n_stages": 4, "n_built": 4, "is_inferred": True, "is_closed": True}),
]


def test_every_state_is_below():
    assert tuple(state for state, _ in FACTS) == STATES


@pytest.mark.parametrize(("state", "facts"), FACTS)
def test_state_follows_from_facts(state, facts):
    assert Standing(**facts).state == state


def test_training_that_died_is_ready_again():
    assert Standing(is_sealed=True, n_stages=4, n_built=2).state == "DataReady"


@pytest.fixture
def database(tmp_path):
    found = open_database(tmp_path)
    yield found
    found.close()


def test_iteration_is_opened_once_until_its_labels_are_sealed(database):
    assert iterations.open_iteration(database, "tests") == iterations.open_iteration(database, "tests")
    iterations.note_sealed(database, 1, "abc", "tests")
    assert iterations.open_iteration(database, "tests").number == 2
    with pytest.raises(LoopError, match="sealed already"):
        iterations.note_sealed(database, 1, "def", "tests")
    assert [one.label_set for one in iterations.iterations(database)] == ["abc", None]
    assert verify(database) == []


def test_loop_without_an_iteration_says_what_to_do(database):
    with pytest.raises(LoopError, match="loop queue"):
        iterations.newest(database)


def test_alias_moves_and_looks_are_counted(database):
    iterations.set_alias(database, "champion", "k1", 1, "ann")
    iterations.set_alias(database, "champion", "k2", 2, "bob")
    (alias,) = iterations.aliases(database).values()
    assert (alias["cell"], alias["set_by"]) == ("k2", "bob")
    assert [iterations.note_look(database, "ann") for _ in range(3)] == [1, 2, 3]
