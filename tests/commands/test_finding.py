"""A loop is found, and its page stands up, without what only a grid needs."""

import subprocess
import sys

import pytest

from grid.store.store import Store
from motor.commands.finding import find_loop, review_of
from motor.looping.loop import Facts, LoopError, begin_loop

LATER = ("alembic", "lightgbm", "pandas", "ray", "scipy", "sklearn", "torch")
SAID = "import sys, motor.commands.review, motor.review.server.serving; print(*sys.modules)"


def begin(storage, name, config="{}"):
    begin_loop(storage, name, config, Facts({}, ("normal", "spark"), "normal", ())).database.close()


def test_page_imports_nothing_before_it_needs_it():
    loaded = subprocess.run([sys.executable, "-c", SAID], check=True, capture_output=True, text=True).stdout.split()
    assert set(LATER) & set(loaded) == set()


def test_only_loop_need_not_be_named(tmp_path):
    with pytest.raises(LoopError, match="there is none"):
        find_loop(Store(tmp_path), None)
    begin(tmp_path, "plant")
    assert find_loop(Store(tmp_path), None).name == "plant"
    begin(tmp_path, "other")
    with pytest.raises(LoopError, match="there are: other, plant; name one"):
        find_loop(Store(tmp_path), None)


def test_review_is_told_what_the_config_says(tmp_path):
    begin(tmp_path, "plant", "loop: {guidelines: look, known: test}")
    found = review_of(find_loop(Store(tmp_path), "plant"))
    assert (found.guidelines, found.classes, found.reviewers) == ("look", ("normal", "spark"), 2)
    assert found.known() == {}
