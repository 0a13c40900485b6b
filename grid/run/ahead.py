"""Imported by Ray's workers once they have joined: what their first stages import is, while they wait to be asked."""

import contextlib
import gc
import os
from collections.abc import Iterable
from importlib import import_module

NAMES = "MOTOR_GRID_IMPORTED_AHEAD"  # of the modules, with commas between them, in a worker's environment


def import_all(names: Iterable[str]) -> None:
    """Import modules without searches for cyclic garbage: by themselves they take a seventh of the time.

    What cannot be imported is left to the stage that needs it, which says so in its log.
    """
    gc.disable()
    for name in names:
        with contextlib.suppress(ImportError):
            import_module(name)
    gc.freeze()
    gc.enable()


import_all(filter(None, os.environ.get(NAMES, "").split(",")))
