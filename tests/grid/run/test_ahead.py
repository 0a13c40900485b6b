"""What workers import before they are asked."""

import gc
import sys

from grid.run.ahead import import_all


def test_modules_ahead_are_imported_what_is_not_there_is_left_and_garbage_is_looked_for_again(monkeypatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    try:
        import_all(["no_such_module", "colorsys"])
        assert "colorsys" in sys.modules
        assert gc.isenabled()
    finally:
        gc.unfreeze()
