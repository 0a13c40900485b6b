"""Imported by Ray's workers once they have joined: what their first stages import is, while they wait to be asked."""

import contextlib
import gc
import os
import sys
from collections.abc import Iterable
from importlib import import_module

NAMES = "MOTOR_GRID_IMPORTED_AHEAD"  # of the modules, with commas between them, in a worker's environment
YOUNG = 20_000  # new objects between searches for cyclic garbage; of what imports make, nearly all stays
MORE = 100  # modules that a stage imported, from which on they are set aside

_set_aside = 0  # how many modules were there when they were last set aside


def import_all(names: Iterable[str]) -> None:
    """Import modules without searches for cyclic garbage: by themselves they take a seventh of the time.

    What cannot be imported is left to the stage that needs it, which says so in its log.
    """
    gc.disable()
    for name in names:
        with contextlib.suppress(ImportError):
            import_module(name)
    set_modules_aside()
    gc.enable()


def set_modules_aside() -> None:
    """Let searches for cyclic garbage pass over what was imported so far; to be called between stages.

    A worker that holds torch and pandas spends a twentieth of its time looking through their objects again and again.
    """
    global _set_aside
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
    if len(sys.modules) - _set_aside >= MORE:
        gc.collect(1)  # what the last stage left would else stay for ever
        gc.freeze()
        _set_aside = len(sys.modules)


import_all(filter(None, os.environ.get(NAMES, "").split(",")))
