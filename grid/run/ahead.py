"""Imported by Ray's workers once they have joined: what their first stages import is, while they wait to be asked."""

import contextlib
import gc
import os
import sys
import threading
from collections.abc import Iterable
from importlib import import_module

NAMES = "MOTOR_GRID_IMPORTED_AHEAD"  # of the modules, with commas between them, in a worker's environment
LATER = "MOTOR_GRID_IMPORTED_LATER"  # of those that wait until it has not been asked for a while
IDLE_S = 0.7  # so long; a worker that is asked at once is not held up
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
    gc.freeze()
    gc.enable()


class WhileIdle:
    """Imports modules one after the other, from a while without work on until there is some."""

    def __init__(self, names: Iterable[str], idle_s: float = IDLE_S) -> None:
        self._asked = threading.Event()
        self._thread = threading.Thread(target=self._import, args=(list(names), idle_s), name="ahead", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """There is work: begin no other module, and wait for the one under way, of which half could be found."""
        self._asked.set()
        self._thread.join()

    def _import(self, names: Iterable[str], idle_s: float) -> None:
        for place, name in enumerate(names):
            if self._asked.wait(0 if place else idle_s):
                return
            with contextlib.suppress(ImportError):
                import_module(name)


def begin_stage() -> None:
    """Let a stage have its worker to itself, and searches for cyclic garbage pass over what was imported before.

    A worker that holds torch and pandas spends a twentieth of its time looking through their objects again and again.
    """
    global _set_aside
    if _idle is not None:
        _idle.end()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
    if len(sys.modules) - _set_aside >= MORE:
        gc.collect(1)  # what the last stage left would else stay for ever
        gc.freeze()
        _set_aside = len(sys.modules)


def _names(variable: str) -> list[str]:
    return [name for name in os.environ.get(variable, "").split(",") if name]


import_all(_names(NAMES))
_idle = WhileIdle(_names(LATER)) if _names(LATER) else None
