"""What workers import before they are asked."""

import gc
import sys

from grid.run import ahead
from grid.run.ahead import import_all


def test_modules_ahead_are_imported_what_is_not_there_is_left_and_garbage_is_looked_for_again(monkeypatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    try:
        import_all(["no_such_module", "colorsys"])
        assert "colorsys" in sys.modules
        assert gc.isenabled()
    finally:
        gc.unfreeze()


def test_modules_that_came_since_are_set_aside_between_stages_and_few_of_them_are_not(monkeypatch):
    monkeypatch.setattr(ahead, "_set_aside", len(sys.modules) - ahead.MORE)
    former = gc.get_threshold()
    try:
        gc.unfreeze()
        ahead.set_modules_aside()
        assert gc.get_freeze_count() > 10_000  # what this process has imported
        gc.unfreeze()
        ahead.set_modules_aside()
        assert gc.get_freeze_count() == 0
        assert gc.get_threshold()[0] == ahead.YOUNG
    finally:
        gc.unfreeze()
        gc.set_threshold(*former)
