"""Runs ``launch.py`` and kills a process of it at one moment of a loop, as ``kill -9`` does.

    python struck.py POINT COUNT VICTIM WORD ...

POINT is a function, ``module:name``: when it returns for the COUNT-th time the VICTIM is killed (``conductor``, this
process itself). Or ``building``: as soon as a stage is being built; then VICTIM may be ``raylet``, ``gcs_server`` or
``worker``, too.
"""

import os
import signal
import sys
import threading
import time
from importlib import import_module
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[2]))

from grid.store.store import Store
from motor.commands import line

LOOK_S, STRUCK = 0.01, "struck.txt"


def strike(victim):
    """Kill one process; return whether there is such a one."""
    if victim == "conductor":
        os.kill(os.getpid(), signal.SIGKILL)
    for process in psutil.Process().children(recursive=True):
        try:
            first = (process.cmdline() or [""])[0]
        except psutil.NoSuchProcess:
            continue
        is_worker = first.startswith("ray::") and not first.startswith("ray::IDLE")
        name = "worker" if is_worker else Path(first).name
        if name == victim:
            process.kill()
            return True
    return False


def strike_while_building(victim, store):
    """Kill it once a stage is held by who builds it."""
    while not (store.leases.holders() and strike(victim)):
        time.sleep(LOOK_S)
    store.root.with_name(STRUCK).write_text(victim, encoding="utf-8")  # what is printed meanwhile is Ray's


def strike_after(point, count, victim):
    """Kill it once a function has returned for the `count`-th time."""
    module, name = point.split(":")
    place, left = import_module(module), [count]
    called = getattr(place, name)

    def until_struck(*words, **named):
        found = called(*words, **named)
        left[0] -= 1
        if not left[0]:
            strike(victim)
        return found

    setattr(place, name, until_struck)


if __name__ == "__main__":
    point, count, victim, *words = sys.argv[1:]
    if point == "building":
        store = Store(Path(words[words.index("--storage") + 1]))
        threading.Thread(target=strike_while_building, args=(victim, store), daemon=True).start()
    else:
        strike_after(point, int(count), victim)
    sys.exit(line.main(words))
